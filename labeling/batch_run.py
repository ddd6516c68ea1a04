"""A run in batches from start to end, and the stopping of one that was given up.

While it waits for answers, which may take a day, the job lets others by. Its state is in rows, so
it goes on wherever it was, also after a kill.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.utils import timezone

from imagineer.jobs.models import ENDED, Job
from imagineer.jobs.registry import JobFailed
from labeling import batches
from labeling.batch_attempt import POLL_S, BatchAttempt
from labeling.batch_read import look
from labeling.batch_send import find_lost, send_next
from labeling.batches import BatchTrouble
from labeling.budget import BudgetSpent
from labeling.models import LabelingBatch
from labeling.outcomes import Attempt
from labeling.pictures import preparers
from labeling.turns import let_by

State = LabelingBatch.State
# How often it is asked whether another job waits.
LET_BY_S = 1.0
# After so long of nothing but trouble the job ends; what was sent is read when it is retried.
HOPELESS_S = 3600.0
LONGEST_TOLD_PAUSE_S = 600.0


def label(attempt: Attempt) -> None:
    """Ask about every waiting item of the run in batches, as far as the budget allows.

    Raises Unusable, JobFailed, JobCancelled; JobWaits when another job should have the worker.
    """
    with _opened(attempt) as work:
        _until(work, lambda: work.open().exists() or work.has_more())


def stop(attempt: Attempt) -> None:
    """Cancel the run's open batches and read what came of them, unless the run is retried."""
    attempt.run.batches.filter(state__in=LabelingBatch.OPEN).update(cancel_requested=True)

    def goes_on() -> bool:
        given_up = Job.objects.filter(pk=attempt.run.job_id, status__in=ENDED).exists()
        return given_up and work.open().exists()

    with _opened(attempt) as work:
        work.is_stopping = True
        _until(work, goes_on)


@contextmanager
def _opened(attempt: Attempt) -> Iterator[BatchAttempt]:
    if attempt.kind.batches is None:
        raise JobFailed(f"The labeler “{attempt.kind.title}” takes no batches.")
    threads = preparers()
    try:
        with attempt.kind.batches() as labeler:
            yield BatchAttempt(attempt, labeler, threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _until(work: BatchAttempt, goes_on: Callable[[], bool]) -> None:
    began: float | None = None
    told = ""
    while goes_on():
        trouble = _turn(work)
        work.progress()
        if trouble is None:
            began = None
        else:
            began = time.monotonic() if began is None else began
            if time.monotonic() - began > HOPELESS_S:
                raise JobFailed(f"{trouble} Retrying goes on with what is left.")
            if str(trouble) != told:
                told = str(trouble)
                work.attempt.context.log(f"{told} It is tried again.", "warning")
        if goes_on():
            _pause(work, _pause_s(work, trouble, time.monotonic() - began if began else 0.0))
    work.progress()


def _turn(work: BatchAttempt) -> BatchTrouble | None:
    """One look at everything that is open, then what can be sent; the trouble met, if any."""
    trouble: BatchTrouble | None = None
    is_uncertain = False
    for row in work.open():
        try:
            if row.state == State.SENDING:
                is_uncertain |= find_lost(work, row)
            else:
                look(work, row)
        except BatchTrouble as met:
            trouble = met
    if trouble or is_uncertain or work.is_stopping:
        return trouble
    try:
        while work.open().count() < batches.MOST_OPEN and work.has_more() and send_next(work):
            pass
    except BudgetSpent as spent:
        work.attempt.stopped = str(spent)
    except BatchTrouble as met:
        return met
    return None


def _pause_s(work: BatchAttempt, trouble: BatchTrouble | None, in_trouble_s: float) -> float:
    opened = list(work.open().values_list("created_at", flat=True))
    age = (timezone.now() - max(opened)).total_seconds() if opened else 0.0
    pause = batches.pause_s(max(age, in_trouble_s), len(opened))
    told = trouble.after_s if trouble and trouble.after_s else 0.0
    return max(pause, min(told, LONGEST_TOLD_PAUSE_S))


def _pause(work: BatchAttempt, seconds: float) -> None:
    """Wait, and let other jobs by: at once those that have work, at the end those that wait too."""
    end = time.monotonic() + seconds
    asked = float("-inf")
    while (now := time.monotonic()) < end:
        work.attempt.context.check_cancelled()
        if now - asked >= LET_BY_S:
            asked = now
            let_by(work.attempt.context.job, waiting_too=False)
        time.sleep(min(POLL_S, end - now))
    let_by(work.attempt.context.job, waiting_too=True)
