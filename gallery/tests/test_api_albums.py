"""Albums in the JSON API."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery.models import Album, Image
from gallery.tests.factories import make_admin, make_album, make_row
from gallery.tests.test_api_images import BAD_IDS, JSON, error, ids
from imagineer.words import thin

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    browser = Client()
    browser.force_login(make_admin())
    return browser


def send(browser: Client, method: str, path: str, body: Any) -> Any:
    return getattr(browser, method)(path, body, content_type=JSON)


# --- Reading -----------------------------------------------------------------------------------


def test_albums_are_listed_newest_first(client: Client) -> None:
    albums = [make_album(f"Album {number}", [make_row()]) for number in range(60)]
    page = client.get("/api/albums").json()
    rest = client.get("/api/albums", {"cursor": page["next"]}).json()
    listed = [item["id"] for item in page["items"] + rest["items"]]
    assert listed == [album.pk for album in reversed(albums)]
    assert (len(page["items"]), rest["next"]) == (50, None)


def test_an_album_tells_what_a_card_needs(client: Client) -> None:
    rows = [make_row(), make_row()]
    album = make_album(
        "Cards", rows, cover=rows[1], description="All of them", source_type="import"
    )
    item = client.get("/api/albums").json()["items"][0]
    assert (item["name"], item["slug"], item["description"]) == ("Cards", "cards", "All of them")
    assert (item["image_count"], item["source_type"]) == (2, "import")
    assert item["cover"]["id"] == rows[1].pk
    assert item["url"] == album.get_absolute_url()


def test_visitors_never_see_or_count_what_is_private(client: Client, admin: Client) -> None:
    closed = make_row(is_public=False)
    shown = make_album("Shown", [closed, make_row()], cover=closed)
    hidden = make_album("Hidden", [make_row()], is_public=False)
    only_closed = make_album("Closed", [closed])
    assert ids(client.get("/api/albums")) == [shown.pk]
    told = client.get(f"/api/albums/{shown.pk}").json()
    assert told["image_count"] == len(told["images"]["items"]) == 1
    assert told["cover"]["id"] != closed.pk
    assert client.get(f"/api/albums/{only_closed.pk}").json()["image_count"] == 0
    for path in (f"/api/albums/{hidden.pk}", f"/api/albums/{hidden.pk}/images"):
        assert error(client.get(path))[:2] == (404, "not_found")
        assert admin.get(path).status_code == 200
    assert set(ids(admin.get("/api/albums"))) == {shown.pk, hidden.pk, only_closed.pk}


def test_an_album_gives_its_images_in_order_page_by_page(client: Client) -> None:
    rows = [make_row() for _ in range(70)]
    album = make_album(images=rows)
    told = client.get(f"/api/albums/{album.pk}").json()
    cursor = told["images"]["next"]
    for path in (f"/api/albums/{album.pk}", f"/api/albums/{album.pk}/images"):
        rest = client.get(path, {"cursor": cursor}).json()
        rest = rest.get("images", rest)
        seen = [item["id"] for item in told["images"]["items"] + rest["items"]]
        assert seen == [row.pk for row in rows]
        assert rest["next"] is None


def test_reading_takes_a_constant_number_of_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2):
        make_album(images=[make_row() for _ in range(2 + 10 * number)])
    counts = []
    for _ in range(2):
        with django_assert_num_queries(2):
            client.get("/api/albums")
        album = Album.objects.latest("pk")
        with django_assert_num_queries(3):
            counts.append(client.get(f"/api/albums/{album.pk}").json()["image_count"])
        for _ in range(10):
            make_album(images=[make_row() for _ in range(20)])
    assert counts == [12, 20]


@pytest.mark.parametrize("pk", [*BAD_IDS, "999"])
def test_bad_ids_are_4xx(admin: Client, pk: str) -> None:
    row = make_row()
    for method, path in (
        ("get", ""), ("put", ""), ("delete", ""), ("get", "/images"), ("post", "/images"),
        ("put", "/images"), ("delete", "/images"), ("delete", f"/images/{row.pk}"),
    ):  # fmt: skip
        body = {"image_ids": [row.pk]} if "images" in path else {}
        response = send(admin, method, f"/api/albums/{pk}{path}", body)
        assert 400 <= response.status_code < 500, (method, path)


# --- Writing -----------------------------------------------------------------------------------


def test_an_album_is_made(admin: Client) -> None:
    response = send(admin, "post", "/api/albums", {"name": "  Red Cards ", "description": "x"})
    assert response.status_code == 201
    told = response.json()
    assert (told["name"], told["slug"], told["image_count"], told["cover"]) == (
        "Red Cards", "red-cards", 0, None,
    )  # fmt: skip
    album = Album.objects.get()
    assert (album.pk, album.description, album.is_public) == (told["id"], "x", True)
    assert album.created_by is not None


def test_a_taken_name_is_409(admin: Client) -> None:
    make_album("Cards")
    other = make_album("Others")
    assert error(send(admin, "post", "/api/albums", {"name": "Cards"})) == (
        409,
        "name_taken",
        "name",
    )
    response = send(admin, "put", f"/api/albums/{other.pk}", {"name": "Cards"})
    assert error(response) == (409, "name_taken", "name")
    assert send(admin, "put", f"/api/albums/{other.pk}", {"name": "Others"}).status_code == 200


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 201, "a\x00b", "a\nb", "\u202eevil", None, 5, ["x"], {"a": 1}]
)
def test_bad_names_are_422(admin: Client, name: Any) -> None:
    album = make_album("Cards")
    assert error(send(admin, "post", "/api/albums", {"name": name}))[::2] == (422, "name")
    response = send(admin, "put", f"/api/albums/{album.pk}", {"name": name})
    assert error(response)[::2] == (422, "name")
    assert Album.objects.get().name == "Cards"


def test_a_change_leaves_the_rest_as_it_was(admin: Client) -> None:
    album = make_album("Cards", description="old")
    response = send(admin, "put", f"/api/albums/{album.pk}", {"is_public": False})
    assert response.json()["is_public"] is False
    album.refresh_from_db()
    assert (album.name, album.description, album.slug) == ("Cards", "old", "cards")


def test_a_cover_is_one_of_its_images(admin: Client) -> None:
    inside, outside = make_row(), make_row()
    album = make_album(images=[make_row(), inside])
    path = f"/api/albums/{album.pk}"
    assert send(admin, "put", path, {"cover": inside.pk}).json()["cover"]["id"] == inside.pk
    assert error(send(admin, "put", path, {"cover": outside.pk})) == (422, "invalid", "cover")
    send(admin, "put", path, {"cover": None})
    album.refresh_from_db()
    assert album.cover is None


@pytest.mark.parametrize("change", [{"description": None}, {"is_public": None}, {"cover": 2**63}])
def test_bad_changes_are_422(admin: Client, change: dict[str, Any]) -> None:
    album = make_album()
    assert error(send(admin, "put", f"/api/albums/{album.pk}", change))[0] == 422


def test_deleting_an_album_keeps_its_images(admin: Client) -> None:
    album = make_album(images=[make_row()])
    assert admin.delete(f"/api/albums/{album.pk}").status_code == 204
    assert not Album.objects.exists()
    assert Image.objects.count() == 1


def order(album: Album) -> list[int]:
    return list(album.entries.order_by("position", "id").values_list("image_id", flat=True))


def test_images_are_added_ordered_and_removed(admin: Client) -> None:
    rows = [make_row() for _ in range(4)]
    one, two, three, four = (row.pk for row in rows)
    album = make_album(images=rows[:1])
    path = f"/api/albums/{album.pk}/images"
    told = send(admin, "post", path, {"image_ids": [three, one, two, three]}).json()
    assert told == {"added": 2, "known": 1}
    assert order(album) == [one, three, two]
    assert send(admin, "put", path, {"image_ids": [two, one]}).status_code == 200
    assert order(album) == [two, one, three]
    assert send(admin, "delete", path, {"image_ids": [two, four]}).json() == {"removed": 1}
    assert admin.delete(f"{path}/{one}").status_code == 204
    assert error(admin.delete(f"{path}/{one}")) == (404, "not_found", "image_id")
    assert order(album) == [three]


@pytest.mark.parametrize("method", ["post", "put"])
def test_unknown_images_are_named_and_nothing_happens(admin: Client, method: str) -> None:
    row = make_row()
    album = make_album()
    body = {"image_ids": [row.pk, *range(1000, 1020)]}
    response = send(admin, method, f"/api/albums/{album.pk}/images", body)
    assert error(response) == (422, "invalid", "image_ids")
    assert "1003" in response.json()["error"]["message"]
    assert order(album) == []


@pytest.mark.parametrize(
    "listed",
    [
        [],
        list(range(1, 1002)),
        list(range(1, 10_001)),
        [0],
        [-1],
        [2**63],
        ["x"],
        "x",
        None,
        [None],
        [1.5],
    ],
    ids=lambda listed: str(listed)[:40],
)
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_bad_lists_of_images_are_422(admin: Client, method: str, listed: Any) -> None:
    album = make_album()
    response = send(admin, method, f"/api/albums/{album.pk}/images", {"image_ids": listed})
    status, code, field = error(response)
    assert (status, code) == (422, "invalid")
    assert field is not None
    assert field.startswith("image_ids")
    if isinstance(listed, list) and len(listed) > 1000:
        told = response.json()["error"]["message"]
        assert told.startswith(
            f"At most {thin(1000)} images at once; these are {thin(len(listed))}"
        )
        assert "/api/images/bulk" in told


def test_a_thousand_images_are_added_at_once(admin: Client) -> None:
    first = make_row()
    rows = Image.objects.bulk_create(
        Image(
            file=f"uploads/{number}", sha256=f"many-{number}", width=1, height=1, bytes=1,
            format="png", source_type="upload",
        )
        for number in range(999)
    )  # fmt: skip
    album = make_album()
    listed = [first.pk, *(row.pk for row in rows)]
    response = send(admin, "post", f"/api/albums/{album.pk}/images", {"image_ids": listed})
    assert response.json() == {"added": 1000, "known": 0}
    assert order(album) == listed
