"""The download handler of crawls that open pages in a browser; everything else is fetched plainly.

A request with ``meta["playwright"]`` is opened in Chromium, in a context and behind a proxy of its
own that end with it: no cookie, cache or worker of one page is there for the next. Its answer holds
the page as its scripts have made it. What is not a page there is fetched again without the browser.
"""

import asyncio
import itertools
from contextlib import suppress
from functools import partial
from typing import Any

from playwright.async_api import Error
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import HtmlResponse, Request, Response
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler
from scrapy_playwright.page import PageMethod

from scraping.addresses import AddressRefused
from scraping.bounded_download import Bounded
from scraping.browser import keep_files_in, kill_browser, launch_options
from scraping.browser_proxy import BrowserProxy
from scraping.crawl_config import CrawlConfig
from scraping.polite_middlewares import ObeyRobots, its_turn
from scraping.settle_page import Arrival, Bounds, PageTooLarge, prepare, settle

# Each takes some hundred megabytes.
AT_ONCE = 2
# Scripts and styles come on top of the page itself.
PROXY_BYTES_A_PAGE_BYTE = 4
CLOSE_S = 5.0
_slots = asyncio.Semaphore(AT_ONCE)
_numbers = itertools.count(1)


class RenderingHandler(Bounded, ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]
    """Reach, sizes and times are the crawl's."""

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self.crawl: CrawlConfig = crawler.crawl_state.config
        keep_files_in(self.crawl.spool)
        self.bounds = Bounds(
            load_s=min(Bounds.load_s, self.crawl.timeout_s / 2),
            scroll_s=min(Bounds.scroll_s, self.crawl.timeout_s),
            characters=self.crawl.max_page_bytes,
        )

    async def download_request(self, request: Request) -> Response:
        if not request.meta.get("playwright"):
            return await super().download_request(request)
        arrival = Arrival()
        async with _slots, its_turn(self.crawler, request):
            response = await self._rendered(request, arrival)
        if response is not None:
            await self._obey_robots_at(arrival.url, request)
            response.headers.pop("X-Robots-Tag", None)
            if arrival.robots:
                response.headers.setlist("X-Robots-Tag", arrival.robots)
            return response
        plain = request.replace(meta=request.meta | {"playwright": False})
        return await super().download_request(plain)

    async def _obey_robots_at(self, url: str, request: Request) -> None:
        """The browser follows redirects itself. Raises IgnoreRequest for where it must not read."""
        robots = self.crawler.get_downloader_middleware(ObeyRobots)
        if robots is not None and url and url != request.url:
            await robots.process_request(Request(url))

    async def _rendered(self, request: Request, arrival: Arrival) -> Response | None:
        """None for what is not a page. Raises Scrapy's errors, AddressRefused, BrowserFailed."""
        name = f"page-{next(_numbers)}"
        most_bytes = self.crawl.max_page_bytes * PROXY_BYTES_A_PAGE_BYTE
        async with BrowserProxy(self.crawl.reach, most_bytes) as proxy:
            request.meta.update(self._wishes(name, proxy, arrival))
            try:
                async with asyncio.timeout(self.crawl.timeout_s + self.bounds.scroll_s):
                    response = await self.bounded(request)
            except TimeoutError:
                # It has had more time than a plain page already.
                request.meta["dont_retry"] = True
                raise DownloadTimeoutError(f"{request.url} is not ready in time.") from None
            except PageTooLarge:
                raise DownloadCancelledError(f"{request.url} becomes too large.") from None
            except RuntimeError:
                # It starts a download, which none is allowed.
                return None
            except Error as error:
                raise _told(error, proxy) from error
            finally:
                await self._forget(name)
                for key in [key for key in request.meta if key.startswith("playwright_")]:
                    del request.meta[key]
            if proxy.is_spent:
                raise DownloadCancelledError(f"{request.url} fetches too much.")
        if not response.url.startswith(("http://", "https://")):
            raise DownloadFailedError(f"{request.url} leads away from the web.")
        return response if isinstance(response, HtmlResponse) else None

    def _wishes(self, name: str, proxy: BrowserProxy, arrival: Arrival) -> dict[str, Any]:
        """What scrapy-playwright reads in a request's meta."""
        return {
            "playwright_context": name,
            "playwright_context_kwargs": {
                "proxy": {"server": proxy.url, "bypass": "<-loopback>"},
                "user_agent": self.crawl.user_agent,
                "viewport": {"width": 1280, "height": 1600},
                "accept_downloads": False,
                "service_workers": "block",
                "permissions": [],
                "reduced_motion": "reduce",
            },
            # What does not come to its end is waited for later, within bounds.
            "playwright_page_goto_kwargs": {"wait_until": "commit"},
            "playwright_page_init_callback": partial(prepare, arrival=arrival),
            "playwright_page_methods": [PageMethod(settle, self.bounds, proxy.hang_up, arrival)],
        }

    async def _forget(self, name: str) -> None:
        """Close the context with everything that the page has opened."""
        wrapper = self.context_wrappers.get(name)
        if wrapper is None:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                with suppress(Error):
                    await wrapper.context.close()
        except TimeoutError:
            kill_browser()
        self.context_wrappers.pop(name, None)

    async def close(self) -> None:
        if hasattr(self, "browser"):
            # Other targets may still need it; the last one's provider ends it.
            self.browser = _Released()
        await super().close()


class _Released:
    """Stands for a browser that is not ours to close."""

    async def close(self) -> None:
        return


def _told(error: Error, proxy: BrowserProxy) -> Exception:
    """Why a page did not come, in the terms of plain downloads."""
    message = str(error)
    told: Exception = DownloadFailedError(message)
    if proxy.is_spent:
        told = DownloadCancelledError(message)
    elif proxy.refused and "net::ERR_" in message:
        told = AddressRefused(next(iter(proxy.refused.values())))
    elif type(error).__name__ == "TimeoutError" or "ERR_TIMED_OUT" in message:
        told = DownloadTimeoutError(message)
    return told


def rendering_settings(config: CrawlConfig) -> tuple[dict[str, str], dict[str, Any]]:
    """Download handlers and further settings of a target whose pages may be opened in a browser."""
    handler = "scraping.rendered_pages.RenderingHandler"
    return {"http": handler, "https": handler}, {
        "PLAYWRIGHT_BROWSER_PROVIDER": "scraping.browser.SharedChromium",
        "PLAYWRIGHT_LAUNCH_OPTIONS": launch_options(config.browser),
        "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": config.timeout_s * 1000,
        "PLAYWRIGHT_DOWNLOAD_TIMEOUT": 2000,
        # The browser's own headers; who asks is said by the context.
        "PLAYWRIGHT_PROCESS_REQUEST_HEADERS": None,
    }
