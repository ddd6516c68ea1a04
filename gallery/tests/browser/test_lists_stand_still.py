"""Nothing that one sees of a list moves while it loads, however much of it comes."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from gallery.tests.browser.window import Visit, Visitor
from gallery.tests.factories import make_album, make_image, make_row, picture_file

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOTH_SIZES = pytest.mark.parametrize("size", ["phone", "desktop"])
SHAPES = [(300, 200), (200, 300), (64, 96), (400, 180), (200, 200), (120, 300)]
PAGE = 50
# What the browser itself counts as moved; what follows a key or a click at once is left out.
COUNT = """
window.moved = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def watch(visitor: Visitor) -> Callable[[], float]:
    """How far things have moved on the page that is opened next, in the browser's measure."""
    visitor.context.add_init_script(COUNT)

    def moved() -> float:
        return float(visitor.page.evaluate("window.moved"))

    return moved


@BOTH_SIZES
@pytest.mark.parametrize("path", ["/", "/albums/boats/", "/search/?q=fox"])
def test_as_the_pictures_come(visit: Visit, size: str, path: str) -> None:
    images = [
        make_image(number, width=SHAPES[number % 3][0], height=SHAPES[number % 3][1], prompt="fox")
        for number in range(18)
    ]
    make_album("Boats", images)
    visitor = visit(size)
    moved = watch(visitor)
    page = visitor.open(path)
    page.wait_for_timeout(300)
    assert moved() < 0.001


def make_rows(count: int) -> None:
    for number in range(count):
        width, height = SHAPES[number % len(SHAPES)]
        make_row(width=width, height=height)


def answer_pictures(page: Page) -> None:
    body = picture_file(1, 30, 20)
    page.route("**/i/*.webp", lambda route: route.fulfill(body=body, content_type="image/png"))


@BOTH_SIZES
def test_as_one_waits_at_the_end_for_more(visit: Visit, size: str) -> None:
    make_rows(3 * PAGE + 20)
    visitor = visit(size)
    answer_pictures(visitor.page)
    moved = watch(visitor)
    page = visitor.open("/")
    tiles = page.locator("#list > .tile")
    for come in (2 * PAGE, 3 * PAGE, 3 * PAGE + 20):
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        expect(tiles.nth(come - 1)).to_be_attached()
    page.wait_for_timeout(100)
    expect(tiles).to_have_count(3 * PAGE + 20)
    assert moved() < 0.001
    expect(tiles.last).to_be_visible()


def test_the_last_row_waits_until_it_is_full_but_not_for_what_never_comes(visit: Visit) -> None:
    make_rows(PAGE + 5)
    visitor = visit()
    answer_pictures(visitor.page)
    held: list[Route] = []
    visitor.page.route("**/?after=*", lambda route: held.append(route))
    page = visitor.open("/")
    last = page.locator("#list > .tile").last
    page.locator(".more").scroll_into_view_if_needed()
    expect(page.get_by_text("Loading more…")).to_be_visible()
    expect(last).to_be_hidden()
    expect(page.locator("#list > .tile").first).to_be_visible()
    held[0].abort()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(last).to_be_visible()
    assert any("ERR_FAILED" in error for error in visitor.errors)
    visitor.errors.clear()


def test_without_javascript_the_last_row_is_there(visit: Visit) -> None:
    make_rows(PAGE + 5)
    visitor = visit(java_script_enabled=False)
    answer_pictures(visitor.page)
    page = visitor.open("/")
    expect(page.locator("#list > .tile").last).to_be_visible()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def chosen_widths(page: Page) -> list[tuple[int, int]]:
    """(width of the file that the browser chose, width it is shown at) for each tile."""
    found: list[Any] = page.evaluate(
        """() => [...document.querySelectorAll(".tile img")].map((picture) =>
             [Number(picture.currentSrc.match(/-(\\d+)\\.webp/)[1]), picture.clientWidth])"""
    )
    return [(chosen, shown) for chosen, shown in found]


@BOTH_SIZES
def test_a_tile_loads_no_larger_file_than_a_full_row_needs(visit: Visit, size: str) -> None:
    for width, height in [(1300, 900), (900, 1300), (1300, 1300), (1300, 600)]:
        make_image(width=width, height=height)
    page = visit(size).open("/")
    for chosen, shown in chosen_widths(page):
        enough = [width for width in (300, 600, 1200) if width >= shown]
        in_a_high_row = [width for width in enough if width >= shown * 1.25]
        assert chosen in (enough[0], in_a_high_row[0])
