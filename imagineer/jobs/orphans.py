"""Recovery: what the database wants done and nobody does any more.

Every worker calls :func:`recover` at its start and every few seconds, busy or idle. Several may
do so at once, because every change is a compare-and-set. Two things are put right:

- running rows whose holder is dead: known at once for a process of this machine, otherwise by a
  heartbeat older than STALE_AFTER;
- queued rows that wait for nothing and that Redis does not hold: it was down, or has lost them.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

import redis
from django.db.models import Q
from django.utils import timezone

from imagineer.jobs import claims, queues, states
from imagineer.jobs.models import Job, Queue, Status

logger = logging.getLogger(__name__)

EVERY = 3.0
STALE_AFTER = timedelta(seconds=10)
# A worker whose child has just died tells how, so it comes first.
FRESH = timedelta(seconds=2)
# A delivered job is claimed within this time; telling Redis again is harmless but useless.
DELIVERY = timedelta(seconds=3)


def recover() -> None:
    """Put right whatever a death of anything has left behind. Raises DatabaseError only."""
    take_up_dead()
    settle_blocked()
    enqueue_forgotten()


def take_up_dead() -> int:
    """End or queue again the running rows of dead workers; how many."""
    quiet = timezone.now() - FRESH
    running = Job.objects.filter(Q(heartbeat_at__lt=quiet) | Q(heartbeat_at=None))
    rows = running.filter(status=Status.RUNNING).values_list(
        "pk", "claim", "heartbeat_at", "worker"
    )
    taken = 0
    for job_id, claim, heartbeat_at, worker in rows:
        if not _is_dead(claim, states.age(heartbeat_at)):
            continue
        state = states.died(job_id, claim, f"Nothing was heard of {worker} any more.")
        if state is not None:
            logger.warning("Job %s was left by %s; it is now %s", job_id, worker, state)
            taken += 1
    return taken


def _is_dead(claim: str, silence: float) -> bool:
    if claims.is_known_alive(claim):
        return False
    return claims.is_known_dead(claim) or silence > STALE_AFTER.total_seconds()


def settle_blocked() -> None:
    """Fail the queued jobs whose predecessor did not complete while nobody looked."""
    blocked = Job.objects.filter(status=Status.QUEUED, after__status__in=states.BLOCKING)
    for job_id in blocked.values_list("pk", flat=True).distinct():
        states.settle_waiting(job_id)


def enqueue_forgotten() -> int:
    """Tell Redis of the queued jobs that it does not hold; how many."""
    told_before = timezone.now() - DELIVERY
    forgotten = 0
    for name in Queue.values:
        due = states.ready().filter(
            Q(enqueued_at=None) | Q(enqueued_at__lt=told_before), queue=name
        )
        rows = list(due.values_list("pk", "enqueued_at"))
        if rows:
            try:
                forgotten += _enqueue_missing(name, rows)
            except redis.RedisError as error:
                logger.debug("The queue server does not answer: %s", error)
                break
    return forgotten


def _enqueue_missing(name: str, rows: list[tuple[UUID, datetime | None]]) -> int:
    known = queues.known_ids(name)
    count = 0
    for job_id, enqueued_at in rows:
        if str(job_id) in known:
            continue
        # Whoever changes the row first enqueues.
        mine = Job.objects.filter(pk=job_id, status=Status.QUEUED, enqueued_at=enqueued_at)
        if mine.update(enqueued_at=timezone.now()) and queues.enqueue(job_id):
            logger.info("Job %s was not in the queue any more; it is again", job_id)
            count += 1
    return count
