from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gallery.tests.factories import make_admin, make_album, make_row
from imagineer.jobs.models import Job, Status
from scraping.models import RefusedImage, ScrapedImage, ScrapeJob
from scraping.runs import Asked, start_crawl

pytestmark = pytest.mark.django_db
URL = "https://example.org/boats/"
START = "/admin/scraping/scrapejob/start/"
FORM = {
    "url": URL, "album_name": "Boats", "depth": "2", "max_images": "30", "max_pages": "10",
    "min_width": "100", "min_height": "80",
}  # fmt: skip


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def page_of(client: Client, scrape: ScrapeJob, query: str = "") -> str:
    response = client.get(reverse("admin:scraping_scrapejob_change", args=[scrape.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def refuse(scrape: ScrapeJob, number: int, **columns: Any) -> RefusedImage:
    return RefusedImage.objects.create(
        **{
            "scrape_job": scrape,
            "page_url": URL,
            "image_url": f"{URL}{number}.png",
            "address_digest": f"{number:064}",
            "reason": "small",
            "detail": "8 × 8 pixels, less than 200.",
        }
        | columns
    )


def test_a_crawl_is_started(admin):
    assert "Scrape a site" in admin.get(START).content.decode()
    response = admin.post(START, FORM)
    scrape = ScrapeJob.objects.get()
    assert response.headers["Location"].endswith(f"/jobs/job/{scrape.job_id}/change/")
    chosen = scrape.chosen
    assert (scrape.url, scrape.album_name, chosen.depth) == (URL, "Boats", 2)
    assert (chosen.max_images, chosen.max_pages, chosen.min_width, chosen.min_height) == (
        30, 10, 100, 80,
    )  # fmt: skip


def test_the_estimate_names_the_site_and_the_longest_time(admin):
    told = admin.post(START, FORM, headers={"X-Estimate": "1"}).json()
    assert told["verb"] == "Scrape example.org"
    assert told["cost"] == "At most about 20 s with 0.5 s between requests."
    told = admin.post(START, FORM | {"url": "", "depth": "x"}, headers={"X-Estimate": "1"}).json()
    assert told["verb"] == "Scrape"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": ""}, "required"),
        ({"url": "http://127.0.0.1/"}, "private address"),
        ({"url": "http://a b/"}, "spaces"),
        ({"album_name": "Taken"}, "exists already"),
        ({"depth": "11"}, "less than or equal to 10"),
        ({"max_images": "many"}, "whole number"),
    ],
)
def test_a_wrong_form_comes_back_with_what_is_wrong(admin, change, words):
    make_album("Taken")
    response = admin.post(START, FORM | change)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Job.objects.exists()


def test_a_crawl_s_page_shows_counts_pictures_and_what_was_not_taken(admin):
    scrape = start_crawl([Asked(URL)], "Boats")
    ScrapeJob.objects.update(discovered=1234, imported=1)
    image = make_row()
    ScrapedImage.objects.create(scrape_job=scrape, image=image, page_url=URL, image_url=URL)
    refuse(scrape, 1)
    refuse(scrape, 2, reason="exact", same_as=image)
    page = page_of(admin, scrape)
    assert "1\u202f234" in page
    assert f"/gallery/image/{image.pk}/change/" in page
    assert "8 × 8 pixels" in page
    assert "Already in the gallery" in page
    assert 'rel="nofollow noopener noreferrer"' in page
    only_small = page_of(admin, scrape, "?reason=small&p=7")
    assert "/2.png" not in only_small
    assert page_of(admin, scrape, "?reason=nonsense&p=x")


def test_the_page_asks_the_database_equally_often_for_many_rows(
    admin, django_assert_max_num_queries
):
    scrape = start_crawl([Asked(URL)], "Boats")
    for number in range(30):
        image = make_row()
        ScrapedImage.objects.create(scrape_job=scrape, image=image, page_url=URL, image_url=URL)
        refuse(scrape, number, same_as=image, reason="near")
    with django_assert_max_num_queries(16):
        page_of(admin, scrape)


def test_the_live_part_tells_when_the_crawl_has_ended(admin):
    scrape = start_crawl([Asked(URL)], "Boats")
    live = reverse("admin:scraping_scrapejob_live", args=[scrape.pk])
    response = admin.get(live)
    assert "Stop" in response.content.decode()
    assert "X-Ended" not in response.headers
    Job.objects.update(status=Status.FAILED, error="The site is <gone>.")
    response = admin.get(live)
    assert response.headers["X-Ended"] == "1"
    assert "The site is &lt;gone&gt;." in response.content.decode()
    assert admin.get(reverse("admin:scraping_scrapejob_live", args=[999])).status_code == 404


def test_the_list_tells_sites_and_states(admin):
    start_crawl([Asked("https://www.example.org/boats/")], "Boats")
    page = admin.get(reverse("admin:scraping_scrapejob_changelist")).content.decode()
    assert "example.org" in page
    assert "Queued" in page


def test_visitors_are_sent_to_sign_in(client):
    scrape = start_crawl([Asked(URL)], "Boats")
    for address in (
        START,
        reverse("admin:scraping_scrapejob_changelist"),
        reverse("admin:scraping_scrapejob_change", args=[scrape.pk]),
        reverse("admin:scraping_scrapejob_live", args=[scrape.pk]),
    ):
        response = client.get(address)
        assert response.status_code == 302
        assert "/login/" in response.headers["Location"]
