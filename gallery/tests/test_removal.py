from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from gallery import removal
from gallery.models import Album, Image, Label
from gallery.tests.factories import make_album, make_image, make_label

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


def files(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def test_rows_and_files_go(media: Path) -> None:
    gone = [make_image(seed, sidecar={"seed": seed}) for seed in range(3)]
    stays = make_image(9)
    album = make_album(images=[*gone, stays], cover=gone[0])
    make_label(gone[0])
    assert removal.delete_images([image.pk for image in gone]) == 3
    assert list(Image.objects.all()) == [stays]
    assert not Label.objects.exists()
    assert list(album.images.all()) == [stays]
    assert Album.objects.get().cover is None
    assert len(files(media)) == 3


def test_unknown_ids_are_passed_over() -> None:
    image = make_image(1)
    assert removal.delete_images([image.pk, image.pk, 999]) == 1
    assert removal.delete_images([]) == 0


def test_a_rolled_back_deletion_keeps_the_files(media: Path) -> None:
    image = make_image(1)
    with transaction.atomic():
        removal.delete_images([image.pk])
        transaction.set_rollback(True)
    assert Image.objects.exists()
    assert len(files(media)) == 3


def test_a_file_that_cannot_be_deleted_does_not_stop_the_others(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make_image(1)
    delete = default_storage.delete

    def refuse(name: str) -> None:
        if name.startswith("uploads/"):
            raise PermissionError(name)
        delete(name)

    monkeypatch.setattr(default_storage, "delete", refuse)
    assert removal.delete_images([image.pk]) == 1
    assert [path.parent.name for path in files(media)] == ["uploads"]


def test_many_are_deleted_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_CHUNK", 2)
    images = [make_image(seed) for seed in range(5)]
    assert removal.delete_images(image.pk for image in images) == 5
    assert not Image.objects.exists()
