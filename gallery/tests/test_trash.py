"""The trash."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from gallery import admin_trash, trash
from gallery.add_image import add_image
from gallery.models import Album, Image, Label, Tag
from gallery.tests.factories import make_album, make_image, make_label, make_row, picture_file
from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute

pytestmark = pytest.mark.django_db
TRASH = "/admin/gallery/image/trash/"


def age(image: Image, days: float) -> None:
    moment = timezone.now() - timedelta(days=days)
    Image.everything.filter(pk=image.pk).update(deleted_at=moment)


def test_what_is_in_it_is_nowhere_else_and_comes_back_whole(client: Client) -> None:
    image, other = make_row(prompt="fox"), make_row()
    make_label(image, "fox", kind=Label.Kind.TAG)
    album = make_album("Deck", [image, other])
    assert trash.move_to_trash([image.pk, image.pk]) == 1
    assert trash.move_to_trash([image.pk]) == 0
    album.refresh_from_db()
    assert (album.live_count, list(album.images.all())) == (1, [other])
    assert client.get(f"/images/{image.pk}/").status_code == 404
    assert client.get("/tags/fox/").status_code == 404
    assert trash.restore([image.pk]) == 1
    assert client.get(f"/albums/{album.slug}/").context["album"].image_count == 2
    assert Tag.objects.get().open_count == 1
    assert client.get("/search/?q=fox").context["page"].items == [image]


def test_it_is_emptied_of_what_lay_there_long_enough(
    media: Path, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.TRASH_DAYS = 30
    old, young, live = make_image(), make_image(), make_image()
    trash.move_to_trash([old.pk, young.pk])
    age(old, 31)
    age(young, 29)
    with django_capture_on_commit_callbacks(execute=True):
        assert trash.purge(trash.due()) == 1
    assert set(Image.everything.all()) == {young, live}
    assert not default_storage.exists(str(old.file.name))
    assert default_storage.exists(str(young.file.name))


def test_uploading_it_again_takes_it_out(media: Path) -> None:
    data = picture_file(5)
    image = add_image(data, source_type="upload").image
    trash.move_to_trash([image.pk])
    album = Album.objects.create(name="Deck")
    again = add_image(data, source_type="upload", album=album)
    assert (again.image.pk, again.created) == (image.pk, False)
    assert list(album.images.all()) == [image]


def test_its_files_are_for_admins_alone(client: Client, admin_client: Client, media: Path) -> None:
    image = make_image()
    trash.move_to_trash([image.pk])
    addresses = (
        f"/images/{image.pk}/original",
        f"/i/{image.sharp_key}-64.webp",
        f"/i/{image.blurred_key}-64.webp",
    )
    for address in addresses:
        assert client.get(address).status_code == 404
        answer = admin_client.get(address)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")


def test_the_console_restores_and_deletes_for_good(admin_client: Client, media: Path) -> None:
    kept, gone = make_image(), make_image()
    trash.move_to_trash([kept.pk, gone.pk])
    page = admin_client.get(TRASH).content.decode()
    assert f'name="image" value="{kept.pk}"' in page
    admin_client.post(TRASH, {"action": "restore", "image": [kept.pk]})
    admin_client.post(TRASH, {"action": "delete", "image": [gone.pk]})
    assert list(Image.everything.all()) == [kept]
    assert "The trash is empty." in admin_client.get(TRASH).content.decode()


def test_the_console_deletes_nothing_that_is_not_in_it(admin_client: Client, media: Path) -> None:
    image = make_image()
    admin_client.post(TRASH, {"action": "delete", "image": [image.pk]})
    assert Image.objects.get() == image


def test_the_console_empties_it_by_a_job(admin_client: Client) -> None:
    ids = [make_row().pk for _ in range(3)]
    trash.move_to_trash(ids)
    page = admin_client.post(TRASH, {"action": "empty"}, follow=True).content.decode()
    job = Job.objects.get()
    assert (job.kind, job.created_by is not None) == (trash.EMPTY, True)
    assert f"/admin/jobs/job/{job.pk}/change/" in page
    assert "Delete all for good" not in page
    execute(job.pk)
    assert not Image.everything.exists()
    assert job.log_lines.get().text == "3 pictures deleted for good."


def test_the_console_shows_it_page_by_page(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_trash, "SHOWN", 2)
    ids = [make_row().pk for _ in range(3)]
    trash.move_to_trash(ids)
    first = admin_client.get(TRASH)
    assert [image.pk for image in first.context["page"].items] == ids[:0:-1]
    second = admin_client.get(TRASH, {"after": first.context["page"].next})
    assert [image.pk for image in second.context["page"].items] == ids[:1]
    assert admin_client.get(TRASH, {"after": "nonsense"}).status_code == 404


def test_parts_of_any_size_are_deleted_and_none_twice(
    media: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(trash, "_CHUNK", 2)
    images = [make_row() for _ in range(5)]
    trash.move_to_trash([image.pk for image in images])
    told: list[int] = []

    def report(deleted: int) -> None:
        told.append(deleted)
        # Taken out of the trash at this very moment.
        trash.restore([images[-1].pk])

    assert trash.purge(timezone.now(), report) == 4
    assert told == [0, 2, 4]
    assert list(Image.everything.all()) == [images[-1]]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"action": "burn", "image": ["1"]},
        {"action": "delete", "image": ["x", "-1", "9" * 40]},
        {"action": "undo"},
    ],
)  # fmt: skip
def test_nonsense_is_answered_with_a_sentence(admin_client: Client, body: dict[str, Any]) -> None:
    image = make_row()
    trash.move_to_trash([image.pk])
    response = admin_client.post(TRASH, body, follow=True)
    assert response.status_code == 200
    assert Image.everything.get().deleted_at is not None


def test_it_is_not_for_visitors(client: Client) -> None:
    for response in (client.get(TRASH), client.post(TRASH, {"action": "delete", "image": ["1"]})):
        assert response.status_code == 302
        assert "/login/" in response["Location"]
