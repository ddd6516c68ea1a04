"""Files that come in parts over the JSON API, as clients of the tus protocol send them."""

import base64
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from gallery import resumable
from gallery.models import Album, Image, ResumableUpload
from gallery.tests.factories import make_admin, make_album, picture_file
from gallery.tests.files import zipped
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "spool")]


@pytest.fixture
def spool(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    return tmp_path / "data" / "spool" / "uploads"


@pytest.fixture
def admin() -> Client:
    browser = Client()
    browser.force_login(make_admin())
    return browser


def metadata(**fields: str) -> str:
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in fields.items()
    )


def begin(admin: Client, length: int | str, **fields: str) -> Any:
    told = {
        "Upload-Length": str(length),
        "Upload-Metadata": metadata(**{"filename": "a.png", **fields}),
    }
    return admin.post("/api/uploads", headers=told)


def send(admin: Client, path: str, at: int | str, data: bytes, **headers: str) -> Any:
    return admin.patch(
        path, data, content_type="application/offset+octet-stream",
        headers={"Upload-Offset": str(at), "Tus-Resumable": "1.0.0", **headers},
    )  # fmt: skip


def sent(admin: Client, data: bytes, **fields: str) -> str:
    path = str(begin(admin, len(data), **fields)["Location"])
    assert send(admin, path, 0, data).status_code == 204
    return path


def problem(response: Any) -> tuple[int, str, str | None]:
    told = response.json()["error"]
    assert told["message"]
    return response.status_code, told["code"], told["field"]


def test_a_picture_comes_in_parts(admin: Client, spool: Path) -> None:
    data = picture_file(1)
    response = begin(admin, len(data), album="Cards", is_public="false", rating="SAFE")
    assert response.status_code == 201
    assert response["Tus-Resumable"] == "1.0.0"
    assert "GMT" in response["Upload-Expires"]
    path = response["Location"]
    at = 0
    for part in (data[:100], data[100:101], data[101:]):
        response = send(admin, path, at, part)
        assert response.status_code == 204
        at += len(part)
        assert response["Upload-Offset"] == str(at)
    told = admin.post(f"{path}/finish").json()
    image = Image.objects.get()
    assert told["item"]["outcome"] == "created"
    assert told["item"]["image"]["id"] == image.pk
    assert told["album"]["name"] == "Cards"
    assert (image.original_name, image.is_public, image.rating) == ("a.png", False, "SAFE")
    assert image.file.read() == data
    assert not list(spool.iterdir())


def test_it_goes_on_where_it_had_come_to(admin: Client) -> None:
    data = picture_file(1)
    path = begin(admin, len(data))["Location"]
    send(admin, path, 0, data[:77])
    response = admin.head(path)
    assert (response["Upload-Offset"], response["Upload-Length"]) == ("77", str(len(data)))
    assert response["Cache-Control"] == "no-store"
    # The answer to the first part was lost, and the client sends it again.
    assert problem(send(admin, path, 0, data[:77])) == (409, "offset", "Upload-Offset")
    assert send(admin, path, 77, data[77:]).status_code == 204
    assert admin.post(f"{path}/finish").json()["item"]["outcome"] == "created"


def test_asking_again_gives_the_same_answer(admin: Client) -> None:
    path = sent(admin, picture_file(1), album="Cards")
    first = admin.post(f"{path}/finish").json()
    assert admin.post(f"{path}/finish").json() == first
    assert admin.head(path)["Upload-Offset"] == str(len(picture_file(1)))
    Image.objects.get().delete()
    assert problem(admin.post(f"{path}/finish"))[:2] == (410, "gone")


def test_the_caption_comes_with_the_end(admin: Client) -> None:
    path = sent(admin, picture_file(1))
    admin.post(f"{path}/finish", {"beside": [SimpleUploadedFile("a.txt", b"a red card")]})
    assert Image.objects.get().labels.get().text == "a red card"


def test_a_known_picture_is_told_and_not_stored_twice(admin: Client) -> None:
    for outcome in ("created", "duplicate"):
        path = sent(admin, picture_file(1))
        assert admin.post(f"{path}/finish").json()["item"]["outcome"] == outcome
    assert Image.objects.count() == 1


def test_an_archive_becomes_a_job(admin: Client, media: Path, spool: Path) -> None:
    data = zipped({"a.png": picture_file(1), "b.png": picture_file(2)})
    path = sent(admin, data, filename="cards.zip", album="Cards")
    told = admin.post(f"{path}/finish").json()
    assert told["job"]["status"] == "queued"
    assert not list(spool.iterdir())
    assert execute(told["job"]["id"]) == Status.COMPLETED
    assert Album.objects.get().entries.count() == 2
    assert not [path for path in (media / "incoming").rglob("*") if path.is_file()]
    assert admin.post(f"{path}/finish").json()["job"]["status"] == "completed"
    assert Job.objects.count() == 1


def test_a_bad_archive_is_refused_and_may_be_taken_back(admin: Client, spool: Path) -> None:
    path = sent(admin, zipped({"../a.png": b"x"}), filename="cards.zip")
    assert problem(admin.post(f"{path}/finish")) == (422, "invalid", "files")
    assert not Job.objects.exists()
    assert admin.delete(path).status_code == 204
    assert not list(spool.iterdir())
    assert admin.head(path).status_code == 404


