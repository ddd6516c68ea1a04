"""Every request of a crawl is judged by its address before anything is asked or looked up.

Those of redirects, robots.txt and sitemaps too: all pass Scrapy's downloader middlewares. What only
a name server's answer shows is judged at the connection (:mod:`scraping.resolver`).
"""

from typing import Any

from scraping.addresses import Reach, check_url


class ReachGuard:
    """A downloader middleware. Raises AddressRefused, whose sentence an errback is told."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach

    @classmethod
    def from_crawler(cls, crawler: Any) -> "ReachGuard":
        return cls(crawler.crawl_state.config.reach)

    def process_request(self, request: Any) -> None:
        check_url(request.url, self.reach)
