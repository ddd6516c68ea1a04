"""Tags in the console: their list and pages, rules, changes of many pictures, undoing."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gallery import label_changes, tag_counts, tag_derivation, tag_names
from gallery.label_changes import Action, Change
from gallery.models import Album, Image, Label, Tag
from gallery.selections import Selection
from gallery.tag_models import LabelChange, TagAlias, TagImplication
from gallery.tests.factories import make_album, make_label, make_tagged
from imagineer.jobs.models import Job

pytestmark = pytest.mark.django_db
LIST = reverse("admin:gallery_tag_changelist")
BULK = reverse("admin:gallery_tag_bulk")
CHANGES = reverse("admin:gallery_labelchange_changelist")


def names(image: Image) -> set[str]:
    return set(image.tags.values_list("name", flat=True))


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def page_of(name: str) -> str:
    return reverse("admin:gallery_tag_change", args=[Tag.objects.get(name=name).pk])


# --- The list and the page of a tag --------------------------------------------------------------


def listed(client: Client, query: str = "") -> list[str]:
    return [tag.name for tag in client.get(LIST + query).context["cl"].result_list]


def test_tags_that_pictures_carry_are_listed_by_their_use(admin_client: Client) -> None:
    make_tagged("fox", "night"), make_tagged("fox", is_public=False)
    Tag.objects.create(name="unused")
    assert listed(admin_client) == ["fox", "night"]
    row = admin_client.get(LIST).content.decode()
    assert "2" in row
    assert "unused" not in row


def test_a_search_finds_the_beginning_of_a_name_or_of_another_name(admin_client: Client) -> None:
    make_tagged("fox"), make_tagged("foxglove"), make_tagged("cat"), make_tagged("dog")
    tag_names.add_alias("forest cat", "cat")
    assert set(listed(admin_client, "?q=FO")) == {"fox", "foxglove", "cat"}
    assert listed(admin_client, "?q=unheard") == []
    assert len(listed(admin_client, "?q=%23")) == 4


def test_a_tags_page_shows_its_use_and_its_rules(admin_client: Client) -> None:
    image = make_tagged("kitten")
    tag_names.add_alias("kitty", "kitten")
    tag_names.add_implication("kitten", "cat")
    tag_names.add_implication("tabby kitten", "kitten")
    shown = admin_client.get(page_of("kitten")).content.decode()
    for words in ("kitty", "tabby kitten", ">cat<", f"/image/{image.pk}/change/"):
        assert words in shown
    assert "?q=tag%3Akitten" in shown
    assert f"{BULK}?action=rename&amp;tags=kitten" in shown
    assert "Rename" not in admin_client.get(page_of("cat")).content.decode()


def test_the_page_of_another_name_leads_to_its_tag(admin_client: Client) -> None:
    make_tagged("puss")
    tag_names.add_alias("puss", "cat")
    assert "Stands for" in admin_client.get(page_of("puss")).content.decode()


def rule(client: Client, tag: str, action: str, **told: Any) -> str:
    address = reverse("admin:gallery_tag_rules", args=[Tag.objects.get(name=tag).pk])
    response = client.post(address, {"action": action, **told})
    assert response["Location"] == page_of(tag)
    return said(response)[-1]


def test_rules_are_made_and_taken_away_on_a_tags_page(admin_client: Client) -> None:
    image = make_tagged("puss")
    Tag.objects.create(name="cat")
    assert rule(admin_client, "cat", "add_alias", name="Puss") == "puss → cat."
    assert rule(admin_client, "cat", "add_implied", name="animal") == "cat → animal."
    assert rule(admin_client, "cat", "add_implying", name="kitten") == "kitten → cat."
    assert names(image) == {"cat", "animal"}
    alias, implied = TagAlias.objects.get(), TagImplication.objects.get(tag__name="cat")
    implying = TagImplication.objects.get(tag__name="kitten")
    told = rule(admin_client, "cat", "remove_implication", row=implied.pk)
    assert told == "“cat” does not imply “animal” any more."
    rule(admin_client, "cat", "remove_implication", row=implying.pk)
    told = rule(admin_client, "cat", "remove_alias", row=alias.pk)
    assert told == "“puss” stands for itself again."
    assert names(image) == {"puss"}
    assert not TagAlias.objects.exists()
    assert not TagImplication.objects.exists()


def test_rules_that_cannot_be_are_refused_with_a_sentence(admin_client: Client) -> None:
    make_tagged("cat"), make_tagged("dog")
    told = rule(admin_client, "cat", "add_alias", name="Cat")
    assert told == "A tag is no alias of itself."
    told = rule(admin_client, "cat", "add_alias", name="\x00")
    assert told == "Write a word; signs alone are no tag."
    tag_names.add_implication("dog", "animal")
    other = TagImplication.objects.get()
    for action, more in (
        ("remove_alias", {}), ("remove_alias", {"row": "x"}), ("remove_alias", {"row": "9" * 30}),
        ("remove_implication", {"row": other.pk}), ("burn", {}),
    ):  # fmt: skip
        assert rule(admin_client, "cat", action, **more) == "That rule is gone already."


def test_many_pictures_follow_by_a_job(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_derivation, "AT_ONCE", 1)
    make_tagged("puss"), make_tagged("puss"), make_tagged("cat")
    message = rule(admin_client, "cat", "add_alias", name="puss")
    job = Job.objects.get()
    assert f"/jobs/job/{job.pk}/" in message
    page = admin_client.get(reverse("admin:jobs_job_change", args=[job.pk]))
    assert page_of("puss") in page.content.decode()


# --- The tables of rules -------------------------------------------------------------------------


def test_an_alias_is_added_and_deleted_among_all(admin_client: Client) -> None:
    image = make_tagged("puss")
    response = admin_client.post(
        reverse("admin:gallery_tagalias_start"), {"name": "Puss", "to": "cat"}
    )
    table = reverse("admin:gallery_tagalias_changelist")
    assert response["Location"] == table
    assert "puss" in admin_client.get(table).content.decode()
    alias = TagAlias.objects.get()
    assert alias.created_by is not None
    address = reverse("admin:gallery_tagalias_delete", args=[alias.pk])
    assert "Are you sure" in admin_client.get(address).content.decode()
    admin_client.post(address, {"post": "yes"})
    assert names(image) == {"puss"}


def test_an_implication_is_added_and_deleted_among_all(admin_client: Client) -> None:
    image = make_tagged("kitten")
    admin_client.post(
        reverse("admin:gallery_tagimplication_start"), {"tag": "kitten", "implied": "cat"}
    )
    assert names(image) == {"kitten", "cat"}
    row = TagImplication.objects.get()
    assert (
        "cat"
        in admin_client.get(reverse("admin:gallery_tagimplication_changelist")).content.decode()
    )
    admin_client.post(
        reverse("admin:gallery_tagimplication_delete", args=[row.pk]), {"post": "yes"}
    )
    assert names(image) == {"kitten"}


@pytest.mark.parametrize(
    ("form", "told", "field", "sentence"),
    [
        ("tagalias", {"name": "cat", "to": "cat"}, "name", "A tag is no alias of itself."),
        ("tagalias", {"name": "puss", "to": "#"}, "to", "Write a word; signs alone are no tag."),
        (
            "tagimplication", {"tag": "animal", "implied": "cat"}, "implied",
            "“cat” implies “animal” already (cat → animal): that would be a circle.",
        ),
        ("tagimplication", {"tag": "", "implied": "cat"}, "tag", "This field is required."),
    ],
)  # fmt: skip
def test_a_refusal_stands_at_its_field(
    admin_client: Client, form: str, told: dict[str, str], field: str, sentence: str
) -> None:
    tag_names.add_implication("cat", "animal")
    response = admin_client.post(reverse(f"admin:gallery_{form}_start"), told)
    assert response.status_code == 422
    assert response.context["form"].errors[field] == [sentence]


# --- Changing many -------------------------------------------------------------------------------


def asked(**told: Any) -> dict[str, Any]:
    return {"action": "remove", "tags": "fox", "where": "everything", "step": "preview", **told}


def test_what_changes_is_shown_then_done_then_undone(admin_client: Client) -> None:
    image = make_tagged("fox", "night", source=Label.Source.CLAUDE)
    shown = admin_client.post(BULK, asked())
    assert shown.status_code == 200
    assert shown.context["preview"].images == 1
    assert shown.context["samples"][0]["words"] == [("fox", "goes"), ("night", "")]
    assert "1 picture would change" in shown.content.decode()
    assert names(image) == {"fox", "night"}
    given = dict(shown.context["given"])
    done = admin_client.post(BULK, {**given, "step": "make"})
    assert said(done) == ["Remove “fox” from the whole gallery: 1 picture changed."]
    assert names(image) == {"night"}
    row = LabelChange.objects.get()
    after = admin_client.get(done["Location"]).content.decode()
    assert reverse("admin:gallery_labelchange_undo", args=[row.pk]) in after
    undone = admin_client.post(reverse("admin:gallery_labelchange_undo", args=[row.pk]))
    assert undone["Location"] == CHANGES
    assert said(undone)[-1] == "Undone: Remove “fox” from the whole gallery."
    assert names(image) == {"fox", "night"}
    assert "Undone" in admin_client.get(CHANGES).content.decode()


def test_tags_ticked_in_an_album_are_renamed_there(admin_client: Client) -> None:
    inside, outside = make_tagged("fox", "owl"), make_tagged("fox")
    album = make_album("Deck", [inside])
    page = reverse("admin:gallery_album_tags", args=[album.pk])
    assert 'value="fox"' in admin_client.get(page).content.decode()
    told = {"action": "merge", "to": "animal", "where": "album", "album": "Deck"}
    shown = admin_client.post(BULK, {**told, "tag": ["fox", "owl"], "tags": ""})
    assert shown.context["preview"].images == 1
    done = admin_client.post(BULK, {**dict(shown.context["given"]), "step": "make"})
    assert done["Location"] == page
    assert (names(inside), names(outside)) == ({"animal"}, {"fox"})
    assert "Undo" in admin_client.get(page).content.decode()


def test_the_address_fills_the_form(admin_client: Client) -> None:
    album = make_album("Deck")
    form = admin_client.get(f"{BULK}?action=merge&tags=fox&album={album.pk}").context["form"]
    assert (form["action"].value(), form["tags"].value()) == ("merge", "fox")
    assert (form["where"].value(), form["album"].value()) == ("album", "Deck")
    form = admin_client.get(f"{BULK}?q=tag:fox").context["form"]
    assert (form["where"].value(), form["q"].value()) == ("q", "tag:fox")
    assert admin_client.get(f"{BULK}?album=x&action=burn").status_code == 200


def test_chosen_pictures_are_changed(admin_client: Client) -> None:
    images = [make_tagged("fox") for _ in range(3)]
    chosen = [image.pk for image in images[:2]]
    page = admin_client.post(
        reverse("admin:gallery_image_changelist"),
        {"action": "change_tags", "_selected_action": chosen, "index": 0},
    )
    form = page.context["form"]
    assert (form["where"].value(), form.chosen_count()) == ("images", 2)
    told = {"action": "add", "tags": "new, other", "where": "images"}
    shown = admin_client.post(BULK, {**told, "images": form["images"].value()})
    assert shown.context["preview"].images == 2
    admin_client.post(BULK, {**dict(shown.context["given"]), "step": "make"})
    assert [names(image) for image in images] == [{"fox", "new", "other"}] * 2 + [{"fox"}]


def test_a_caption_is_shown_with_the_word_that_comes(admin_client: Client) -> None:
    make_label(make_tagged(), "a red fox")
    shown = admin_client.post(BULK, asked(action="prefix", tags="", trigger_word="sks"))
    assert shown.context["samples"][0]["words"] == [("sks, ", "comes"), ("a red fox", "")]


def test_fields_that_the_action_does_not_take_are_not_read(admin_client: Client) -> None:
    make_tagged("fox")
    shown = admin_client.post(BULK, asked(to="left over", fewer_than="3", trigger_word="x", q="x"))
    assert shown.context["preview"].off == (("fox", 1),)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"action": "burn"}, "action"),
        ({"action": ""}, "action"),
        ({"tags": ""}, "tags"),
        ({"tags": " , "}, "tags"),
        ({"tags": "#"}, "tags"),
        ({"tags": "a\x00b"}, "tags"),
        ({"action": "rename", "to": ""}, "to"),
        ({"action": "rename", "to": "FOX"}, "to"),
        ({"action": "prune", "fewer_than": ""}, "fewer_than"),
        ({"action": "prune", "fewer_than": "1"}, "fewer_than"),
        ({"action": "prune", "fewer_than": "many"}, "fewer_than"),
        ({"action": "prefix", "trigger_word": " "}, "trigger_word"),
        ({"where": ""}, "where"),
        ({"where": "nowhere"}, "where"),
        ({"where": "album", "album": ""}, "album"),
        ({"where": "album", "album": "Unheard"}, "album"),
        ({"where": "q", "q": ""}, "q"),
        ({"where": "q", "q": "rating:x"}, "q"),
        ({"where": "images", "images": ""}, "where"),
        ({"where": "images", "images": "x"}, "images"),
        ({"where": "images", "images": "1-999999999999"}, "images"),
        ({"where": "images", "images": "99999999999999999999"}, "images"),
        ({"where": "images", "images": "-5"}, "images"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", ["preview", "make"])
def test_what_makes_no_sense_is_said_at_its_field(
    admin_client: Client, told: dict[str, str], field: str, step: str
) -> None:
    image = make_tagged("fox")
    response = admin_client.post(BULK, asked(**told, step=step))
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert names(image) == {"fox"}
    assert not LabelChange.objects.exists()


def test_a_selection_whose_tags_cannot_be_counted_is_said(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_album("Deck", [make_tagged("fox"), make_tagged("owl")])
    monkeypatch.setattr("gallery.label_preview.COUNTED_AT_MOST", 1)
    told = asked(action="prune", fewer_than="2", where="album", album="Deck")
    response = admin_client.post(BULK, told)
    assert response.status_code == 422
    assert "among at most 1 pictures" in response.context["form"].errors["where"][0]


def test_where_nothing_is_to_change_it_says_so(admin_client: Client) -> None:
    make_tagged("owl")
    shown = admin_client.post(BULK, asked()).content.decode()
    assert "Nothing would change" in shown
    assert "No picture carries “fox”." in shown
    assert said(admin_client.post(BULK, asked(step="make"))) == ["Nothing was to be changed."]


def test_a_job_is_linked_for_many(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tagged("fox"), make_tagged("fox")
    monkeypatch.setattr(label_changes, "AT_ONCE", 1)
    (message,) = said(admin_client.post(BULK, asked(step="make")))
    job = Job.objects.get()
    assert f"/jobs/job/{job.pk}/" in message
    shown = admin_client.get(CHANGES).content.decode()
    assert "Queued" in shown
    page = admin_client.get(
        reverse("admin:gallery_labelchange_change", args=[LabelChange.objects.get().pk])
    )
    assert f"/jobs/job/{job.pk}/" in page.content.decode()
    page = admin_client.get(reverse("admin:jobs_job_change", args=[job.pk]))
    assert (
        reverse("admin:gallery_labelchange_change", args=[LabelChange.objects.get().pk])
        in page.content.decode()
    )


def test_an_undoing_of_much_is_a_job(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tagged("fox")
    admin_client.post(BULK, asked(step="make"))
    row = LabelChange.objects.get()
    monkeypatch.setattr(label_changes, "AT_ONCE", 0)
    response = admin_client.post(reverse("admin:gallery_labelchange_undo", args=[row.pk]))
    assert f"/jobs/job/{Job.objects.get().pk}/" in said(response)[-1]
    assert "Being undone" in admin_client.get(CHANGES).content.decode()
    again = admin_client.post(reverse("admin:gallery_labelchange_undo", args=[row.pk]))
    assert "undone before" in said(again)[-1]


def test_undoing_is_offered_while_it_is_fresh(admin_client: Client) -> None:
    make_tagged("fox"), make_tagged("owl")
    first = label_changes.start(Change(Action.REMOVE, ("fox",)), Selection(everything=True))
    assert first is not None
    assert "Undo" in admin_client.get(LIST).content.decode()
    LabelChange.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert "Undo" not in admin_client.get(LIST).content.decode()
    page = reverse("admin:gallery_labelchange_change", args=[first.pk])
    assert "Undo" in admin_client.get(page).content.decode()
    label_changes.start(Change(Action.REMOVE, ("owl",)), Selection(everything=True))
    assert "The last change alone can be undone" in admin_client.get(page).content.decode()


# --- The tags of one picture ---------------------------------------------------------------------


def told_of(client: Client, image: Image, action: str, name: str) -> str:
    address = reverse("admin:gallery_image_tags", args=[image.pk])
    response = client.post(address, {"action": action, "name": name})
    assert response["Location"] == reverse("admin:gallery_image_change", args=[image.pk])
    return said(response)[-1]


def test_a_tag_is_taken_off_a_picture_and_put_back(admin_client: Client) -> None:
    image = make_tagged("Fox", "night", source=Label.Source.CLAUDE)
    told = told_of(admin_client, image, "take_off", "fox")
    assert told == "“fox” is off this picture, whoever says it again."
    page = admin_client.get(reverse("admin:gallery_image_change", args=[image.pk]))
    assert [tag.name for tag in page.context["tags"]] == ["night"]
    assert [row.tag.name for row in page.context["tags_off"]] == ["fox"]
    assert "Put fox back" in page.content.decode()
    told_of(admin_client, image, "put_back", "fox")
    assert names(image) == {"fox", "night"}


def test_a_tag_is_said_by_hand_on_a_picture(admin_client: Client) -> None:
    image = make_tagged("fox")
    told_of(admin_client, image, "take_off", "fox")
    assert told_of(admin_client, image, "add", " Fox_") == "It carries “fox”."
    assert names(image) == {"fox"}
    assert image.labels.filter(created_by__isnull=False).count() == 1


@pytest.mark.parametrize(("action", "name"), [("add", "#"), ("burn", "fox"), ("take_off", "\x00")])
def test_what_cannot_be_done_to_a_tag_is_said(admin_client: Client, action: str, name: str) -> None:
    image = make_tagged("fox")
    assert told_of(admin_client, image, action, name)
    assert names(image) == {"fox"}
    assert image.labels.count() == 1


# --- The tags of an album ------------------------------------------------------------------------


def test_the_tags_of_an_album_are_of_all_its_pictures(admin_client: Client) -> None:
    album = make_album(
        "Deck", [make_tagged("fox", rating="ADULT"), make_tagged("owl", is_public=False)]
    )
    admin_client.cookies["nsfw"] = "hide"
    page = admin_client.get(reverse("admin:gallery_album_tags", args=[album.pk]))
    assert {use.tag.name for use in page.context["uses"].items} == {"fox", "owl"}
    link = reverse("admin:gallery_album_change", args=[album.pk])
    assert (
        reverse("admin:gallery_album_tags", args=[album.pk])
        in admin_client.get(link).content.decode()
    )


def test_a_large_album_is_counted_as_far_as_it_says(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    album = make_album("Deck", [make_tagged("fox"), make_tagged("owl")])
    monkeypatch.setattr(tag_counts, "COUNTED_AT_MOST", 1)
    page = reverse("admin:gallery_album_tags", args=[album.pk])
    assert "the first 1 pictures" in admin_client.get(page).content.decode()


def test_an_album_without_tags_says_what_to_do(admin_client: Client) -> None:
    album = make_album("Deck")
    page = reverse("admin:gallery_album_tags", args=[album.pk])
    assert "carries a tag" in admin_client.get(page).content.decode()
    assert admin_client.get(f"{page}?after=nonsense").status_code == 200
    assert admin_client.get(reverse("admin:gallery_album_tags", args=[10**9])).status_code == 404


def test_its_pages_ask_no_more_for_more_tags(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    album = make_album("Deck", [make_tagged(*(f"tag {n}" for n in range(30))) for _ in range(3)])
    Album.objects.get(pk=album.pk)
    for path in (LIST, reverse("admin:gallery_album_tags", args=[album.pk]), page_of("tag 1")):
        with django_assert_max_num_queries(14):
            assert admin_client.get(path).status_code == 200


def test_only_admins_come_there(client: Client, django_user_model: Any) -> None:
    make_tagged("fox")
    for path in (LIST, BULK, CHANGES, page_of("fox")):
        assert client.get(path).status_code == 302
    client.force_login(django_user_model.objects.create_user("guest"))
    assert client.post(BULK, asked(step="make")).status_code in (302, 403)
    assert not LabelChange.objects.exists()
