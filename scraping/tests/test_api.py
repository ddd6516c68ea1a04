import json
from datetime import timedelta
from typing import Any, get_args

import pytest
from django.test import Client
from django.utils import timezone

from gallery.tests.factories import make_admin, make_album
from imagineer.jobs.models import Job, Status
from scraping import statistics
from scraping.api_schemas import OptionsIn
from scraping.crawl_presets import CRAWL_PRESETS, PresetName
from scraping.models import RefusedImage, ScrapeJob
from scraping.options import NAMES, PRIVATE, CrawlOptions, checked
from scraping.runs import Asked, start_crawl
from scraping.tests.factories import make_source

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
        ({"url": URL, "max_megabytes": 0}, "max_megabytes"),
        ({"url": URL, "max_minutes": 10_081}, "max_minutes"),
        ({"url": URL, "render_javascript": "always"}, "render_javascript"),
        ({"url": URL, "allowed_domains": "a.example"}, "allowed_domains"),
        ({"url": URL, "include": ["x" * 501]}, "include"),
        ({"url": URL, "exclude": ["x"] * 51}, "exclude"),
        ({"url": URL, "follow_pagination": "yes"}, "follow_pagination"),
        ({"url": URL, "use_sitemaps": 1}, "use_sitemaps"),
        ({"url": URL, "min_megapixels": -0.1}, "min_megapixels"),
        ({"url": URL, "max_aspect_ratio": None}, "max_aspect_ratio"),
        ({"url": URL, "max_aspect_ratio": 0.5}, "max_aspect_ratio"),
        ({"url": URL, "min_kilobytes": 1.5}, "min_kilobytes"),
        ({"url": URL, "formats": ["svg"]}, "formats"),
        ({"url": URL, "near_distance": 17}, "near_distance"),
        ({"url": URL, "obey_robots": None}, "obey_robots"),
        ({"url": URL, "preset": "everything"}, "preset"),
        ({"urls": [URL, "http://10.0.0.1/"]}, "urls.1"),
        ({"urls": [URL, ""]}, "urls.1"),
        ({"urls": [URL] * 21}, "urls"),
        ({"url": URL, "urls": [URL] * 20}, "urls.19"),
        ({"sources": [987]}, "sources.0"),
        ({"sources": [True]}, "sources.0.id"),
        ({"sources": ["1"]}, "sources.0.id"),
        ({"sources": [[1]]}, "sources.0"),
        ({"sources": [{"id": 1, "max_images": 0}]}, "sources.0.max_images"),
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
    assert (told.pop("refusals"), len(told.pop("targets"))) == ({}, 1)
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


def test_every_option_may_be_given(admin):
    given = {
        "depth": 1, "max_images": 9, "max_pages": 8, "max_megabytes": 7, "max_minutes": 6,
        "render_javascript": "auto", "allowed_domains": ["a.example"], "include": ["*/a/*"],
        "exclude": ["/b+/"], "follow_pagination": False, "use_sitemaps": True, "min_width": 5,
        "min_height": 4, "min_megapixels": 0.5, "max_aspect_ratio": 3.0, "min_kilobytes": 2,
        "formats": ["png", "webp"], "near_distance": 0, "obey_robots": False,
        "respect_noai": False, "auto_create_album": False, "only_new": True,
    }  # fmt: skip
    told = post(admin, START, {"url": URL, **given}).json()
    assert told["options"] == given
    assert set(given) == set(NAMES) == set(OptionsIn.model_fields)
    assert {name: given[name] for name in PRIVATE} == {
        name: told["options"][name] for name in PRIVATE
    }
    assert told["album_name"] == ""


def test_the_documented_defaults_are_those_that_hold():
    defaults = {name: field.default for name, field in OptionsIn.model_fields.items()}
    assert defaults == CrawlOptions().as_json()


def test_every_preset_can_be_asked_for():
    assert set(CRAWL_PRESETS) == set(get_args(PresetName))


def test_a_preset_gives_options_and_what_is_given_besides_goes_before_it(admin):
    told = post(admin, START, {"url": URL, "preset": "site", "max_pages": 7}).json()
    chosen = dict(CRAWL_PRESETS["site"].options) | {"max_pages": 7}
    assert told["options"] == checked(chosen).as_json()


