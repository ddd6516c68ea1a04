"""What pages say of themselves where their address is shared."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from gallery.tests.factories import make_album, make_label, make_row

pytestmark = pytest.mark.django_db


class Head(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.told: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "meta":
            key = named.get("property") or named.get("name") or ""
            self.told[key] = named.get("content") or ""
        if tag == "link" and named.get("rel") == "canonical":
            self.told["canonical"] = named.get("href") or ""


def head(client: Client, path: str) -> dict[str, str]:
    return Head(client.get(path).content.decode()).told


def test_an_image_shows_itself(client: Client) -> None:
    image = make_row(width=4000, height=2000)
    make_label(image, 'A "red" fox & snow')
    told = head(client, f"/images/{image.pk}/?in=deck")
    address = f"http://testserver/images/{image.pk}/"
    assert told["canonical"] == told["og:url"] == address
    assert told["og:title"] == told["og:description"] == 'A "red" fox & snow'
    assert told["og:image"] == f"http://testserver/i/{image.sharp_key}-1200.webp"
    assert (told["og:image:width"], told["og:image:height"]) == ("1200", "600")


@pytest.mark.parametrize("columns", [{"rating": "ADULT"}, {"source_type": "scraped"}])
@pytest.mark.parametrize("who", ["visitor", "visitor with consent", "admin"])
def test_a_veiled_picture_shows_neither_itself_nor_its_words(
    client: Client, admin_client: Client, columns: dict[str, Any], who: str
) -> None:
    image = make_row(prompt="bare skin", **columns)
    make_label(image, "bare skin")
    asking = admin_client if who == "admin" else client
    if who != "visitor":
        asking.cookies["nsfw"] = "show"
    told = head(asking, f"/images/{image.pk}/")
    assert "og:image" not in told
    assert "bare skin" not in json.dumps(told)
    make_album("Deck", [image])
    for path in ("/", "/albums/", "/albums/deck/"):
        assert "og:image" not in head(asking, path)


def test_lists_show_their_first_open_picture(client: Client) -> None:
    veiled, shown = make_row(rating="ADULT"), make_row()
    make_row(rating="EXPLICIT")
    make_album("Deck", [veiled, shown], description="A deck of cards.")
    for path in ("/", "/albums/", "/albums/deck/"):
        assert shown.sharp_key in head(client, path)["og:image"]
    assert head(client, "/albums/deck/")["description"] == "A deck of cards."


def test_an_admins_private_picture_is_not_shared(admin_client: Client) -> None:
    make_row(is_public=False)
    assert "og:image" not in head(admin_client, "/")
