"""What spiders yield; somebody else decides what to do with it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from scraping.crawl_config import Sighting
from scraping.following import Step


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
class PictureWords:
    """A page says more of a picture than those before that have it too. urls: its addresses."""

    sighting: Sighting
    urls: tuple[str, ...]


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


@dataclass(frozen=True)
class PageTried:
    """Of a preview: how many pages a crawl would go on to, the first of them, what robots may not.

    robots: directives of the page, such as noai.
    """

    number: int
    urls: tuple[str, ...]
    robots: tuple[str, ...]


MOST_LINKS_TOLD = 20


def page_tried(onward: Iterable[Step], robots: Iterable[str]) -> PageTried:
    urls = [step.url for step in onward]
    return PageTried(len(urls), tuple(urls[:MOST_LINKS_TOLD]), tuple(sorted(robots)))
