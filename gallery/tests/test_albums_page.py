import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery.models import Album, Rating
from gallery.tests.factories import make_admin, make_album, make_row

pytestmark = pytest.mark.django_db


def get(client: Client) -> str:
    response = client.get("/albums/")
    assert response.status_code == 200
    return response.content.decode()


def test_it_lists_public_albums_with_counts_of_what_visitors_see(client: Client) -> None:
    make_album("Boats", [make_row(), make_row(is_public=False)])
    page = get(client)
    assert "Boats" in page
    assert "<span>1 picture</span>" in page


def test_it_shows_a_visitor_neither_private_albums_nor_empty_ones(client: Client) -> None:
    make_album("Drafts", [make_row()], is_public=False)
    make_album("Nothing", [])
    make_album("Closed pictures", [make_row(is_public=False)])
    page = get(client)
    for name in ("Drafts", "Nothing", "Closed pictures"):
        assert name not in page
    assert "No albums yet" in page
    assert "Albums appear here as soon as they hold pictures." in page


def test_it_shows_an_admin_all_albums(client: Client) -> None:
    make_album("Drafts", [make_row(is_public=False)], is_public=False)
    client.force_login(make_admin())
    page = get(client)
    assert "Drafts" in page
    assert "1 picture" in page


def test_the_chosen_cover_comes_first(client: Client) -> None:
    first, chosen = make_row(), make_row()
    make_album("Boats", [first, chosen], cover=chosen)
    page = get(client)
    assert page.index(chosen.sharp_key) < page.index(first.sharp_key)


def test_a_private_or_nsfw_cover_is_not_given_away(client: Client) -> None:
    private, adult = make_row(is_public=False), make_row(rating=Rating.ADULT)
    make_album("Boats", [make_row(), adult], cover=private)
    page = get(client)
    assert private.sharp_key not in page
    assert adult.sharp_key not in page
    assert adult.blurred_key in page


def test_under_hide_an_album_counts_only_what_is_left(client: Client) -> None:
    make_album("Boats", [make_row(), make_row(rating=Rating.ADULT)])
    client.cookies["nsfw"] = "hide"
    assert "<span>1 picture</span>" in get(client)


@pytest.mark.parametrize("count", [2, 24])
def test_its_queries_do_not_grow_with_the_albums(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        make_album(images=[make_row(), make_row()])
    with django_assert_num_queries(2):  # albums, covers
        client.get("/albums/")


def test_it_goes_on_after_a_page(client: Client) -> None:
    image = make_row()
    for number in range(30):
        make_album(f"Album {number:02}", [image])
    assert Album.objects.count() == 30
    page = get(client)
    assert "More albums" in page
    assert "Album 29" in page
    assert "Album 05" not in page
