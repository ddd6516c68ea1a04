"""Tags in the JSON API: lists, completion, rules, changes of many pictures."""

from typing import Any

import pytest
from django.test import Client

from gallery import label_changes, tag_derivation
from gallery.models import Label, Rating, Tag
from gallery.tag_models import LabelChange, TagAlias, TagImplication
from gallery.tests.factories import make_admin, make_album, make_label, make_tagged
from gallery.tests.test_api_images import JSON, error
from imagineer.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    browser = Client()
    browser.force_login(make_admin())
    return browser


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(f"/api/tags/{path}", body, content_type=JSON)


def names(told: Any) -> list[str]:
    return [row["name"] for row in told["items"]]


# --- Lists ---------------------------------------------------------------------------------------


def test_tags_are_listed_by_their_use(client: Client) -> None:
    make_tagged("fox", "night"), make_tagged("fox", "owl"), make_tagged("fox", is_public=False)
    told = client.get("/api/tags").json()
    assert names(told)[0] == "fox"
    assert told["items"][0] == {"name": "fox", "count": 2, "url": "/tags/fox/"}
    assert told["next"] is None


def test_a_beginning_lists_names_in_their_order(client: Client) -> None:
    for name in ("fox", "foxglove", "fog", "owl", "fo_x", "été"):
        make_tagged(name)
    assert names(client.get("/api/tags?q=FO").json()) == ["fo x", "fog", "fox", "foxglove"]
    assert names(client.get("/api/tags?q=fo_").json()) == ["fo x", "fog", "fox", "foxglove"]
    assert names(client.get("/api/tags?q=Ét").json()) == ["été"]
    assert names(client.get("/api/tags?q=x").json()) == []
    assert error(client.get("/api/tags?q=%23"))[0] == 422


@pytest.mark.parametrize("name", ["100%", "a?b", "it's", "c++", "[x]"])
def test_signs_are_no_wildcards(client: Client, name: str) -> None:
    make_tagged(name), make_tagged("other")
    assert names(client.get("/api/tags", {"q": name[:3]}).json()) == [name]


def test_lists_are_read_page_by_page(client: Client) -> None:
    Tag.objects.bulk_create(Tag(name=f"tag {number:03}", open_count=1) for number in range(120))
    for query in ("?", "?q=tag&"):
        found: list[str] = []
        address = f"/api/tags{query}"
        while True:
            told = client.get(address).json()
            found += names(told)
            if told["next"] is None:
                break
            address = f"/api/tags{query}cursor={told['next']}"
        assert sorted(found) == [f"tag {number:03}" for number in range(120)], query


def test_completion_offers_the_most_used_and_other_names(client: Client, admin: Client) -> None:
    make_tagged("foxglove"), make_tagged("fox"), make_tagged("fox"), make_tagged("vulpes")
    post(admin, "aliases", {"name": "forest dog", "to": "vulpes"})
    told = client.get("/api/tags/complete?q=fo").json()["items"]
    assert [(row["name"], row["alias"]) for row in told] == [
        ("fox", None), ("foxglove", None), ("vulpes", "forest dog"),
    ]  # fmt: skip
    assert client.get("/api/tags/complete?q=%23").json() == {"items": []}
    assert error(client.get("/api/tags/complete"))[0] == 422


def test_completion_offers_a_tag_once_and_no_more_than_twelve(client: Client) -> None:
    for number in range(20):
        make_tagged(f"fox {number}")
    tag = Tag.objects.get(name="fox 7")
    TagAlias.objects.create(name="fox seven", tag=tag)
    told = client.get("/api/tags/complete?q=fox").json()["items"]
    assert len(told) == 12
    only = client.get("/api/tags/complete?q=fox 7").json()["items"]
    assert [(row["name"], row["alias"]) for row in only] == [("fox 7", None)]


def test_what_is_not_shown_is_not_offered(client: Client, admin: Client) -> None:
    make_tagged("secret", is_public=False), make_tagged("nude", rating=Rating.ADULT)
    post(admin, "aliases", {"name": "naked", "to": "nude"})
    for path in ("/api/tags", "/api/tags/complete?q=s", "/api/tags/complete?q=n", "/api/tags?q=s"):
        assert client.get(path).json()["items"] == [], path
    assert names(client.get("/api/tags/complete?q=na&nsfw=show").json()) == ["nude"]
    assert names(admin.get("/api/tags/complete?q=s").json()) == ["secret"]


