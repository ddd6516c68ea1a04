import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from gallery.tests.factories import make_admin
from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute
from imagineer.tests.rows import make_row
from scraping.models import Source
from scraping.tests.site import Site

pytestmark = pytest.mark.django_db
PREVIEW = "/api/scraping/preview"


@pytest.fixture
def admin(settings: Any, tmp_path: Path) -> Client:
    settings.DATA_DIR = tmp_path
    client = Client()
    client.force_login(make_admin())
    return client


def ask(client: Client, **body: Any) -> Any:
    return client.post(PREVIEW, json.dumps(body), content_type="application/json")


def test_a_preview_is_asked_for_and_read(admin: Client, site: Site) -> None:
    site.page("/", '<img src="a.png" alt="A boat"><img src="gone.png"><a href="/more">More</a>')
    site.picture("/a.png", 1)
    response = ask(admin, url=site.url, min_width=10, min_height=10)
    assert response.status_code == 202
    told = response.json()
    assert (told["status"], told["pictures"], told["url"]) == ("queued", [], site.url)
    execute(told["job_id"])
    told = admin.get(f"{PREVIEW}/{told['job_id']}").json()
    assert (told["status"], told["found"], told["links"]) == ("completed", 2, 1)
    taken, refused = sorted(told["pictures"], key=lambda picture: picture["reason"])
    assert (taken["reason"], taken["caption"], taken["width"]) == ("", "A boat", 64)
    assert admin.get(taken["thumbnail"]).status_code == 200
    assert (refused["reason"], refused["bytes"], refused["thumbnail"]) == ("status", None, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://localhost/"}, "url"),
        ({"url": "https://example.org/", "depth": 99}, "depth"),
        ({"url": "https://example.org/", "depht": 1}, "depht"),
        ({"source": 99}, "source"),
    ],
)
def test_what_is_wrong_is_named(admin: Client, body: dict[str, Any], field: str) -> None:
    response = ask(admin, **body)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field
    assert not Job.objects.exists()


def test_a_sources_page_is_tried_with_what_the_source_wants(admin: Client, site: Site) -> None:
    source = make_row(
        Source, base_url=f"{site.url}/boats", enabled=True, options={"min_width": 33}, mapping={}
    )
    site.page("/boats", "nothing")
    told = ask(admin, source=source.pk, preset="page").json()
    assert told["url"] == f"{site.url}/boats"
    params = Job.objects.get().params
    assert (params["options"]["min_width"], params["options"]["depth"]) == (33, 0)
    execute(told["job_id"])
    assert admin.get(f"{PREVIEW}/{told['job_id']}").json()["trouble"] == ""


def test_one_that_is_not_there_is_not_found(admin: Client) -> None:
    for number in (uuid.uuid4(), make_row(Job).pk):
        assert admin.get(f"{PREVIEW}/{number}").status_code == 404


def test_visitors_have_no_previews(client: Client) -> None:
    assert ask(client, url="https://example.org/").status_code == 401
    assert client.get(f"{PREVIEW}/{uuid.uuid4()}").status_code == 401
    assert not Job.objects.exists()
