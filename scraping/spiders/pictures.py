"""What all spiders do with the pictures they find: ask for each once, at its best address."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import scrapy
from scrapy.http import Request, Response

from scraping import failures
from scraping.crawl_config import CrawlConfig, Sighting, TargetConfig
from scraping.filters import Refusal, unasked, wanted_addresses
from scraping.page_words import TEXTS, rank_of
from scraping.resolver import refused_hosts
from scraping.robots_directives import asks_not_to_train, directives
from scraping.same_picture import Candidate
from scraping.spiders import seen_before
from scraping.spiders.items import (
    PageRead,
    PageTrouble,
    PictureFound,
    PictureRefused,
    PictureWords,
)
from scraping.spiders.memory import RememberedPictures
from scraping.user_agent import name_of

# Requests for Scrapy, items for the pipeline. (Scrapy's own types are not seen by mypy.)
Yielded: TypeAlias = "PageRead | PageTrouble | PictureFound | PictureRefused | PictureWords | Any"
_NOAI = "The site asks that it is not used for training (noai)."
ACCEPTED = "image/jpeg,image/png,image/webp,image/gif,image/bmp,*/*;q=0.5"
# What servers send for a picture that they do not know the type of.
_VAGUE_TYPES = ("application/octet-stream", "binary/octet-stream", "")
# Pictures of what was read already come before anything further, however deep that lies.
PICTURE_PRIORITY = 100_000


class PictureSpider(scrapy.Spider):  # type: ignore[misc]
    """Fetches the pictures that its subclasses find; it only yields."""

    # What must be known again after a kill: numbers, words and sets of words.
    REMEMBERED: tuple[str, ...] = ("known", "found", "downloads_asked", "cut_short")

    def __init__(self, config: CrawlConfig, target: TargetConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.target = target
        self.downloads_asked = 0
        # Addresses of pictures that are settled or on their way.
        self.known = RememberedPictures(target.known_urls)
        # Address of a picture → the least rank of words that a page had for it.
        self.ranks: dict[str, int] = {}
        self.found = len(target.known_urls)
        # The limit that left something out: pages or downloads.
        self.cut_short = ""

    def ask_pictures(self, candidates: Iterable[Candidate], page_url: str) -> Iterator[Yielded]:
        """Requests for those that are not known yet, as many as the target may fetch."""
        for position, candidate in enumerate(candidates):
            sighting = sighting_of(candidate, page_url, position)
            if (refusal := unasked(candidate)) is not None:
                yield from self.refuse_unasked(candidate.urls, sighting, refusal)
            else:
                yield from self.ask_picture(wanted_addresses(candidate.urls), sighting)

    def refuse_unasked(
        self, urls: tuple[str, ...], sighting: Sighting, refusal: Refusal
    ) -> Iterator[Yielded]:
        """Refuse a picture that need not be fetched, once. urls: its addresses."""
        is_known = self.known.has(urls)
        self.known.update(urls)
        if not is_known:
            self.found += 1
            yield PictureRefused(sighting, refusal.reason, refusal.detail)

    def ask_picture(self, urls: tuple[str, ...], sighting: Sighting) -> Iterator[Yielded]:
        """The same for one. urls: its addresses, best first."""
        is_known = self.known.has(urls)
        # What another picture's request falls back on is not asked for twice.
        own = (urls[0], *(url for url in urls[1:] if url not in self.known))
        self.known.update(urls)
        says_more = self._says_more(urls, sighting)
        if is_known:
            if says_more:
                yield PictureWords(sighting, urls)
            return
        urls = own
        self.found += 1
        if seen_before.is_seen(self.target, urls[0]):
            yield from self._ask_at_first(urls, sighting)
        elif self.downloads_asked < self.target.max_downloads:
            self.downloads_asked += 1
            yield from self._ask_at_first(urls, sighting)
        else:
            self.cut_short = "downloads"

    def _says_more(self, urls: tuple[str, ...], sighting: Sighting) -> bool:
        """Whether no page before had better words for it; after a kill, whether this has any."""
        rank = rank_of(sighting.texts)
        before = min(self.ranks.get(url, len(TEXTS)) for url in urls)
        self.ranks |= dict.fromkeys(urls, min(rank, before))
        return rank < before

    def _ask_at_first(self, urls: tuple[str, ...], sighting: Sighting) -> Iterator[Yielded]:
        """The request, unless it was seen before and its server does not tell of changes."""
        if seen_before.is_settled(self.target, urls[0]):
            sighting = replace(sighting, image_url=urls[0])
            yield PictureRefused(sighting, seen_before.UNCHANGED, seen_before.NOT_ASKED)
        else:
            yield self.picture_request(urls, sighting)

    def picture_request(self, urls: tuple[str, ...], sighting: Sighting) -> Request:
        """urls: the picture's addresses that were not tried yet, best first."""
        conditional = seen_before.conditional_headers(self.target, urls[0])
        return Request(
            urls[0],
            callback=self.parse_picture,
            errback=self.picture_failed,
            cb_kwargs={"urls": urls, "sighting": replace(sighting, image_url=urls[0])},
            headers={"Accept": ACCEPTED} | conditional,
            meta={
                "download_maxsize": self.config.max_bytes,
                "handle_httpstatus_list": [seen_before.NOT_MODIFIED] if conditional else [],
            },
            priority=PICTURE_PRIORITY,
            dont_filter=True,
        )

    def parse_picture(
        self, response: Response, urls: tuple[str, ...], sighting: Sighting
    ) -> Iterator[Yielded]:
        if response.status == seen_before.NOT_MODIFIED:
            told = _with_validators(sighting, response)
            yield PictureRefused(told, seen_before.UNCHANGED, seen_before.TOLD_BY_SERVER)
            return
        if is_picture(response):
            yield self.kept_or_left(response, sighting)
            return
        if not response.body:
            yield from self._next_address(urls, sighting, "damaged", "The server sends nothing.")
            return
        kind = content_type(response)
        detail = f"The server sends {kind}, not a picture."
        yield from self._next_address(urls, sighting, "format", detail)

    def kept_or_left(self, response: Response, sighting: Sighting) -> PictureFound | PictureRefused:
        """The file that came, unless its headers keep it from us."""
        if self.keeps_from_training(response):
            return PictureRefused(sighting, "noai", _NOAI)
        return PictureFound(_with_validators(sighting, response), response.body)

    def keeps_from_training(self, response: Response, said: frozenset[str] = frozenset()) -> bool:
        """Whether we heed noai, and the answer's headers or its meta elements (said) have it."""
        if not self.config.options.respect_noai:
            return False
        headers = [each.decode("latin-1") for each in response.headers.getlist("X-Robots-Tag")]
        return asks_not_to_train(said | directives(headers, name_of(self.config.user_agent)))

    def leave_pictures(self, candidates: Iterable[Candidate], page_url: str) -> Iterator[Yielded]:
        """Those of a page that keeps them from training are refused, and not fetched."""
        for position, candidate in enumerate(candidates):
            sighting = sighting_of(candidate, page_url, position)
            yield from self.leave_picture(candidate.urls, sighting)

    def leave_picture(self, urls: tuple[str, ...], sighting: Sighting) -> Iterator[Yielded]:
        yield from self.refuse_unasked(urls, sighting, Refusal("noai", _NOAI))

    def picture_failed(self, failure: Any) -> Iterator[Yielded]:
        reason, detail = failures.worded(failure.value, failure.request.url, refused_hosts)
        yield from self._next_address(**failure.request.cb_kwargs, reason=reason, detail=detail)

    def _next_address(
        self, urls: tuple[str, ...], sighting: Sighting, reason: str, detail: str
    ) -> Iterator[Yielded]:
        """Try the picture's next address, or refuse it with what was wrong with the best one."""
        if len(urls) > 1:
            yield from self._ask_at_first(urls[1:], sighting)
        else:
            yield PictureRefused(sighting, reason, detail)


def sighting_of(candidate: Candidate, page_url: str, position: int | None) -> Sighting:
    return Sighting(
        image_url=candidate.urls[0],
        page_url=page_url,
        found_by=candidate.rule,
        position=position,
        alt=candidate.alt,
        caption=candidate.caption,
        texts=candidate.texts,
    )


def _with_validators(sighting: Sighting, response: Response) -> Sighting:
    etag, last_modified = header(response, "ETag"), header(response, "Last-Modified")
    return replace(sighting, etag=etag, last_modified=last_modified)


def header(response: Response, name: str) -> str:
    return str((response.headers.get(name) or b"").decode("latin-1"))


def content_type(response: Response) -> str:
    return header(response, "Content-Type").partition(";")[0].strip().lower()


def is_picture(response: Response) -> bool:
    """Whether the answer may be a picture; decoding decides later."""
    kind = content_type(response)
    return bool(response.body) and (kind.startswith("image/") or kind in _VAGUE_TYPES)
