"""The preview in a real browser: below the form, without losing what was typed, and alone."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from gallery.tests.browser.whole import assert_whole
from gallery.tests.browser.window import Visit, sign_in
from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute
from scraping.preview import KIND
from scraping.tests.site import Site
from scraping.tests.test_admin_preview import typed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def boats(site: Site, settings: Any, tmp_path: Path) -> Site:
    settings.DATA_DIR = tmp_path
    site.page("/", '<img src="a.png" alt="A red boat"><img src="tiny.png"><a href="/x">x</a>')
    site.picture("/a.png", 1, 640, 960)
    site.picture("/tiny.png", 2, 8, 8)
    return site


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_a_preview_is_shown_below_the_form_and_nothing_typed_is_lost(
    visit: Visit, admin_client: Client, boats: Site, size: str
) -> None:
    visitor = sign_in(visit(size), admin_client)
    page = visitor.open(reverse("admin:scraping_start"))
    page.get_by_role("textbox", name="Addresses").fill(boats.url)
    page.get_by_label("Name of the album").fill("My boats")
    page.get_by_role("button", name="Preview").click()
    place = page.get_by_role("region", name="What would be taken")
    expect(place).to_contain_text("waits for its turn")
    execute(Job.objects.get(kind=KIND).pk)
    expect(place.get_by_role("img", name="A red boat")).to_be_visible()
    expect(place.get_by_role("status")).to_have_text("1 of 2 pictures would be taken.")
    expect(place).to_contain_text("Too small")
    expect(page.get_by_label("Name of the album")).to_have_value("My boats")
    picture = place.get_by_role("img").first
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("picture => picture.naturalHeight") == 240
    assert_whole(page, "a preview below the form")
    # The other attempt takes the place of the first.
    page.get_by_role("textbox", name="Addresses").fill("http://localhost/")
    page.get_by_role("button", name="Preview").click()
    expect(place).to_contain_text("private network")
    expect(place.get_by_role("img")).to_have_count(0)
    assert "status of 422" in visitor.errors.pop()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_without_scripts_it_is_a_page_of_its_own(
    visit: Visit, admin_client: Client, boats: Site, size: str
) -> None:
    visitor = sign_in(visit(size, java_script_enabled=False), admin_client)
    page = visitor.open(reverse("admin:scraping_start"))
    page.get_by_role("textbox", name="Addresses").fill(boats.url)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("main")).to_contain_text("waits for its turn")
    execute(Job.objects.get(kind=KIND).pk)
    # The page asks anew by itself.
    expect(page.locator("main")).to_contain_text("1 of 2 pictures would be taken.")
    expect(page.get_by_role("button", name="Start the crawl")).to_be_visible()


def test_the_page_of_its_own_is_whole(visit: Visit, admin_client: Client, boats: Site) -> None:
    admin_client.post(
        reverse("admin:scraping_preview"),
        typed(urls=boats.url),
    )
    job = Job.objects.get(kind=KIND)
    visitor = sign_in(visit("phone"), admin_client)
    page = visitor.open(reverse("admin:scraping_preview_page", args=[job.pk]))
    execute(job.pk)
    expect(page.locator("main")).to_contain_text("1 of 2 pictures would be taken.")
    assert_whole(page, "a preview")
