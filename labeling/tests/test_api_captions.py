"""An album's captions over the JSON API."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gallery.models import Album
from gallery.tests.factories import make_admin, make_album, make_image, make_label
from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute
from labeling.tests.factories import body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def admin() -> Client:
    browser = Client()
    browser.force_login(make_admin())
    return browser


@pytest.fixture
def album() -> Album:
    image = make_image(1, original_name="lake.png")
    make_label(image, "a lake")
    return make_album("Cards", [image])


def error(response: Any) -> tuple[int, str, str | None]:
    told = response.json()["error"]
    assert told["message"]
    return response.status_code, told["code"], told["field"]


def test_figures(admin: Client, album: Album) -> None:
    told = admin.get(f"/api/albums/{album.pk}/labeling/analytics").json()
    assert (told["pictures"], told["captioned"], told["is_ready"]) == (1, 1, False)
    assert {check["level"] for check in told["checks"]} <= {"good", "fair", "bad"}
    assert told["tokens"]["histogram"][0] == ["1–15", 1]


def test_export(admin: Client, album: Album) -> None:
    response = admin.get(f"/api/albums/{album.pk}/captions", {"format": "csv"})
    assert response["Content-Disposition"] == 'attachment; filename="cards.csv"'
    assert b"lake.png,a lake,," in body(response)
    response = admin.get(f"/api/albums/{album.pk}/captions", {"format": "kohya", "repeats": "3"})
    assert response["Content-Type"] == "application/zip"
    assert b"3_Cards/lake.txt" in body(response)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"format": "docx"}, "format"), ({"words": "x"}, "words"), ({"repeats": "0"}, "repeats"),
        ({"trigger": "a\nb"}, "trigger"), ({"pictures": "x"}, "pictures"),
    ],
)  # fmt: skip
def test_bad_options_are_422(
    admin: Client, album: Album, fields: dict[str, str], field: str
) -> None:
    response = admin.get(f"/api/albums/{album.pk}/captions", fields)
    assert error(response) == (422, "invalid", field)


def test_import(admin: Client, album: Album) -> None:
    file = SimpleUploadedFile("c.csv", b"file_name,caption\nlake.png,a lake at dawn\n")
    response = admin.post(f"/api/albums/{album.pk}/captions", {"files": [file]})
    assert response.status_code == 202
    execute(response.json()["id"])
    assert admin.get(f"/api/jobs/{response.json()['id']}").json()["result"]["captions"] == 1
    assert album.images.get().labels.get(text="a lake at dawn").is_pinned


def test_bad_files_are_422(admin: Client, album: Album) -> None:
    file = SimpleUploadedFile("c.csv", b"x")
    response = admin.post(f"/api/albums/{album.pk}/captions", {"files": [file]})
    assert error(response) == (422, "invalid", "files")
    assert not Job.objects.exists()
    assert error(admin.post(f"/api/albums/{album.pk}/captions", {}))[0] == 422


@pytest.mark.parametrize("pk", ["999", "0", "-1", str(2**70)])
def test_an_album_that_is_not_there_is_404(admin: Client, pk: str) -> None:
    for path in ("labeling/analytics", "captions"):
        assert admin.get(f"/api/albums/{pk}/{path}").status_code == 404
