from typing import Any

import pytest
from django.test import Client

from gallery.admin_albums import moved
from gallery.models import Album, Image
from gallery.tests.factories import make_album, make_row

pytestmark = pytest.mark.django_db
LIST = "/admin/gallery/album/"


def order(album: Album) -> list[int]:
    return list(album.entries.order_by("position", "id").values_list("image_id", flat=True))


def save(client: Client, album: Album, **fields: Any) -> int:
    body = {"name": album.name, "slug": album.slug, "is_public": "on", **fields}
    return client.post(f"{LIST}{album.pk}/change/", body).status_code


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "abcde"),
        ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, "abcde"),
        ({"e": 1}, "eabcd"),
        ({"a": 5}, "bcdea"),
        ({"a": 99}, "bcdea"),
        ({"a": 0}, "abcde"),
        ({"b": 4}, "acdbe"),
        ({"a": 5, "b": 4, "c": 3, "d": 2, "e": 1}, "edcba"),
        ({"d": 1, "e": 2}, "deabc"),
        ({"x": 1}, "abcde"),
    ],
)
def test_places_move_pictures(wanted: dict[str, int], expected: str) -> None:
    numbers = {letter: place for place, letter in enumerate("abcde", start=1)} | {"x": 99}
    names = {number: letter for letter, number in numbers.items()}
    places = {numbers[letter]: place for letter, place in wanted.items()}
    assert "".join(names[pk] for pk in moved([1, 2, 3, 4, 5], places)) == expected


def test_it_lists_albums_with_their_covers(admin_client: Client) -> None:
    first, second = make_row(), make_row()
    make_album("With a cover", [first, second], cover=second)
    make_album("Without", [first])
    make_album("Empty")
    page = admin_client.get(LIST).content.decode()
    assert second.sharp_key in page
    assert first.sharp_key in page
    assert "2 pictures" in page
    assert "0 pictures" in page


def test_it_orders_covers_and_removes_in_one_save(admin_client: Client) -> None:
    a, b, c = make_row(), make_row(), make_row()
    album = make_album("Cards", [a, b, c])
    code = save(
        admin_client, album,
        **{f"place-{c.pk}": "1", f"remove-{b.pk}": "on", "cover": str(a.pk), "name": "Cards II"},
    )  # fmt: skip
    assert code == 302
    album.refresh_from_db()
    assert (album.name, album.cover_id) == ("Cards II", a.pk)
    assert order(album) == [c.pk, a.pk]
    assert Image.objects.filter(pk=b.pk).exists()


def test_it_keeps_the_order_when_every_place_is_said_again(admin_client: Client) -> None:
    images = [make_row() for _ in range(4)]
    album = make_album("Cards", images)
    places = {f"place-{image.pk}": str(place) for place, image in enumerate(images, start=1)}
    assert save(admin_client, album, **places) == 302
    assert order(album) == [image.pk for image in images]


@pytest.mark.parametrize(
    "fields",
    [
        {"place-x": "1"}, {"place-": "1"}, {"place-999999": "1"}, {"cover": "999999"},
        {"cover": "x"}, {"remove-99999999999999999999999": "on"}, {"place-1": "²"},
        {"cover": "99999999999999999999999"}, {"place-1": "9" * 400},
    ],
)  # fmt: skip
def test_it_shrugs_at_nonsense(admin_client: Client, fields: dict[str, str]) -> None:
    image = make_row()
    album = make_album("Cards", [image])
    assert save(admin_client, album, **fields) == 302
    assert order(album) == [image.pk]


def test_it_changes_no_order_if_the_form_is_refused(admin_client: Client) -> None:
    a, b = make_row(), make_row()
    album = make_album("Cards", [a, b])
    make_album("Taken")
    assert save(admin_client, album, **{"name": "Taken", f"place-{b.pk}": "1"}) == 200
    assert order(album) == [a.pk, b.pk]


def test_a_new_album_knows_who_made_it(admin_client: Client, admin_user: Any) -> None:
    response = admin_client.post(f"{LIST}add/", {"name": "Fresh", "is_public": "on"})
    assert response.status_code == 302
    album = Album.objects.get(name="Fresh")
    assert (album.created_by, album.slug) == (admin_user, "fresh")


def test_deleting_an_album_keeps_its_pictures(admin_client: Client) -> None:
    image = make_row()
    album = make_album("Cards", [image])
    assert "stay" in admin_client.get(f"{LIST}{album.pk}/delete/").content.decode()
    admin_client.post(f"{LIST}{album.pk}/delete/", {"post": "yes"})
    assert not Album.objects.exists()
    assert Image.objects.filter(pk=image.pk).exists()


def test_a_long_album_has_pages(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gallery.admin_albums.PER_PAGE", 2)
    images = [make_row() for _ in range(5)]
    album = make_album("Cards", images)
    page = admin_client.get(f"{LIST}{album.pk}/change/?p=2").content.decode()
    assert f'name="place-{images[2].pk}" value="3"' in page
    assert f"place-{images[0].pk}" not in page


def test_its_form_says_what_private_means(admin_client: Client) -> None:
    album = make_album("Cards")
    for address in (f"{LIST}add/", f"{LIST}{album.pk}/change/"):
        page = admin_client.get(address).content.decode()
        assert "Its pictures stay public on their own" in page
