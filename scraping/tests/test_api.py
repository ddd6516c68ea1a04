import json
from typing import Any

import pytest
from django.test import Client

from gallery.tests.factories import make_admin, make_album
from imagineer.jobs.models import Job, Status
from scraping.models import ScrapeJob
from scraping.runs import Asked, start_crawl

pytestmark = pytest.mark.django_db
URL = "https://example.org/boats/"
START = "/api/scraping/start"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(path, json.dumps(body or {}), content_type="application/json")


def error_of(response: Any) -> dict[str, str]:
    error: dict[str, str] = response.json()["error"]
    return error


def test_a_crawl_is_started_with_what_was_asked(admin):
    asked = {"url": f"{URL}#top", "album_name": " Boats ", "depth": 3, "max_images": 7}
    response = post(admin, START, asked)
    assert response.status_code == 202
    told = response.json()
    assert (told["url"], told["album_name"], told["options"]["depth"]) == (URL, "Boats", 3)
    assert (told["status"], told["options"]["max_images"], told["imported"]) == ("queued", 7, 0)
    scrape = ScrapeJob.objects.get()
    assert (scrape.pk, str(scrape.job_id)) == (told["id"], told["job_id"])
    assert (scrape.job.kind, scrape.job.queue) == ("scraping.run", "crawl")
    assert "boats" not in scrape.job.title


def test_a_crawl_without_a_name_gets_a_free_one(admin):
    make_album("Scraped example.org")
    assert post(admin, START, {"url": URL}).json()["album_name"] == "Scraped example.org (2)"
    assert post(admin, START, {"url": URL}).json()["album_name"] == "Scraped example.org (3)"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 3}, "url"),
        ({"url": "not an address"}, "url"),
        ({"url": "ftp://example.org/"}, "url"),
        ({"url": "https://me:secret@example.org/"}, "url"),
        ({"url": "http://localhost:8000/"}, "url"),
        ({"url": "http://127.1/"}, "url"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "url"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": f"https://example.org/{'a' * 3000}"}, "url"),
        ({"url": URL, "depth": -1}, "depth"),
        ({"url": URL, "depth": 11}, "depth"),
        ({"url": URL, "depth": "deep"}, "depth"),
        ({"url": URL, "max_images": 0}, "max_images"),
        ({"url": URL, "max_pages": 1_000_000}, "max_pages"),
        ({"url": URL, "min_width": 0}, "min_width"),
        ({"url": URL, "album_name": "x" * 300}, "album_name"),
    ],
)
def test_a_wrong_request_names_its_field_and_starts_nothing(admin, body, field):
    response = post(admin, START, body)
    assert response.status_code == 422
    assert error_of(response)["field"] == field
    assert not Job.objects.exists()


def test_an_album_s_name_that_is_taken_is_a_conflict(admin):
    make_album("Boats")
    response = post(admin, START, {"url": URL, "album_name": "Boats"})
    assert response.status_code == 409
    assert error_of(response)["code"] == "name_taken"
    assert "exists already" in error_of(response)["message"]


def test_a_name_that_a_waiting_crawl_will_use_is_a_conflict(admin):
    start_crawl([Asked(URL)], "Boats")
    assert post(admin, START, {"url": URL, "album_name": "Boats"}).status_code == 409


def test_everybody_may_read_counts_and_only_admins_addresses(admin, client):
    scrape = start_crawl([Asked(URL)], "Boats")
    ScrapeJob.objects.update(discovered=9, imported=4, album=make_album("Boats", is_public=False))
    Job.objects.update(message="Reading a secret page", error="A secret error")
    path = f"/api/scraping/jobs/{scrape.pk}"
    seen = client.get(path).json()
    assert (seen["discovered"], seen["imported"], seen["status"]) == (9, 4, "queued")
    for key in ("url", "album_name", "album_id", "message", "error"):
        assert seen[key] is None
    assert "secret" not in client.get("/api/scraping/jobs").content.decode()
    told = admin.get(path).json()
    assert (told["url"], told["album_name"], told["error"]) == (URL, "Boats", "A secret error")
    assert admin.get("/api/scraping/jobs").json()["items"] == [told]


def test_the_list_has_pages(admin, django_assert_max_num_queries):
    for number in range(53):
        start_crawl([Asked(URL)], f"Boats {number}")
    with django_assert_max_num_queries(6):
        first = admin.get("/api/scraping/jobs").json()
    assert len(first["items"]) == 50
    rest = admin.get("/api/scraping/jobs", {"cursor": first["next"]}).json()
    assert (len(rest["items"]), rest["next"]) == (3, None)
    assert admin.get("/api/scraping/jobs?cursor=x").status_code == 422


def test_a_waiting_crawl_is_cancelled_once(admin):
    scrape = start_crawl([Asked(URL)], "Boats")
    path = f"/api/scraping/jobs/{scrape.pk}/cancel"
    response = post(admin, path)
    assert (response.status_code, response.json()["status"]) == (202, "cancelled")
    again = post(admin, path)
    assert again.status_code == 409
    assert error_of(again)["code"] == "ended"


def test_a_running_crawl_is_asked_to_stop_as_often_as_one_likes(admin):
    scrape = start_crawl([Asked(URL)], "Boats")
    Job.objects.update(status=Status.RUNNING)
    for _ in range(2):
        response = post(admin, f"/api/scraping/jobs/{scrape.pk}/cancel")
        assert (response.status_code, response.json()["status"]) == (202, "running")
    assert Job.objects.get().cancel_requested_at is not None


def test_what_is_not_there_is_not_found(admin):
    assert admin.get("/api/scraping/jobs/999").status_code == 404
    assert admin.get("/api/scraping/jobs/99999999999999999999999").status_code == 404
    assert post(admin, "/api/scraping/jobs/999/cancel").status_code == 404


def test_visitors_may_not_start_or_stop(client):
    scrape = start_crawl([Asked(URL)], "Boats")
    assert post(client, START, {"url": URL}).status_code == 401
    assert post(client, f"/api/scraping/jobs/{scrape.pk}/cancel").status_code == 401
    assert ScrapeJob.objects.count() == 1
