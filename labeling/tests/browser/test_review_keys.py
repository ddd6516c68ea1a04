"""Keys of the review that are pressed too long or too fast decide nothing that nobody looked at."""

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from gallery.models import Label
from gallery.tests.browser.window import Visit, sign_in
from gallery.tests.factories import make_image
from labeling.tests.browser.test_review_page import PAGE, captioned

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(visit: Visit, admin_client: Client) -> Page:
    captioned(3)
    make_image(9, width=40, height=30)
    return sign_in(visit(), admin_client).open(f"{PAGE}?order=oldest")


def test_a_key_that_is_held_down_decides_once(page: Page) -> None:
    for _ in range(5):
        page.keyboard.down("a")
    page.keyboard.up("a")
    expect(page.locator("[data-said]")).to_contain_text("Accepted.")
    expect(page.locator("[data-place]")).to_have_text("2 of 4")
    assert Label.objects.filter(is_pinned=True).count() == 1


def test_accepting_where_there_is_no_caption_writes_none(page: Page) -> None:
    for place in (2, 3, 4):
        page.keyboard.press("a")
        expect(page.locator("[data-place]")).to_have_text(f"{place} of 4")
    said = page.locator("[data-said]")
    expect(said).to_contain_text("Accepted.")
    for _ in range(4):
        page.keyboard.press("a")
    expect(said).to_have_text("There is no caption to accept; press e to write one.")
    expect(page.locator("[data-field]")).to_be_hidden()
    assert page.locator("[data-field]").input_value() == ""
    page.keyboard.press("e")
    page.keyboard.type("an empty room")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="That was the last one")).to_be_visible()