def test_the_tags_of_an_album_are_counted(client: Client, admin: Client) -> None:
    album = make_album("Deck", [make_tagged("fox"), make_tagged("fox", "night")])
    hidden = make_album("Drafts", [make_tagged("fox")], is_public=False)
    told = client.get(f"/api/albums/{album.pk}/tags").json()
    assert [(row["name"], row["count"]) for row in told["items"]] == [("fox", 2), ("night", 1)]
    assert (told["next"], told["counted"], told["is_more"]) == (None, 2, False)
    veiled = make_tagged("nude", rating=Rating.ADULT)
    mixed = make_album("Mixed", [make_tagged("fox"), veiled])
    for nsfw, counted in (("hide", 1), ("blur", 1), ("show", 2)):
        told = client.get(f"/api/albums/{mixed.pk}/tags?nsfw={nsfw}").json()
        assert (len(told["items"]), told["counted"]) == (counted, counted), nsfw
    assert admin.get(f"/api/albums/{mixed.pk}/tags").json()["counted"] == 2
    assert error(client.get(f"/api/albums/{hidden.pk}/tags"))[0] == 404
    assert admin.get(f"/api/albums/{hidden.pk}/tags").status_code == 200
    assert error(client.get(f"/api/albums/{album.pk}/tags?cursor=x"))[0] == 422


# --- Rules ---------------------------------------------------------------------------------------


def test_an_alias_is_made_listed_and_taken_away(admin: Client) -> None:
    image = make_tagged("Puss")
    response = post(admin, "aliases", {"name": " PUSS", "to": "Cat "})
    assert response.status_code == 201
    told = response.json()
    assert (told["name"], told["tag"], told["job"]) == ("puss", "cat", None)
    assert post(admin, "aliases", {"name": "puss", "to": "cat"}).status_code == 200
    assert image.tags.get().name == "cat"
    listed = admin.get("/api/tags/aliases").json()
    assert [(row["id"], row["name"], row["tag"]) for row in listed["items"]] == [
        (told["id"], "puss", "cat")
    ]
    assert admin.delete(f"/api/tags/aliases/{told['id']}").json() == {"job": None}
    assert image.tags.get().name == "puss"
    assert error(admin.delete(f"/api/tags/aliases/{told['id']}"))[0] == 404


def test_an_implication_is_made_listed_and_taken_away(admin: Client) -> None:
    image = make_tagged("kitten")
    response = post(admin, "implications", {"tag": "kitten", "implied": "cat"})
    assert response.status_code == 201
    told = response.json()
    assert (told["tag"], told["implied"], told["job"]) == ("kitten", "cat", None)
    assert post(admin, "implications", {"tag": "kitten", "implied": "cat"}).status_code == 200
    assert image.tags.count() == 2
    listed = admin.get("/api/tags/implications").json()
    assert [(row["tag"], row["implied"]) for row in listed["items"]] == [("kitten", "cat")]
    assert admin.delete(f"/api/tags/implications/{told['id']}").json() == {"job": None}
    assert image.tags.count() == 1
    assert error(admin.delete(f"/api/tags/implications/{told['id']}"))[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("aliases", {}, "name"),
        ("aliases", {"name": "cat", "to": "cat"}, "name"),
        ("aliases", {"name": "#", "to": "cat"}, "name"),
        ("aliases", {"name": "a\x00b", "to": "cat"}, "name"),
        ("aliases", {"name": 5, "to": "cat"}, "name"),
        ("aliases", {"name": "puss", "to": "x" * 301}, "to"),
        ("aliases", {"name": "puss", "to": "cat", "more": 1}, "more"),
        ("aliases", {"name": "cat", "to": "puss"}, "to"),
        ("implications", {"tag": "cat", "implied": "cat"}, "implied"),
        ("implications", {"tag": "", "implied": "cat"}, "tag"),
        ("implications", {"tag": "animal", "implied": "cat"}, "implied"),
        ("implications", {"tag": "puss", "implied": "cat"}, "implied"),
    ],
)
def test_rules_that_cannot_be_are_422(admin: Client, path: str, body: Any, field: str) -> None:
    post(admin, "aliases", {"name": "puss", "to": "cat"})
    post(admin, "implications", {"tag": "cat", "implied": "animal"})
    response = post(admin, path, body)
    assert error(response)[0] == 422
    assert response.json()["error"]["field"] == field
    assert (TagAlias.objects.count(), TagImplication.objects.count()) == (1, 1)