def test_a_crawl_of_addresses_and_sources_has_a_target_for_each(admin):
    boats = make_source(max_images=30)
    cats = make_source("Cats", base_url="https://cats.example/", max_images=20)
    sources = [boats.pk, {"id": cats.pk, "max_images": 5, "url": "https://cats.example/old/"}]
    asked = {"url": URL, "urls": ["https://b.example/"], "sources": sources}
    told = post(admin, START, asked).json()
    targets = admin.get(f"/api/scraping/jobs/{told['id']}").json()["targets"]
    assert [(row["url"], row["source"], row["max_images"], row["state"]) for row in targets] == [
        (URL, None, None, "waiting"),
        ("https://b.example/", None, None, "waiting"),
        ("https://boats.example/all/", "Boats", 30, "waiting"),
        ("https://cats.example/old/", "Cats", 5, "waiting"),
    ]


def test_a_source_that_is_off_is_refused_with_a_sentence(admin):
    source = make_source(enabled=False)
    response = post(admin, START, {"sources": [source.pk]})
    assert (response.status_code, error_of(response)["field"]) == (409, "sources.0")
    assert error_of(response)["message"] == (
        "The source “Boats” (boats.example) is switched off. Switch it on among the sources to "
        "crawl it."
    )
    # However one comes to its site.
    response = post(admin, START, {"url": "https://boats.example/x"})
    assert error_of(response)["code"] == "source_disabled"
    assert not Job.objects.exists()


def test_a_key_that_cannot_be_opened_is_said_before_the_crawl(admin, settings):
    source = make_source(api_key="sesame")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [], "another"
    admin.force_login(make_admin("another"))
    response = post(admin, START, {"sources": [source.pk]})
    assert (response.status_code, error_of(response)["code"]) == (409, "key_unreadable")
    assert "Enter it anew" in error_of(response)["message"]
    assert not Job.objects.exists()


def test_visitors_read_states_and_counts_of_targets_and_no_addresses(client):
    source = make_source()
    scrape = start_crawl([Asked(source.base_url, source)], choices={"include": ["*/secret/*"]})
    scrape.targets.update(imported=3, ended_because="A secret end.")
    RefusedImage.objects.create(
        scrape_job=scrape, reason="small", page_url=URL, image_url=f"{URL}secret.png"
    )
    text = client.get(f"/api/scraping/jobs/{scrape.pk}").content.decode()
    seen = json.loads(text)
    assert (seen["targets"][0]["imported"], seen["refusals"]) == (3, {"small": 1})
    for word in ("secret", "oats", "http"):
        assert word not in text


def test_statistics_tell_of_all_by_source_and_by_day(admin):
    source = make_source()
    for number, asked in enumerate([Asked(source.base_url, source), Asked(URL), Asked(URL)]):
        scrape = start_crawl([asked])
        scrape.targets.update(imported=number + 1, pages=1)
        ScrapeJob.objects.filter(pk=scrape.pk).update(imported=number + 1, pages=1)
    old = timezone.now() - timedelta(days=40)
    ScrapeJob.objects.filter(pk=scrape.pk).update(created_at=old)
    told = admin.get("/api/scraping/stats").json()
    assert told["is_all"] is True
    assert (told["totals"]["crawls"], told["totals"]["imported"], told["totals"]["pages"]) == (
        3, 6, 3,
    )  # fmt: skip
    by_source = [(row["source"], row["crawls"], row["imported"]) for row in told["sources"]]
    assert by_source == [(None, 2, 5), ("Boats", 1, 1)]
    days = told["days"]
    assert (len(days), days[0]["crawls"], days[0]["imported"]) == (30, 2, 3)
    assert sum(day["crawls"] for day in days) == 2


def test_statistics_of_nothing_and_of_more_than_is_counted(admin, monkeypatch):
    told = admin.get("/api/scraping/stats").json()
    assert (told["totals"]["crawls"], told["sources"], len(told["days"])) == (0, [], 30)
    monkeypatch.setattr(statistics, "COUNTED_AT_MOST", 2)
    for _ in range(3):
        start_crawl([Asked(URL)])
    told = admin.get("/api/scraping/stats").json()
    assert (told["is_all"], told["totals"]["crawls"], told["days"][0]["crawls"]) == (False, 2, 2)
