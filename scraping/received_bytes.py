"""Counts what a crawl receives of whatever it asked for, and ends it when that is too much."""

from typing import Any

from scrapy import signals


class ReceivedBytes:
    """A Scrapy extension of every target."""

    def __init__(self, crawler: Any) -> None:
        self.crawler = crawler
        crawler.signals.connect(self.on_bytes, signal=signals.bytes_received)
        crawler.signals.connect(self.on_response, signal=signals.response_downloaded)

    @classmethod
    def from_crawler(cls, crawler: Any) -> "ReceivedBytes":
        return cls(crawler)

    def on_bytes(self, data: bytes, request: Any, spider: Any) -> None:
        self._count(len(data))

    def on_response(self, response: Any, request: Any, spider: Any) -> None:
        """A browser's pages come whole, without the signal above."""
        if request.meta.get("playwright"):
            self._count(len(response.body))

    def _count(self, number: int) -> None:
        self.crawler.engine.scheduler.bytes += number
        if not self.crawler.crawl_state.budget.receives(number):
            self.crawler.crawl_targets.stop_all("bytes")
