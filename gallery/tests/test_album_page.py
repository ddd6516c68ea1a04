import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery.models import Album, Rating
from gallery.tests.factories import make_admin, make_album, make_row

pytestmark = pytest.mark.django_db


def get(client: Client, album: Album, **query: str) -> str:
    response = client.get(album.get_absolute_url(), query)
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_the_pictures_in_the_albums_order(client: Client) -> None:
    first, second = make_row(), make_row()
    album = make_album("Boats", [second, first], description="Small ones.")
    page = get(client, album)
    assert page.index(second.sharp_key) < page.index(first.sharp_key)
    assert "2 pictures" in page
    assert "Small ones." in page


def test_its_pictures_lead_on_inside_the_album(client: Client) -> None:
    image = make_row()
    album = make_album("Boats", [image])
    assert f'href="/images/{image.pk}/?in=boats"' in get(client, album)


def test_a_private_album_does_not_exist_for_visitors(client: Client) -> None:
    album = make_album("Drafts", [make_row()], is_public=False)
    assert client.get(album.get_absolute_url()).status_code == 404
    client.force_login(make_admin())
    assert "Drafts" in get(client, album)


def test_an_album_that_does_not_exist_is_not_found(client: Client) -> None:
    assert client.get("/albums/none/").status_code == 404


def test_private_images_in_it_are_neither_shown_nor_counted(client: Client) -> None:
    private = make_row(is_public=False)
    page = get(client, make_album("Boats", [make_row(), private]))
    assert private.sharp_key not in page
    assert "1 picture" in page


def test_under_hide_it_says_how_many_are_left_out(client: Client) -> None:
    private = make_row(rating=Rating.ADULT, is_public=False)
    album = make_album("Boats", [make_row(), make_row(rating=Rating.ADULT), private])
    client.cookies["nsfw"] = "hide"
    page = get(client, album)
    assert "1 picture" in page
    assert "1 hidden as 18+ or unrated" in page


def test_a_batch_can_be_seen_as_a_spread(client: Client) -> None:
    album = make_album("Deck", [make_row(), make_row()], source_type=Album.Source.BATCH_GENERATION)
    assert "?view=spread" in get(client, album)
    assert 'class="spread"' in get(client, album, view="spread")


def test_other_albums_offer_no_spread(client: Client) -> None:
    assert "?view=spread" not in get(client, make_album("Boats", [make_row()]))


def test_an_empty_album_says_so(client: Client) -> None:
    page = get(client, make_album("Nothing"))
    assert "Nothing in this album" in page
    assert "Pictures appear here as soon as some are put into it." in page


@pytest.mark.parametrize("view", ["", "spread"])
@pytest.mark.parametrize("count", [3, 60])
def test_its_queries_do_not_grow_with_the_pictures(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, count: int, view: str
) -> None:
    album = make_album("Boats", [make_row() for _ in range(count)])
    with django_assert_max_num_queries(6):
        client.get(album.get_absolute_url(), {"view": view})
