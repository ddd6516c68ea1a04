"""A run's pictures are put before the labeler a few at a time.

Threads make the next pictures ready while answers are waited for, so that decoding costs no time
at the labeler. A picture is in flight from its sending until its answer is written: a kill has no
more than those asked again.
"""

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gallery.image_files import ImageRefused
from labeling.labeler import Labeler, Labeling, LabelingFailed, Unusable
from labeling.models import LabelingItem
from labeling.outcomes import Attempt, Outcome, check_hope, labelled, not_labelled, unreadable
from labeling.pictures import AHEAD, CHUNK, Preparing, prepare, preparers

POLL_S = 0.25


@dataclass
class _Line:
    """The way of the pictures: waiting (their items' ids), being made ready, in flight."""

    waiting: deque[int]
    preparing: dict[Preparing, LabelingItem] = field(default_factory=dict)
    in_flight: dict[Future[Labeling], LabelingItem] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.waiting) + len(self.preparing) + len(self.in_flight)


def label(attempt: Attempt) -> None:
    """Ask about every waiting item of the run. Raises Unusable, JobFailed, JobCancelled."""
    waiting = attempt.run.items.filter(outcome=Outcome.PENDING)
    line = _Line(deque(waiting.values_list("pk", flat=True)))
    threads = preparers()
    try:
        with attempt.kind.make() as labeler:
            try:
                _work(attempt, line, labeler, threads)
            finally:
                # What was answered is paid for: keep it, whatever ends the run.
                _keep_answers(attempt, line)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _work(attempt: Attempt, line: _Line, labeler: Labeler, threads: ThreadPoolExecutor) -> None:
    total, at_once = attempt.run.items.count(), attempt.kind.at_once()
    while line:
        attempt.progress(total - len(line), total)
        _prepare(attempt, line, threads)
        _send(attempt, line, labeler, at_once)
        for future in _answered(line, at_once):
            _settle(attempt, line.in_flight.pop(future), future)
            if line:
                check_hope(attempt)
            _send(attempt, line, labeler, at_once)
    attempt.progress(total, total)


def _prepare(attempt: Attempt, line: _Line, threads: ThreadPoolExecutor) -> None:
    """Keep the threads busy with what comes next; images deleted meanwhile are left out."""
    while len(line.preparing) < AHEAD and line.waiting:
        pks = [line.waiting.popleft() for _ in range(min(CHUNK, len(line.waiting)))]
        found = LabelingItem.objects.select_related("image").in_bulk(pks)
        chunk = [found[pk] for pk in pks if pk in found]
        line.preparing.update({made: item for item, made in prepare(threads, attempt.run, chunk)})


def _send(attempt: Attempt, line: _Line, labeler: Labeler, at_once: int) -> None:
    """Give what is ready to the labeler, as far as it takes more."""
    free = at_once - len(line.in_flight)
    for made in list(islice((made for made in line.preparing if made.done()), max(0, free))):
        item = line.preparing.pop(made)
        attempt.context.check_cancelled()
        try:
            line.in_flight[labeler.submit(made.result())] = item
        except (ImageRefused, OSError) as error:
            not_labelled(attempt, item, unreadable(error))
            if line:
                check_hope(attempt)


def _answered(line: _Line, at_once: int) -> list[Future[Labeling]]:
    """The answers that have come, once there are any or a picture can be sent."""
    awaited: set[Future[Any]] = set(line.in_flight)
    if len(line.in_flight) < at_once:
        awaited |= set(line.preparing)
    wait(awaited, timeout=POLL_S, return_when=FIRST_COMPLETED)
    return [future for future in line.in_flight if future.done()]


def _settle(attempt: Attempt, item: LabelingItem, future: Future[Labeling]) -> None:
    """Write what came of one request. Raises Unusable."""
    try:
        labeling = future.result()
    except LabelingFailed as failed:
        not_labelled(attempt, item, failed)
    else:
        labelled(attempt, item, labeling)


def _keep_answers(attempt: Attempt, line: _Line) -> None:
    for future, item in line.in_flight.items():
        if future.done() and not future.cancelled():
            try:
                _settle(attempt, item, future)
            except Unusable:
                # Nothing was paid for.
                continue
