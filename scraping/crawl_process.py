"""``python -m scraping.crawl_process``: one crawl, in a process of its own. Knows no Django.

Each of its targets has a spider with settings of its own; they share the reactor and the resolver.

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
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.settings import Settings

from scraping.crawl_config import CrawlConfig, TargetConfig, from_json
from scraping.spiders.choice import spider_for
from scraping.spiders.items import PageRead, PageTrouble, PictureFound, PictureRefused

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
        self.target: TargetConfig = crawler.settings["CRAWL_TARGET"]
        self.number = 0

    @classmethod
    def from_crawler(cls, crawler: Any) -> "Spooler":
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        match item:
            case PictureFound():
                self._keep(item)
            case PictureRefused():
                self._say(
                    "refused",
                    **vars(item.sighting),
                    reason=item.reason,
                    detail=item.detail,
                )
            case PageRead():
                self._say("page", url=item.url)
                self._say("found", number=item.found)
            case PageTrouble():
                self._say("trouble", **vars(item))
        return None

    def _say(self, event: str, **values: Any) -> None:
        say(event, target=self.target.number, **values)

    def _keep(self, item: PictureFound) -> None:
        self.number += 1
        total.fetched += len(item.body)
        name = f"{self.target.number}-{self.number:06}"
        Path(self.config.spool, name).write_bytes(item.body)
        self._say("picture", file=name, **vars(item.sighting))
        if total.fetched >= self.config.options.max_megabytes * 10**6:
            self.crawler.engine.close_spider(self.crawler.spider, "bytes")


class _Total:
    """Of all targets: bytes of pictures that were fetched."""

    fetched = 0


total = _Total()


def process_settings(config: CrawlConfig) -> dict[str, Any]:
    """What holds for all targets: Scrapy puts the process's settings over those of each."""
    return {
        "TWISTED_DNS_RESOLVER": "scraping.resolver.PublicResolver",
        "DNSCACHE_ENABLED": False,
        "SCRAPE_ALLOWED_NETWORKS": list(config.allowed_networks),
        "LOG_LEVEL": "WARNING",
    }


def settings_of(config: CrawlConfig, target: TargetConfig) -> dict[str, Any]:
    """Scrapy's settings for a target: polite, bounded, and for http(s) alone."""
    delay_s = max(config.delay_s, 60 / target.rate_limit if target.rate_limit else 0)
    return {
        "CRAWL_CONFIG": config,
        "CRAWL_TARGET": target,
        "BOT_NAME": "imagineer",
        "USER_AGENT": config.user_agent,
        "ROBOTSTXT_OBEY": config.options.obey_robots,
        "ROBOTSTXT_USER_AGENT": config.user_agent.partition("/")[0].strip(),
        # Nothing but the web.
        "DOWNLOAD_HANDLERS": {"data": None, "file": None, "s3": None, "ftp": None},
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
        "DEPTH_LIMIT": config.options.depth + 3,
        "CLOSESPIDER_TIMEOUT": config.options.max_minutes * 60,
        # No faster than a site likes.
        "DOWNLOAD_DELAY": delay_s,
        "AUTOTHROTTLE_ENABLED": delay_s > 0,
        "AUTOTHROTTLE_START_DELAY": delay_s,
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


# Scrapy's reason for an end, and ours.
_REASONS = {"shutdown": "stopped", "closespider_timeout": "minutes"}


def main() -> int:
    config = from_json(sys.stdin.read())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    process = AsyncCrawlerProcess(process_settings(config))
    ended: set[int] = set()

    def on_closed(spider: Any, reason: str) -> None:
        ended.add(spider.target.number)
        say("target_end", target=spider.target.number, reason=_REASONS.get(reason, reason))

    for target in config.targets:
        spider = spider_for(target)
        crawler = Crawler(spider, Settings(settings_of(config, target)))
        # Scrapy holds receivers weakly: it must be a name that lives on.
        crawler.signals.connect(on_closed, signal=signals.spider_closed)
        process.crawl(crawler, config=config, target=target)
    process.start()
    if len(ended) < len(config.targets):
        return 1
    say("end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
