"""What spiders yield; somebody else decides what to do with it."""

from dataclasses import dataclass, field

from scraping.crawl_config import Sighting


@dataclass(frozen=True)
class PageRead:
    """A page was read. found: different pictures known so far."""

    url: str
    found: int


@dataclass(frozen=True)
class PictureFound:
    """A picture's file, with where it was and what stood beside it."""

    sighting: Sighting
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class PictureRefused:
    """A picture that is not kept. reason: a machine's code; detail: a sentence."""

    sighting: Sighting
    reason: str
    detail: str


@dataclass(frozen=True)
class PageTrouble:
    """A page that could not be read. is_start: it was the one that the target began at."""

    url: str
    detail: str
    is_start: bool


@dataclass(frozen=True)
class CrawlNote:
    """A warning for the crawl's log."""

    text: str
