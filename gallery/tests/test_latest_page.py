"""The front page: the latest images."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery.models import Rating
from gallery.tests.factories import make_admin, make_label, make_row

pytestmark = pytest.mark.django_db


def get(client: Client, address: str = "/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_public_images_newest_first(client: Client) -> None:
    older, newer = make_row(), make_row()
    page = get(client)
    assert page.index(newer.sharp_key) < page.index(older.sharp_key)
    assert f'href="/images/{newer.pk}/"' in page


def test_it_shows_a_visitor_no_private_image(client: Client) -> None:
    image = make_row(is_public=False)
    page = get(client)
    assert image.sharp_key not in page
    assert "No pictures yet" in page


def test_it_shows_an_admin_private_images_with_a_mark(client: Client) -> None:
    image = make_row(is_public=False)
    client.force_login(make_admin())
    page = get(client)
    assert image.sharp_key in page
    assert "Private" in page


def test_under_blur_it_holds_only_the_blurred_address_and_no_words(client: Client) -> None:
    image = make_row(rating=Rating.ADULT, prompt="something bare", placeholder="AAAAAAAA")
    make_label(image, "a bare caption")
    page = get(client)
    assert image.blurred_key in page
    assert image.sharp_key not in page
    assert "bare" not in page
    assert "AAAAAAAA" not in page
    assert "18+" in page


def test_under_hide_it_leaves_nsfw_images_out(client: Client) -> None:
    image = make_row(rating=Rating.EXPLICIT)
    client.cookies["nsfw"] = "hide"
    page = get(client)
    assert image.sharp_key not in page
    assert image.blurred_key not in page
    assert f"/images/{image.pk}/" not in page


def test_under_show_it_holds_the_sharp_address(client: Client) -> None:
    image = make_row(rating=Rating.EXPLICIT)
    client.cookies["nsfw"] = "show"
    assert image.sharp_key in get(client)


def test_alternative_text_is_the_caption_then_the_prompt_then_the_name(client: Client) -> None:
    captioned = make_row(prompt="a prompt")
    make_label(captioned, "a caption")
    make_row(prompt="only a prompt")
    make_row(original_name="harbour.jpg")
    page = get(client)
    for words in ("a caption", "only a prompt", "harbour.jpg"):
        assert f'alt="{words}"' in page


def test_it_escapes_what_people_wrote(client: Client) -> None:
    make_row(prompt='"><script>alert(1)</script>')
    assert "<script>alert" not in get(client)


def test_fifty_a_page_with_a_link_that_leads_on_without_gaps(client: Client) -> None:
    keys = {make_row().sharp_key for _ in range(60)}
    first = get(client)
    start = first.index('href="/?after=') + len('href="')
    second = get(client, first[start : first.index('"', start)])
    assert sum(key in first for key in keys) == 50
    assert sum(key in second for key in keys) == 10
    assert "More pictures" not in second
    assert "Back to the start" in second


def test_a_cursor_that_was_not_given_out_is_not_found(client: Client) -> None:
    for cursor in ("nonsense", "W10", "WzEsMl0", "é", "A" * 600):
        response = client.get("/", {"after": cursor})
        assert response.status_code == 404
        assert "nothing at this address" in response.content.decode()


@pytest.mark.parametrize("count", [3, 60])
def test_its_queries_do_not_grow_with_the_images(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        make_label(make_row())
    with django_assert_num_queries(2):  # images, their captions
        client.get("/")


def test_caches_keep_visitors_choices_apart(client: Client) -> None:
    assert "Cookie" in client.get("/")["Vary"]


def test_a_visitor_who_hides_nsfw_is_told_why_nothing_is_there(client: Client) -> None:
    make_row(rating=Rating.ADULT)
    client.cookies["nsfw"] = "hide"
    assert "which you chose to hide" in get(client)


def test_an_admin_is_told_how_to_begin(client: Client) -> None:
    client.force_login(make_admin())
    assert "Open the console" in get(client)
