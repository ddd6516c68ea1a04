"""The spider for an API: asks page after page of its answers, and takes the pictures they name."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from scrapy.http import Request, Response

from scraping import failures
from scraping.api_answers import (
    ApiPicture,
    WrongAnswer,
    detail_of,
    items_of,
    picture_of,
    read_answer,
    worded_status,
)
from scraping.api_requests import ApiRequest, first_request, next_link, next_request, without_key
from scraping.crawl_config import CrawlConfig, TargetConfig
from scraping.field_mapping import checked
from scraping.resolver import refused_hosts
from scraping.spiders.api_key import FOR_API, ApiKeyMiddleware
from scraping.spiders.items import PageRead, PageTrouble, PictureRefused
from scraping.spiders.memory import Remembered
from scraping.spiders.pictures import PictureSpider, Yielded, sighting_of

# Nearest to the network: no other middleware sees the key.
_KEY_ORDER = 1000
_DOCUMENTED = (
    " If the site documents this API for programs, the request in its mapping may say "
    '"obey_robots": false.'
)


class JsonApiSpider(PictureSpider):
    """Asks a source as its mapping says, at most as many times as a crawl may read pages."""

    name = "json_api"
    REMEMBERED = (*PictureSpider.REMEMBERED, "asked", "pages_asked")

    def __init__(self, config: CrawlConfig, target: TargetConfig, **kwargs: Any) -> None:
        super().__init__(config, target, **kwargs)
        self.mapping = checked(target.mapping)
        self.pages_asked = 0
        # Addresses and bodies of requests.
        self.asked = Remembered()
        self.host = urlsplit(target.url).hostname or ""

    @classmethod
    def update_settings(cls, settings: Any) -> None:
        super().update_settings(settings)
        middlewares = settings.getdict("DOWNLOADER_MIDDLEWARES") | {ApiKeyMiddleware: _KEY_ORDER}
        settings.set("DOWNLOADER_MIDDLEWARES", middlewares, priority="spider")

    async def start(self) -> AsyncIterator[Any]:
        for request in self._ask(first_request(self.mapping, self.target.url), is_start=True):
            yield request

    # --- Answers --------------------------------------------------------------------------------

    def _ask(self, asked: ApiRequest, *, is_start: bool = False) -> Iterator[Request]:
        told = {"asked": asked, "is_start": is_start}
        if self._is_new(asked):
            yield self._request(asked, self.parse_answer, told)

    def _is_new(self, asked: ApiRequest) -> bool:
        """Whether to send it: it was not sent before, and one more page may be asked for."""
        key = f"{asked.url} {asked.data}"
        if key in self.asked:
            return False
        if self.pages_asked >= self.config.options.max_pages:
            self.cut_short = "pages"
            return False
        self.asked.add(key)
        self.pages_asked += 1
        return True

    def _request(self, asked: ApiRequest, callback: Any, told: dict[str, Any]) -> Request:
        has_body = asked.body is not None
        return Request(
            asked.url,
            method="POST" if has_body else "GET",
            body=asked.data,
            headers={"Accept": "application/json"}
            | ({"Content-Type": "application/json"} if has_body else {}),
            callback=callback,
            errback=self.answer_failed,
            cb_kwargs=told,
            meta={
                "download_maxsize": self.config.max_page_bytes,
                FOR_API: True,
                # Its pictures obey them in any case.
                "dont_obey_robotstxt": not self.mapping.obey_robots,
            },
            dont_filter=True,
        )

    def parse_answer(
        self, response: Response, asked: ApiRequest, is_start: bool
    ) -> Iterator[Yielded]:
        try:
            answer = read_answer(response.body, self.mapping)
            items = items_of(answer, self.mapping)
        except WrongAnswer as wrong:
            yield PageTrouble(asked.url, f"{self.host}: {wrong}", is_start)
            return
        may_take = not self.keeps_from_training(response)
        for position, item in enumerate(items):
            if self.mapping.detail is None:
                yield from self._picture(item, asked.url, position, may_take=may_take)
            else:
                yield from self._ask_detail(item, asked)
        yield PageRead(asked.url, self.found)
        further = next_request(self.mapping, asked, answer, len(items), _link(response))
        if further is not None and self.downloads_asked < self.target.max_downloads:
            yield from self._ask(replace(further, url=self._without_key(further.url)))

    def answer_failed(self, failure: Any) -> Iterator[Yielded]:
        request = failure.request
        reason, detail = failures.worded(failure.value, request.url, refused_hosts)
        if reason == "robots":
            detail += _DOCUMENTED
        status = getattr(getattr(failure.value, "response", None), "status", 0)
        detail = worded_status(status, self.host, bool(self.target.api_key)) or detail
        yield PageTrouble(
            request.cb_kwargs["asked"].url, detail, request.cb_kwargs.get("is_start", False)
        )

    # --- Items ----------------------------------------------------------------------------------

    def _ask_detail(self, item: Any, asked: ApiRequest) -> Iterator[Request]:
        """The answer that has the rest of an item, if it lies on the same host."""
        url = detail_of(item, self.mapping, asked.url)
        if url is None or urlsplit(url).hostname != self.host:
            return
        detail = ApiRequest(self._without_key(url))
        if self._is_new(detail):
            yield self._request(detail, self.parse_detail, {"asked": detail})

    def parse_detail(self, response: Response, asked: ApiRequest) -> Iterator[Yielded]:
        try:
            answer = read_answer(response.body, self.mapping)
        except WrongAnswer as wrong:
            yield PageTrouble(asked.url, f"{self.host}: {wrong}", False)
            return
        may_take = not self.keeps_from_training(response)
        yield from self._picture(answer, asked.url, None, may_take=may_take)
        yield PageRead(asked.url, self.found)

    def _picture(
        self, item: Any, url: str, position: int | None, *, may_take: bool
    ) -> Iterator[Yielded]:
        """may_take: the answer does not ask that its pictures are left alone."""
        picture = picture_of(item, self.mapping, url)
        urls = self._clean(picture.candidate.urls) if picture else ()
        if picture is None or not urls:
            return
        page_url = next(iter(self._clean((picture.page_url,))), "") or url
        sighting = sighting_of(replace(picture.candidate, urls=urls), page_url, position)
        if not may_take:
            yield from self.leave_picture(urls, sighting)
            return
        too_small = self._too_small(picture)
        if too_small and self.known.isdisjoint(urls):
            self.known.update(urls)
            self.found += 1
            yield PictureRefused(sighting, "small", too_small)
        else:
            yield from self.ask_picture(urls, sighting)

    def _clean(self, urls: tuple[str, ...]) -> tuple[str, ...]:
        """Addresses without the key; those that cannot do without it are left out."""
        without = map(self._without_key, urls)
        key = self.target.api_key
        return tuple(url for url in without if not (key and key in url + unquote_plus(url)))

    def _without_key(self, url: str) -> str:
        return without_key(self.mapping, url, self.target.api_key)

    def _too_small(self, picture: ApiPicture) -> str:
        """Why a picture need not be fetched, as a sentence; "" if it is to be."""
        options = self.config.options
        if not (picture.width and picture.height):
            return ""
        if picture.width >= options.min_width and picture.height >= options.min_height:
            return ""
        return (
            f"{picture.width} × {picture.height} pixels, says the API, less than "
            f"{options.min_width} × {options.min_height}."
        )


def _link(response: Response) -> str:
    return next_link(b", ".join(response.headers.getlist("Link")).decode("latin-1"))
