"""The preview in the console without scripts, and what scripts are told."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gallery.tests.factories import make_admin
from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute
from imagineer.tests.rows import make_row
from scraping import preview_files
from scraping.forms import ScrapeForm
from scraping.models import ScrapeJob
from scraping.preview import KIND
from scraping.tests.site import Site

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def typed(**values: Any) -> dict[str, Any]:
    """The form as a browser sends it, boxes that are not ticked left out."""
    known = {
        name: "on" if field.initial is True else field.initial
        for name, field in ScrapeForm.base_fields.items()
        if field.initial is not None and field.initial is not False and field.initial != []
    }
    small = {"album_name": "Boats", "max_pages": "20", "min_width": "48", "min_height": "48"}
    return {**known, **small, **values}


def ask(admin: Client, site: Site, **values: Any) -> Any:
    return admin.post(reverse("admin:scraping_preview"), typed(**{"urls": site.url, **values}))


@pytest.fixture
def boats(site: Site) -> Site:
    site.page("/", '<img src="a.png" alt="A red boat"><img src="tiny.png"><a href="/x">x</a>')
    site.picture("/a.png", 1)
    site.picture("/tiny.png", 2, 8, 8)
    return site


def test_the_form_has_a_button_for_it_after_the_one_that_starts(admin: Client) -> None:
    page = admin.get(reverse("admin:scraping_start")).content.decode()
    assert page.index("data-verb") < page.index(f'formaction="{reverse("admin:scraping_preview")}"')


def test_it_is_shown_as_a_page_of_its_own_and_leads_on_to_the_crawl(
    admin: Client, boats: Site
) -> None:
    response = ask(admin, boats)
    job = Job.objects.get(kind=KIND)
    address = reverse("admin:scraping_preview_page", args=[job.pk])
    assert (response.status_code, response.url) == (302, address)
    waiting = admin.get(address).content.decode()
    assert "waits for its turn" in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    execute(job.pk)
    page = admin.get(address).content.decode()
    assert "1 of 2 pictures would be taken." in page
    assert "A red boat" in page
    assert "1 link would be followed" in page
    assert "http-equiv" not in page
    assert '<input type="hidden" name="album_name" value="Boats">' in page
    assert f'src="{address}0.webp"' in page
    # The hidden fields are the whole form: the crawl starts as it was typed.
    response = admin.post(reverse("admin:scraping_start"), job.params["typed"])
    assert response.status_code == 302
    assert ScrapeJob.objects.get().chosen.max_pages == 20


def test_one_leads_back_to_the_form_as_it_was_typed(admin: Client, boats: Site) -> None:
    ask(admin, boats)
    job = Job.objects.get(kind=KIND)
    page = admin.get(f"{reverse('admin:scraping_start')}?preview={job.pk}")
    form = page.context["form"]
    assert form["max_pages"].value() == "20"
    assert form["album_name"].value() == "Boats"
    assert form["urls"].value() == boats.url
    assert form["use_sitemaps"].value() == ""
    for nonsense in ("x", uuid.uuid4(), make_row(Job).pk):
        page = admin.get(f"{reverse('admin:scraping_start')}?preview={nonsense}")
        assert page.status_code == 200


def test_scripts_are_told_where_it_is_shown_and_when_it_has_ended(
    admin: Client, boats: Site
) -> None:
    response = admin.post(
        reverse("admin:scraping_preview"),
        typed(urls=f"{boats.url}\n{boats.url}/more"),
        headers={"X-Preview": "1"},
    )
    live = response.json()["live"]
    first = admin.get(live)
    assert "X-Ended" not in first
    # Of several addresses that were typed, it is the first.
    assert f'<a href="{boats.url}"' in first.content.decode()
    execute(Job.objects.get(kind=KIND).pk)
    last = admin.get(live)
    assert last["X-Ended"] == "1"
    assert "<html" not in last.content.decode()
    assert "Too small" in last.content.decode()


@pytest.mark.parametrize("url", ["nothing", "http://localhost/", ""])
def test_what_is_wrong_is_said_at_the_field(admin: Client, site: Site, url: str) -> None:
    response = ask(admin, site, urls=url)
    assert response.status_code == 422
    assert response.context["form"].errors
    response = admin.post(
        reverse("admin:scraping_preview"), typed(urls=url), headers={"X-Preview": "1"}
    )
    assert response.status_code == 422
    assert response.json()["error"].startswith("Addresses: ")
    assert not Job.objects.exists()


def test_small_pictures_are_the_admins_and_say_what_they_are(admin: Client, boats: Site) -> None:
    ask(admin, boats)
    job = Job.objects.get(kind=KIND)
    execute(job.pk)
    told = preview_files.read(job.pk)
    assert told is not None
    address = reverse("admin:scraping_preview_picture", args=[job.pk, 0])
    response = admin.get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    assert "no-store" in response["Cache-Control"]
    assert b"".join(response).startswith(b"RIFF")
    assert Client().get(address).status_code == 302
    assert admin.get(reverse("admin:scraping_preview_picture", args=[job.pk, 9])).status_code == 404


def test_a_preview_that_is_removed_says_so(admin: Client, boats: Site, settings: Any) -> None:
    ask(admin, boats)
    job = Job.objects.get(kind=KIND)
    execute(job.pk)
    settings.DATA_DIR = settings.DATA_DIR / "empty"
    page = admin.get(reverse("admin:scraping_preview_page", args=[job.pk])).content.decode()
    assert "not kept any more" in page


def test_only_admins_see_or_ask_for_one(client: Client, site: Site) -> None:
    assert client.post(reverse("admin:scraping_preview"), typed(urls=site.url)).status_code == 302
    assert not Job.objects.exists()
    number = uuid.uuid4()
    for name in ("page", "live"):
        address = reverse(f"admin:scraping_preview_{name}", args=[number])
        assert client.get(address).status_code == 302


def test_another_jobs_page_is_no_preview(admin: Client) -> None:
    job = make_row(Job)
    address = reverse("admin:scraping_preview_page", args=[job.pk])
    assert admin.get(address).status_code == 404
