"""Pictures handed over together, answered within a day: what a labeler may offer. Pure."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from labeling.labeler import Labeling, LabelingFailed, Picture, Usage

# Anthropic takes 100 000 requests and 256 MB. Less is held in memory, travels over a slow line in
# one piece, and is answered earlier: nothing can be read before all of a batch has been dealt with.
MOST_REQUESTS = 10_000
MOST_BYTES = 16 * 1024 * 1024
# So many are open at the same time: a run whose pictures all fail does not send them all.
MOST_OPEN = 20
# Schema, system prompt and names of fields around one picture, generously.
AROUND_A_PICTURE = 8192
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True)
class Batch:
    """As its maker tells it. finished: how many of the requests were dealt with, which need not be
    told before all of them are. is_lost: it has ended, and its results are no longer kept.
    """

    id: str
    created_at: datetime
    requests: int
    finished: int = 0
    is_cancelling: bool = False
    has_ended: bool = False
    is_lost: bool = False


class BatchTrouble(Exception):
    """A call about a batch came to nothing; the text says why. after_s: when to try again, if told.

    Of a batch that was being sent it is not known whether it was taken.
    """

    def __init__(self, sentence: str, after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.after_s = after_s


class BatchNotTaken(BatchTrouble):
    """A batch was certainly not taken."""


class BatchGone(Exception):
    """The labeler's maker knows no such batch any more; the text says so."""


class Unanswered(LabelingFailed):
    """This time nothing of use came: worth asking once more.

    kept: what there is of an answer, for when a second one is no better.
    """

    def __init__(
        self, sentence: str, usage: Usage | None = None, kept: Labeling | None = None
    ) -> None:
        super().__init__(sentence, usage)
        self.kept = kept


class Withdrawn(LabelingFailed):
    """The request was cancelled before anybody had looked at it."""


Said = Labeling | LabelingFailed


class BatchResults(Protocol):
    """What came of a batch's requests, in any order. ``read`` yields (name, answer) pairs, at most
    so many; none at the end. Raises BatchTrouble, after which nothing more can be read.
    """

    def read(self, most: int) -> "Future[list[tuple[str, Said]]]": ...

    def close(self) -> "Future[None]": ...


class BatchLabeler(Protocol):
    """A context manager; leaving it gives up calls in flight, not what was sent.

    All futures may raise BatchTrouble or Unusable; those about a known batch BatchGone; that of
    ``send`` BatchNotTaken.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def send(self, requests: Sequence[tuple[str, Picture]]) -> Future[Batch]:
        """Hand over requests (name, picture). It is tried once, since a second try may pay twice.

        Names are distinct, 1 to 64 letters, digits, ``-`` and ``_``.
        """

    def look(self, batch_id: str) -> Future[Batch]: ...

    def cancel(self, batch_id: str) -> Future[Batch]: ...

    def since(self, moment: datetime) -> Future[list[Batch]]:
        """All batches taken since then, whoever sent them."""

    def results(self, batch_id: str) -> "Future[BatchResults]": ...


def name_of(token: str, number: int) -> str:
    """A request's name: its batch's token and its item's number."""
    return f"{token}-{number}"


def number_in(name: str, token: str) -> int | None:
    """The item's number; None for a name that was not made of this token."""
    prefix, _, number = name.rpartition("-")
    return int(number) if prefix == token and number.isdecimal() else None


def bytes_of(picture: Picture) -> int:
    """At most so many bytes are sent for a picture: base64, and what stands around it."""
    words = [picture.instructions, picture.found.prompt, picture.found.album]
    words += picture.found.page_texts
    return len(picture.jpeg) * 4 // 3 + 2 * len("".join(words).encode()) + AROUND_A_PICTURE


def pause_s(age_s: float, open_batches: int) -> float:
    """How long to wait between two looks at the open batches, the youngest of which is so old.

    A twentieth of its age, from one second to a minute; never so short that more than 30 looks are
    taken a minute (Anthropic allows 50 calls about batches).
    """
    return max(min(1.0 + age_s / 20, LONGEST_PAUSE_S), 2.0 * (open_batches - 1))
