"""``python -m scraping.crawl_process``: one crawl, in a process of its own. Knows no Django.

Each of its targets has a spider with settings of its own; they share the reactor and the resolver.

Twisted's reactor can be started once in a process, so every crawl gets a fresh one. Reads a
CrawlConfig as a line of JSON from standard input and then lines that stop targets, writes events as
JSON lines to standard output (see :mod:`scraping.crawl_config`), and its own log to standard error.
One SIGINT asks for a graceful end; a kill at any moment loses nothing but what was on its way.
"""

import asyncio
import json
import logging
import sys
import threading
from pathlib import Path
from typing import IO, Any

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware

from scraping import at_once, page_cache
from scraping.bounded_download import InflateInTurn
from scraping.budget import Budget
from scraping.crawl_config import CrawlConfig, TargetConfig, from_json
from scraping.crawl_state import CrawlState
from scraping.crawl_targets import CrawlTargets
from scraping.frontier import values_in
from scraping.pace import Pace
from scraping.polite_middlewares import (
    HeedBusyServers,
    KeepPace,
    LeaveProtectedSites,
    ObeyRobots,
)
from scraping.reach_guard import ReachGuard
from scraping.received_bytes import ReceivedBytes
from scraping.robots_rules import RobotsRules
from scraping.scheduler import Consumption, FrontierScheduler
from scraping.user_agent import name_of

RETRIED = [
    f"scrapy.exceptions.{name}"
    for name in ("DownloadTimeoutError", "DownloadFailedError", "ResponseDataLossError")
]
# They report what the spider words itself, at length.
QUIET = (
    "scrapy.core.scraper",
    "scrapy.downloadermiddlewares.retry",
    "scrapy.downloadermiddlewares.robotstxt",
    "scrapy-playwright",
)


def process_settings(config: CrawlConfig) -> dict[str, Any]:
    """What holds for all targets: Scrapy puts the process's settings over those of each."""
    return {
        "TWISTED_DNS_RESOLVER": "scraping.resolver.PublicResolver",
        "DNSCACHE_ENABLED": False,
        "SCRAPE_ALLOWED_NETWORKS": list(config.allowed_networks),
        "SCRAPE_ALLOWED_HOSTS": list(config.allowed_hosts),
        "SCRAPE_ALLOWED_PORTS": list(config.allowed_ports),
        "LOG_LEVEL": "WARNING",
    }


def _politeness(config: CrawlConfig) -> dict[str, Any]:
    """No faster than a site likes: beside the pace, slower when it answers slowly."""
    return {
        "DOWNLOADER_MIDDLEWARES": {
            # Before robots.txt of a host is asked for.
            ReachGuard: 50,
            RobotsTxtMiddleware: None,
            ObeyRobots: 100,
            KeepPace: 540,
            HeedBusyServers: 560,
            LeaveProtectedSites: 585,
            HttpCompressionMiddleware: None,
            InflateInTurn: 590,
            **page_cache.MIDDLEWARES,
        },
        "DOWNLOAD_DELAY": config.delay_s,
        "DOWNLOAD_DELAY_JITTER": 0,
        "AUTOTHROTTLE_ENABLED": config.delay_s > 0,
        "AUTOTHROTTLE_START_DELAY": config.delay_s,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 2.0,
        "CONCURRENT_REQUESTS_PER_DOMAIN": at_once.MOST,
    }


def settings_of(config: CrawlConfig, target: TargetConfig) -> dict[str, Any]:
    """Scrapy's settings for a target: polite, bounded, and for http(s) alone."""
    settings: dict[str, Any] = {
        "BOT_NAME": "imagineer",
        "USER_AGENT": config.user_agent,
        "ROBOTSTXT_OBEY": config.options.obey_robots,
        "ROBOTSTXT_USER_AGENT": name_of(config.user_agent),
        "ROBOTSTXT_PARSER": RobotsRules,
        # Nothing but the web.
        "DOWNLOAD_HANDLERS": {
            "http": "scraping.bounded_download.BoundedHandler",
            "https": "scraping.bounded_download.BoundedHandler",
            **dict.fromkeys(("data", "file", "s3", "ftp")),
        },
        "HTTPPROXY_ENABLED": False,
        # Many a site's is out of date, which harms no picture; a key goes to nobody else.
        "DOWNLOAD_VERIFY_CERTIFICATES": bool(target.api_key),
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
        # Spiders count depth themselves: next pages of a list are no deeper.
        "DEPTH_LIMIT": 0,
        **_politeness(config),
        # Tasks that Scrapy starts for what an answer yields, all of which the scheduler consumes.
        "CONCURRENT_ITEMS": 1,
        # Breadth first: what is near the start comes first.
        "DEPTH_PRIORITY": 1,
        "SCHEDULER": FrontierScheduler,
        "SPIDER_MIDDLEWARES": {Consumption: 10},
        "EXTENSIONS": {ReceivedBytes: 0},
        "LOG_LEVEL": "WARNING",
        "STATS_DUMP": False,
        "LOGSTATS_INTERVAL": 0,
        "REFERRER_POLICY": "strict-origin-when-cross-origin",
        **page_cache.settings_of(target.pages_folder),
    }
    if target.render_javascript != "off":
        # Slow to import, and most crawls need none of it.
        from scraping.rendered_pages import rendering_settings

        handlers, others = rendering_settings(config)
        settings["DOWNLOAD_HANDLERS"] |= handlers
        settings |= others
    return settings


def main() -> int:
    told = sys.stdin.buffer
    config = from_json(told.readline().decode())
    process = AsyncCrawlerProcess(process_settings(config))
    # After that, since Scrapy sets the levels of all its loggers.
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    state = CrawlState(config, _budget(config), Pace(config.delay_s))
    targets = CrawlTargets(process, state, settings_of)
    loop = asyncio.get_event_loop()
    loop.call_later(config.seconds_left, targets.stop_all, "minutes")
    listener = threading.Thread(target=_listen, args=(told, loop, targets), daemon=True)
    listener.start()
    targets.start()
    if len(targets.ended) < len(config.targets):
        return 1
    state.say("end")
    return 0


def _budget(config: CrawlConfig) -> Budget:
    """What the crawl's earlier attempts have left of it."""
    spent = [values_in(folder) for folder in Path(config.spool).glob("target-*")]
    return Budget(
        max_pages=config.options.max_pages,
        max_bytes=config.options.max_megabytes * 10**6,
        pages=sum(values.get("asked", 0) for values in spent),
        bytes=sum(values.get("bytes", 0) for values in spent),
    )


def _listen(told: IO[bytes], loop: asyncio.AbstractEventLoop, targets: CrawlTargets) -> None:
    """Lines ``{"stop": target's number, "reason": ...}`` from whoever started this process."""
    for line in told:
        asked = json.loads(line)
        loop.call_soon_threadsafe(targets.stop, asked["stop"], asked["reason"])


if __name__ == "__main__":
    sys.exit(main())
