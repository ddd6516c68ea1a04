"""Atom feeds."""

from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from gallery import trash
from gallery.models import Label
from gallery.tests.factories import make_album, make_label, make_row

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def entries(client: Client, address: str = "/feed.atom") -> list[dict[str, str]]:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(response.content)
    for name in ("title", "id", "updated", "author"):
        assert root.find(f"{ATOM}{name}") is not None
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links["self"] == f"http://testserver{address}"
    return [
        {
            "title": entry.findtext(f"{ATOM}title") or "",
            "id": entry.findtext(f"{ATOM}id") or "",
            **{
                link.get("rel") or "": link.get("href") or ""
                for link in entry.findall(f"{ATOM}link")
            },
        }
        for entry in root.findall(f"{ATOM}entry")
    ]


def test_the_newest_come_first_with_words_and_picture(client: Client) -> None:
    first, last = make_row(prompt="an owl"), make_row(prompt="unused")
    make_label(last, "A <red> fox\nand snow")
    newest, oldest = entries(client)
    assert newest["title"] == "A <red> fox and snow"
    assert newest["alternate"] == f"http://testserver/images/{last.pk}/"
    assert newest["enclosure"] == f"http://testserver/i/{last.sharp_key}-640.webp"
    assert oldest["alternate"].endswith(f"/images/{first.pk}/")


HIDDEN: list[dict[str, Any]] = [
    {"rating": "ADULT"}, {"rating": "EXPLICIT"}, {"is_public": False}, {"source_type": "scraped"},
]  # fmt: skip


@pytest.mark.parametrize("columns", HIDDEN)
@pytest.mark.parametrize("choice", ["", "show"])
def test_what_not_everyone_sees_stands_in_none(
    client: Client, columns: dict[str, Any], choice: str
) -> None:
    shown, hidden = make_row(), make_row(**columns)
    for image in (shown, hidden):
        make_label(image, "fox", kind=Label.Kind.TAG)
    make_album("Deck", [hidden, shown])
    client.cookies["nsfw"] = choice
    for address in ("/feed.atom", "/albums/deck/feed.atom", "/tags/fox/feed.atom"):
        assert len(entries(client, address)) == 1
        assert hidden.sharp_key not in client.get(address).content.decode()


def test_deleted_pictures_leave(client: Client) -> None:
    image = make_row()
    trash.move_to_trash([image.pk])
    assert entries(client) == []


def test_unknown_and_private_ones_are_404(client: Client, admin_client: Client) -> None:
    make_album("Secret", [make_row()], is_public=False)
    make_label(make_row(rating="ADULT"), "nude", kind=Label.Kind.TAG)
    for path in ("/albums/secret", "/albums/none", "/tags/nude", "/tags/none", "/tags/%00"):
        assert client.get(f"{path}/feed.atom").status_code == 404
        # A feed is nobody's own: an admin gets no other.
        assert admin_client.get(f"{path}/feed.atom").status_code == 404


def test_who_has_it_already_gets_nothing_again(client: Client) -> None:
    make_row()
    first = client.get("/feed.atom")
    again = client.get("/feed.atom", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_it_asks_the_database_twice(client: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        make_row()
    with django_assert_max_num_queries(2):
        client.get("/feed.atom")


def test_pages_name_their_feed(client: Client) -> None:
    make_album("Deck", [make_row()])
    for page in ("/", "/albums/deck/"):
        assert f'href="{page}feed.atom"' in client.get(page).content.decode()
