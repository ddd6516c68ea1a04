"""Selecting pictures in the console, over several pages of its list."""

from typing import Literal

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from gallery.admin import ImageAdmin
from gallery.models import Album, Image
from gallery.tests.browser.window import Visit, Visitor
from gallery.tests.factories import make_image

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIST = "/admin/gallery/image/"


@pytest.fixture
def admin(visit: Visit, admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """An admin's window; the list has pages of four pictures."""
    monkeypatch.setattr(ImageAdmin, "list_per_page", 4)
    visitor = visit()
    key = admin_client.cookies["sessionid"].value
    visitor.context.add_cookies([{"name": "sessionid", "value": key, "url": visitor.address}])
    return visitor


def pick(page: Page, image: Image, *modifiers: Literal["Shift"]) -> None:
    box = page.locator(f'[data-pick][value="{image.pk}"]')
    box.locator("xpath=..").click(modifiers=list(modifiers), force=True)


def test_a_selection_holds_over_pages_until_something_is_done(admin: Visitor) -> None:
    images = [make_image(seed) for seed in range(10)][::-1]
    page = admin.open(LIST)
    count = page.locator("[data-count]")
    pick(page, images[0])
    pick(page, images[2], "Shift")
    expect(count).to_have_text("3 selected")
    page = admin.open(f"{LIST}?p=2")
    expect(count).to_have_text("3 selected (3 on other pages)")
    pick(page, images[5])
    expect(count).to_have_text("4 selected (3 on other pages)")
    # Another list has a selection of its own.
    page = admin.open(f"{LIST}?source=upload")
    expect(count).to_have_text("Nothing selected")
    page = admin.open(f"{LIST}?p=3")
    expect(count).to_have_text("4 selected (4 on other pages)")
    page.get_by_label("Album", exact=True).fill("Deck")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("4 pictures added to “Deck”.")).to_be_visible()
    expect(count).to_have_text("Nothing selected")
    chosen = {images[place].pk for place in (0, 1, 2, 5)}
    assert set(Album.objects.get().images.values_list("pk", flat=True)) == chosen


def test_clearing_forgets_the_other_pages_too(admin: Visitor) -> None:
    images = [make_image(seed) for seed in range(6)][::-1]
    page = admin.open(LIST)
    pick(page, images[0])
    page = admin.open(f"{LIST}?p=2")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("[data-count]")).to_have_text("Nothing selected")
    page = admin.open(LIST)
    expect(page.locator("[data-count]")).to_have_text("Nothing selected")
    expect(page.locator(f'[data-pick][value="{images[0].pk}"]')).not_to_be_checked()
