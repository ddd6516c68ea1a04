"""``python -m scraping.crawl_process``: one crawl, in a process of its own. Knows no Django.

Twisted's reactor can be started once in a process, so every crawl gets a fresh one. Reads a
CrawlConfig as JSON from standard input, writes events as JSON lines to standard output (see
:mod:`scraping.crawl_config`), and its own log to standard error. One SIGINT asks for a
graceful end.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess

from scraping.crawl_config import CrawlConfig, from_json
from scraping.spiders.items import PageRead, PageTrouble, PictureFound, PictureRefused
from scraping.spiders.page_gallery import PageGallerySpider

RETRIED = [
    f"scrapy.exceptions.{name}"
    for name in ("DownloadTimeoutError", "DownloadFailedError", "ResponseDataLossError")
]
# They report what the spider words itself, at length.
QUIET = (
    "scrapy.core.scraper",
    "scrapy.downloadermiddlewares.retry",
    "scrapy.downloadermiddlewares.robotstxt",
)


def say(event: str, **values: Any) -> None:
    """One line on standard output, at once and whole."""
    line = json.dumps({"event": event, **values}) + "\n"
    data = line.encode()
    while data:
        data = data[os.write(1, data) :]


class Spooler:
    """The item pipeline: writes pictures into the spool folder and reports every item."""

    def __init__(self, crawler: Any) -> None:
        self.crawler = crawler
        self.config: CrawlConfig = crawler.settings["CRAWL_CONFIG"]
        self.number = 0
        self.bytes = 0

    @classmethod
    def from_crawler(cls, crawler: Any) -> "Spooler":
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        match item:
            case PictureFound():
                self._keep(item)
            case PictureRefused():
                say("refused", **vars(item))
            case PageRead():
                say("page", url=item.url)
                say("found", number=item.found)
            case PageTrouble():
                say("trouble", **vars(item))
        return None

    def _keep(self, item: PictureFound) -> None:
        self.number += 1
        self.bytes += len(item.body)
        name = f"{self.number:06}"
        Path(self.config.spool, name).write_bytes(item.body)
        say(
            "picture",
            file=name,
            image_url=item.image_url,
            page_url=item.page_url,
            alt=item.alt,
            caption=item.caption,
        )
        if self.bytes >= self.config.max_total_bytes:
            self.crawler.engine.close_spider(self.crawler.spider, "bytes")


def settings_of(config: CrawlConfig) -> dict[str, Any]:
    """Scrapy's settings: polite, bounded, and able to reach public http(s) hosts alone."""
    return {
        "CRAWL_CONFIG": config,
        "BOT_NAME": "imagineer",
        "USER_AGENT": config.user_agent,
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": config.user_agent.partition("/")[0].strip(),
        # Nothing but the web.
        "DOWNLOAD_HANDLERS": {"data": None, "file": None, "s3": None, "ftp": None},
        "TWISTED_DNS_RESOLVER": "scraping.resolver.PublicResolver",
        "DNSCACHE_ENABLED": False,
        "SCRAPE_ALLOWED_NETWORKS": list(config.allowed_networks),
        "HTTPPROXY_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        # Nothing without end.
        "DOWNLOAD_MAXSIZE": config.max_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_TIMEOUT": config.timeout_s,
        "REDIRECT_MAX_TIMES": 5,
        "METAREFRESH_MAXDELAY": 10,
        "RETRY_TIMES": 1,
        # A host that is not there, or that the resolver refuses, is not there the third time.
        "RETRY_EXCEPTIONS": RETRIED,
        "DEPTH_LIMIT": config.depth + 3,
        "CLOSESPIDER_TIMEOUT": 6 * 3600,
        # No faster than a site likes.
        "DOWNLOAD_DELAY": config.delay_s,
        "AUTOTHROTTLE_ENABLED": config.delay_s > 0,
        "AUTOTHROTTLE_START_DELAY": config.delay_s,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 2.0,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 4,
        # Breadth first: what is near the start comes first.
        "DEPTH_PRIORITY": 1,
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
        "ITEM_PIPELINES": {Spooler: 100},
        "LOG_LEVEL": "WARNING",
        "STATS_DUMP": False,
        "LOGSTATS_INTERVAL": 0,
        "REFERRER_POLICY": "strict-origin-when-cross-origin",
    }


def main() -> int:
    config = from_json(sys.stdin.read())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    process = AsyncCrawlerProcess(settings_of(config))
    crawler = process.create_crawler(PageGallerySpider)
    reasons: list[str] = []

    def on_closed(spider: Any, reason: str) -> None:
        reasons.append(reason)

    # Scrapy holds receivers weakly: it must be a name that lives on.
    crawler.signals.connect(on_closed, signal=signals.spider_closed)
    process.crawl(crawler, config=config)
    process.start()
    if not reasons:
        return 1
    say("end", reason={"shutdown": "stopped"}.get(reasons[0], reasons[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
