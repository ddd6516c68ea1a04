"""A change that closes a picture ends its addresses."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.test import Client

from gallery import nsfw, ratings, renditions
from gallery.models import Image, Rating
from gallery.removal import file_names
from gallery.tests.factories import make_image

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def files(media: Path) -> set[str]:
    return {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}


def test_the_old_sharp_address_ends_and_the_new_one_works(client: Client, media: Path) -> None:
    image = make_image(1, width=700, height=400)
    old = image.thumbnail_url(600, sharp=True)
    blurred = image.blurred_key
    assert client.get(old).status_code == 200
    assert ratings.change_rating([image], "ADULT") == 1
    client.cookies["nsfw"] = "show"
    assert client.get(old).status_code == 404
    assert client.get(image.thumbnail_url(600, sharp=True)).status_code == 200
    assert image.blurred_key == blurred
    assert files(media) == {name for name in file_names(image) if not name.endswith(".json")}


@pytest.mark.parametrize("rating", ["SAFE", "SUGGESTIVE", "ADULT", "EXPLICIT"])
def test_row_and_held_object_agree(rating: str) -> None:
    image = make_image(1)
    key = image.sharp_key
    ratings.change_rating([image], rating)
    row = Image.objects.get()
    for name in ("rating", "is_nsfw", "sharp_key", "blurred_key"):
        assert getattr(row, name) == getattr(image, name)
    assert row.rating == rating
    assert row.is_nsfw == (rating in ("ADULT", "EXPLICIT"))
    assert row.sharp_key != key


def test_the_same_rating_changes_nothing() -> None:
    image = make_image(1, rating="SAFE")
    key = image.sharp_key
    assert ratings.change_rating([image], Rating.SAFE) == 0
    assert Image.objects.get().sharp_key == key


def test_it_counts_those_that_differed() -> None:
    images = [make_image(seed, rating="SAFE" if seed else "ADULT") for seed in range(3)]
    assert ratings.change_rating(images, "SAFE") == 1
    assert ratings.change_rating(Image.objects.all(), "EXPLICIT") == 3


def test_an_unknown_rating_is_refused() -> None:
    with pytest.raises(ValueError):
        ratings.change_rating([make_image(1)], "SPICY")


def test_making_private_ends_all_addresses(client: Client) -> None:
    image = make_image(1)
    old = (image.thumbnail_url(300, sharp=True), image.thumbnail_url(300, sharp=False))
    assert ratings.change_visibility([image], False) == 1
    assert ratings.change_visibility([image], False) == 0
    assert ratings.change_visibility([image], True) == 1
    assert [client.get(address).status_code for address in old] == [404, 404]
    assert client.get(image.thumbnail_url(300, sharp=False)).status_code == 200


def test_a_change_by_somebody_else_meanwhile_is_kept(media: Path) -> None:
    image = make_image(1)
    stale = Image.objects.get()
    ratings.change_visibility([image], False)
    ratings.change_rating([stale], "ADULT")
    row = Image.objects.get()
    assert (row.rating, row.is_public) == ("ADULT", False)
    assert files(media) == {name for name in file_names(row) if not name.endswith(".json")}


def test_a_deleted_image_is_passed_over(media: Path) -> None:
    image = make_image(1)
    stale = Image.objects.get()
    image.delete()
    assert ratings.change_rating([stale], "ADULT") == 0


def test_a_missing_rendition_does_not_stop_it(media: Path) -> None:
    image = make_image(1)
    for path in (media / "thumbnails").rglob("*.webp"):
        path.unlink()
    assert ratings.change_rating([image], "ADULT") == 1


def test_a_storage_without_links_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = InMemoryStorage()
    monkeypatch.setattr(renditions, "default_storage", storage)
    storage.save("one.webp", ContentFile(b"bytes"))
    renditions.copy("one.webp", "two.webp")
    with storage.open("two.webp") as copied:
        assert copied.read() == b"bytes"


def test_unrated_pictures_follow_a_changed_setting(media: Path, settings: Any) -> None:
    image, rated = make_image(), make_image(rating="SAFE")
    before = image.sharp_key
    settings.VEIL_UNRATED = frozenset({"upload"})
    # At once for whoever asks, and in lists once the rows follow.
    assert not nsfw.is_open(Image.objects.get(pk=image.pk))
    assert ratings.align_veils() == 1
    image.refresh_from_db()
    rated.refresh_from_db()
    assert (image.exposure, rated.exposure) == (1, 0)
    assert image.sharp_key != before
    assert ratings.align_veils() == 0
    settings.VEIL_UNRATED = frozenset()
    assert ratings.align_veils() == 1
    image.refresh_from_db()
    assert image.exposure == 0
