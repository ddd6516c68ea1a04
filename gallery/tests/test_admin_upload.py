from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from gallery.models import Album, Image
from gallery.tests.factories import make_album, make_row, picture_file
from gallery.tests.files import zipped
from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute

pytestmark = pytest.mark.django_db
UPLOAD = "/admin/gallery/image/upload/"


def file(name: str = "a.png", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture_file() if data is None else data)


def send(client: Client, *files: Any, **fields: Any) -> str:
    return client.post(UPLOAD, {"files": list(files), **fields}).content.decode()


def test_it_takes_many_files_into_a_new_album_in_order(admin_client: Client, media: Path) -> None:
    page = send(
        admin_client, file("a.png"), file("b.png"), file("c.png"), album="Holiday", is_public="on"
    )
    assert "3 added" in page
    entries = Album.objects.get(name="Holiday").entries.order_by("position")
    assert [entry.image.original_name for entry in entries] == ["a.png", "b.png", "c.png"]
    assert all(entry.image.is_public for entry in entries)


def test_it_adds_to_an_existing_album(admin_client: Client, media: Path) -> None:
    album = make_album("Holiday", [make_row()])
    send(admin_client, file(), album="Holiday")
    assert album.entries.count() == 2
    assert not Image.objects.get(original_name="a.png").is_public


def test_it_tells_of_duplicates_and_refused_files(admin_client: Client, media: Path) -> None:
    data = picture_file(seed=5)
    page = send(
        admin_client, file("a.png", data), file("b.png", data), file("c.gif", b"hello"),
        file("d.txt", b"hello"),
    )  # fmt: skip
    assert "1 added, 1 known before, 2 refused" in page
    assert "JPEG, PNG, WebP, GIF and BMP are taken." in page
    assert "No picture of this name came with it" in page
    assert Image.objects.count() == 1


def test_it_tells_of_a_file_that_is_too_large(
    admin_client: Client, media: Path, settings: Any
) -> None:
    settings.MAX_IMAGE_BYTES = 100
    assert "larger than" in send(admin_client, file("huge.png"))
    assert not Image.objects.exists()


def test_captions_come_with_their_pictures(admin_client: Client, media: Path) -> None:
    assert "1 added" in send(admin_client, file("a.png"), file("a.txt", b"a red card"))
    assert Image.objects.get().labels.get().text == "a red card"


def test_archives_are_left_to_jobs(admin_client: Client, media: Path) -> None:
    good, bad = zipped({"b.png": picture_file(2)}), zipped({"../c.png": b"x"})
    page = send(
        admin_client, file("a.png"), file("good.zip", good), file("bad.zip", bad), album="Cards"
    )
    assert "1 added, 1 refused, 1 archive on the way" in page
    assert "leads outside" in page
    job = Job.objects.get()
    assert str(job.pk) in page
    execute(job.pk)
    assert Album.objects.get().entries.count() == 2


def test_it_asks_for_a_file(admin_client: Client) -> None:
    response = admin_client.post(UPLOAD, {"album": "Holiday"})
    assert response.status_code == 422
    assert "Choose one picture or more." in response.content.decode()
    assert not Album.objects.exists()


def test_it_makes_no_album_where_every_file_is_refused(admin_client: Client, media: Path) -> None:
    page = send(admin_client, file("a.txt", b"hello"), file("b.txt", b"world"), album="Holiday")
    assert "2 refused" in page
    assert not Album.objects.exists()
    send(admin_client, file("a.txt", b"hello"), file("b.png"), album=" Holiday ")
    assert Album.objects.get().name == "Holiday"
    assert Album.objects.get().entries.count() == 1


def test_it_refuses_a_name_that_is_too_long(admin_client: Client, media: Path) -> None:
    response = admin_client.post(UPLOAD, {"files": [file()], "album": "x" * 201})
    assert response.status_code == 422
    assert not Image.objects.exists()


def test_it_starts_with_the_album_in_the_address(admin_client: Client) -> None:
    album = make_album("Holiday")
    assert 'value="Holiday"' in admin_client.get(f"{UPLOAD}?album={album.pk}").content.decode()
    assert admin_client.get(f"{UPLOAD}?album=x").status_code == 200
    assert admin_client.get(f"{UPLOAD}?album=99999999999999999999").status_code == 200


def test_it_is_for_admins(client: Client) -> None:
    assert client.post(UPLOAD, {"files": [file()]}).status_code == 302
    assert not Image.objects.exists()
    assert reverse("admin:gallery_image_upload") == UPLOAD
