"""Images in the JSON API."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery import private_models
from gallery.models import Image
from gallery.ratings import change_rating
from gallery.tests.factories import (
    make_admin,
    make_album,
    make_image,
    make_label,
    make_row,
)
from imagineer.keyset import encode_cursor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
JSON = "application/json"
BAD_IDS = ["0", "-1", str(2**63), str(10**30), "x", "1.5", "%00", "1e3", "null"]


@pytest.fixture
def admin() -> Client:
    browser = Client()
    browser.force_login(make_admin())
    return browser


def ids(response: Any) -> list[int]:
    return [item["id"] for item in response.json()["items"]]


def error(response: Any) -> tuple[int, str, str | None]:
    told = response.json()["error"]
    assert told["message"]
    return response.status_code, told["code"], told["field"]


# --- Lists -------------------------------------------------------------------------------------


def test_the_newest_come_first_fifty_a_page(client: Client) -> None:
    rows = [make_row() for _ in range(120)]
    newest = [row.pk for row in reversed(rows)]
    seen: list[int] = []
    cursor = ""
    for _ in range(3):
        page = client.get("/api/images", {"cursor": cursor} if cursor else {}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == newest
    assert cursor is None


def test_an_item_tells_what_a_tile_needs(client: Client) -> None:
    row = make_row(width=640, height=480, prompt="a cat", rating="SAFE", placeholder="abc")
    item = client.get("/api/images").json()["items"][0]
    assert (item["id"], item["prompt"], item["rating"], item["width"]) == (
        row.pk,
        "a cat",
        "SAFE",
        640,
    )
    assert (item["is_blurred"], item["is_nsfw"], item["placeholder"]) == (False, False, "abc")
    assert item["url"] == f"/images/{row.pk}/"
    assert item["original"] == f"/images/{row.pk}/original"
    assert [(one["width"], one["height"]) for one in item["renditions"]] == [
        (300, 225), (600, 450), (640, 480),
    ]  # fmt: skip
    assert all(row.sharp_key in one["url"] for one in item["renditions"])


def test_nsfw_addresses_are_blurred_unless_asked_for(client: Client) -> None:
    row = make_row(rating="ADULT")
    for cookie, sharp in ((None, False), ("blur", False), ("show", True)):
        if cookie:
            client.cookies["nsfw"] = cookie
        for told in (
            client.get("/api/images").json()["items"][0],
            client.get(f"/api/images/{row.pk}").json(),
        ):
            assert told["is_blurred"] is not sharp
            assert (row.sharp_key in str(told)) is sharp
            assert (told["original"] is not None) is sharp
    client.cookies["nsfw"] = "hide"
    assert ids(client.get("/api/images")) == []


def test_visitors_never_see_private_images(client: Client, admin: Client) -> None:
    row, hidden = make_row(), make_row(is_public=False)
    assert ids(client.get("/api/images")) == [row.pk]
    assert error(client.get(f"/api/images/{hidden.pk}"))[:2] == (404, "not_found")
    assert error(client.get(f"/api/images/{hidden.pk}/labels"))[:2] == (404, "not_found")
    assert ids(admin.get("/api/images")) == [hidden.pk, row.pk]
    assert admin.get(f"/api/images/{hidden.pk}").status_code == 200


def test_filters(client: Client) -> None:
    plain = make_row(source_type="imported", rating="SAFE", prompt="under the moon")
    adult = make_row(rating="ADULT")
    make_label(plain, "A Fluffy cat")
    album = make_album(images=[adult])
    for query, expected in (
        ({"nsfw": "hide"}, plain), ({"source_type": "imported"}, plain),
        ({"rating": "ADULT"}, adult), ({"label": "fluffy"}, plain), ({"album": album.pk}, adult),
        ({"q": "moon -dog"}, plain), ({"q": "source:upload"}, adult),
        ({"q": "moon", "label": "cat", "rating": "SAFE"}, plain),
    ):  # fmt: skip
        assert ids(client.get("/api/images", query)) == [expected.pk]
    assert ids(client.get("/api/images", {"label": "fluffy", "rating": "ADULT"})) == []
    assert ids(client.get(f"/api/images?album={album.pk}&nsfw=hide")) == []


def test_nsfw_says_for_one_request_what_the_cookie_says_for_all(client: Client) -> None:
    image = make_row(rating="EXPLICIT", prompt="a body")
    for address in ("/api/images", f"/api/images/{image.pk}", "/api/search?q=source:upload"):
        join = "&" if "?" in address else "?"
        told = client.get(f"{address}{join}nsfw=show").json()
        item = told["items"][0] if "items" in told else told
        assert (item["is_blurred"], item["prompt"]) == (False, "a body")
        told = client.get(address).json()
        item = told["items"][0] if "items" in told else told
        assert (item["is_blurred"], item["prompt"]) == (True, "")
    client.cookies["nsfw"] = "show"
    assert ids(client.get("/api/images?nsfw=hide")) == []


def test_a_scraped_picture_is_blurred_until_it_is_rated(client: Client) -> None:
    image = make_row(source_type="scraped", prompt="somebody")
    (item,) = client.get("/api/images").json()["items"]
    assert (item["is_blurred"], item["is_nsfw"], item["prompt"]) == (True, False, "")
    change_rating([image], "SAFE")
    (item,) = client.get("/api/images").json()["items"]
    assert (item["is_blurred"], item["prompt"]) == (False, "somebody")


def test_two_labels_list_an_image_once(client: Client) -> None:
    row = make_row()
    make_label(row, "cat one")
    make_label(row, "cat two")
    assert ids(client.get("/api/images", {"label": "cat"})) == [row.pk]


def test_a_private_album_is_no_filter_for_visitors(client: Client, admin: Client) -> None:
    album = make_album(images=[make_row()], is_public=False)
    assert error(client.get("/api/images", {"album": album.pk})) == (404, "not_found", None)
    assert len(ids(admin.get("/api/images", {"album": album.pk}))) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"nsfw": "maybe"}, {"nsfw": "true"}, {"q": "source:attic"}, {"q": "!"}, {"label": "%"},
        {"album": "0"}, {"album": str(2**63)}, {"album": "-1"}, {"album": "x"},
        {"source_type": "found"}, {"rating": "safe"}, {"label": "a\x00b"}, {"label": "x" * 301},
        {"cursor": "x"}, {"cursor": "-1"}, {"cursor": "W10"}, {"cursor": "x" * 501},
        {"cursor": "WzEsMl0"}, {"cursor": "bnVsbA"}, {"cursor": "\x00"}, {"cursor": "é"},
    ],
)  # fmt: skip
def test_bad_filters_are_4xx(client: Client, query: dict[str, str]) -> None:
    make_row()
    status, code, field = error(client.get("/api/images", query))
    assert (status, code) == (422, "invalid")
    assert field == next(iter(query))


def test_lists_take_a_constant_number_of_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        make_row(rating="ADULT")
    with django_assert_num_queries(1):
        client.get("/api/images")
    for _ in range(20):
        make_row()
    with django_assert_num_queries(1):
        client.get("/api/images")


# --- One image ---------------------------------------------------------------------------------


def test_an_image_tells_everything(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = make_row(prompt="p", negative_prompt="n", generation_params={"seed": 7})
    make_label(row, "a caption", source="claude", model="m", confidence=0.5)
    open_album, hidden = make_album("B", [row]), make_album("A", [row], is_public=False)
    assert hidden.name == "A"
    with django_assert_num_queries(4):
        told = client.get(f"/api/images/{row.pk}").json()
    assert (told["prompt"], told["negative_prompt"], told["parameters"]) == ("p", "n", {"seed": 7})
    assert [album["id"] for album in told["albums"]] == [open_album.pk]
    assert told["labels"][0]["text"] == "a caption"
    assert told["labels"][0]["source"] == "claude"
    assert told["models"] == []


def test_a_blurred_image_tells_no_more_than_its_page(client: Client, admin: Client) -> None:
    row = make_row(
        rating="ADULT", original_name="bare.png", prompt="bare", negative_prompt="bare",
        placeholder="bare", generation_params={"seed": 7, "note": "bare"},
    )  # fmt: skip
    make_label(row, "bare")
    album = make_album("Cards", [row])
    paths = ("/api/images", f"/api/images/{row.pk}", f"/api/images/{row.pk}/labels",
             f"/api/albums/{album.pk}", "/api/albums")  # fmt: skip
    for browser in (client, admin):
        for choice in ("blur", "hide"):
            browser.cookies["nsfw"] = choice
            for path in paths:
                assert "bare" not in browser.get(path).content.decode(), path
            told = browser.get(f"/api/images/{row.pk}").json()
            assert told["is_blurred"] is True
            assert [
                told[name] for name in ("name", "prompt", "negative_prompt", "placeholder")
            ] == (["", "", "", ""])
            assert (told["original"], told["parameters"], told["labels"]) == (None, {}, [])
            assert told["models"] == []
            assert told["albums"][0]["id"] == album.pk
            assert [row.blurred_key in one["url"] for one in told["renditions"]] == (
                [True] if choice == "blur" else []
            )
        browser.cookies["nsfw"] = "show"
        for path in paths:
            assert "bare" in browser.get(path).content.decode(), path


def test_a_revealed_image_tells_everything(client: Client) -> None:
    row = make_row(rating="ADULT", prompt="bare")
    client.cookies["nsfw"] = "hide"
    client.post(f"/images/{row.pk}/reveal")
    told = client.get(f"/api/images/{row.pk}").json()
    assert (told["is_blurred"], told["prompt"]) == (False, "bare")


def test_a_private_models_id_is_the_admins(
    client: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = private_models.PrivateModels(ids=frozenset({5}), hides_base=True)
    monkeypatch.setattr(private_models, "_finders", [lambda image: told])
    loras = [{"model": 5, "weight": 1.0}, {"model": 6, "weight": 0.5}]
    row = make_row(generation_params={"seed": 7, "model": "Closed base", "loras": loras})
    path = f"/api/images/{row.pk}"
    assert client.get(path).json()["parameters"] == {"seed": 7, "loras": loras[1:]}
    assert admin.get(path).json()["parameters"] == row.generation_params
    assert "Closed base" not in client.get(row.get_absolute_url()).content.decode()
    assert "Closed base" in admin.get(row.get_absolute_url()).content.decode()
    monkeypatch.setattr(private_models, "_finders", [lambda image: None])
    assert client.get(path).json()["parameters"] == row.generation_params


@pytest.mark.parametrize("pk", [*BAD_IDS, "999"])
@pytest.mark.parametrize("method", ["get", "delete", "patch"])
def test_bad_ids_are_4xx(admin: Client, pk: str, method: str) -> None:
    make_row()
    response = getattr(admin, method)(f"/api/images/{pk}", {}, content_type=JSON)
    assert 400 <= response.status_code < 500


def test_changing_the_rating_ends_the_address(admin: Client) -> None:
    image = make_image(1)
    response = admin.patch(f"/api/images/{image.pk}", {"rating": "ADULT"}, content_type=JSON)
    assert response.status_code == 200
    assert (response.json()["rating"], response.json()["is_blurred"]) == ("ADULT", True)
    row = Image.objects.get()
    assert (row.rating, row.is_nsfw) == ("ADULT", True)
    assert row.sharp_key != image.sharp_key


def test_an_image_can_be_closed_and_opened(admin: Client, client: Client) -> None:
    image = make_image(1)
    admin.patch(f"/api/images/{image.pk}", {"is_public": False}, content_type=JSON)
    assert client.get(f"/api/images/{image.pk}").status_code == 404
    admin.patch(f"/api/images/{image.pk}", {"is_public": True}, content_type=JSON)
    assert client.get(f"/api/images/{image.pk}").status_code == 200


@pytest.mark.parametrize(
    "body", ['{"rating": "SPICY"}', '{"is_public": "perhaps"}', "[1]", "{", "7"]
)
def test_a_bad_change_is_422_or_400(admin: Client, body: str) -> None:
    row = make_row()
    response = admin.patch(f"/api/images/{row.pk}", body, content_type=JSON)
    assert response.status_code in (400, 422)
    assert error(response)


def test_an_image_is_deleted_with_its_files(admin: Client, media: Any) -> None:
    image = make_image(1)
    assert admin.delete(f"/api/images/{image.pk}").status_code == 204
    assert not Image.objects.exists()
    assert error(admin.delete(f"/api/images/{image.pk}"))[:2] == (404, "not_found")


# --- Who may -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("patch", "/api/images/{0}"), ("delete", "/api/images/{0}"), ("post", "/api/images/upload"),
        ("post", "/api/images/{0}/labels"), ("put", "/api/images/{0}/labels/1"),
        ("delete", "/api/images/{0}/labels/1"), ("post", "/api/albums"), ("put", "/api/albums/1"),
        ("delete", "/api/albums/1"), ("post", "/api/albums/1/images"),
        ("put", "/api/albums/1/images"), ("delete", "/api/albums/1/images"),
        ("delete", "/api/albums/1/images/1"),
    ],
)  # fmt: skip
def test_writes_are_for_admins(client: Client, method: str, path: str) -> None:
    row = make_row()
    response = getattr(client, method)(path.format(row.pk), {}, content_type=JSON)
    assert error(response)[:2] == (401, "admins_only")
    assert Image.objects.exists()


def test_a_session_without_the_csrf_token_is_refused() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_admin())
    row = make_row()
    assert browser.delete(f"/api/images/{row.pk}").status_code == 403
    assert Image.objects.exists()


# --- Cursors -----------------------------------------------------------------------------------


CRAFTED = [
    ["9999-12-31T23:59:59-12:00", 1], ["0001-01-01T00:00:00+14:00", 1], ["2024-01-01", 1],
    ["2024-01-01T00:00:00+00:00", 10**30], ["2024-01-01T00:00:00+00:00", -(10**30)],
    ["2024-01-01T00:00:00+00:00", True], ["2024-01-01T00:00:00+00:00", None],
    ["2024-01-01T00:00:00+00:00", {}], ["2024-01-01T00:00:00+00:00", [1]],
    ["2024-01-01T00:00:00+00:00", 1.5], ["2024-01-01T00:00:00+00:00", "\x00"],
    ["2024-01-01T00:00:00+00:00", float("inf")], ["2024-01-01T00:00:00+00:00", float("nan")],
    ["2024-99-99T00:00:00+00:00", 1], ["\x00", 1], ["", ""], [None, None], [[], []], [{}, {}],
    [True, False], [-1, -1], [10**30, 10**30], ["NaT", 1], ["2024-01-01T00:00:00", 1],
    ["x" * 200, 1], ["2024-01-01T00:00:00+00:00", "1"],
]  # fmt: skip


@pytest.mark.parametrize("values", CRAFTED, ids=str)
@pytest.mark.parametrize("path", ["/api/images", "/api/albums", "/api/albums/{0}/images"])
def test_a_crafted_cursor_is_never_a_500(client: Client, path: str, values: list[Any]) -> None:
    album = make_album(images=[make_row()])
    cursor = encode_cursor(values)
    assert client.get(path.format(album.pk), {"cursor": cursor}).status_code in (200, 422)
