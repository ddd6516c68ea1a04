"""Scrapy's downloader kept polite: rules, pace, busy servers, and sites that want no machines.

Scrapy itself obeys a robots.txt that it can read, but not its Crawl-delay, and tries again at once
whatever Retry-After says.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    IgnoreRequest,
)
from scrapy.http import Request, Response, TextResponse

from scraping import bot_protection, retry_after, shared_pace
from scraping.addresses import AddressRefused, same_site, site_of
from scraping.crawl_state import CrawlState, TargetEnds
from scraping.pace import heeded_delay
from scraping.user_agent import name_of

# A server that asks for more than this is not tried again.
LONGEST_PAUSE_S = 300.0
# Where it does not say how long.
_PAUSES_S = {429: 5.0, 503: 1.0}
_BUSY_TRIES = 3
# How often whoever waits looks whether the crawl has ended.
_LOOK_EVERY_S = 1.0


class _Middleware:
    def __init__(self, crawler: Any) -> None:
        self.crawler = crawler
        self.state: CrawlState = crawler.crawl_state

    @classmethod
    def from_crawler(cls, crawler: Any) -> Any:
        return cls(crawler)


class RulesUnread(IgnoreRequest):  # type: ignore[misc]
    """The host has a robots.txt, which cannot be read now: nothing is known to be allowed."""


class ObeyRobots(RobotsTxtMiddleware):  # type: ignore[misc]
    """Scrapy's, but that what cannot be read forbids everything (RFC 9309, 2.3.1.4)."""

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500:
            raise RulesUnread
        await super()._parse_robots(response, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        if _has_no_rules(exc):
            super()._robots_error(exc, netloc)
            return
        waiting, self._parsers[netloc] = self._parsers[netloc], _UnreadRules()
        waiting.callback(self._parsers[netloc])


class _UnreadRules:
    """Stands where the rules of such a host would."""

    def allowed(self, url: str, user_agent: str) -> bool:
        raise RulesUnread


def _has_no_rules(error: Exception) -> bool:
    """Whether a host is none that answers, or sends whoever asks for its rules away for ever.

    What else is asked of one that does not answer fails likewise, and is told by its own reason.
    """
    nobody = (AddressRefused, CannotResolveHostError, DownloadConnectionRefusedError, TargetEnds)
    said = str(error)
    return isinstance(error, nobody) or "redirect" in said or "certificate" in said


class KeepPace(_Middleware):
    """Holds requests back until host and source may be asked again."""

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        target = crawler.target
        self.source = target.source if target.rate_limit else ""
        if self.source:
            self.state.pace.limit(self.source, target.rate_limit)
        self.agent = name_of(self.state.config.user_agent)
        crawler.signals.connect(self.on_robots, signal=signals.robots_parsed)

    def on_robots(self, robotparser: Any, request: Request) -> None:
        """Crawl-delay of the group of rules that holds for us."""
        if delay := heeded_delay(robotparser.crawl_delay(self.agent)):
            self.state.pace.slow_down(_host(request), delay, time.monotonic())

    async def process_request(self, request: Request) -> None:
        host = _host(request)
        await self._until(
            lambda: self.state.pace.wait(time.monotonic(), host, self.source), request
        )
        folder = self.state.config.pace_folder
        if self.source and folder:
            interval = 60.0 / self.crawler.target.rate_limit
            await self._until(
                lambda: shared_pace.wait(Path(folder), self.source, interval), request
            )

    async def _until(self, wait: Callable[[], float], request: Request) -> None:
        """Until nothing is left to wait for."""
        while True:
            await wait_out_pause(self.crawler, request)
            if self.crawler.engine.scheduler.is_closing:
                raise TargetEnds
            left = wait()
            if not left:
                return
            await asyncio.sleep(min(left, _LOOK_EVERY_S))


class HostIsBusy(IgnoreRequest):  # type: ignore[misc]
    """The host asks to be left alone for longer than a crawl waits; the text is a sentence."""


async def wait_out_pause(crawler: Any, request: Request) -> None:
    """Hold a request back while its host is left alone. Raises HostIsBusy and TargetEnds."""
    host = _host(request)
    while left := crawler.crawl_state.pace.pause_left(time.monotonic(), host):
        if crawler.engine.scheduler.is_closing:
            raise TargetEnds
        if left > LONGEST_PAUSE_S:
            raise HostIsBusy(_busy_for(host, left))
        await asyncio.sleep(min(left, _LOOK_EVERY_S))


@asynccontextmanager
async def its_turn(crawler: Any, request: Request) -> AsyncIterator[None]:
    """Around the request itself, which may have stood in line while something has changed."""
    async with crawler.crawl_state.at_once.place(_host(request)):
        await wait_out_pause(crawler, request)
        if crawler.engine.scheduler.is_closing:
            raise TargetEnds
        yield


def _busy_for(host: str, seconds: float) -> str:
    return f"{host} is busy and asks to be left alone for {_in_words(seconds)}."


def _in_words(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    hours = seconds / 3600
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"


class HeedBusyServers(_Middleware):
    """429 and 503: the host is left alone as long as it asks, then it is tried again.

    Where that is too long to be waited for, the target ends at its own host, and others are not
    asked any more.
    """

    def process_response(self, request: Request, response: Response) -> Any:
        if response.status not in _PAUSES_S or request.meta.get("dont_retry"):
            return response
        said = (response.headers.get("Retry-After") or b"").decode("latin-1")
        wait = retry_after.seconds(said, datetime.now(UTC))
        if wait is None:
            # Scrapy's own retry follows.
            self._pause(request, _PAUSES_S[response.status])
            return response
        tries = request.meta.get("busy_tries", 0) + 1
        self._pause(request, wait)
        if wait > LONGEST_PAUSE_S or tries > _BUSY_TRIES:
            request.meta["dont_retry"] = True
            self._end_if_at_home(_host(request), wait)
            return response
        again: Request = request.copy()
        again.meta["busy_tries"] = tries
        again.dont_filter = True
        return again

    def _end_if_at_home(self, host: str, wait: float) -> None:
        target = self.crawler.target
        if wait > LONGEST_PAUSE_S and host == urlsplit(target.url).netloc.lower():
            self.crawler.crawl_targets.stop(target.number, _busy_for(host, wait))

    def _pause(self, request: Request, seconds: float) -> None:
        host = _host(request)
        if self.state.pace.pause(host, time.monotonic() + seconds) and seconds >= 1:
            self.state.say(
                "note",
                target=self.crawler.target.number,
                text=f"{host} is busy; asking it nothing for {seconds:.0f} s.",
                level="warning",
            )


class LeaveProtectedSites(_Middleware):
    """A site that challenges machines ends its target; nothing is tried to get around that."""

    def process_response(self, request: Request, response: Response) -> Response:
        headers = {
            name.decode("latin-1").lower(): response.headers[name].decode("latin-1")
            for name in response.headers
        }
        # A character takes four bytes at most.
        is_small = len(response.body) <= 4 * bot_protection.LARGEST
        body = response.text if is_small and isinstance(response, TextResponse) else ""
        who = bot_protection.protection(response.status, headers, body)
        if who is None:
            return response
        request.meta["dont_retry"] = True
        target = self.crawler.target
        if same_site(request.url, [site_of(target.url)]):
            reason = bot_protection.sentence(site_of(request.url), who)
            self.crawler.crawl_targets.stop(target.number, reason)
        return response


def _host(request: Request) -> str:
    return urlsplit(str(request.url)).netloc.lower()