def test_many_pictures_follow_by_a_job(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_derivation, "AT_ONCE", 1)
    make_tagged("puss"), make_tagged("puss")
    told = post(admin, "aliases", {"name": "puss", "to": "cat"}).json()
    assert told["job"]["kind"] == "gallery.derive_tags"
    assert Job.objects.get().title == "Pictures of “puss” follow"


# --- Changes -------------------------------------------------------------------------------------


def test_a_change_is_previewed_made_and_undone(admin: Client) -> None:
    image = make_tagged("Grey", source=Label.Source.CLAUDE, prompt="a grey sea")
    body = {
        "action": "rename", "tags": ["Grey"], "to": "Fog", "selection": {"everything": True},
        "preview": True,
    }  # fmt: skip
    told = post(admin, "change", body).json()
    assert (told["change"], told["job"]) == (None, None)
    preview = told["preview"]
    sample = preview.pop("samples")[0]
    assert preview == {
        "images": 1, "is_more": False, "off": [{"name": "grey", "count": 1}],
        "on": [{"name": "fog", "count": 1}], "tags": None,
        "silenced": [{"source": "Claude", "text": "Grey", "count": 1}], "notes": [],
    }  # fmt: skip
    assert (sample["image"]["id"], sample["before"], sample["after"]) == (
        image.pk, ["grey"], ["fog"],
    )  # fmt: skip
    assert not LabelChange.objects.exists()
    response = post(admin, "change", body | {"preview": False})
    assert response.status_code == 200
    change = response.json()["change"]
    assert (change["images"], change["can_undo"], change["undone_at"]) == (1, True, None)
    assert change["title"] == "Rename “grey” to “fog” in the whole gallery"
    assert image.tags.get().name == "fog"
    assert [row["id"] for row in admin.get("/api/tags/changes").json()["items"]] == [change["id"]]
    undone = admin.post(f"/api/tags/changes/{change['id']}/undo").json()["change"]
    assert undone["undone_at"] is not None
    assert not undone["can_undo"]
    assert image.tags.get().name == "grey"
    again = admin.post(f"/api/tags/changes/{change['id']}/undo")
    assert error(again)[:2] == (409, "cannot_undo")
    assert error(admin.post("/api/tags/changes/987654/undo"))[0] == 404


def test_every_way_to_name_pictures(admin: Client) -> None:
    images = [make_tagged("fox"), make_tagged("owl")]
    album = make_album("Deck", images)
    for selection, changed in (
        ({"album_id": album.pk}, 2), ({"image_ids": [images[0].pk, images[0].pk]}, 1),
        ({"q": "tag:owl"}, 1), ({"everything": True}, 2),
    ):  # fmt: skip
        body = {"action": "add", "tags": ["new"], "selection": selection, "preview": True}
        assert post(admin, "change", body).json()["preview"]["images"] == changed


def test_every_action(admin: Client) -> None:
    image = make_tagged("fox", "owl", "night")
    make_label(image, "a caption")
    for more in (
        {"action": "add", "tags": ["new"]}, {"action": "remove", "tags": ["fox"]},
        {"action": "rename", "tags": ["owl"], "to": "bird"},
        {"action": "merge", "tags": ["bird", "new"], "to": "night"},
        {"action": "prefix", "trigger_word": "sks"}, {"action": "prune", "fewer_than": 2},
    ):  # fmt: skip
        body = {**more, "selection": {"everything": True}, "preview": False}
        response = post(admin, "change", body)
        assert response.status_code == 200, more
        assert response.json()["change"]["images"] == 1, more
        assert post(admin, "change", body).json() == {"preview": None, "change": None, "job": None}
    assert not image.tags.exists()
    assert image.labels.filter(text="sks, a caption").exists()


