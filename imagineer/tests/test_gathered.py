"""Short lists in one column."""

from typing import Any

import pytest
from django.db.models import OuterRef

from gallery.models import Album, AlbumImage, Image
from gallery.tests.factories import make_album, make_row
from imagineer.gathered import Gathered, rows_of

pytestmark = pytest.mark.django_db


def test_fields_of_several_rows_come_apart_again(django_assert_num_queries: Any) -> None:
    image, other = make_row(), make_row()
    boats, cats = make_album("Boats, “old”", [image]), make_album("Cats | dogs", [image])
    inside = AlbumImage.objects.filter(image=OuterRef("pk"))
    gathered = Gathered(inside, "album__name", "album_id", "position")
    with django_assert_num_queries(1):
        rows = {row.pk: row for row in Image.objects.annotate(shelves=gathered)}
    found: Any = rows[image.pk]
    assert sorted(rows_of(found.shelves)) == [
        ["Boats, “old”", str(boats.pk), "0"], ["Cats | dogs", str(cats.pk), "0"],
    ]  # fmt: skip
    nothing: Any = rows[other.pk]
    assert rows_of(nothing.shelves) == []


def test_one_field_needs_no_parting() -> None:
    make_album("Boats")
    make_album("")
    found: Any = Image.objects.annotate(names=Gathered(Album.objects.all(), "name"))
    make_row()
    assert sorted(rows_of(found.get().names)) == sorted(
        [name] for name in Album.objects.values_list("name", flat=True)
    )
