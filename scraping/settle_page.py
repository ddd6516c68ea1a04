"""A page in the browser: made harmless, loaded, and scrolled until nothing new comes."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Error, Page, Response, Route
from playwright.async_api import TimeoutError as NotInTime

# What a page could use to get around the proxy, or to open what nobody reads.
HARMLESS = """
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel",
                    "WebTransport", "Notification"]) {
  try { delete globalThis[name]; } catch {}
}
globalThis.open = () => null;
globalThis.print = () => {};
"""
# Scrolls by a screen what can be scrolled: the page, or the largest part of it that can.
STEP = """() => {
  const page = document.scrollingElement || document.documentElement;
  if (!page) return [true, 0, 0];
  let part = page;
  if (page.scrollHeight <= innerHeight + 10) {
    const parts = [...document.querySelectorAll("main, div, section, ul, ol")].slice(0, 2000)
      .filter((one) => one.clientHeight > innerHeight / 2
                    && one.scrollHeight > one.clientHeight + 10
                    && /auto|scroll/.test(getComputedStyle(one).overflowY));
    if (parts.length) part = parts.reduce((a, b) => b.scrollHeight > a.scrollHeight ? b : a);
  }
  part.scrollBy(0, Math.max(200, part.clientHeight * 0.9));
  const isAtEnd = part.scrollTop + part.clientHeight >= part.scrollHeight - 2;
  return [isAtEnd, part.scrollHeight, document.getElementsByTagName("*").length];
}"""
MEASURE = "document.documentElement ? document.documentElement.outerHTML.length : 0"
# Shown instead of every picture; those are fetched by the crawler later, for itself.
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
)
_NOT_FETCHED = frozenset({"media", "font", "texttrack", "manifest", "ping", "cspviolationreport"})
# What a page still waits for when its time is over is ended, and what it then asks for instead.
HANG_UPS = 5
HANG_UP_S = 1.0
STEP_S = 0.05
GROWS_WITHIN_S = 1.5


class PageTooLarge(Exception):
    """The page has become larger than one may be."""


@dataclass(frozen=True)
class Bounds:
    """load_s: until the page has loaded; what is missing then is left out. quiet_s: longest wait
    for its scripts after that. scroll_s, steps, height (pixels), elements: how far it is scrolled.
    characters: of its HTML.
    """

    load_s: float = 15.0
    quiet_s: float = 3.0
    scroll_s: float = 20.0
    steps: int = 300
    height: int = 300_000
    elements: int = 100_000
    characters: int = 10_000_000


@dataclass
class Arrival:
    """What the page that is shown came with, wherever redirects and scripts have led.

    url: its address, before scripts changed that without asking for anything; "" for none.
    robots: its headers X-Robots-Tag, each by itself.
    """

    url: str = ""
    robots: list[str] = field(default_factory=list)
    _answer: Response | None = None

    def note(self, answer: Response) -> None:
        with suppress(Error):
            if answer.request.is_navigation_request() and answer.frame.parent_frame is None:
                self._answer = answer

    async def read(self) -> None:
        if self._answer is not None:
            self.url = self._answer.url
            self.robots = await self._answer.header_values("X-Robots-Tag")


async def prepare(page: Page, request: Any, arrival: Arrival) -> None:
    """Before anything is fetched. A page that cannot be made harmless is closed."""
    try:
        page.on("response", arrival.note)
        await page.add_init_script(HARMLESS)
        await page.route("**/*", _answer)
        page.context.on("page", _close_popup)
    except BaseException:
        await page.close()
        raise


async def _close_popup(popup: Page) -> None:
    if await popup.opener() is not None:
        await popup.close()


async def _answer(route: Route) -> None:
    """Pictures come at once and are empty: one that fails is taken out by many a page's script."""
    kind = route.request.resource_type
    if kind == "image":
        await route.fulfill(status=200, content_type="image/gif", body=PIXEL)
    elif kind in _NOT_FETCHED:
        await route.abort()
    else:
        await route.fallback()


async def settle(page: Page, bounds: Bounds, hang_up: Callable[[], None], arrival: Arrival) -> None:
    """Wait until a page that has begun to come is whole, scroll it, and see that it may be read.

    hang_up: ends all connections of the page, so that what has not come will not. Raises
    PageTooLarge, and NotInTime for a page that does not load even then.
    """
    if not await _has_loaded(page, bounds.load_s):
        for _ in range(HANG_UPS):
            hang_up()
            if await _has_loaded(page, HANG_UP_S):
                break
    await _wait_until_quiet(page, bounds)
    await _scroll(page, bounds)
    if await page.evaluate(MEASURE) > bounds.characters:
        raise PageTooLarge
    await arrival.read()


async def _has_loaded(page: Page, within_s: float) -> bool:
    try:
        await page.wait_for_load_state("load", timeout=within_s * 1000)
    except NotInTime:
        return False
    return True


async def _wait_until_quiet(page: Page, bounds: Bounds) -> None:
    try:
        await page.wait_for_load_state("networkidle", timeout=bounds.quiet_s * 1000)
    except NotInTime:
        # It goes on asking for things; many do.
        return


async def _scroll(page: Page, bounds: Bounds) -> None:
    until = time.monotonic() + bounds.scroll_s
    for _ in range(bounds.steps):
        is_at_end, height, elements = await page.evaluate(STEP)
        if is_at_end and not await _grows(page, (height, elements), until):
            return
        if height > bounds.height or elements > bounds.elements or time.monotonic() > until:
            return
        await asyncio.sleep(STEP_S)


async def _grows(page: Page, before: tuple[int, int], until: float) -> bool:
    """Whether more comes now that the end has been reached."""
    until = min(until, time.monotonic() + GROWS_WITHIN_S)
    while time.monotonic() < until:
        await asyncio.sleep(0.1)
        _, height, elements = await page.evaluate(STEP)
        if (height, elements) != before:
            return True
    return False
