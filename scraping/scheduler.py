"""Scrapy's requests come from a frontier, and go back into it with all that they led to.

:class:`FrontierScheduler` hands requests out and takes them in. :class:`Consumption` stands between
the spider and the engine: it takes everything that one callback yields, writes pictures into the
spool, commits all of it to the frontier with the request's being done, and only then tells the
gallery's side. So a callback must be a plain generator, whose yielding and remembering is one step.
"""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from scrapy.exceptions import CloseSpider
from scrapy.http import Request
from scrapy.utils.request import fingerprint

from scraping import failures, frontier, request_form, spool
from scraping.crawl_config import TargetConfig
from scraping.crawl_state import CrawlState, TargetEnds
from scraping.frontier import Entry, Frontier, Outcome
from scraping.resolver import refused_hosts
from scraping.spiders.items import (
    CrawlNote,
    PageRead,
    PageTried,
    PageTrouble,
    PictureFound,
    PictureRefused,
    PictureWords,
)
from scraping.spiders.memory import Remembered

# In a request's meta: its number in the frontier.
NUMBER = "frontier"
_START = "is_start_request"


class FrontierScheduler:
    """Scrapy's SCHEDULER: the requests of one target, in its folder."""

    def __init__(self, crawler: Any) -> None:
        self.crawler = crawler
        self.state: CrawlState = crawler.crawl_state
        self.target: TargetConfig = crawler.target
        self.frontier: Frontier
        self.spider: Any = None
        self.pages = self.errors = self.asked = self.bytes = 0
        self.is_closing = False

    @classmethod
    def from_crawler(cls, crawler: Any) -> "FrontierScheduler":
        return cls(crawler)

    def open(self, spider: Any) -> None:
        self.spider = spider
        self.frontier = Frontier(Path(self.target.folder) / frontier.FILE)
        if self.frontier.was_there:
            self._remember()
        for event in self.frontier.unsettled(self.target.known_urls):
            self.state.say("refused", **event)

    def _remember(self) -> None:
        values = self.frontier.values
        for name in ("pages", "errors", "asked", "bytes"):
            setattr(self, name, values.get(name, 0))
        for name in self.spider.REMEMBERED:
            value = getattr(self.spider, name)
            if isinstance(value, Remembered):
                value.update(self.frontier.words(name))
                value.new()
            elif name in values:
                setattr(self.spider, name, values[name])
        self.state.say(
            "resumed",
            target=self.target.number,
            pages=self.pages,
            found=self.spider.found,
            errors=self.errors,
            trouble=values.get("trouble", ""),
        )

    def close(self, reason: str) -> None:
        self.frontier.close()

    # --- What the engine asks -------------------------------------------------------------------

    def has_pending_requests(self) -> bool:
        if self.frontier.waiting_pictures:
            return True
        return bool(self.frontier.waiting_pages) and self.state.budget.may_ask_page()

    @property
    def pages_left(self) -> bool:
        """Whether pages wait that the crawl as a whole may not ask for any more."""
        return self.frontier.waiting_pages > 0

    def enqueue_request(self, request: Request) -> bool:
        """From the spider's start, or from a middleware that sends a request once more."""
        if self.is_closing:
            return False
        number = request.meta.get(NUMBER)
        if number is None:
            # A start is not asked for anew after a kill, whatever it says.
            is_start = bool(request.meta.get(_START))
            first = b"start" + fingerprint(request) if is_start else None
            return self.frontier.add(self._entry(request, first))
        self.state.budget.waits_again(self.target.number, number)
        return self.frontier.again(number, self._entry(request))

    def next_request(self) -> Request | None:
        if self.state.spooled.is_full():
            # Scrapy asks again in a few seconds.
            return None
        found = self.frontier.next(with_pages=self.state.budget.may_ask_page())
        if found is None:
            return None
        number, is_page, text = found
        if is_page:
            self.state.budget.asks_page(self.target.number, number)
        request = request_form.from_text(text, self.spider)
        request.meta[NUMBER] = number
        request.errback = partial(self._errback, request.errback)
        return request

    def _entry(self, request: Request, known_as: bytes | None = None) -> Entry:
        if known_as is None and not request.dont_filter:
            known_as = fingerprint(request)
        return Entry(
            request_form.to_text(request, self.spider),
            priority=request.priority,
            is_page=_is_new_page(request),
            fingerprint=known_as,
        )

    # --- What requests lead to ------------------------------------------------------------------

    def _errback(self, errback: Any, failure: Any) -> list[Any]:
        """Scrapy passes over spider middlewares here."""
        request = failure.request
        if isinstance(failure.value, TargetEnds):
            return []
        try:
            yielded = list(errback(failure) or ()) if errback else [_failed(failure)]
        except Exception as error:
            self.consume(request, [stumbled(request, error)])
            raise
        self.consume(request, yielded)
        return []

    def consume(self, request: Request, yielded: list[Any]) -> None:
        """Commit that a request is done, with all that its callback yields; then tell of it."""
        number = request.meta.get(NUMBER)
        if number is None:
            return
        outcome = Outcome(values={"bytes": self.bytes})
        events: list[dict[str, Any]] = []
        files: list[tuple[Path, dict[str, Any]]] = []
        for index, each in enumerate(yielded):
            match each:
                case PictureFound():
                    event = {"target": self.target.number, **vars(each.sighting)}
                    name = f"{self.target.number}-{number:07}-{index}"
                    path = spool.write(Path(self.state.config.spool), name, event, each.body)
                    files.append((path, event))
                    outcome.pictures.append(each.sighting.image_url)
                case PictureRefused():
                    outcome.refusals[each.sighting.image_url] = self._refused(each)
                case PictureWords():
                    told = {**vars(each.sighting), "urls": each.urls}
                    events.append({"event": "words", **told})
                case PageRead():
                    self.pages += 1
                    events.append({"event": "page", "url": each.url, "number": self.pages})
                case PageTrouble():
                    events.append(self._trouble(each, outcome))
                case CrawlNote():
                    events.append({"event": "note", "text": each.text, "level": "warning"})
                case PageTried():
                    events.append({"event": "tried", **vars(each)})
                case _:
                    outcome.entries.append(self._child(each))
        if _is_new_page(request):
            was_page = any(map(_is_of_page, yielded))
            self.asked += was_page
            self.state.budget.is_answered(self.target.number, number, was_page=was_page)
        self._remembered(outcome)
        self.frontier.done(number, outcome)
        del request.meta[NUMBER]
        for event in events:
            self.state.say(**event, target=self.target.number)
        if events:
            self.state.say("found", target=self.target.number, number=self.spider.found)
        for event in outcome.refusals.values():
            self.state.say("refused", **event)
        for path, event in files:
            published = spool.publish(path)
            self.state.spooled.add(published)
            self.state.say("picture", **event, file=published.name)

    def _refused(self, refused: PictureRefused) -> dict[str, Any]:
        return {
            "target": self.target.number,
            **vars(refused.sighting),
            "reason": refused.reason,
            "detail": refused.detail,
        }

    def _trouble(self, trouble: PageTrouble, outcome: Outcome) -> dict[str, Any]:
        self.errors += 1
        if trouble.is_start:
            outcome.values["trouble"] = trouble.detail
        return {"event": "trouble", **vars(trouble), "number": self.errors}

    def _child(self, request: Request) -> Entry:
        """A further request; what it has copied of its parent's place is taken off."""
        for name in (NUMBER, _START):
            request.meta.pop(name, None)
        return self._entry(request)

    def _remembered(self, outcome: Outcome) -> None:
        outcome.values |= {"pages": self.pages, "errors": self.errors, "asked": self.asked}
        for name in self.spider.REMEMBERED:
            value = getattr(self.spider, name)
            if isinstance(value, Remembered):
                outcome.words[name] = value.new()
            else:
                outcome.values[name] = value


