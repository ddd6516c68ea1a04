"""Runs a crawl's targets in one process, a few at once, and ends them when it must."""

import asyncio
from collections import deque
from typing import Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.settings import Settings
from twisted.python.failure import Failure

from scraping.crawl_config import TargetConfig
from scraping.crawl_state import CrawlState, TargetEnds
from scraping.spiders.choice import spider_for

AT_ONCE = 4
# Scrapy's reason for an end, and ours.
_REASONS = {"shutdown": "stopped"}


class CrawlTargets:
    """settings_of: Scrapy's settings for a target.

    Each target has a crawler of its own, on which the state hangs as ``crawl_state`` and the target
    as ``target``. When a target has ended, ``target_end`` is said with the reason.
    """

    def __init__(self, process: AsyncCrawlerProcess, state: CrawlState, settings_of: Any) -> None:
        self.process = process
        self.state = state
        self.settings_of = settings_of
        self.waiting = deque(state.config.targets)
        self.running: dict[int, Any] = {}
        self.ended: set[int] = set()
        # Why all of them end, once they must.
        self.reason = ""
        self.signals: list[Any] = []

    def start(self) -> None:
        """Run all of them; returns when they have ended. Call it once in a process."""
        for _ in range(AT_ONCE):
            self._next()
        self.process.start()

    def _next(self) -> None:
        if self.waiting and not self.reason:
            self._begin(self.waiting.popleft())

    def _begin(self, target: TargetConfig) -> None:
        spider = spider_for(target)
        own = self.state.config.of(target)
        crawler = Crawler(spider, Settings(self.settings_of(own, target)))
        crawler.crawl_state, crawler.target = self.state, target
        crawler.crawl_targets = self

        def on_opened(spider: Any) -> None:
            if self.reason:
                self._close(crawler, self.reason)

        def on_closed(spider: Any, reason: str) -> None:
            self._has_ended(target, _reason(spider, crawler, reason))

        # Scrapy holds receivers weakly: they must be held by something that lives on.
        self.signals += [on_opened, on_closed]
        crawler.signals.connect(on_opened, signal=signals.spider_opened)
        crawler.signals.connect(on_closed, signal=signals.spider_closed)
        self.running[target.number] = crawler
        self.state.say("target_start", target=target.number)
        task = self.process.crawl(crawler, config=own, target=target)
        task.add_done_callback(lambda _: self._next())

    def _has_ended(self, target: TargetConfig, reason: str) -> None:
        self.running.pop(target.number, None)
        self.ended.add(target.number)
        if reason == "stopped":
            # The whole process is asked to stop.
            self.reason = self.reason or reason
        self.state.say("target_end", target=target.number, reason=reason)

    def stop(self, number: int, reason: str) -> None:
        """End one target; answers that are on their way are waited for, others are not sent.

        reason: as ``target_end`` tells it.
        """
        if crawler := self.running.get(number):
            self._close(crawler, reason)
        for target in [each for each in self.waiting if each.number == number]:
            self.waiting.remove(target)
            self._has_ended(target, reason)

    def stop_all(self, reason: str) -> None:
        if self.reason:
            return
        self.reason = reason
        for number in [*self.running, *(target.number for target in self.waiting)]:
            self.stop(number, reason)

    def _close(self, crawler: Any, reason: str) -> None:
        engine = crawler.engine
        if crawler.spider is None or engine.spider is None:
            # Not open yet; then on_opened sees to it.
            return
        engine.scheduler.is_closing = True
        # Scrapy waits for all that stands in line, however slowly the line moves.
        for slot in engine.downloader.slots.values():
            while slot.queue:
                _, asked = slot.queue.popleft()
                asked.errback(Failure(TargetEnds()))
        asyncio.ensure_future(engine.close_spider_async(reason=reason))  # noqa: RUF006


def _reason(spider: Any, crawler: Any, reason: str) -> str:
    if reason == "finished":
        return spider.cut_short or ("pages" if crawler.engine.scheduler.pages_left else reason)
    return _REASONS.get(reason, reason)
