"""Reviewing by scripts: what there is to review, tags and tokens; deciding by the labels' API."""

from typing import Any

import pytest
from django.test import Client

from gallery import labels
from gallery.models import Image, Label
from gallery.tests.factories import make_admin, make_album, make_label, make_row
from gallery.tests.test_api_images import JSON, error

pytestmark = pytest.mark.django_db
PATH = "/api/labeling/review"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin("anna"))
    return client


def captioned(text: str = "a card", **columns: Any) -> Image:
    image = make_row()
    make_label(image, text, **{"source": "claude", **columns})
    return image


def ids(admin: Client, **asked: Any) -> list[int]:
    return [item["id"] for item in admin.get(PATH, asked).json()["items"]]


def test_a_picture_is_told_with_all_that_was_said_of_it(admin: Client) -> None:
    image = captioned("an ace", confidence=0.5, model="m")
    make_label(image, "local words", source="local")
    make_label(image, "Red_Card", kind="tag", source="claude")
    make_label(image, "SAFE", kind="rating", source="claude")
    make_label(image, "ADULT", kind="rating", source="local")
    told = admin.get(PATH).json()
    (item,) = told.pop("items")
    assert told == {"next": None, "total": 1, "is_more": False}
    caption = item.pop("caption")
    assert (caption["text"], caption["source"], caption["confidence"]) == ("an ace", "claude", 0.5)
    assert [each["text"] for each in item.pop("captions")] == ["an ace", "local words"]
    assert [(each["source"], each["text"]) for each in item.pop("ratings")] == [
        ("claude", "SAFE"), ("local", "ADULT"),
    ]  # fmt: skip
    item.pop("created_at")
    assert item == {
        "id": image.pk, "url": f"/images/{image.pk}/", "width": 640, "height": 480,
        "source_type": "upload", "rating": "UNRATED", "is_reviewed": False, "is_disputed": True,
        "prompt": "", "tags": [{"name": "red card", "sources": ["Claude"]}], "tokens": 4,
        "cut_at": None, "note": "",
    }  # fmt: skip


def test_a_picture_without_a_caption_has_its_prompt(admin: Client) -> None:
    make_row(prompt="ace of hearts")
    (item,) = admin.get(PATH).json()["items"]
    assert (item["caption"], item["captions"], item["prompt"]) == (None, [], "ace of hearts")
    assert item["tokens"] == 5


def test_a_script_goes_through_a_queue_by_the_labels_api(admin: Client) -> None:
    """Accept, edit, rate, tag: each says what was seen where others might have been faster."""
    accepted, edited, rated, tagged = (captioned(f"card {number}") for number in range(4))
    for item in admin.get(PATH, {"order": "oldest"}).json()["items"]:
        path = f"/api/images/{item['id']}/labels"
        seen = item["caption"]["text"]
        if item["id"] == accepted.pk:
            one = f"{path}/{item['caption']['id']}"
            done = admin.put(one, {"is_pinned": True, "seen": seen}, content_type=JSON)
        elif item["id"] == edited.pk:
            body = {"text": "better", "is_pinned": True, "seen": seen}
            done = admin.post(path, body, content_type=JSON)
        elif item["id"] == rated.pk:
            body = {"kind": "rating", "text": "SAFE", "seen": item["rating"]}
            done = admin.post(path, body, content_type=JSON)
        else:
            done = admin.post(path, {"kind": "tag", "text": "fox"}, content_type=JSON)
        assert done.status_code in (200, 201)
    assert ids(admin) == [tagged.pk, rated.pk]
    assert ids(admin, filter="reviewed", order="oldest") == [accepted.pk, edited.pk]
    rated.refresh_from_db()
    assert rated.rating == "SAFE"
    assert list(tagged.tags.values_list("name", flat=True)) == ["fox"]


def test_filters_albums_and_words_narrow_it_down(admin: Client) -> None:
    fox, owl = captioned("a red fox"), captioned("an owl")
    bare = make_row()
    album = make_album("Deck", [owl, fox])
    assert ids(admin, filter="uncaptioned") == [bare.pk]
    assert ids(admin, album=album.pk) == [fox.pk, owl.pk]
    assert ids(admin, album=album.pk, q="owl") == [owl.pk]
    assert ids(admin, order="oldest") == [fox.pk, owl.pk, bare.pk]


def test_a_queue_is_told_page_by_page_while_it_gets_shorter(admin: Client) -> None:
    pks = [captioned().pk for _ in range(60)][::-1]
    first = admin.get(PATH).json()
    assert [item["id"] for item in first["items"]] == pks[:50]
    assert (first["total"], first["is_more"]) == (60, False)
    for label in Label.objects.filter(image__in=pks[:50]):
        labels.pin(label)
    second = admin.get(PATH, {"cursor": first["next"]}).json()
    assert [item["id"] for item in second["items"]] == pks[50:]
    assert (second["next"], second["total"], second["is_more"]) == (None, None, None)


def test_more_than_can_be_counted_is_said(admin: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("labeling.review.COUNTED_AT_MOST", 55)
    for _ in range(57):
        captioned()
    told = admin.get(PATH).json()
    assert (told["total"], told["is_more"]) == (55, True)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"filter": "best"}, "filter"), ({"album": "999"}, "album"), ({"album": "x"}, "album"),
        ({"album": str(2**63)}, "album"), ({"order": "random"}, "order"), ({"q": "x" * 301}, "q"),
        ({"q": "source:moon"}, "q"), ({"q": "a\x00"}, "q"), ({"cursor": "x"}, "cursor"),
        ({"cursor": "WyJ4Il0"}, "cursor"), ({"cursor": "W3RydWVd"}, "cursor"),
        ({"cursor": "WzldXQ"}, "cursor"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_422(admin: Client, asked: dict[str, str], field: str) -> None:
    assert error(admin.get(PATH, asked)) == (422, "invalid", field)


# --- Tags and tokens -----------------------------------------------------------------------------


def test_tokens_are_counted(admin: Client) -> None:
    body = {"texts": ["ace of hearts", "ace of hearts " * 26, ""]}
    told = admin.post("/api/labeling/tokens", body, content_type=JSON).json()
    assert told == {
        "items": [
            {"tokens": 5, "cut_at": None}, {"tokens": 80, "cut_at": 14 * 25},
            {"tokens": 2, "cut_at": None},
        ],
        "limit": 77,
        "is_exact": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [{}, {"texts": []}, {"texts": "x"}, {"texts": ["x"] * 201}, {"texts": [5]},
     {"texts": ["x" * 10_001]}, {"texts": ["a\x00"]}, {"texts": ["x"], "more": 1}],
    ids=lambda body: str(body)[:30],
)  # fmt: skip
def test_what_cannot_be_counted_is_422(admin: Client, body: Any) -> None:
    assert error(admin.post("/api/labeling/tokens", body, content_type=JSON))[0] == 422
