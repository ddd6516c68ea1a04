"""What a labeler is: a picture and words go in, a dataclass comes out. Pure.

Implementations are ``claude_client.py`` and ``local_labeler.py``; more are named in the setting
LABELERS (:mod:`labeling.labelers`).
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

# The long side over which Anthropic's API would scale a picture down itself; all get no more.
LONGEST_SIDE = 1568
JPEG_QUALITY = 90


@dataclass(frozen=True)
class Found:
    """What is known of the picture besides its pixels. All of it was written by others.

    prompt: what it was drawn from; page_texts: words of the web page it came from, the closest
    first; keywords: those embedded in its file; album: the name and description of the run's album.
    """

    prompt: str = ""
    page_texts: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    album: str = ""


@dataclass(frozen=True)
class Picture:
    """jpeg: upright, its long side at most LONGEST_SIDE pixels. instructions: an admin's."""

    jpeg: bytes = field(repr=False)
    instructions: str = ""
    found: Found = Found()


@dataclass(frozen=True)
class Usage:
    """Tokens that were paid for. cached ones were read from the prompt's cache, written ones put
    into it; input counts neither.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(mine + theirs for mine, theirs in zip(_all(self), _all(other), strict=True)))

    @property
    def all_input_tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


def _all(usage: Usage) -> tuple[int, int, int, int]:
    return (
        usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens,
    )  # fmt: skip


@dataclass(frozen=True)
class Labeling:
    """What was said of one picture.

    caption: empty for none. rating: SAFE, SUGGESTIVE, ADULT, EXPLICIT, or empty for none. tags:
    lower case, distinct. confidence: of the rating and caption together, 0..1. model: what said it,
    as its maker names it. caption_from: where the words of the caption were taken from, if it did
    not come from looking at the picture ("prompt", "page").
    """

    model: str
    caption: str = ""
    rating: str = ""
    tags: tuple[str, ...] = ()
    confidence: float | None = None
    caption_from: str = ""
    usage: Usage = Usage()


class LabelingFailed(Exception):
    """This picture could not be labelled; the text says why. usage: what the tries took."""

    def __init__(self, sentence: str, usage: Usage | None = None) -> None:
        super().__init__(sentence)
        self.usage = usage or Usage()


class Refused(LabelingFailed):
    """The labeler declined to describe this picture."""


class Unusable(Exception):
    """No picture can be labelled as things stand; the text says what to change."""


class Labeler(Protocol):
    """A context manager; leaving it gives up what is still in flight.

    ``submit`` may be called from any thread; its future yields a Labeling or raises LabelingFailed,
    Refused or Unusable. Cancelling the future ends the request.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def submit(self, picture: Picture) -> "Future[Labeling]": ...
