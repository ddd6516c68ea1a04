"""The page that finds pictures."""

from typing import Any

import pytest
from django.test import Client

from gallery.models import Image, Label, Rating
from gallery.tests.factories import make_album, make_label, make_row

pytestmark = pytest.mark.django_db


def page(client: Client, q: str = "", status: int = 200, **more: str) -> str:
    response = client.get("/search/", {"q": q, **more})
    assert response.status_code == status
    return response.content.decode()


def test_without_words_it_says_what_can_be_asked(client: Client) -> None:
    assert "tag:&quot;oil paint&quot;" in page(client) or 'tag:"oil paint"' in page(client)


def test_it_shows_what_was_found_and_how_many(client: Client) -> None:
    fox, owl = make_row(prompt="a fox"), make_row(prompt="an owl")
    shown = page(client, "fox")
    assert f"/images/{fox.pk}/?q=fox" in shown
    assert f"/images/{owl.pk}/" not in shown
    assert "1 picture, the newest first" in shown
    assert 'value="fox"' in shown


def test_nothing_found_is_said(client: Client) -> None:
    assert "No picture matches" in page(client, "unicorn")


@pytest.mark.parametrize("q", ["source:attic", "x" * 301])
def test_a_search_that_cannot_be_made_is_a_sentence_and_a_400(client: Client, q: str) -> None:
    assert 'role="alert"' in page(client, q, status=400)


@pytest.mark.parametrize("after", ["x", "WyJhIl0", "\x00", "9" * 600])
def test_a_crafted_place_is_a_404(client: Client, after: str) -> None:
    make_row(prompt="fox")
    page(client, "fox", status=404, after=after)


def test_words_are_shown_as_words(client: Client) -> None:
    assert "<script>alert" not in page(client, "<script>alert(1)</script>")


def test_facets_lead_to_narrower_searches(client: Client) -> None:
    image = make_row(prompt="fox")
    make_label(image, "Oil_Paint", kind=Label.Kind.TAG)
    shown = page(client, "fox")
    assert "/search/?q=fox+tag%3A%22oil+paint%22" in shown
    narrowed = page(client, 'fox tag:"oil paint"')
    assert "Take away: tag:&quot;oil paint&quot;" in narrowed
    assert 'href="/search/?q=fox"' in narrowed


def test_the_next_page_goes_on(client: Client) -> None:
    for _ in range(51):
        make_row(prompt="fox")
    response = client.get("/search/", {"q": "fox"})
    assert len(response.context["page"].items) == 50
    following = response.context["page"].next
    second = client.get("/search/", {"q": "fox", "after": following}, HTTP_HX_REQUEST="true")
    assert [image.pk for image in second.context["page"].items] == [
        Image.objects.order_by("pk").values_list("pk", flat=True)[0]
    ]
    assert not second.context["facets"]


def test_from_a_found_picture_one_walks_along_the_search(client: Client) -> None:
    first, _, last = make_row(prompt="fox"), make_row(prompt="owl"), make_row(prompt="fox")
    shown = client.get(f"/images/{first.pk}/?q=fox").content.decode()
    assert f'data-walk="ArrowLeft" href="/images/{last.pk}/?q=fox"' in shown
    assert "Search: fox" in shown


def test_a_walk_along_a_search_meets_nothing_hidden(client: Client) -> None:
    first = make_row(prompt="fox")
    make_row(prompt="fox", is_public=False)
    make_row(prompt="fox", rating=Rating.EXPLICIT)
    assert client.get(f"/images/{first.pk}/?q=fox").context["walk"].previous is None


def test_it_asks_the_database_at_most_eight_times(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    image = make_row(prompt="fox")
    make_album("Fox deck", [image])
    make_label(image, "fox", kind=Label.Kind.TAG)
    make_label(image, "a fox")
    with django_assert_max_num_queries(8):
        page(client, 'fox "fox deck" tag:fox album:deck')