def _is_of_page(each: Any) -> bool:
    """Whether it is what a page leads to that was read, could not be, or is opened in a browser."""
    if isinstance(each, Request):
        return bool(each.meta.get("again"))
    return isinstance(each, PageRead | PageTrouble)


def _is_new_page(request: Request) -> bool:
    """Not a picture, and not the page that was just read, asked for again in a browser."""
    return "sighting" not in request.cb_kwargs and not request.meta.get("again")


def _failed(failure: Any) -> PageTrouble:
    request = failure.request
    _, detail = failures.worded(failure.value, request.url, refused_hosts)
    return PageTrouble(request.url, detail, bool(request.meta.get(_START)))


def stumbled(request: Request, error: Exception) -> PageTrouble | PictureRefused:
    """Our own reading failed."""
    detail = f"This could not be understood ({type(error).__name__})."
    if sighting := request.cb_kwargs.get("sighting"):
        return PictureRefused(sighting, "unreachable", detail)
    return PageTrouble(request.url, detail, bool(request.meta.get(_START)))


class Consumption:
    """The spider middleware nearest to the engine, which it lets nothing through to."""

    def __init__(self, crawler: Any) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Any) -> "Consumption":
        return cls(crawler)

    async def process_spider_output(self, response: Any, result: Any) -> AsyncIterator[Any]:
        scheduler: FrontierScheduler = self.crawler.engine.scheduler
        yielded: list[Any] = []
        request = response.request
        try:
            async for each in result:
                yielded.append(each)  # noqa: PERF401 (what came before an error counts)
        except CloseSpider:
            scheduler.consume(request, yielded)
            raise
        except Exception as error:
            # A page that our own reading stumbles over is told of, and not read again and again.
            scheduler.consume(request, [*yielded, stumbled(request, error)])
            raise
        scheduler.consume(request, yielded)
        # An asynchronous generator, as Scrapy wants it, of nothing.
        passed_on: tuple[Any, ...] = ()
        for each in passed_on:
            yield each
