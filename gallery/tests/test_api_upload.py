"""Uploading over the JSON API: files at once, and many files and archives by a job."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gallery import album_sources, incoming
from gallery.jobs import IMPORT
from gallery.models import Album, Image, Label
from gallery.tests.factories import make_admin, make_album, make_image, picture_file
from gallery.tests.files import png_bomb, zipped
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
JSON = "application/json"


@pytest.fixture
def admin() -> Client:
    browser = Client()
    browser.force_login(make_admin())
    return browser


def error(response: Any) -> tuple[int, str, str | None]:
    told = response.json()["error"]
    assert told["message"]
    return response.status_code, told["code"], told["field"]


def file(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="text/html")


def upload(admin: Client, *files: SimpleUploadedFile, **fields: Any) -> Any:
    return admin.post("/api/images/upload", {"files": list(files), **fields})


def test_each_file_has_its_outcome(admin: Client) -> None:
    known = make_image(1)
    response = upload(
        admin,
        file("new.png", picture_file(2)),
        file("known.png", picture_file(1)),
        file("evil.png", b"<svg onload='alert(1)'/>"),
        file("cut.jpg", picture_file(3, kind="JPEG")[:300]),
        file("empty.png", b""),
        album="Cards",
    )
    told = response.json()
    assert response.status_code == 200
    assert [item["outcome"] for item in told["items"]] == [
        "created", "duplicate", "refused", "refused", "refused",
    ]  # fmt: skip
    assert [item["code"] for item in told["items"][2:]] == ["not_an_image", "damaged", "empty"]
    assert "SVG" in told["items"][2]["message"]
    assert (told["created"], told["duplicates"], told["refused"]) == (1, 1, 3)
    assert told["items"][1]["image"]["id"] == known.pk
    album = Album.objects.get()
    assert told["album"]["id"] == album.pk
    first = album.entries.get(position=0).image
    assert first.original_name == "new.png"
    assert album.images.count() == 2


def test_an_upload_joins_an_existing_album(admin: Client) -> None:
    album = make_album("Cards")
    for fields in ({"album_id": album.pk}, {"album": "Cards"}):
        assert (
            upload(admin, file("a.png", picture_file()), **fields).json()["album"]["id"] == album.pk
        )
    assert album.images.count() == 2


def test_facts_of_an_upload_are_kept(admin: Client) -> None:
    upload(admin, file("a.png", picture_file(1)), is_public="false", rating="ADULT")
    row = Image.objects.get()
    assert (row.is_public, row.rating, row.source_type) == (False, "ADULT", "upload")
    assert row.created_by is not None


def test_an_album_of_refused_files_is_not_made(admin: Client) -> None:
    told = upload(admin, file("a.png", b"x"), album="Cards").json()
    assert (told["album"], told["refused"]) == (None, 1)
    assert not Album.objects.exists()


def test_an_upload_of_refused_files_alone_is_an_error(admin: Client) -> None:
    one = upload(admin, file("a.png", b"x"))
    assert error(one) == (422, "not_an_image", "files")
    assert one.json()["error"]["message"] == one.json()["items"][0]["message"]
    more = upload(admin, file("a.png", b""), file("b.png", b"x"))
    assert error(more) == (422, "empty", "files")
    assert more.json()["error"]["message"] == (
        "None of the 2 files was taken in. a.png: The file is empty."
    )
    assert [item["code"] for item in more.json()["items"]] == ["empty", "not_an_image"]
    make_image(1)
    known = upload(admin, file("a.png", picture_file(1)), file("b.png", b"x"))
    assert (known.status_code, known.json()["duplicates"]) == (200, 1)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"album": " "}, 422), ({"album": "x" * 201}, 422), ({"album": "a\nb"}, 422),
        ({"album": "a\x00b"}, 422), ({"album_id": "999"}, 404), ({"album_id": str(2**63)}, 422),
        ({"album_id": "-1"}, 422), ({"album_id": "1", "album": "x"}, 422), ({"rating": "x"}, 422),
        ({"is_public": "x"}, 422),
    ],
)  # fmt: skip
def test_bad_fields_take_in_nothing(admin: Client, fields: dict[str, str], status: int) -> None:
    response = upload(admin, file("a.png", picture_file(1)), **fields)
    assert error(response)[0] == status
    assert not Image.objects.exists()


def test_an_upload_without_files_is_422(admin: Client) -> None:
    assert error(admin.post("/api/images/upload", {}))[0] == 422
    assert error(admin.post("/api/images/upload", {"files": "text"}))[0] == 422


def test_too_many_files_are_a_4xx(admin: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3
    files = [file(f"{number}.png", b"x") for number in range(4)]
    assert 400 <= upload(admin, *files).status_code < 500
    assert not Image.objects.exists()


def test_a_broken_multipart_body_is_a_4xx(admin: Client) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", JSON, "text/plain"):
        response = admin.post("/api/images/upload", b"--y\r\nnonsense", content_type=kind)
        assert 400 <= response.status_code < 500


# --- Sidecars ----------------------------------------------------------------------------------


def captions(image: Image) -> list[str]:
    return list(image.labels.filter(kind="caption").values_list("text", flat=True))


def test_captions_and_metadata_come_with_their_pictures(admin: Client) -> None:
    told = upload(
        admin,
        file("b.txt", b"a red card"),
        file("a.png", picture_file(1)),
        file("b.png", picture_file(2)),
        file("a.png.json", json.dumps({"tags": ["x", "y"], "rating": "explicit"}).encode()),
    ).json()
    assert [item["outcome"] for item in told["items"]] == ["created", "created"]
    first, second = (Image.objects.get(original_name=name) for name in ("a.png", "b.png"))
    assert captions(second) == ["a red card"]
    assert {label.source for label in Label.objects.all()} == {"imported"}
    assert sorted(tag.name for tag in first.tags.all()) == ["x", "y"]
    assert (first.rating, second.rating) == ("EXPLICIT", "UNRATED")
    assert admin.get("/api/search", {"q": "red card"}).json()["items"][0]["id"] == second.pk


def test_how_it_was_drawn_is_read_from_metadata(admin: Client) -> None:
    drawn = {"prompt": "a lake", "negative_prompt": "dull", "seed": 7}
    upload(admin, file("a.png", picture_file(1)), file("a.json", json.dumps(drawn).encode()))
    image = Image.objects.get()
    assert (image.prompt, image.negative_prompt) == ("a lake", "dull")
    assert image.generation_params == {"seed": 7}


def test_a_rating_that_is_asked_for_counts_before_the_metadata(admin: Client) -> None:
    told = [file("a.png", picture_file(1)), file("a.json", b'{"rating": "e"}')]
    upload(admin, *told, rating="SAFE")
    assert Image.objects.get().rating == "SAFE"


def test_a_known_picture_gets_new_words_and_keeps_its_own(admin: Client) -> None:
    image = make_image(1, prompt="old")
    for _ in range(2):
        data = json.dumps({"prompt": "new", "rating": "e", "caption": "a card"}).encode()
        upload(admin, file("a.png", picture_file(1)), file("a.json", data))
    image.refresh_from_db()
    assert (image.prompt, image.rating, captions(image)) == ("old", "EXPLICIT", ["a card"])
    upload(admin, file("a.png", picture_file(1)), file("a.json", b'{"rating": "g"}'))
    image.refresh_from_db()
    assert image.rating == "EXPLICIT"


def test_sidecars_without_a_picture_or_sense_are_refused(admin: Client) -> None:
    told = upload(
        admin, file("lone.txt", b"x"), file("a.png", picture_file(1)), file("a.json", b"{")
    ).json()
    assert {item["name"]: item["code"] for item in told["items"]} == {
        "a.png": "sidecar", "lone.txt": "no_picture",
    }  # fmt: skip
    assert "a.json is not JSON" in told["items"][0]["message"]
    assert not Image.objects.exists()


def test_an_archive_is_no_picture(admin: Client) -> None:
    told = upload(admin, file("a.png", zipped({"b.png": picture_file(1)}))).json()
    assert "ZIP archive" in told["items"][0]["message"]


@pytest.mark.parametrize(
    "name", ["\u202egnp.exe.png", "x" * 4000 + ".png", "\u05d0\u05d1.png", "a\tb.png", "…/../a.png"]
)
def test_any_name_is_kept_plain(admin: Client, name: str) -> None:
    assert upload(admin, file(name, picture_file(1))).json()["created"] == 1
    kept = Image.objects.get().original_name
    assert len(kept) <= 255
    assert kept.isprintable()


# --- By a job ----------------------------------------------------------------------------------


def bulk(admin: Client, *files: SimpleUploadedFile, **fields: Any) -> Any:
    return admin.post("/api/images/bulk-upload", {"files": list(files), **fields})


def ended(response: Any) -> Any:
    assert response.status_code == 202, response.content
    execute(response.json()["id"])
    return Job.objects.get(pk=response.json()["id"])


def waiting(media: Path) -> list[Path]:
    return [path for path in (media / incoming.FOLDER).rglob("*") if path.is_file()]


def test_pictures_and_archives_are_taken_in_by_a_job(admin: Client, media: Path) -> None:
    cards = zipped(
        {
            "deck/10.png": picture_file(10), "deck/2.png": picture_file(2),
            "deck/2.txt": b"the two", "deck/10.json": b'{"prompt": "the ten"}',
            "__MACOSX/2.png": b"x",
        }
    )  # fmt: skip
    response = bulk(
        admin, file("cards.zip", cards), file("a.png", picture_file(1)), file("a.txt", b"a card"),
        file("broken.png", b"x"), album="Cards", is_public="false",
    )  # fmt: skip
    assert response.json()["status"] == "queued"
    assert len(waiting(media)) == 4
    job = ended(response)
    assert (job.kind, job.status) == (IMPORT, Status.PARTIAL)
    assert job.result["added"] == 3
    assert job.error == "1 of 4 files were left out; the log says why."
    album = Album.objects.get()
    assert (album.name, album.source_type, album.is_public) == ("Cards", "import", False)
    names = [entry.image.original_name for entry in album.entries.order_by("position")]
    assert names == ["a.png", "2.png", "10.png"]
    assert {image.source_type for image in Image.objects.all()} == {"upload"}
    assert sorted(Label.objects.values_list("text", flat=True)) == ["a card", "the two"]
    assert Image.objects.get(original_name="10.png").prompt == "the ten"
    assert admin.get(f"/api/jobs/{job.pk}").json()["status"] == "partial"
    assert waiting(media) == []


def test_a_job_without_an_album_makes_none(admin: Client) -> None:
    job = ended(bulk(admin, file("a.png", picture_file(1)), rating="SAFE"))
    assert job.status == Status.COMPLETED
    assert job.result["album"] is None
    assert Image.objects.get().rating == "SAFE"
    assert not Album.objects.exists()


def test_files_of_one_name_are_two_files(admin: Client) -> None:
    job = ended(bulk(admin, file("a.png", picture_file(1)), file("a.png", picture_file(2))))
    assert job.result["added"] == 2
    assert set(Image.objects.values_list("original_name", flat=True)) == {"a.png"}


def test_a_job_that_runs_again_changes_nothing(admin: Client, media: Path) -> None:
    response = bulk(admin, file("cards.zip", zipped({"a.png": picture_file(1)})), album="Cards")
    kept = waiting(media)[0].read_bytes()
    first = ended(response)
    # As if it had been killed just before its end was written.
    path = media / first.params["incoming"][0]["file"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kept)
    Job.objects.filter(pk=first.pk).update(status=Status.QUEUED, result=None)
    assert ended(response).result == {
        "album": Album.objects.get().pk, "added": 0, "known": 1, "captions": 0, "refused": 0,
    }  # fmt: skip
    assert Album.objects.get().entries.count() == 1


def test_a_job_whose_files_are_gone_says_so(admin: Client, media: Path) -> None:
    response = bulk(admin, file("cards.zip", zipped({"a.png": picture_file(1)})))
    waiting(media)[0].unlink()
    job = ended(response)
    assert job.status == Status.FAILED
    assert job.error == "cards.zip is no longer here; upload it again."


def test_a_job_that_was_cancelled_keeps_its_files_for_another_try(
    admin: Client, media: Path
) -> None:
    response = bulk(admin, file("cards.zip", zipped({"a.png": picture_file(1)})))
    admin.delete(f"/api/jobs/{response.json()['id']}")
    assert Job.objects.get().status == Status.CANCELLED
    assert len(waiting(media)) == 1


BOMB = {f"{number}.png": bytes(30_000_000) for number in range(5)}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"../a.png": b"x"}, "leads outside"), ({"/etc/a.png": b"x"}, "leads outside"),
        ({"a.txt": b"x"}, "no pictures in cards.zip"), (BOMB, "more than 100 times its size"),
        ({}, "no pictures"),
    ],
    ids=["..", "absolute", "no pictures", "bomb", "empty"],
)  # fmt: skip
def test_a_hostile_archive_is_refused_with_all_that_came_with_it(
    admin: Client, media: Path, files: dict[str, bytes], sentence: str
) -> None:
    response = bulk(admin, file("a.png", picture_file(1)), file("cards.zip", zipped(files)))
    assert error(response) == (422, "invalid", "files")
    assert sentence in response.json()["error"]["message"]
    assert not Job.objects.exists()
    assert waiting(media) == []


def test_a_truncated_archive_is_refused(admin: Client, media: Path) -> None:
    data = zipped({"a.png": picture_file(1)})[:-30]
    response = bulk(admin, file("cards.zip", data))
    assert response.json()["error"]["message"] == "cards.zip is not a readable ZIP archive."
    assert waiting(media) == []


def test_an_archive_of_too_many_files_is_refused(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(album_sources, "MAX_FILES", 2)
    response = bulk(admin, file("c.zip", zipped({f"{n}.png": b"x" for n in range(3)})))
    assert response.status_code == 422


def test_bad_pictures_in_an_archive_are_left_out(admin: Client) -> None:
    files = {"bomb.png": png_bomb(50_000, 50_000), "page.png": b"<!doctype html>"}
    job = ended(bulk(admin, file("cards.zip", zipped(files)), album="Cards"))
    assert job.status == Status.FAILED
    assert "None of the 2 files could be imported." in job.error
    assert not Image.objects.exists()
    assert not Album.objects.exists()


@pytest.mark.parametrize("fields", [{"album": "x" * 201}, {"album_id": "999"}, {"rating": "x"}])
def test_bad_fields_keep_nothing(admin: Client, media: Path, fields: dict[str, str]) -> None:
    assert bulk(admin, file("a.png", picture_file(1)), **fields).status_code in (404, 422)
    assert not Job.objects.exists()
    assert waiting(media) == []


def test_captions_alone_are_no_upload(admin: Client) -> None:
    assert error(bulk(admin, file("a.txt", b"x")))[0] == 422
    assert error(admin.post("/api/images/bulk-upload", {}))[0] == 422


def test_old_files_without_a_job_to_come_are_removed(admin: Client, media: Path) -> None:
    wanted = bulk(admin, file("a.png", picture_file(1))).json()
    cancelled = bulk(admin, file("b.png", picture_file(2))).json()
    admin.delete(f"/api/jobs/{cancelled['id']}")
    for path in waiting(media):
        os.utime(path, (0, 0))
    params = Job.objects.get(pk=wanted["id"]).params["incoming"]
    assert incoming.remove_old(params) == 1
    assert [path.relative_to(media).as_posix() for path in waiting(media)] == [params[0]["file"]]
    assert len(list((media / incoming.FOLDER).iterdir())) == 1