def test_many_are_changed_and_undone_by_a_job(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tagged("fox"), make_tagged("fox")
    body = {
        "action": "remove", "tags": ["fox"], "selection": {"everything": True}, "preview": False,
    }  # fmt: skip
    change = post(admin, "change", body).json()["change"]
    monkeypatch.setattr(label_changes, "AT_ONCE", 0)
    response = admin.post(f"/api/tags/changes/{change['id']}/undo")
    assert response.status_code == 202
    assert response.json()["job"]["kind"] == label_changes.KIND
    make_tagged("fox")
    response = post(admin, "change", body)
    assert response.status_code == 202
    assert response.json()["job"]["title"] == "Remove “fox” from the whole gallery"
    assert response.json()["change"]["images"] == 0


ALL = {"everything": True}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "burn", "selection": ALL, "preview": True}, "action"),
        ({"action": "remove", "tags": ["a"], "preview": True}, "selection"),
        ({"action": "remove", "tags": ["a"], "selection": ALL}, "preview"),
        ({"action": "remove", "tags": ["a"], "selection": ALL, "preview": "yes"}, "preview"),
        ({"action": "remove", "tags": "a", "selection": ALL, "preview": True}, "tags"),
        ({"action": "remove", "tags": ["a\nb"], "selection": ALL, "preview": True}, "tags.0"),
        ({"action": "remove", "tags": [], "selection": ALL, "preview": True}, "tags"),
        ({"action": "remove", "tags": ["#"], "selection": ALL, "preview": True}, "tags"),
        ({"action": "remove", "tags": ["a"] * 51, "selection": ALL, "preview": True}, "tags"),
        ({"action": "rename", "tags": ["a"], "selection": ALL, "preview": True}, "to"),
        ({"action": "rename", "tags": ["a"], "to": "A", "selection": ALL, "preview": True}, "to"),
        ({"action": "prune", "selection": ALL, "preview": True}, "fewer_than"),
        ({"action": "prune", "fewer_than": 1, "selection": ALL, "preview": True}, "fewer_than"),
        ({"action": "prune", "fewer_than": 2.5, "selection": ALL, "preview": True}, "fewer_than"),
        ({"action": "prefix", "selection": ALL, "preview": True}, "trigger_word"),
        ({"action": "remove", "tags": ["a"], "selection": {}, "preview": True}, "selection"),
        (
            {"action": "remove", "tags": ["a"], "selection": {**ALL, "q": "x"}, "preview": True},
            "selection",
        ),
        (
            {"action": "remove", "tags": ["a"], "selection": {"q": "rating:x"}, "preview": True},
            "selection.q",
        ),
        (
            {"action": "remove", "tags": ["a"], "selection": {"album_id": 9**9}, "preview": True},
            "selection.album_id",
        ),
        (
            {"action": "remove", "tags": ["a"], "preview": True, "selection": {"image_ids": [99]}},
            "selection.image_ids",
        ),
        (
            {
                "action": "remove", "tags": ["a"], "preview": True,
                "selection": {"image_ids": list(range(1, 1002))},
            },
            "selection.image_ids",
        ),
        (
            {"action": "remove", "tags": ["a"], "selection": {"image_ids": [0]}, "preview": True},
            "selection.image_ids.0",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("preview", [True, False])
def test_what_makes_no_sense_is_422_with_its_field(
    admin: Client, body: dict[str, Any], field: str, preview: bool
) -> None:
    image = make_tagged("a")
    if body.get("preview") is True:
        body = body | {"preview": preview}
    response = post(admin, "change", body)
    assert error(response)[0] == 422
    assert response.json()["error"]["field"] == field
    assert image.tags.get().name == "a"
    assert not LabelChange.objects.exists()


def test_visitors_change_nothing(client: Client) -> None:
    image = make_tagged("fox")
    body = {"action": "remove", "tags": ["fox"], "selection": ALL, "preview": True}
    assert post(client, "change", body).status_code == 401
    assert post(client, "aliases", {"name": "fox", "to": "owl"}).status_code == 401
    assert client.get("/api/tags/aliases").status_code == 401
    assert client.get("/api/tags/changes").status_code == 401
    assert image.tags.get().name == "fox"
