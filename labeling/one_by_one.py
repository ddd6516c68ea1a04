"""A run's pictures are put before the labeler a few at a time.

Threads make the next pictures ready while answers are waited for, so that decoding costs no time
at the labeler. A picture is in flight from its sending until its answer is written: a kill has no
more than those asked again. What a request may cost is set aside before it is sent.
"""

import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gallery.image_files import ImageRefused
from labeling import budget
from labeling.budget import NOTHING, BudgetSpent
from labeling.estimates import most_for
from labeling.labeler import Labeler, Labeling, LabelingFailed, Picture, Unusable
from labeling.models import LabelingItem
from labeling.outcomes import (
    Attempt,
    Outcome,
    check_hope,
    labelled,
    not_labelled,
    unreadable,
    without_trash,
)
from labeling.pictures import AHEAD, CHUNK, Preparing, prepare, preparers
from labeling.turns import let_by

POLL_S = 0.25
# While the budget is set aside by others: how long until jobs that have work are let by, and those
# that wait too, which may be the ones that have it.
LET_BY_S = 5.0
LET_ALL_BY_S = 30.0


@dataclass(frozen=True)
class _Asked:
    """A request on its way. reserved: US dollars that are set aside for it."""

    item: LabelingItem
    reserved: Decimal


@dataclass
class _Line:
    """The way of the pictures: waiting (their items' ids), being made ready, in flight.

    held_up: one that is ready and waits until the budget allows it, since held_since.
    """

    waiting: deque[int]
    preparing: dict[Preparing, LabelingItem] = field(default_factory=dict)
    held_up: tuple[LabelingItem, Picture] | None = None
    held_since: float = 0.0
    in_flight: dict[Future[Labeling], _Asked] = field(default_factory=dict)

    def __len__(self) -> int:
        ready = self.held_up is not None
        return len(self.waiting) + len(self.preparing) + ready + len(self.in_flight)


def label(attempt: Attempt) -> None:
    """Ask about every waiting item of the run, as far as the budget allows.

    Raises Unusable, JobFailed, JobCancelled; JobWaits when another job should have the worker.
    """
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
    while line.in_flight or (line and not attempt.stopped):
        attempt.progress(total - len(line), total)
        _prepare(attempt, line, threads)
        _send(attempt, line, labeler, at_once)
        if line.held_up and not line.in_flight and not attempt.stopped:
            _wait_for_others(attempt, line)
        for future in _answered(line, at_once):
            _settle(attempt, line.in_flight.pop(future), future)
            if line:
                check_hope(attempt)
            _send(attempt, line, labeler, at_once)
    attempt.progress(total - len(line), total)


def _prepare(attempt: Attempt, line: _Line, threads: ThreadPoolExecutor) -> None:
    """Keep the threads busy with what comes next; images deleted meanwhile are left out."""
    while len(line.preparing) < AHEAD and line.waiting:
        pks = [line.waiting.popleft() for _ in range(min(CHUNK, len(line.waiting)))]
        found = LabelingItem.objects.select_related("image").in_bulk(pks)
        chunk = [found[pk] for pk in pks if pk in found]
        coming = prepare(threads, attempt.run, without_trash(chunk))
        line.preparing.update({made: item for item, made in coming})


def _send(attempt: Attempt, line: _Line, labeler: Labeler, at_once: int) -> None:
    """Give what is ready to the labeler, as far as it takes more and the budget allows it."""
    while len(line.in_flight) < at_once and not attempt.stopped:
        attempt.context.check_cancelled()
        if line.held_up is None:
            line.held_up, line.held_since = _next_ready(attempt, line), time.monotonic()
        if line.held_up is None:
            return
        item, picture = line.held_up
        price = attempt.price(attempt.run.model)
        amount = most_for(picture, item.image, price) if price else NOTHING
        try:
            if not budget.reserve(attempt.run, amount):
                return
        except BudgetSpent as spent:
            attempt.stopped = str(spent)
            return
        line.held_up = None
        line.in_flight[labeler.submit(picture)] = _Asked(item, amount)


def _next_ready(attempt: Attempt, line: _Line) -> tuple[LabelingItem, Picture] | None:
    """A picture that is ready, None while there is none. Raises JobFailed."""
    for made in [made for made in line.preparing if made.done()]:
        item = line.preparing.pop(made)
        try:
            picture = made.result()
        except (ImageRefused, OSError) as error:
            unreadable(attempt, item, error)
            if line:
                check_hope(attempt)
        else:
            attempt.unreadable_in_a_row = 0
            return item, picture
    return None


def _wait_for_others(attempt: Attempt, line: _Line) -> None:
    """Others have set aside what is left of the budget, and may not need all of it."""
    time.sleep(POLL_S)
    held_s = time.monotonic() - line.held_since
    if held_s >= LET_BY_S:
        let_by(attempt.context.job, waiting_too=held_s >= LET_ALL_BY_S)


def _answered(line: _Line, at_once: int) -> list[Future[Labeling]]:
    """The answers that have come, once there are any or a picture can be sent."""
    awaited: set[Future[Any]] = set(line.in_flight)
    if len(line.in_flight) < at_once and line.held_up is None:
        awaited |= set(line.preparing)
    wait(awaited, timeout=POLL_S, return_when=FIRST_COMPLETED)
    return [future for future in line.in_flight if future.done()]


def _settle(attempt: Attempt, asked: _Asked, future: Future[Labeling]) -> None:
    """Write what came of one request. Raises Unusable."""
    try:
        labeling = future.result()
    except LabelingFailed as failed:
        not_labelled(attempt, asked.item, failed, asked.reserved)
    else:
        labelled(attempt, asked.item, labeling, asked.reserved)


def _keep_answers(attempt: Attempt, line: _Line) -> None:
    for future, asked in line.in_flight.items():
        if future.done() and not future.cancelled():
            try:
                _settle(attempt, asked, future)
            except Unusable:
                # Nothing was paid for.
                continue
