"""What the database keeps by itself, whoever writes."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Q
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gallery import image_index, triggers
from gallery.models import Album, AlbumImage, Exposure, Image, ImageTag, SearchDocument, Tag
from gallery.tests.factories import make_album, make_row

pytestmark = pytest.mark.django_db
IMAGES, ALBUMS = 4, 2


def counts(owner: Any) -> tuple[int, int, int]:
    return owner.open_count, owner.veiled_count, owner.private_count


def true_counts(members: Any) -> tuple[int, int, int]:
    found = members.aggregate(
        **{
            f"n{value}": Count("pk", filter=Q(image__exposure=value))
            for value in (Exposure.OPEN, Exposure.VEILED, Exposure.PRIVATE)
        }
    )
    return found["n0"], found["n1"], found["n2"]


def check_everything() -> None:
    for member in (AlbumImage, ImageTag):
        for row in member.everything.select_related("image"):
            assert row.exposure == row.image.exposure
    for album in Album.objects.all():
        assert counts(album) == true_counts(AlbumImage.everything.filter(album=album))
    for tag in Tag.objects.all():
        assert counts(tag) == true_counts(ImageTag.everything.filter(tag=tag))


_steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["public", "veil", "trash", "put", "take", "tag", "delete", "drop",
             "move"]
        ),
        st.integers(0, IMAGES - 1),
        st.integers(0, ALBUMS - 1),
    ),
    max_size=14,
)  # fmt: skip


def test_counts_are_right_after_any_steps() -> None:
    @hypothesis_settings(
        max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(_steps)
    def check(steps: list[tuple[str, int, int]]) -> None:
        Image.everything.all().delete()
        Album.objects.all().delete()
        images = [make_row() for _ in range(IMAGES)]
        albums = [make_album() for _ in range(ALBUMS)]
        tag, _ = Tag.objects.get_or_create(name="fox")
        for step, place, number in steps:
            rows = Image.everything.filter(pk=images[place].pk)
            if not rows.exists() or not Album.objects.filter(pk=albums[number].pk).exists():
                continue
            _take(step, rows, albums, number, tag)
        check_everything()

    check()


def _take(step: str, rows: Any, albums: list[Album], number: int, tag: Tag) -> None:
    image, album = rows.get(), albums[number]
    if step == "public":
        rows.update(is_public=not image.is_public)
    elif step == "veil":
        rows.update(is_veiled=not image.is_veiled)
    elif step == "trash":
        rows.update(deleted_at=None if image.deleted_at else "2026-01-01T00:00:00Z")
    elif step == "put":
        entry = AlbumImage(album=album, image=image)
        AlbumImage.objects.bulk_create([entry], ignore_conflicts=True)
    elif step == "take":
        AlbumImage.everything.filter(album=album, image=image).delete()
    elif step == "tag":
        ImageTag.objects.bulk_create([ImageTag(tag=tag, image=image)], ignore_conflicts=True)
    elif step == "delete":
        rows.delete()
    elif step == "drop":
        # The row alone: the steps after this still name it.
        Album.objects.filter(pk=album.pk).delete()
    elif step == "move":
        there = AlbumImage.everything.filter(album=album, image=image)
        if not there.exists():
            elsewhere = AlbumImage.everything.filter(album=albums[1 - number], image=image)
            elsewhere.update(album=album)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite alone drops them in a rewrite.")
def test_they_are_there_again_after_a_table_was_rewritten() -> None:
    image = make_row(prompt="fox")
    album = make_album("Deck", [image])
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER gallery_albumimage_moved")
    Image.objects.update(is_public=False)
    album.refresh_from_db()
    assert counts(album) == (1, 0, 0)
    # As after any migration: anew, and what was missed meanwhile is counted.
    for each in (
        triggers.Membership("gallery_albumimage", "gallery_album", "album_id"),
        triggers.FullText("gallery_searchdocument", "image_id", ("words", "veiled_words", "facts")),
    ):
        triggers._before((each,), using="default", plan=[1])
        triggers._after((each,), using="default", plan=[1])
    album.refresh_from_db()
    assert counts(album) == (0, 0, 1)
    Image.objects.update(is_public=True)
    album.refresh_from_db()
    assert counts(album) == (1, 0, 0)


def test_what_a_document_lacked_is_written() -> None:
    image = make_row(prompt="fox")
    SearchDocument.objects.all().delete()
    assert image_index.refresh_missing() == 1
    assert "fox" in SearchDocument.objects.get(pk=image.pk).words
    assert image_index.refresh_missing() == 0
