"""The spider for plain pages: reads pages of one site, yields their pictures. It only yields."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import scrapy
from scrapy.http import HtmlResponse, Request, Response, XmlResponse

from scraping import failures
from scraping.addresses import same_site, site_of
from scraping.crawl_config import CrawlConfig, Sighting, TargetConfig
from scraping.extract import Candidate, extract
from scraping.resolver import refused_hosts
from scraping.spiders.items import PageRead, PageTrouble, PictureFound, PictureRefused
from scraping.spiders.memory import Remembered

# Requests for Scrapy, items for the pipeline. (Scrapy's own types are not seen by mypy.)
Yielded: TypeAlias = "PageRead | PageTrouble | PictureFound | PictureRefused | Any"
# What servers send for a picture that they do not know the type of.
_VAGUE_TYPES = ("application/octet-stream", "binary/octet-stream", "")


class PageGallerySpider(scrapy.Spider):  # type: ignore[misc]
    """Starts at the target's address and follows links on the same site, as deep as asked."""

    name = "page_gallery"
    # What must be known again after a kill: numbers, words and sets of words.
    REMEMBERED = ("known", "sites", "found", "pages_asked", "downloads_asked", "cut_short")

    def __init__(self, config: CrawlConfig, target: TargetConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.target = target
        self.sites = Remembered([site_of(target.url)])
        self.pages_asked = 1
        self.downloads_asked = 0
        # Addresses of pictures that are settled or on their way; one picture has several.
        self.known = Remembered(target.known_urls)
        self.found = len(target.known_urls)
        # The limit that left something out: pages or downloads.
        self.cut_short = ""

    async def start(self) -> AsyncIterator[Any]:
        yield self._page_request(self.target.url, 0)

    # --- Pages ----------------------------------------------------------------------------------

    def _page_request(self, url: str, depth: int) -> Request:
        return Request(
            url,
            callback=self.parse_page,
            errback=self.page_failed,
            cb_kwargs={"depth": depth},
            meta={"download_maxsize": self.config.max_page_bytes},
            dont_filter=depth == 0,
        )

    def parse_page(self, response: Response, depth: int) -> Iterator[Yielded]:
        if depth == 0:
            # A start that redirects (to www., to https) still names the site.
            self.sites.add(site_of(response.url))
        elif not same_site(response.url, self.sites):
            return
        if not isinstance(response, HtmlResponse) or isinstance(response, XmlResponse):
            yield from self._not_a_page(response, depth)
            return
        contents = extract(response.text, response.url)
        yield from self._pictures(contents.candidates, response.url)
        yield PageRead(response.url, self.found)
        if depth < self.config.options.depth:
            yield from self._follow(contents.links, depth + 1)

    def _not_a_page(self, response: Response, depth: int) -> Iterator[Yielded]:
        """A start that is a picture itself is taken; other files behind links are passed over."""
        if _is_picture(response):
            self.found += 1
            yield PictureFound(Sighting(response.url, response.url, "start"), response.body)
            yield PageRead(response.url, self.found)
        elif depth == 0:
            kind = _content_type(response) or "a file of unknown type"
            yield PageTrouble(response.url, f"The address leads to {kind}, not to a page.", True)

    def _follow(self, links: tuple[str, ...], depth: int) -> Iterator[Request]:
        for link in links:
            if same_site(link, self.sites) and link not in self.known:
                if self.pages_asked >= self.config.options.max_pages:
                    self.cut_short = "pages"
                    return
                self.known.add(link)
                self.pages_asked += 1
                yield self._page_request(link, depth)

    def page_failed(self, failure: Any) -> Iterator[Yielded]:
        request = failure.request
        reason, detail = failures.worded(failure.value, request.url, refused_hosts)
        is_start = request.cb_kwargs["depth"] == 0
        if is_start or reason != "robots":
            yield PageTrouble(request.url, detail, is_start)

    # --- Pictures -------------------------------------------------------------------------------

    def _pictures(self, candidates: tuple[Candidate, ...], page_url: str) -> Iterator[Yielded]:
        for position, candidate in enumerate(candidates):
            if self.known.intersection(candidate.urls):
                self.known.update(candidate.urls)
                continue
            self.known.update(candidate.urls)
            self.found += 1
            if self.downloads_asked < self.target.max_downloads:
                self.downloads_asked += 1
                yield self._picture_request(
                    candidate.urls, _sighting(candidate, page_url, position)
                )
            else:
                self.cut_short = "downloads"

    def _picture_request(self, urls: tuple[str, ...], sighting: Sighting) -> Request:
        """urls: the picture's addresses that were not tried yet, best first."""
        return Request(
            urls[0],
            callback=self.parse_picture,
            errback=self.picture_failed,
            cb_kwargs={"urls": urls, "sighting": replace(sighting, image_url=urls[0])},
            headers={"Accept": "image/jpeg,image/png,image/webp,image/gif,image/bmp,*/*;q=0.5"},
            meta={"download_maxsize": self.config.max_bytes},
            # Pictures of the pages already read come before further pages.
            priority=10,
            dont_filter=True,
        )

    def parse_picture(
        self, response: Response, urls: tuple[str, ...], sighting: Sighting
    ) -> Iterator[Yielded]:
        if _is_picture(response):
            sighting = replace(
                sighting,
                etag=_header(response, "ETag"),
                last_modified=_header(response, "Last-Modified"),
            )
            yield PictureFound(sighting, response.body)
            return
        kind = _content_type(response)
        detail = f"The server sends {kind}, not a picture."
        yield from self._next_address(urls, sighting, "format", detail)

    def picture_failed(self, failure: Any) -> Iterator[Yielded]:
        reason, detail = failures.worded(failure.value, failure.request.url, refused_hosts)
        yield from self._next_address(**failure.request.cb_kwargs, reason=reason, detail=detail)

    def _next_address(
        self, urls: tuple[str, ...], sighting: Sighting, reason: str, detail: str
    ) -> Iterator[Yielded]:
        """Try the picture's next address, or refuse it with what was wrong with the best one."""
        if len(urls) > 1:
            yield self._picture_request(urls[1:], sighting)
        else:
            yield PictureRefused(sighting, reason, detail)


def _sighting(candidate: Candidate, page_url: str, position: int) -> Sighting:
    return Sighting(
        image_url=candidate.urls[0],
        page_url=page_url,
        found_by=candidate.rule,
        position=position,
        alt=candidate.alt,
        caption=candidate.caption,
        texts=candidate.texts,
    )


def _header(response: Response, name: str) -> str:
    return str((response.headers.get(name) or b"").decode("latin-1"))


def _content_type(response: Response) -> str:
    return _header(response, "Content-Type").partition(";")[0].strip().lower()


def _is_picture(response: Response) -> bool:
    """Whether the answer may be a picture; decoding decides later."""
    kind = _content_type(response)
    return bool(response.body) and (kind.startswith("image/") or kind in _VAGUE_TYPES)
