"""That a page keeps nobody out in either theme, and stays within the window."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Of all that axe looks at, the other theme changes this alone.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# A title that no line can break on its own, one of another direction, and one of wide signs.
UNBROKEN = "a word_that_does_not_end_" + "x" * 120
RIGHT_TO_LEFT = "שלום עולם " * 18
PICTOGRAMS = "🦊🌲👩🏽‍🚀" * 20


def assert_whole(page: Page, name: str) -> None:
    """No accessibility error that axe finds, no horizontal scrolling. name: for the report."""
    # Without motion, so that no colour is on its way to another.
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    _assert_open(page, f"{name}, light", RULES)
    page.emulate_media(color_scheme="dark")
    _assert_open(page, f"{name}, dark", COLOURS)
    page.emulate_media(color_scheme="null", reduced_motion="null")
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], f"{name} is {widths[0]} px wide in a window of {widths[1]}"


def _assert_open(page: Page, name: str, rules: dict[str, Any]) -> None:
    found = Axe().run(page, options=rules)
    assert found.violations_count == 0, f"{name}\n{found.generate_report()}"
