"""What spiders yield; somebody else decides what to do with it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PageRead:
    """A page was read. found: different pictures known so far."""

    url: str
    found: int


@dataclass(frozen=True)
class PictureFound:
    """A picture's file, with where it was and what stood beside it."""

    image_url: str
    page_url: str
    alt: str
    caption: str
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class PictureRefused:
    """A picture that is not kept. reason: a machine's code; detail: a sentence.

    downloaded: whether a file was fetched for it.
    """

    image_url: str
    page_url: str
    reason: str
    detail: str
    downloaded: bool = False


@dataclass(frozen=True)
class PageTrouble:
    """A page that could not be read. is_start: it was the one that the crawl began at."""

    url: str
    detail: str
    is_start: bool
