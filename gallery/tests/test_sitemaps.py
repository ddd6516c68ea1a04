"""The sitemap."""

from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from gallery import sitemaps
from gallery.models import Label
from gallery.tests.factories import make_album, make_label, make_row

pytestmark = pytest.mark.django_db
SPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def places(client: Client) -> list[str]:
    """Every address that the index leads to."""
    found = []
    index = ElementTree.fromstring(client.get("/sitemap.xml").content)
    assert index.tag == f"{SPACE}sitemapindex"
    for part in index.iter(f"{SPACE}loc"):
        assert part.text
        response = client.get(part.text.removeprefix("http://testserver"))
        assert response["Content-Type"] == "application/xml"
        listed = ElementTree.fromstring(response.content)
        assert listed.tag == f"{SPACE}urlset"
        found += [
            (loc.text or "").removeprefix("http://testserver") for loc in listed.iter(f"{SPACE}loc")
        ]
    return found


def test_an_empty_gallery_has_one_too(client: Client) -> None:
    assert places(client) == []


def test_it_names_pictures_albums_and_tags(client: Client) -> None:
    image = make_row()
    make_label(image, "Oil & paint", kind=Label.Kind.TAG)
    make_album("Deck", [image])
    assert places(client) == [f"/images/{image.pk}/", "/albums/deck/", "/tags/oil_&_paint/"]


@pytest.mark.parametrize(
    "columns", [{"rating": "ADULT"}, {"is_public": False}, {"source_type": "scraped"}]
)
def test_what_not_everyone_sees_is_not_named(client: Client, columns: dict[str, Any]) -> None:
    image = make_row(**columns)
    make_label(image, "fox", kind=Label.Kind.TAG)
    make_album("Deck", [image])
    client.cookies["nsfw"] = "show"
    assert places(client) == []


def test_private_albums_are_not_named(client: Client) -> None:
    image = make_row()
    make_album("Secret", [image], is_public=False)
    assert places(client) == [f"/images/{image.pk}/"]


def test_a_part_holds_a_range_of_ids(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "RANGE", 2)
    images = [make_row() for _ in range(5)]
    assert places(client) == [f"/images/{image.pk}/" for image in images]
    for number in range(4):
        part = client.get(f"/sitemap-images-{number}.xml").content
        assert part.count(b"<url>") <= 2


@pytest.mark.parametrize("part", ["nothing-0", "images-999999999999999999999", "images-x"])
def test_there_are_no_other_parts(client: Client, part: str) -> None:
    assert client.get(f"/sitemap-{part}.xml").status_code == 404


def test_a_part_costs_one_query(client: Client, django_assert_num_queries: Any) -> None:
    for _ in range(3):
        make_row()
    with django_assert_num_queries(1):
        client.get("/sitemap-images-0.xml")
