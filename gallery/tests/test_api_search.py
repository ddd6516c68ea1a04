"""GET /api/search."""

from typing import Any

import pytest
from django.test import Client

from gallery.models import Label
from gallery.tests.factories import make_label, make_row

pytestmark = pytest.mark.django_db


def test_it_tells_what_was_found_and_what_narrows_it_down(client: Client) -> None:
    image, _ = make_row(prompt="fox"), make_row(prompt="owl")
    make_label(image, "Oil_Paint", kind=Label.Kind.TAG)
    told = client.get("/api/search", {"q": "fox"}).json()
    assert [item["id"] for item in told["items"]] == [image.pk]
    assert (told["total"], told["is_more"], told["next"]) == (1, False, None)
    assert told["facets"] == [
        {"title": "Tags", "items": [{"label": "oil paint", "term": 'tag:"oil paint"', "count": 1}]},
        {"title": "Source", "items": [{"label": "Uploaded", "term": "source:upload", "count": 1}]},
    ]


def test_the_next_page_tells_no_facets_again(client: Client) -> None:
    for _ in range(51):
        make_row(prompt="fox")
    first = client.get("/api/search", {"q": "fox"}).json()
    second = client.get("/api/search", {"q": "fox", "cursor": first["next"]}).json()
    assert len(first["items"]) + len(second["items"]) == first["total"] == 51
    assert (second["total"], second["facets"], second["next"]) == (None, [], None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "q"), ({"q": ""}, "q"), ({"q": "..."}, "q"), ({"q": "rating:nice"}, "q"),
        ({"q": "x" * 301}, "q"), ({"q": "a\x00"}, "q"), ({"q": "a", "nsfw": "1"}, "nsfw"),
        ({"q": "a", "cursor": "x"}, "cursor"),
    ],
)  # fmt: skip
def test_a_search_that_cannot_be_made_is_a_422(
    client: Client, query: dict[str, Any], field: str
) -> None:
    response = client.get("/api/search", query)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field
