"""One headless Chromium for all targets of a crawl, started when the first page needs it.

It has no way out of its own: its proxy is a port at which nobody listens. Every page gets one that
leads somewhere (:mod:`scraping.browser_proxy`).
"""

import asyncio
import logging
import os
import socket
from contextlib import suppress
from typing import Any

import psutil
from playwright.async_api import Browser, Error, Playwright, async_playwright
from scrapy.exceptions import NotSupported

log = logging.getLogger(__name__)

START_S = 30.0
STOP_S = 3.0
WATCH_S = 0.5
# Of one page's process. Pages that need more are ended, so that the machine is not.
MOST_PAGE_BYTES = 1_000_000_000
# Chromium cannot put sockets into deeper folders.
LONGEST_FOLDER = 60
ARGUMENTS = (
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--no-first-run",
    "--no-pings",
    "--deny-permission-prompts",
    "--mute-audio",
    "--autoplay-policy=user-gesture-required",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    # It cannot even ask for a name.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--js-flags=--max-old-space-size=512",
)


class BrowserFailed(Exception):
    """Chromium does not start; the text is a sentence."""


def keep_files_in(folder: str) -> None:
    """Have the browser's profiles in a folder that is deleted with the crawl, if that is possible.

    One that is killed cannot delete them itself.
    """
    if len(folder) <= LONGEST_FOLDER:
        os.environ["TMPDIR"] = folder


def launch_options(program: str) -> dict[str, Any]:
    """What Playwright is told at a start. program: path of a Chromium."""
    return {
        "executable_path": program,
        "args": list(ARGUMENTS),
        "timeout": START_S * 1000,
        # The sandbox does not work for root, and Chromium then refuses to start.
        "chromium_sandbox": os.geteuid() != 0,
    }


class _Shared:
    """This process's browser, and how many download handlers may still need it."""

    def __init__(self) -> None:
        self.users = 0
        self.lock = asyncio.Lock()
        self.playwright: Playwright | None = None
        self.browser: Browser | None = None
        self.watch: asyncio.Task[None] | None = None
        self.nowhere: socket.socket | None = None

    async def get(self, options: dict[str, Any]) -> Browser:
        async with self.lock:
            if self.browser is None or not self.browser.is_connected():
                self.browser = await self._start(options)
            return self.browser

    async def _start(self, options: dict[str, Any]) -> Browser:
        try:
            if self.playwright is None:
                self.playwright = await async_playwright().start()
            browser = await self._launch(self.playwright, options | {"proxy": self._nowhere()})
        except Error as error:
            raise BrowserFailed(
                "Chromium does not start, so no page can be opened in it; the log has what it said."
            ) from error
        if self.watch is None:
            self.watch = asyncio.create_task(end_large_pages())
        return browser

    async def _launch(self, playwright: Playwright, options: dict[str, Any]) -> Browser:
        try:
            return await playwright.chromium.launch(**options)
        except Error as error:
            if not options["chromium_sandbox"]:
                log.error("%s", error)
                raise
            # Containers and some kernels forbid the namespaces that it is made of.
            log.warning("Chromium does not start in its sandbox; it runs without.")
            return await playwright.chromium.launch(**options | {"chromium_sandbox": False})

    def _nowhere(self) -> dict[str, str]:
        """A proxy that refuses: a port that is taken, but at which nobody listens."""
        if self.nowhere is None:
            self.nowhere = socket.socket()
            self.nowhere.bind(("127.0.0.1", 0))
        port = self.nowhere.getsockname()[1]
        return {"server": f"http://127.0.0.1:{port}", "bypass": "<-loopback>"}

    async def stop(self) -> None:
        async with self.lock:
            if self.watch is not None:
                self.watch.cancel()
            with suppress(Error, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    if self.browser is not None:
                        await self.browser.close()
                    if self.playwright is not None:
                        await self.playwright.stop()
            if self.nowhere is not None:
                self.nowhere.close()
            self.browser = self.playwright = self.watch = self.nowhere = None


_shared = _Shared()


class SharedChromium:
    """Where scrapy-playwright gets browsers: every handler of this process the same one."""

    def __init__(self, config: Any) -> None:
        self.options = dict(config.launch_options)

    async def start(self) -> None:
        _shared.users += 1

    async def launch_browser(self) -> Browser:
        return await _shared.get(self.options)

    async def launch_persistent_context(self, context_kwargs: dict[str, Any]) -> Any:
        raise NotSupported("Pages leave nothing behind.")

    async def close(self) -> None:
        _shared.users -= 1
        if _shared.users <= 0:
            await _shared.stop()


async def end_large_pages(most_bytes: int = MOST_PAGE_BYTES) -> None:
    """Kill page processes that hold more memory than one may; for ever."""
    while True:
        await asyncio.sleep(WATCH_S)
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if _is_page(process) and process.memory_info().rss > most_bytes:
                    process.kill()


def _is_page(process: psutil.Process) -> bool:
    return "--type=renderer" in process.cmdline()


def kill_browser() -> None:
    """End a browser that does not listen any more; the next page gets another."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(word.startswith("--remote-debugging-pipe") for word in process.cmdline()):
                process.kill()
