"""One attempt at a run in batches: what its parts share, and how they wait for an answer."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import QuerySet

from labeling.batches import BatchLabeler
from labeling.labeler import Picture
from labeling.models import LabelingBatch, LabelingItem
from labeling.outcomes import Attempt, Outcome

T = TypeVar("T")
POLL_S = 0.25


@dataclass
class BatchAttempt:
    """is_stopping: open batches are cancelled, what has come is read, and nothing is sent.

    ready: pictures that are to be sent next. foreign: ids of batches that were looked into and are
    not this run's. told: of batches that have not ended, by row, how many requests were dealt with
    as far as that is told.
    """

    attempt: Attempt
    labeler: BatchLabeler
    threads: ThreadPoolExecutor
    is_stopping: bool = False
    ready: list[tuple[LabelingItem, Picture]] = field(default_factory=list)
    foreign: set[str] = field(default_factory=set)
    told: dict[int, int] = field(default_factory=dict)

    def open(self) -> QuerySet[LabelingBatch]:
        return self.attempt.run.batches.filter(state__in=LabelingBatch.OPEN)

    def waiting(self) -> QuerySet[LabelingItem]:
        return self.attempt.run.items.filter(outcome=Outcome.PENDING, batch=None)

    def has_more(self) -> bool:
        """Whether there are pictures to hand over."""
        return not self.attempt.stopped and self.waiting().exists()

    def progress(self) -> None:
        """Raises JobCancelled."""
        items = self.attempt.run.items
        total, pending = items.count(), items.filter(outcome=Outcome.PENDING)
        away = pending.exclude(batch=None).count()
        settled = total - pending.count() + min(away, sum(self.told.values()))
        self.attempt.progress(settled, total, f"; {away} handed over in batches" if away else "")

    def awaited(self, future: Future[T]) -> T:
        """The future's result; a cancel of the job is seen meanwhile and gives the call up."""
        try:
            while not wait([future], timeout=POLL_S).done:
                self.attempt.context.check_cancelled()
        except BaseException:
            future.cancel()
            raise
        return future.result()
