"""The list of tags, and the page of one."""

from html import unescape
from typing import Any

import pytest
from django.test import Client

from gallery import labels
from gallery.models import Image, ImageTag, Label, Rating, Tag
from gallery.tests.factories import make_tagged

pytestmark = pytest.mark.django_db


def test_the_most_used_come_first(client: Client) -> None:
    make_tagged("fox"), make_tagged("fox", "owl")
    shown = client.get("/tags/").content.decode()
    assert shown.index("/tags/fox/") < shown.index("/tags/owl/")


def test_without_tags_the_list_says_what_makes_them(client: Client) -> None:
    assert "Tags appear here as soon as pictures are labelled." in (
        client.get("/tags/").content.decode()
    )


def test_a_tag_shows_its_pictures(client: Client) -> None:
    image, other = make_tagged("Oil_Paint"), make_tagged("fox")
    shown = client.get("/tags/oil_paint/").content.decode()
    assert f"/images/{image.pk}/?tag=oil+paint" in shown
    assert f"/images/{other.pk}/" not in shown


@pytest.mark.parametrize("path", ["/tags/Oil%20Paint/", "/tags/oil%20paint/", "/tags/OIL_PAINT/"])
def test_other_spellings_lead_there(client: Client, path: str) -> None:
    make_tagged("oil paint")
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"] == "/tags/oil_paint/"


@pytest.mark.parametrize("name", ["c++", "été", "猫", "a?b", "100%", "it's", "<b>", "a#b"])
def test_every_tag_has_an_address(client: Client, name: str) -> None:
    make_tagged(name)
    address = Tag.objects.get().get_absolute_url()
    assert client.get(address).status_code == 200
    assert address in unescape(client.get("/tags/").content.decode())


@pytest.mark.parametrize("path", ["/tags/nothing/", "/tags/%00/", "/tags/..%2F/"])
def test_there_are_no_other_tags(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "columns", [{"is_public": False}, {"rating": Rating.ADULT}, {"source_type": "scraped"}]
)
def test_a_tag_of_what_is_not_shown_is_not_told(client: Client, columns: dict[str, Any]) -> None:
    make_tagged("secret", **columns)
    assert client.get("/tags/secret/").status_code == 404
    assert "secret" not in client.get("/tags/").content.decode()


def test_who_sees_veiled_pictures_sees_their_tags(client: Client) -> None:
    image = make_tagged("nude", rating=Rating.ADULT)
    client.cookies["nsfw"] = "show"
    assert f"/images/{image.pk}/" in client.get("/tags/nude/").content.decode()
    assert "/tags/nude/" in client.get("/tags/").content.decode()


def test_a_tag_among_open_pictures_does_not_name_the_veiled_ones(client: Client) -> None:
    make_tagged("fox")
    veiled = make_tagged("fox", rating=Rating.ADULT)
    response = client.get("/tags/fox/")
    assert f"/images/{veiled.pk}/" not in response.content.decode()
    assert response.context["tag"].image_count == 1


def test_counts_follow_ratings_labels_and_deletion(client: Client) -> None:
    image = make_tagged("fox")
    tag = Tag.objects.get()
    assert (tag.open_count, tag.veiled_count, tag.private_count) == (1, 0, 0)
    Image.objects.filter(pk=image.pk).update(is_public=False)
    tag.refresh_from_db()
    assert (tag.open_count, tag.veiled_count, tag.private_count) == (0, 0, 1)
    labels.delete_label(Label.objects.get())
    tag.refresh_from_db()
    assert tag.live_count == 0
    assert not ImageTag.everything.exists()


def test_walking_follows_the_tag(client: Client) -> None:
    first, _, last = make_tagged("fox"), make_tagged("owl"), make_tagged("fox")
    walk = client.get(f"/images/{first.pk}/?tag=fox").context["walk"]
    assert (walk.previous, walk.next, walk.title) == (last.pk, None, "fox")


def test_a_picture_links_its_tags_once(client: Client) -> None:
    image = make_tagged("Fox", "fox ")
    shown = client.get(f"/images/{image.pk}/").content.decode()
    assert shown.count('href="/tags/fox/"') == 1
