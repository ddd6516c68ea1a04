"""Looking at the pictures of a list over the page."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from gallery.models import Rating
from gallery.tests.browser.whole import assert_whole
from gallery.tests.browser.window import Visit
from gallery.tests.factories import make_album, make_image

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def shown(page: Page) -> Any:
    """What is written below the picture."""
    return page.locator(".lightbox-words")


def look(page: Page, number: int = 0) -> None:
    """Open a tile's picture, and wait until it listens to keys."""
    page.locator(".tile > a").nth(number).click()
    expect(page.locator(".pswp[data-open]")).to_have_count(1)


def test_a_click_opens_it_and_keys_walk(visit: Visit) -> None:
    for number in range(3):
        make_image(number, width=400, height=300, prompt=f"number {number}")
    page = visit().open("/")
    look(page)
    expect(shown(page)).to_have_text("number 2")
    page.keyboard.press("ArrowRight")
    expect(shown(page)).to_have_text("number 1")
    page.keyboard.press("ArrowLeft")
    expect(shown(page)).to_have_text("number 2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(page.locator(".pswp")).to_have_count(0)
    # Where one stopped looking, one goes on.
    assert page.evaluate("document.activeElement.dataset.words") == "number 1"
    assert page.url.endswith("/")


def test_going_back_closes_it(visit: Visit) -> None:
    make_image(1)
    page = visit().open("/albums/")
    page.goto(page.url.removesuffix("albums/"))
    look(page)
    page.go_back()
    expect(page.locator(".pswp")).to_have_count(0)
    assert "albums" not in page.url
    page.go_back()
    page.wait_for_url("**/albums/")


def test_details_lead_to_the_page_with_its_list(visit: Visit) -> None:
    image = make_image(1)
    make_album("Boats", [image])
    page = visit().open("/albums/boats/")
    page.locator(".tile > a").click()
    page.locator("[data-details]").click()
    page.wait_for_url(f"**/images/{image.pk}/?in=boats")


def test_the_next_page_of_the_list_comes_as_one_walks(visit: Visit) -> None:
    for number in range(53):
        make_image(number, width=16, height=16)
    page = visit().open("/")
    look(page, 46)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pswp__counter")).to_have_text("48 of 53")


def test_of_a_list_that_goes_on_it_tells_no_end(visit: Visit) -> None:
    for number in range(53):
        make_image(number, width=16, height=16)
    visitor = visit()
    visitor.page.route("**/?after=*", lambda route: route.abort())
    page = visitor.open("/")
    look(page, 3)
    expect(page.locator(".pswp__counter")).to_have_text("4")
    visitor.errors.clear()


def test_a_page_that_comes_while_it_opens_counts(visit: Visit) -> None:
    for number in range(53):
        make_image(number, width=16, height=16)
    page = visit().open("/")

    def slowly(route: Route) -> None:
        expect(page.locator(".tile > a")).to_have_count(53)
        route.continue_()

    page.route("**/photoswipe.esm.min*.js", slowly)
    look(page, 46)
    expect(page.locator(".pswp__counter")).to_have_text("47 of 53")


def test_a_blurred_picture_stays_so_until_asked_for(visit: Visit) -> None:
    image = make_image(1, width=400, height=300, rating=Rating.ADULT, prompt="a secret")
    page = visit().open("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".tile > a").click()
    expect(shown(page)).to_have_text("Picture rated 18+")
    assert image.sharp_key not in page.content()
    page.get_by_role("button", name="Show this one").click()
    expect(shown(page)).to_have_text("a secret")
    expect(page.locator(f'.pswp__img[src*="{image.sharp_key}"]')).to_be_visible()
    assert any(image.sharp_key in url for url in asked)
    page.keyboard.press("Escape")
    expect(page.locator(f'.tile img[src*="{image.sharp_key}"]')).to_be_visible()


def test_all_can_be_shown_from_then_on(visit: Visit) -> None:
    image = make_image(1, width=400, height=300, rating=Rating.ADULT)
    page = visit().open("/")
    page.locator(".tile > a").click()
    page.get_by_role("button", name="Always show them").click()
    expect(page.locator(f'.tile img[src*="{image.sharp_key}"]')).to_be_visible()


def test_without_javascript_a_tile_is_a_link(visit: Visit) -> None:
    image = make_image(1)
    page = visit(java_script_enabled=False).open("/")
    page.locator(".tile > a").click()
    page.wait_for_url(f"**/images/{image.pk}/")


@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("rating", [Rating.SAFE, Rating.ADULT])
def test_nobody_is_kept_out(visit: Visit, size: str, rating: str) -> None:
    make_image(1, width=400, height=300, rating=rating, prompt="a fox " * 40)
    page = visit(size).open("/")
    look(page)
    assert_whole(page, "the lightbox")
