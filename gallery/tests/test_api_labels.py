"""Labels in the JSON API."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from gallery import labels
from gallery.models import FormerLabel, Image, Label
from gallery.tests.factories import make_admin, make_image, make_label, make_row
from gallery.tests.test_api_images import BAD_IDS, JSON, error

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    browser = Client()
    browser.force_login(make_admin())
    return browser


def test_labels_are_read_by_all(client: Client) -> None:
    row = make_row()
    make_label(row, "a cat", source="claude", model="m", prompt_kind="caption", prompt_version="2")
    told = client.get(f"/api/images/{row.pk}/labels").json()
    assert told["next"] is None
    assert told["items"][0] | {"id": 0, "created_at": ""} == {
        "id": 0, "kind": "caption", "text": "a cat", "source": "claude", "model": "m",
        "prompt_kind": "caption", "prompt_version": "2", "prompt_options": "", "confidence": None,
        "is_pinned": False, "created_at": "",
    }  # fmt: skip


def test_one_label_is_read_where_its_picture_is_seen_sharp(client: Client, admin: Client) -> None:
    row, veiled = make_row(), make_row(rating="ADULT")
    label, hidden = make_label(row, "a cat"), make_label(veiled, "a secret")
    path = f"/api/images/{row.pk}/labels/{label.pk}"
    assert client.get(path).json()["text"] == "a cat"
    assert error(client.get(f"/api/images/{row.pk}/labels/{hidden.pk}"))[0] == 404
    assert error(client.get(f"/api/images/{veiled.pk}/labels/{hidden.pk}"))[0] == 404
    assert error(client.get(f"/api/images/{row.pk}/labels/999999"))[0] == 404
    client.cookies["nsfw"] = "show"
    assert client.get(f"/api/images/{veiled.pk}/labels/{hidden.pk}").json()["text"] == "a secret"


def test_a_label_is_patched_as_it_is_put(admin: Client) -> None:
    row = make_row()
    label = make_label(row, "a cat", source="manual")
    path = f"/api/images/{row.pk}/labels/{label.pk}"
    told = admin.patch(path, {"text": "a dog", "is_pinned": True}, content_type=JSON).json()
    assert (told["text"], told["is_pinned"]) == ("a dog", True)
    assert error(admin.patch(path, {}, content_type=JSON))[0] == 422


def test_a_label_is_written_by_hand(admin: Client) -> None:
    row = make_row()
    body = {"kind": "tag", "text": " round "}
    response = admin.post(f"/api/images/{row.pk}/labels", body, content_type=JSON)
    assert response.status_code == 201
    label = Label.objects.get()
    assert (label.kind, label.text, label.source) == ("tag", "round", "manual")
    assert label.created_by is not None


@pytest.mark.parametrize(
    "body",
    [
        {}, {"text": ""}, {"text": "  "}, {"text": "a\x00b"}, {"text": "x" * 10_001},
        {"text": "x", "kind": "opinion"}, {"text": None}, {"text": "fine", "kind": "rating"},
        {"text": "x", "is_pinned": "perhaps"}, {"text": 5},
    ],
    ids=lambda body: str(body)[:30],
)  # fmt: skip
def test_bad_labels_are_422(admin: Client, body: dict[str, Any]) -> None:
    row = make_row()
    label = make_label(row, source="manual", kind=body.get("kind", "caption"))
    assert error(admin.post(f"/api/images/{row.pk}/labels", body, content_type=JSON))[0] == 422
    if body and "kind" not in body and body["text"] is not None and "is_pinned" not in body:
        path = f"/api/images/{row.pk}/labels/{label.pk}"
        assert error(admin.put(path, body, content_type=JSON))[0] == 422
    assert Label.objects.count() == 1


def test_a_rating_by_hand_is_one_of_the_ratings(admin: Client) -> None:
    row = make_row()
    body = {"kind": "rating", "text": "ADULT"}
    assert admin.post(f"/api/images/{row.pk}/labels", body, content_type=JSON).status_code == 201


@pytest.mark.parametrize("rating", ["SAFE", "SUGGESTIVE", "ADULT", "EXPLICIT"])
def test_a_rating_by_hand_rates_the_picture(
    admin: Client, client: Client, media: Path, rating: str
) -> None:
    image = make_image()
    body = {"kind": "rating", "text": rating}
    assert admin.post(f"/api/images/{image.pk}/labels", body, content_type=JSON).status_code == 201
    told = client.get(f"/api/images/{image.pk}").json()
    assert told["rating"] == rating
    assert told["is_blurred"] == (rating in ("ADULT", "EXPLICIT"))
    old_key, image = image.sharp_key, Image.objects.get()
    assert (image.is_nsfw, image.sharp_key != old_key) == (told["is_blurred"], True)


def test_a_rating_by_hand_that_is_changed_rates_the_picture_anew(
    admin: Client, media: Path
) -> None:
    image = make_image()
    path = f"/api/images/{image.pk}/labels"
    pk = admin.post(path, {"kind": "rating", "text": "SAFE"}, content_type=JSON).json()["id"]
    assert admin.put(f"{path}/{pk}", {"text": "EXPLICIT"}, content_type=JSON).status_code == 200
    assert Image.objects.get().rating == "EXPLICIT"
    bad = admin.put(f"{path}/{pk}", {"text": "SPICY"}, content_type=JSON)
    assert error(bad) == (422, "invalid", "text")
    assert (Image.objects.get().rating, Label.objects.get().text) == ("EXPLICIT", "EXPLICIT")


@pytest.mark.parametrize("text", ["SPICY", "safe", "UNRATED", " ADULT!"])
def test_a_word_that_is_no_rating_changes_nothing(admin: Client, text: str) -> None:
    row = make_row()
    body = {"kind": "rating", "text": text}
    answer = admin.post(f"/api/images/{row.pk}/labels", body, content_type=JSON)
    assert error(answer) == (422, "invalid", "text")
    assert "SAFE, SUGGESTIVE, ADULT, EXPLICIT" in answer.json()["error"]["message"]
    assert not Label.objects.exists()
    assert Image.objects.get().rating == "UNRATED"


def test_a_label_by_hand_is_changed_and_deleted(admin: Client) -> None:
    label = make_label(make_row(), source="manual")
    path = f"/api/images/{label.image_id}/labels/{label.pk}"
    assert admin.put(path, {"text": "better"}, content_type=JSON).json()["text"] == "better"
    assert Label.objects.get().text == "better"
    assert admin.delete(path).status_code == 204
    assert error(admin.delete(path))[:2] == (404, "not_found")


def test_anothers_words_are_not_changed_but_can_be_pinned(admin: Client) -> None:
    row = make_row()
    before = make_label(row, "by hand", source="manual", is_pinned=True)
    label = make_label(row, "by machine", source="claude")
    path = f"/api/images/{row.pk}/labels/{label.pk}"
    assert error(admin.put(path, {"text": "x"}, content_type=JSON))[:2] == (409, "not_manual")
    assert error(admin.delete(path))[:2] == (409, "not_manual")
    assert admin.put(path, {"is_pinned": True}, content_type=JSON).json()["is_pinned"] is True
    before.refresh_from_db()
    label.refresh_from_db()
    assert (before.is_pinned, label.is_pinned, label.text) == (False, True, "by machine")
    admin.put(path, {"is_pinned": False}, content_type=JSON)
    assert not Label.objects.filter(is_pinned=True).exists()


def test_a_new_label_can_be_pinned_at_once(admin: Client) -> None:
    row = make_row()
    make_label(row, is_pinned=True)
    tag = make_label(row, kind="tag", is_pinned=True)
    body = {"text": "the best", "is_pinned": True}
    admin.post(f"/api/images/{row.pk}/labels", body, content_type=JSON)
    pinned = Label.objects.filter(is_pinned=True).order_by("pk")
    assert [label.text for label in pinned] == [tag.text, "the best"]


@pytest.mark.parametrize("pk", [*BAD_IDS, "999"])
def test_bad_ids_are_4xx(admin: Client, pk: str) -> None:
    label = make_label(make_row(), source="manual")
    other = make_row()
    body = {"text": "x"}
    for path in (
        f"/api/images/{pk}/labels/{label.pk}",
        f"/api/images/{label.image_id}/labels/{pk}",
        f"/api/images/{other.pk}/labels/{label.pk}",
    ):
        assert 400 <= admin.put(path, body, content_type=JSON).status_code < 500
        assert 400 <= admin.delete(path).status_code < 500
    assert 400 <= admin.get(f"/api/images/{pk}/labels").status_code < 500
    assert 400 <= admin.post(f"/api/images/{pk}/labels", body, content_type=JSON).status_code < 500
    assert Label.objects.get().text == label.text


# --- What somebody saw, and what was said before --------------------------------------------------


def test_a_caption_is_written_only_while_that_counts_which_was_seen(admin: Client) -> None:
    row = make_row()
    path = f"/api/images/{row.pk}/labels"
    make_label(row, "a fox", source="claude")
    stale = {"text": "mine", "seen": "", "is_pinned": True}
    answer = admin.post(path, stale, content_type=JSON)
    assert error(answer) == (409, "changed_meanwhile", "seen")
    assert "“a fox”" in answer.json()["error"]["message"]
    assert Label.objects.count() == 1
    fresh = {**stale, "seen": "a fox "}
    assert admin.post(path, fresh, content_type=JSON).status_code == 201
    assert Label.objects.get(is_pinned=True).text == "mine"


def test_a_rating_is_written_only_while_that_counts_which_was_seen(
    admin: Client, media: Path
) -> None:
    image = make_image(rating="SAFE")
    path = f"/api/images/{image.pk}/labels"
    body = {"kind": "rating", "text": "ADULT", "seen": "UNRATED"}
    assert error(admin.post(path, body, content_type=JSON))[:2] == (409, "changed_meanwhile")
    image.refresh_from_db()
    assert (image.rating, Label.objects.count()) == ("SAFE", 0)
    body["seen"] = "SAFE"
    assert admin.post(path, body, content_type=JSON).status_code == 201


def test_a_label_is_changed_only_while_it_says_what_was_seen(admin: Client) -> None:
    label = make_label(make_row(), "one", source="manual")
    path = f"/api/images/{label.image_id}/labels/{label.pk}"
    assert error(admin.put(path, {"text": "two", "seen": "other"}, content_type=JSON))[0] == 409
    assert admin.put(path, {"text": "two", "seen": "one"}, content_type=JSON).status_code == 200
    assert error(admin.put(path, {"is_pinned": True, "seen": "one"}, content_type=JSON))[0] == 409
    label.refresh_from_db()
    assert (label.text, label.is_pinned) == ("two", False)


def test_the_history_tells_former_words_and_brings_them_back(admin: Client) -> None:
    label = make_label(make_row(), "one", source="manual")
    path = f"/api/images/{label.image_id}/labels"
    admin.put(f"{path}/{label.pk}", {"text": "two"}, content_type=JSON)
    admin.delete(f"{path}/{label.pk}")
    told = admin.get(f"{path}/history").json()
    assert [(row["text"], row["ending"], row["label_id"]) for row in told["items"]] == [
        ("two", "removed", None), ("one", "reworded", None),
    ]  # fmt: skip
    assert told["items"][0]["ended_by"].startswith("admin")
    assert (told["items"][1]["created_by"], told["next"]) == (None, None)
    back = admin.post(f"{path}/history/{told['items'][1]['id']}/restore")
    assert (back.status_code, back.json()["text"]) == (200, "one")
    assert Label.objects.get().text == "one"
    again = admin.post(f"{path}/history/{told['items'][1]['id']}/restore")
    assert error(again)[:2] == (404, "not_found")


def test_the_same_words_once_more_leave_no_trace(admin: Client) -> None:
    label = make_label(make_row(), "one", source="manual")
    path = f"/api/images/{label.image_id}/labels"
    assert admin.put(f"{path}/{label.pk}", {"text": "one"}, content_type=JSON).status_code == 200
    assert admin.get(f"{path}/history").json()["items"] == []


def test_any_tag_is_deleted_and_comes_back(admin: Client) -> None:
    label = make_label(make_row(), "fox", kind="tag", source="claude", confidence=0.5)
    path = f"/api/images/{label.image_id}/labels"
    assert admin.delete(f"{path}/{label.pk}").status_code == 204
    (former,) = admin.get(f"{path}/history").json()["items"]
    assert (former["kind"], former["source"], former["confidence"]) == ("tag", "claude", 0.5)
    admin.post(f"{path}/history/{former['id']}/restore")
    assert Label.objects.get().source == "claude"


def test_the_history_is_told_page_by_page(admin: Client) -> None:
    label = make_label(make_row(), "word 0", source="manual")
    for number in range(1, 61):
        labels.reword(label, f"word {number}")
    path = f"/api/images/{label.image_id}/labels/history"
    first = admin.get(path).json()
    second = admin.get(path, {"cursor": first["next"]}).json()
    said = [row["text"] for row in first["items"] + second["items"]]
    assert said == [f"word {number}" for number in range(59, -1, -1)]
    assert second["next"] is None
    assert error(admin.get(path, {"cursor": "nonsense"}))[0] == 422


@pytest.mark.parametrize("pk", [*BAD_IDS, "999"])
def test_bad_ids_of_the_history_are_4xx(admin: Client, pk: str) -> None:
    label = make_label(make_row(), source="manual")
    labels.reword(label, "other")
    other = make_row()
    former = FormerLabel.objects.get()
    for path in (
        f"/api/images/{pk}/labels/history/{former.pk}/restore",
        f"/api/images/{label.image_id}/labels/history/{pk}/restore",
        f"/api/images/{other.pk}/labels/history/{former.pk}/restore",
    ):
        assert 400 <= admin.post(path).status_code < 500
    assert 400 <= admin.get(f"/api/images/{pk}/labels/history").status_code < 500
    assert FormerLabel.objects.count() == 1


def test_visitors_are_not_told_of_the_history(client: Client) -> None:
    row = make_row()
    assert client.get(f"/api/images/{row.pk}/labels/history").status_code == 401