def test_a_refused_picture_is_an_outcome_and_an_error(admin: Client) -> None:
    path = sent(admin, b"<svg/>")
    for _ in range(2):
        response = admin.post(f"{path}/finish")
        assert problem(response) == (422, "not_an_image", "files")
        told = response.json()
        assert (told["item"]["outcome"], told["item"]["code"]) == ("refused", "not_an_image")
        assert told["error"]["message"] == told["item"]["message"]


def test_more_than_was_announced_is_refused_whole(admin: Client) -> None:
    path = begin(admin, 10)["Location"]
    send(admin, path, 0, b"12345")
    assert problem(send(admin, path, 5, b"678901"))[:2] == (413, "too_large")
    assert admin.head(path)["Upload-Offset"] == "5"


def test_half_a_file_is_not_finished(admin: Client) -> None:
    path = begin(admin, 10)["Location"]
    assert problem(admin.post(f"{path}/finish")) == (409, "incomplete", "Upload-Offset")


@pytest.mark.parametrize("length", ["", "-1", "x", "1" * 20, "1.5", "²"])
def test_a_bad_length_is_422(admin: Client, length: str) -> None:
    headers = {"Upload-Length": length.encode().decode("latin-1")}
    response = admin.post(
        "/api/uploads", headers={**headers, "Upload-Metadata": metadata(filename="a.png")}
    )
    assert problem(response) == (422, "invalid", "Upload-Length")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"filename": ""}, "filename"), ({"filename": "a" * 256}, "filename"),
        ({"filename": "a\x00.png"}, "filename"), ({"album": "x" * 201}, "album"),
        ({"rating": "x"}, "rating"), ({"is_public": "x"}, "is_public"),
        ({"colour": "red"}, "colour"),
        ({"album_id": "x"}, "album_id"), ({"album_id": "1", "album": "x"}, "album"),
    ],
)  # fmt: skip
def test_bad_metadata_is_422(admin: Client, fields: dict[str, str], field: str) -> None:
    assert problem(begin(admin, 10, **fields)) == (422, "invalid", field)
    assert not ResumableUpload.objects.exists()


def test_metadata_that_is_not_base64_is_422(admin: Client) -> None:
    headers = {"Upload-Length": "10", "Upload-Metadata": "filename ä$"}
    assert problem(admin.post("/api/uploads", headers=headers))[0] == 422


def test_an_album_by_its_number(admin: Client) -> None:
    album = make_album("Cards")
    admin.post(f"{sent(admin, picture_file(1), album_id=str(album.pk))}/finish")
    assert album.entries.count() == 1
    assert problem(begin(admin, 10, album_id="999")) == (404, "not_found", "album_id")


def test_what_is_too_large_is_refused_before_it_is_sent(admin: Client, settings: Settings) -> None:
    settings.MAX_IMAGE_BYTES, settings.MAX_ARCHIVE_BYTES = 100, 1000
    assert problem(begin(admin, 101)) == (413, "too_large", "Upload-Length")
    assert begin(admin, 101, filename="a.ZIP").status_code == 201
    assert problem(begin(admin, 1001, filename="a.zip"))[0] == 413


def test_a_full_disk_is_said(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable, "_SPARE_BYTES", 10**18)
    response = begin(admin, 10)
    assert problem(response)[:2] == (507, "disk_full")
    assert "left" in response.json()["error"]["message"]


@pytest.mark.parametrize("at", ["", "x", "-5", "1" * 30])
def test_a_bad_offset_is_422(admin: Client, at: str) -> None:
    path = begin(admin, 10)["Location"]
    assert problem(send(admin, path, at, b"x"))[0] == 422


def test_what_is_no_part_is_415_and_another_version_412(admin: Client) -> None:
    path = begin(admin, 10)["Location"]
    at_start = {"Upload-Offset": "0"}
    wrong = admin.patch(path, b"{}", content_type="application/json", headers=at_start)
    assert problem(wrong)[0] == 415
    assert problem(send(admin, path, 0, b"x", **{"Tus-Resumable": "0.2.2"}))[0] == 412


def test_what_is_not_there_is_404(admin: Client) -> None:
    path = f"/api/uploads/{uuid4()}"
    assert admin.head(path).status_code == 404
    assert problem(send(admin, path, 0, b"x"))[0] == 404
    assert problem(admin.post(f"{path}/finish"))[0] == 404
    assert admin.head("/api/uploads/x").status_code == 422


def test_lost_parts_are_410(admin: Client, spool: Path) -> None:
    path = sent(admin, picture_file(1))
    for part in spool.iterdir():
        part.unlink()
    assert admin.head(path).status_code == 410
    assert problem(send(admin, path, 0, b"x"))[0] == 410
    assert problem(admin.post(f"{path}/finish"))[0] == 410


def test_what_nobody_went_on_with_is_removed(admin: Client, spool: Path) -> None:
    old, young = (begin(admin, 10)["Location"] for _ in range(2))
    month_ago = timezone.now() - timedelta(days=30)
    ResumableUpload.objects.filter(pk=old.rpartition("/")[2]).update(created_at=month_ago)
    stray = spool / "stray.part"
    stray.touch()
    os.utime(stray, (0, 0))
    assert resumable.remove_old() == 1
    assert admin.head(old).status_code == 404
    assert admin.head(young).status_code == 200
    assert len(list(spool.iterdir())) == 1
