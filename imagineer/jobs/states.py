"""Every change of a job's state, each one a compare-and-set update whose row count decides.

                    claim                       finish
         queued ────────────► running ──────────────────────► completed | partial
          ▲ │ ▲                 │ │                            failed | cancelled
          │ │ │  give_back      │ │ died
          │ │ └─────────────────┘ ├──► queued                  first and second death
          │ │                     ├──► failed                  third death
          │ │ cancel              └──► cancelled               a cancel had been asked for
          │ ├──────────────────────────────────► cancelled
          │ │ block
          │ └──────────────────────────────────► failed        what it waited for failed
          │ retry
          └───────────────────────── partial | failed | cancelled

A running job is known by its claim, the token of the attempt that runs it: an attempt whose claim
was taken from it can change nothing any more. Every function says by its result whether the
change happened; False means that the row was in another state by then.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from imagineer.jobs import log, queues, registry
from imagineer.jobs.claims import new_claim
from imagineer.jobs.models import ENDED, Job, Status

MAX_ATTEMPTS = 3
STOPPED = "The worker was stopped; this goes on when one is free."
RETRIABLE = (Status.PARTIAL, Status.FAILED, Status.CANCELLED)
BLOCKING = (Status.FAILED, Status.CANCELLED)
DIED = (
    "The worker died three times while running this. If it was killed for using too much memory, "
    "ask for less at once; then retry it."
)


def claim(job_id: UUID, worker: str) -> Job | None:
    """queued → running by this process. None when another has it, it ended, or it must wait."""
    if Job.objects.filter(followers=job_id).unended().exists():
        return None
    now = timezone.now()
    token = new_claim()
    claimed = Job.objects.filter(pk=job_id, status=Status.QUEUED).update(
        status=Status.RUNNING,
        attempts=F("attempts") + 1,
        claim=token,
        worker=worker[:100],
        started_at=now,
        heartbeat_at=now,
        message="",
    )
    if not claimed:
        return None
    return Job.objects.filter(pk=job_id, claim=token).first()


def age(moment: datetime | None) -> float:
    """Seconds since then; infinite for never."""
    return (timezone.now() - moment).total_seconds() if moment else float("inf")


def _held(job_id: UUID, token: str) -> QuerySet[Job]:
    return Job.objects.filter(pk=job_id, status=Status.RUNNING, claim=token)


def heartbeat(job_id: UUID, token: str) -> bool:
    """Say that the attempt lives. False: it has lost its claim and must stop."""
    return bool(_held(job_id, token).update(heartbeat_at=timezone.now()))


def report(job_id: UUID, token: str, done: int, total: int, message: str) -> bool:
    """Write progress. False: the attempt has lost its claim and must stop."""
    changed = _held(job_id, token).update(
        progress_done=done,
        progress_total=total,
        message=message[:500],
        heartbeat_at=timezone.now(),
    )
    return bool(changed)


def finish(
    job_id: UUID,
    token: str,
    status: Status,
    *,
    result: Any = None,
    error: str = "",
    progress: tuple[int, int, str] | None = None,
) -> bool:
    """running → completed, partial, failed or cancelled, with the result or the sentence."""
    if status not in ENDED:
        raise ValueError(f"{status} is not an end.")
    values: dict[str, Any] = {"status": status, "result": result, "error": error}
    if progress:
        values |= _progress(progress)
    with transaction.atomic():
        ended = _held(job_id, token).update(claim="", finished_at=timezone.now(), **values)
        if ended:
            _ended(job_id)
    return bool(ended)


def _progress(told: tuple[int, int, str]) -> dict[str, Any]:
    done, total, message = told
    return {"progress_done": done, "progress_total": total, "message": message[:500]}


def give_back(
    job_id: UUID, token: str, line: str = "", *, progress: tuple[int, int, str] | None = None
) -> bool:
    """running → queued because the worker is stopped or the runner lets others by.

    The attempt does not count. line: for the job's log.
    """
    values = _progress(progress) if progress else {}
    with transaction.atomic():
        returned = _held(job_id, token).update(
            status=Status.QUEUED, claim="", attempts=F("attempts") - 1, enqueued_at=None, **values
        )
        if returned:
            if line:
                log.append(job_id, line)
            transaction.on_commit(lambda: queues.enqueue(job_id))
    return bool(returned)


def died(job_id: UUID, token: str, how: str = "") -> Status | None:
    """Take the claim from an attempt whose process is gone; the state it has then, or None.

    how: what is known of the death, for the log.
    """
    with transaction.atomic():
        job = _held(job_id, token).select_for_update().first()
        if job is None:
            return None
        if job.cancel_requested_at:
            return Status.CANCELLED if finish(job_id, token, Status.CANCELLED) else None
        line = f"The worker died while running this (attempt {job.attempts} of {MAX_ATTEMPTS})."
        log.append(job_id, f"{line} {how}".strip(), "warning", always=True)
        if job.attempts >= MAX_ATTEMPTS:
            return Status.FAILED if finish(job_id, token, Status.FAILED, error=DIED) else None
        returned = _held(job_id, token).update(status=Status.QUEUED, claim="", enqueued_at=None)
        if not returned:
            return None
        transaction.on_commit(lambda: queues.enqueue(job_id))
    return Status.QUEUED


def cancel(job: Job) -> bool:
    """Ask for the end of a job: at once while it waits, within seconds while it runs.

    False when it has ended, or a cancel was asked for before.
    """
    now = timezone.now()
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job.pk, status=Status.QUEUED)
        if waiting.update(status=Status.CANCELLED, cancel_requested_at=now, finished_at=now):
            _ended(job.pk)
            transaction.on_commit(lambda: queues.forget(job.pk, job.queue))
            return True
    running = Job.objects.filter(pk=job.pk, status=Status.RUNNING, cancel_requested_at__isnull=True)
    return bool(running.update(cancel_requested_at=now))


def block(job_id: UUID, error: str) -> bool:
    """queued → failed, because what it waited for did not complete."""
    with transaction.atomic():
        blocked = Job.objects.filter(pk=job_id, status=Status.QUEUED).update(
            status=Status.FAILED, error=error, finished_at=timezone.now()
        )
        if blocked:
            _ended(job_id)
    return bool(blocked)


def retry(job: Job, *, even_completed: bool = False) -> bool:
    """partial, failed or cancelled → queued with fresh attempts; the log is kept.

    even_completed: a completed one too, by a room that has opened some of its items again. Jobs
    that failed only because they waited for this one are queued again with it.
    """
    retriable = ENDED if even_completed else RETRIABLE
    with transaction.atomic():
        again = Job.objects.filter(pk=job.pk, status__in=retriable).update(
            status=Status.QUEUED,
            attempts=0,
            result=None,
            error="",
            message="",
            cancel_requested_at=None,
            started_at=None,
            finished_at=None,
            heartbeat_at=None,
            enqueued_at=None,
            claim="",
        )
        if not again:
            return False
        log.append(job.pk, "Queued again by an admin.", always=True)
        # Never started and failed: it was blocked.
        for follower in job.followers.filter(status=Status.FAILED, started_at__isnull=True):
            retry(follower)
        settle_waiting(job.pk)
    return True


def settle_waiting(job_id: UUID) -> None:
    """Decide about a queued job: enqueue it, fail it for a failed predecessor, or let it wait."""
    before = Job.objects.filter(followers=job_id)
    failed = before.filter(status__in=BLOCKING).order_by("finished_at").first()
    if failed is not None:
        block(job_id, blocked_sentence(failed))
    elif not before.unended().exists():
        transaction.on_commit(lambda: queues.enqueue(job_id))


def blocked_sentence(failed: Job) -> str:
    how = "was cancelled" if failed.status == Status.CANCELLED else "failed"
    return f"This needed “{failed.title or failed.kind}”, which {how}. Retry that one first."


def _ended(job_id: UUID) -> None:
    """In the transaction that ends a job: its kind hears of it, and its followers are settled."""
    job = Job.objects.get(pk=job_id)
    try:
        known = registry.kind(job.kind)
    except LookupError:
        known = None
    if known is not None and known.ended is not None:
        known.ended(job)
    _release_followers(job_id)


def _release_followers(job_id: UUID) -> None:
    waiting = Job.objects.filter(after=job_id, status=Status.QUEUED)
    for follower_id in waiting.values_list("pk", flat=True):
        settle_waiting(follower_id)


def ready() -> QuerySet[Job]:
    """Queued jobs that wait for nothing, in the order in which they should start."""
    unended = Job.objects.unended().filter(followers__isnull=False).values("followers")
    return Job.objects.filter(~Q(pk__in=unended), status=Status.QUEUED).order_by(
        "-priority", "created_at"
    )
