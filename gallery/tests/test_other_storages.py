"""The whole way of a picture on a storage that has no paths, as S3 has none."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from PIL import Image as Picture

from gallery import ratings, removal, sweep
from gallery.add_image import add_image
from gallery.models import Image
from gallery.tests.factories import picture_file

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _storage(settings: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


def files() -> list[str]:
    return [f"{folder}/{name}" for folder, names in sweep._folders() for name in names]


def test_a_picture_comes_is_shown_changed_and_goes(client: Client) -> None:
    data = picture_file(1, 640, 480)
    image = add_image(data, source_type="upload", sidecar={"a": 1}).image
    assert len(files()) == 2 + 3 + 1
    shown = client.get(image.thumbnail_url(300, sharp=True))
    assert Picture.open(io.BytesIO(shown.content)).size == (300, 225)
    assert client.get(f"/images/{image.pk}/original").content == data
    ratings.change_rating([image], "ADULT")
    client.cookies["nsfw"] = "show"
    assert client.get(image.thumbnail_url(600, sharp=True)).status_code == 200
    assert len(files()) == 6
    removal.delete_images([image.pk])
    assert files() == []


def test_leftovers_are_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    add_image(picture_file(1), source_type="upload")
    default_storage.save("uploads/left.png", ContentFile(b"x"))
    later = timezone.now() + timedelta(hours=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert sweep.sweep().removed == ["uploads/left.png"]
    assert Image.objects.count() == 1
    assert list(sweep.missing()) == []
