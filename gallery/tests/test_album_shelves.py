"""Putting pictures into albums, taking them out, arranging them."""

import pytest
from django.db import IntegrityError

from gallery import albums, trash
from gallery.models import Album, Image
from gallery.tests.factories import make_admin, make_album, make_row

pytestmark = pytest.mark.django_db


def order(album: Album) -> list[int]:
    return list(album.entries.order_by("position", "id").values_list("image_id", flat=True))


def test_an_album_is_made_once() -> None:
    one = albums.named("Cards", source_type=Album.Source.IMPORT, created_by=make_admin())
    assert (one.slug, one.source_type) == ("cards", "import")
    assert albums.named("Cards", source_type=Album.Source.SCRAPE) == one


def test_a_taken_name_is_refused() -> None:
    albums.create("Cards")
    with pytest.raises(albums.NameTaken, match="“Cards” exists"):
        albums.create("Cards")


def test_names_that_look_alike_get_addresses_of_their_own() -> None:
    slugs = [albums.create(name).slug for name in ("A b", "a-b", "A  B!", "日本")]
    assert slugs == ["a-b", "a-b-2", "a-b-3", "album"]


def test_an_address_taken_meanwhile_is_chosen_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    from gallery import models

    albums.create("A b")
    free_slug = models.free_slug

    def raced(name: str) -> str:
        monkeypatch.setattr(models, "free_slug", free_slug)
        return "a-b"

    monkeypatch.setattr(models, "free_slug", raced)
    assert albums.create("a-b").slug == "a-b-2"


def test_a_name_taken_meanwhile_is_the_album(monkeypatch: pytest.MonkeyPatch) -> None:
    def raced(name: str, **fields: object) -> Album:
        monkeypatch.undo()
        made = albums.create(name)
        raise albums.NameTaken(made.name)

    monkeypatch.setattr(albums, "create", raced)
    assert albums.named("Cards").name == "Cards"


def test_no_free_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    albums.create("A b")
    monkeypatch.setattr("gallery.models.free_slug", lambda name: "a-b")
    with pytest.raises(RuntimeError, match="No free address"):
        albums.create("a-b")


def test_many_are_put_at_the_end_once() -> None:
    rows = [make_row() for _ in range(4)]
    album = make_album(images=rows[:1])
    ids = [rows[2].pk, rows[0].pk, rows[1].pk, rows[2].pk]
    assert albums.put_many(album, ids, added_by=make_admin()) == 2
    assert order(album) == [rows[0].pk, rows[2].pk, rows[1].pk]
    assert albums.put_many(album, []) == 0


def test_what_lies_in_the_trash_keeps_its_place_and_is_put_in_no_second_time() -> None:
    rows = [make_row() for _ in range(3)]
    album = make_album(images=rows[:2])
    trash.move_to_trash([rows[0].pk])
    assert not albums.put(album, rows[0])
    assert albums.put_many(album, [row.pk for row in rows]) == 1
    trash.restore([rows[0].pk])
    assert order(album) == [row.pk for row in rows]


def test_removing_ends_the_cover() -> None:
    rows = [make_row() for _ in range(3)]
    album = make_album(images=rows, cover=rows[1])
    assert albums.remove_many(album, [rows[1].pk, 999]) == 1
    assert Album.objects.get().cover is None
    assert Image.objects.count() == 3


def test_a_cover_that_stays_is_kept() -> None:
    rows = [make_row() for _ in range(2)]
    album = make_album(images=rows, cover=rows[1])
    albums.remove_many(album, [rows[0].pk])
    assert Album.objects.get().cover == rows[1]


def test_reordering_puts_the_named_first() -> None:
    rows = [make_row() for _ in range(5)]
    album = make_album(images=rows)
    albums.reorder(album, [rows[3].pk, rows[1].pk, 999])
    assert order(album) == [rows[place].pk for place in (3, 1, 0, 2, 4)]


def test_what_changes_an_album_is_seen_in_its_date() -> None:
    album = make_album()
    row = make_row()
    moments = [album.updated_at]
    for change in (
        lambda: albums.put(album, row),
        lambda: albums.reorder(album, [row.pk]),
        lambda: albums.remove_many(album, [row.pk]),
    ):
        change()
        moments.append(Album.objects.get().updated_at)
    assert moments == sorted(set(moments))


@pytest.mark.django_db(transaction=True)
def test_an_image_that_is_gone_cannot_be_put() -> None:
    album, row = make_album(), make_row()
    Image.objects.all().delete()
    with pytest.raises(IntegrityError):
        albums.put(album, row)
    assert not album.entries.exists()
