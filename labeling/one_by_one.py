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
from labeling.labeler import Labeler, Labeling, LabelingFailed, Picture, Unusable
from labeling.models import LabelingItem
from labeling.outcomes import Attempt, check_hope, labelled, not_labelled
from labeling.pictures import page_texts, picture_of

POLL_S = 0.25
# Pictures decoded at the same time: each may take as much memory as the largest that is let in.
PREPARERS = 2
# Pictures that are ready, or nearly so, before it is their turn.
AHEAD = 4
# Items read from the database at once.
CHUNK = 32


@dataclass
class _Line:
    """The way of the pictures: waiting (ids), read, being made ready, in flight."""

    waiting: deque[int]
    read: deque[tuple[LabelingItem, tuple[str, ...]]] = field(default_factory=deque)
    preparing: dict[Future[Picture], LabelingItem] = field(default_factory=dict)
    in_flight: dict[Future[Labeling], LabelingItem] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.waiting) + len(self.read) + len(self.preparing) + len(self.in_flight)


def label(attempt: Attempt) -> None:
    """Ask about every open item of the run. Raises Unusable, JobFailed, JobCancelled."""
    opened = attempt.run.items.filter(outcome__in=LabelingItem.OPEN)
    line = _Line(deque(opened.values_list("pk", flat=True)))
    preparers = ThreadPoolExecutor(PREPARERS, thread_name_prefix="pictures")
    try:
        with attempt.kind.make() as labeler:
            try:
                _work(attempt, line, labeler, preparers)
            finally:
                # What was answered is paid for: keep it, whatever ends the run.
                _keep_answers(attempt, line)
    finally:
        preparers.shutdown(wait=False, cancel_futures=True)


def _work(attempt: Attempt, line: _Line, labeler: Labeler, preparers: ThreadPoolExecutor) -> None:
    total, at_once = attempt.run.items.count(), attempt.kind.at_once()
    while line:
        attempt.progress(total - len(line), total)
        _prepare(attempt, line, preparers)
        _send(attempt, line, labeler, at_once)
        for future in _answered(line, at_once):
            _settle(attempt, line.in_flight.pop(future), future)
            if line:
                check_hope(attempt)
            _send(attempt, line, labeler, at_once)
    attempt.progress(total, total)


def _prepare(attempt: Attempt, line: _Line, preparers: ThreadPoolExecutor) -> None:
    """Keep the threads busy with what comes next."""
    while len(line.preparing) < AHEAD and (line.read or line.waiting):
        if not line.read:
            _read(line)
            continue
        item, texts = line.read.popleft()
        run = attempt.run
        made = preparers.submit(picture_of, item.image, run.prompt.text, run.album, texts)
        line.preparing[made] = item


def _read(line: _Line) -> None:
    """The next items with what is told of them; images deleted meanwhile are left out."""
    pks = [line.waiting.popleft() for _ in range(min(CHUNK, len(line.waiting)))]
    found = LabelingItem.objects.select_related("image").in_bulk(pks)
    items = [found[pk] for pk in pks if pk in found]
    texts = page_texts([item.image_id for item in items])
    line.read.extend((item, texts.get(item.image_id, ())) for item in items)


def _send(attempt: Attempt, line: _Line, labeler: Labeler, at_once: int) -> None:
    """Give what is ready to the labeler, as far as it takes more."""
    free = at_once - len(line.in_flight)
    for made in list(islice((made for made in line.preparing if made.done()), max(0, free))):
        item = line.preparing.pop(made)
        attempt.context.check_cancelled()
        try:
            line.in_flight[labeler.submit(made.result())] = item
        except (ImageRefused, OSError) as error:
            failed = LabelingFailed(f"The picture's file cannot be read: {error}")
            not_labelled(attempt, item, failed)
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
