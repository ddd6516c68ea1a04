"""Short lists in one column."""

from typing import Any

import pytest
from django.db.models import OuterRef

from gallery.models import AlbumImage, Image
from gallery.tests.factories import make_album, make_row
from imagineer.gathered import gathered, rows_of

pytestmark = pytest.mark.django_db


def test_fields_of_several_rows_come_apart_again(django_assert_num_queries: Any) -> None:
    image, other = make_row(), make_row()
    boats, cats = make_album("Boats, “old”", [image]), make_album("Cats | dogs", [image])
    inside = AlbumImage.objects.filter(image=OuterRef("pk"))
    with django_assert_num_queries(1):
        images = Image.objects.annotate(
            shelves=gathered(inside, "album__name", "album_id", "position")
        )
        rows = {row.pk: row for row in images}
    found: Any = rows[image.pk]
    assert sorted(rows_of(found.shelves)) == [
        ["Boats, “old”", str(boats.pk), "0"], ["Cats | dogs", str(cats.pk), "0"],
    ]  # fmt: skip
    nothing: Any = rows[other.pk]
    assert rows_of(nothing.shelves) == []


def test_one_field_needs_no_parting_and_what_is_alike_comes_once() -> None:
    for position in (1, 1, 2):
        AlbumImage.objects.create(album=make_album(), image=make_row(), position=position)
    everywhere = gathered(AlbumImage.objects.all(), "position")
    found: Any = Image.objects.annotate(places=everywhere).first()
    assert sorted(rows_of(found.places)) == [["1"], ["2"]]
