"""From an album to what made it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gallery import albums
from gallery.jobs import IMPORT
from gallery.models import Album
from gallery.tests.factories import make_album, make_row
from imagineer.jobs.models import Job

pytestmark = pytest.mark.django_db


def made(source: str, **fields: Any) -> Album:
    return make_album("Boats", [make_row()], source_type=source, **fields)


@pytest.mark.parametrize(
    ("source", "words", "visitor", "admin"),
    [
        ("manual", "Made by hand", False, False),
        ("batch_generation", "Batch", True, True),
        ("scrape", "Scraped", False, True),
        ("import", "Imported", False, True),
    ],
)
def test_its_badge_leads_there_where_there_is_something_to_see(
    client: Client, admin_client: Client, source: str, words: str, visitor: bool, admin: bool
) -> None:
    album = made(source)
    href = f'href="/albums/{album.slug}/source"'
    for path in ("/albums/", f"/albums/{album.slug}/"):
        for browser, leads in ((client, visitor), (admin_client, admin)):
            page = browser.get(path).content.decode()
            assert (href in page) == leads
            assert words in page


def test_an_import_leads_an_admin_to_its_newest_job(admin_client: Client) -> None:
    album = made("import")
    Job.objects.create(kind=IMPORT, queue="default", params={"album": "Other"})
    jobs = [
        Job.objects.create(kind=IMPORT, queue="default", params={"album": "Boats"})
        for _ in range(2)
    ]
    answer = admin_client.get(f"/albums/{album.slug}/source")
    assert answer["Location"] == reverse("admin:jobs_job_change", args=[jobs[1].pk])


def test_a_renamed_album_still_leads_to_its_import(admin_client: Client) -> None:
    album = made("import")
    job = Job.objects.create(
        kind=IMPORT, queue="default", params={"album": "Boats"}, result={"album": album.pk}
    )
    albums.change(album, name="Ships")
    Job.objects.create(kind=IMPORT, queue="default", params={"album": "Boats"})
    answer = admin_client.get(f"/albums/{album.slug}/source")
    assert answer["Location"] == reverse("admin:jobs_job_change", args=[job.pk])


def test_without_anything_behind_it_leads_to_the_album(
    client: Client, admin_client: Client
) -> None:
    album = made("import")
    for browser in (client, admin_client):
        answer = browser.get(f"/albums/{album.slug}/source")
        assert (answer.status_code, answer["Location"]) == (302, f"/albums/{album.slug}/")


def test_nobody_learns_of_a_private_album(client: Client) -> None:
    album = made("batch_generation", is_public=False)
    assert client.get(f"/albums/{album.slug}/source").status_code == 404
