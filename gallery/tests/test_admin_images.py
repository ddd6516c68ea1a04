from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gallery import admin_bulk, admin_filters, bulk
from gallery.models import Album, Image, Label, Rating
from gallery.tests.factories import make_album, make_image, make_label, make_row
from imagineer import console_rows
from imagineer.jobs.models import Job

pytestmark = pytest.mark.django_db
LIST = "/admin/gallery/image/"


def act(
    client: Client, action: str, images: list[Image], address: str = LIST, **fields: Any
) -> str:
    body = {"index": "0", "action": action, "_selected_action": [image.pk for image in images]}
    return client.post(address, {**body, **fields}, follow=True).content.decode()


def shown(client: Client, query: str) -> set[str]:
    page = client.get(f"{LIST}?{query}").context["cl"].result_list
    return {image.original_name for image in page}


def test_it_shows_a_grid_with_a_box_for_each(admin_client: Client) -> None:
    image = make_row()
    page = admin_client.get(LIST).content.decode()
    assert f'name="_selected_action" value="{image.pk}"' in page
    assert image.sharp_key in page


def test_it_blurs_what_the_switch_says(admin_client: Client) -> None:
    image = make_row(rating=Rating.EXPLICIT)
    page = admin_client.get(LIST).content.decode()
    assert image.sharp_key not in page
    assert image.blurred_key in page
    admin_client.cookies["nsfw"] = "show"
    assert image.sharp_key in admin_client.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("source=scraped", {"b"}),
        ("rating=SAFE", {"a"}),
        ("public=no", {"b"}),
        ("album=none", {"b"}),
        ("caption=yes", {"a"}),
        ("caption=no", {"b"}),
        ("caption=manual", {"a"}),
        ("caption=claude", set()),
        ("q=lion", {"a"}),
        ("q=horizon", {"a"}),
        ("q=lion+horizon", {"a"}),
        ("q=lion+nothing", set()),
    ],
)
def test_it_filters(admin_client: Client, query: str, expected: set[str]) -> None:
    a = make_row(original_name="a", prompt="a lion", rating=Rating.SAFE)
    make_row(original_name="b", source_type="scraped", is_public=False)
    make_label(a, "a horizon")
    make_album("Cards", [a])
    assert shown(admin_client, query) == expected


def test_it_filters_by_album_and_by_number_and_hash(admin_client: Client) -> None:
    a, _ = make_row(original_name="a"), make_row(original_name="b")
    album = make_album("Cards", [a])
    assert shown(admin_client, f"album={album.pk}") == {"a"}
    assert shown(admin_client, f"q={a.pk}") >= {"a"}
    assert shown(admin_client, f"q={a.sha256}") == {"a"}


def test_its_list_counts_no_further_than_it_pages(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagineer.console_rows.COUNTED_AT_MOST", 3)
    monkeypatch.setattr("gallery.admin.COUNTED_AT_MOST", 3)
    for _ in range(5):
        make_row()
    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get(LIST).content.decode()
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert all("LIMIT 3" in sql for sql in counts if "gallery_image" in sql)
    assert "3+" in page


def test_it_puts_the_selected_into_a_new_album_in_list_order(admin_client: Client) -> None:
    older, newer = make_row(), make_row()
    page = act(admin_client, "add_to_album", [older, newer], album="  New cards ")
    assert "2 pictures added to “New cards”." in page
    album = Album.objects.get(name="New cards")
    entries = album.entries.order_by("position")
    assert [entry.image_id for entry in entries] == [newer.pk, older.pk]


def test_it_says_which_were_in_the_album_before(admin_client: Client) -> None:
    image, other = make_row(), make_row()
    make_album("Cards", [image])
    page = act(admin_client, "add_to_album", [image, other], album="Cards")
    assert "1 picture added to “Cards”; 1 picture was in it before." in page


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_it_refuses_a_bad_album_name(admin_client: Client, name: str) -> None:
    page = act(admin_client, "add_to_album", [make_row()], album=name)
    assert "Name an album" in page
    assert not Album.objects.exists()


def test_it_takes_pictures_out_of_an_album_and_keeps_them(admin_client: Client) -> None:
    image = make_row()
    album = make_album("Cards", [image])
    act(admin_client, "remove_from_album", [image], album="Cards")
    assert album.entries.count() == 0
    assert Image.objects.filter(pk=image.pk).exists()


def test_it_rates_all_that_match(admin_client: Client, media: Path) -> None:
    match, other = make_image(prompt="lion"), make_image(prompt="bull")
    body = {"index": "0", "action": "set_rating", "rating": "ADULT", "select_across": "1"}
    admin_client.post(f"{LIST}?q=lion", {**body, "_selected_action": [match.pk]})
    before = match.sharp_key
    match.refresh_from_db()
    other.refresh_from_db()
    assert (match.rating, match.is_nsfw, other.rating) == ("ADULT", True, "UNRATED")
    assert match.sharp_key != before


def test_all_that_match_are_more_than_the_list_counts(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (admin_filters, console_rows):
        monkeypatch.setattr(module, "COUNTED_AT_MOST", 2)
    foxes = [make_row(prompt="fox") for _ in range(5)]
    make_row(prompt="owl")
    for address in (f"{LIST}?q=fox", f"{LIST}?source=upload&q=fox"):
        page = act(
            admin_client, "add_to_album", foxes[:1], address, select_across="1", album="Foxes"
        )
        assert "more than" not in page
    assert set(Album.objects.get().images.all()) == set(foxes)


def test_all_that_match_end_where_one_call_does(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_MOST", 2)
    foxes = [make_row(prompt="fox") for _ in range(4)]
    page = act(admin_client, "delete_pictures", foxes[:1], f"{LIST}?q=fox", select_across="1")
    assert "more than 2 pictures; narrow the filter" in page
    assert Image.objects.count() == 4


def test_what_was_selected_on_other_pages_counts(admin_client: Client) -> None:
    images = [make_row() for _ in range(4)]
    elsewhere = ",".join(str(image.pk) for image in (images[1], images[2], images[2]))
    act(admin_client, "add_to_album", images[:1], album="Deck", elsewhere=f"{elsewhere},x,,-1")
    assert set(Album.objects.get().images.all()) == set(images[:3])
    act(admin_client, "add_to_album", [], album="Owls", elsewhere=str(images[3].pk))
    assert list(Album.objects.get(name="Owls").images.all()) == images[3:]


def test_more_than_can_be_picked_one_by_one_are_refused_whole(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_bulk, "MOST_ELSEWHERE", 2)
    images = [make_row() for _ in range(4)]
    elsewhere = ",".join(str(image.pk) for image in images[1:])
    page = act(admin_client, "delete_pictures", images[:1], elsewhere=elsewhere)
    assert "more than 2 pictures, picked one by one" in page
    assert Image.objects.count() == 4


def test_it_refuses_a_made_up_rating(admin_client: Client) -> None:
    image = make_row()
    assert "Choose a rating." in act(admin_client, "set_rating", [image], rating="LEWD")
    image.refresh_from_db()
    assert image.rating == "UNRATED"


def test_it_makes_private_and_public(admin_client: Client, media: Path) -> None:
    image = make_image()
    act(admin_client, "make_private", [image])
    image.refresh_from_db()
    assert image.is_public is False
    act(admin_client, "make_public", [image])
    image.refresh_from_db()
    assert image.is_public is True


def test_deleting_several_is_undone_with_one_click(admin_client: Client, media: Path) -> None:
    images = [make_image(), make_image()]
    page = act(admin_client, "delete_pictures", images)
    assert "2 pictures moved to the trash." in page
    assert not Image.objects.exists()
    assert 'name="action" value="undo"' in page
    # It is offered once.
    assert 'value="undo"' not in admin_client.get(LIST).content.decode()
    page = admin_client.post(f"{LIST}trash/", {"action": "undo"}, follow=True).content.decode()
    assert "2 pictures taken out of the trash." in page
    assert Image.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_it_deletes_into_the_trash(admin_client: Client, media: Path) -> None:
    image = make_image()
    admin_client.post(f"{LIST}{image.pk}/delete/", {"post": "yes"})
    assert not Image.objects.exists()
    assert Image.everything.get().deleted_at is not None
    assert default_storage.exists(str(image.file.name))


def test_before_it_deletes_it_says_what_becomes_of_the_picture(admin_client: Client) -> None:
    image = make_row(original_name="lake.png")
    make_label(image, "a quiet lake")
    page = admin_client.get(f"{LIST}{image.pk}/delete/").content.decode()
    assert "“lake.png” goes into the" in page
    assert "for 30 days with its albums and labels" in page
    assert "a quiet lake" not in page


def test_it_changes_no_more_at_once_than_it_says(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_MOST", 1)
    images = [make_row(), make_row()]
    page = act(admin_client, "add_to_album", images, album="Cards")
    assert "more than 1 pictures; narrow the filter" in page
    assert not Album.objects.exists()


def test_it_moves_between_albums_from_an_albums_list(admin_client: Client) -> None:
    images = [make_row(), make_row()]
    here = make_album("Here", images)
    assert 'value="move_to_album"' not in admin_client.get(LIST).content.decode()
    assert 'value="move_to_album"' in admin_client.get(f"{LIST}?album={here.pk}").content.decode()
    page = act(admin_client, "move_to_album", images, album="There", leaving=here.pk)
    assert "2 pictures moved from “Here” to “There”." in page
    assert not here.images.exists()


@pytest.mark.parametrize(
    ("leaving", "album", "said"),
    [
        ("", "There", "Open the album that they should leave"),
        ("1e9", "There", "Open the album that they should leave"),
        ("{here}", "Here", "They are in “Here” already"),
        ("{here}", "", "Name an album, existing or new."),
    ],
)
def test_it_refuses_a_move_to_nowhere(
    admin_client: Client, leaving: str, album: str, said: str
) -> None:
    image = make_row()
    here = make_album("Here", [image])
    page = act(
        admin_client, "move_to_album", [image], album=album, leaving=leaving.format(here=here.pk)
    )
    assert said in page
    assert list(here.images.all()) == [image]
    assert not Album.objects.filter(name="There").exists()


def test_many_are_changed_by_a_job(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    images = [make_row(), make_row()]
    page = act(admin_client, "add_to_album", images, album="Cards")
    job = Job.objects.get(kind=bulk.KIND)
    assert f'Add to an album: 2 pictures: a <a href="/admin/jobs/job/{job.pk}/change/">' in page
    assert job.params["album"] == Album.objects.get(name="Cards").pk
    # In the order of the list.
    assert bulk.from_ranges(job.params["images"]) == [images[1].pk, images[0].pk]


def test_deleting_many_is_undone_by_a_job_too(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    images = [make_row(), make_row()]
    page = act(admin_client, "delete_pictures", images)
    assert 'value="undo"' in page
    deletion = Job.objects.get(kind=bulk.KIND)
    page = admin_client.post(f"{LIST}trash/", {"action": "undo"}, follow=True).content.decode()
    assert "Take out of the trash: 2 pictures" in page
    deletion.refresh_from_db()
    assert deletion.has_ended
    undo = Job.objects.filter(kind=bulk.KIND).exclude(pk=deletion.pk).get()
    assert undo.params["images"] == deletion.params["images"]
    assert undo.params["behind"] == str(deletion.pk)


def test_the_list_of_labels_tells_which_are_pinned(admin_client: Client) -> None:
    make_label(make_row(), "a quiet lake", is_pinned=True)
    page = admin_client.get("/admin/gallery/label/").content.decode()
    assert '<td class="field-pinned">Pinned</td>' in page


def test_its_page_shows_what_is_known(admin_client: Client) -> None:
    image = make_row(prompt="a lion", generation_params={"steps": 20, "seed": 77})
    make_album("Cards", [image])
    make_label(image, "seen by a machine", source="claude", model="claude-x", confidence=0.9)
    make_label(image, "said by hand")
    page = admin_client.get(f"{LIST}{image.pk}/change/").content.decode()
    for text in (
        "a lion",
        "77",
        "Cards",
        "seen by a machine",
        "claude-x",
        "90% sure",
        "said by hand",
        "<dt>Steps</dt><dd>20</dd>",
    ):
        assert text in page


def form_of(client: Client, image: Image) -> dict[str, Any]:
    """What the browser would send of the untouched page."""
    context = client.get(f"{LIST}{image.pk}/change/").context
    data: dict[str, Any] = {}
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is not None and value is not False:
                data[bound.html_name] = "on" if value is True else value
    return data


def test_its_page_adds_a_label_by_hand(admin_client: Client, admin_user: Any) -> None:
    image = make_row()
    data = form_of(admin_client, image)
    data |= {"labels-0-kind": "caption", "labels-0-text": "A round thing."}
    response = admin_client.post(f"{LIST}{image.pk}/change/", data)
    assert response.status_code == 302
    label = Label.objects.get()
    assert (label.text, label.source, label.created_by) == ("A round thing.", "manual", admin_user)


def test_its_page_pins_a_machines_label_but_never_rewrites_it(admin_client: Client) -> None:
    image = make_row()
    label = make_label(image, "by a machine", source="claude")
    data = form_of(admin_client, image)
    data |= {"labels-2-0-is_pinned": "on", "labels-2-0-text": "rewritten"}
    assert admin_client.post(f"{LIST}{image.pk}/change/", data).status_code == 302
    label.refresh_from_db()
    assert (label.text, label.is_pinned) == ("by a machine", True)


@pytest.mark.parametrize("rating", ["SAFE", "EXPLICIT"])
def test_its_page_takes_over_a_rating_by_hand(
    admin_client: Client, media: Path, django_capture_on_commit_callbacks: Any, rating: str
) -> None:
    image = make_image()
    data = form_of(admin_client, image) | {"labels-0-kind": "rating", "labels-0-text": rating}
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(f"{LIST}{image.pk}/change/", data).status_code == 302
    changed = Image.objects.get()
    assert (changed.rating, changed.is_nsfw) == (rating, rating == "EXPLICIT")
    assert changed.sharp_key != image.sharp_key


def test_its_page_refuses_a_rating_that_is_none(admin_client: Client) -> None:
    image = make_row()
    data = form_of(admin_client, image) | {"labels-0-kind": "rating", "labels-0-text": "LEWD"}
    page = admin_client.post(f"{LIST}{image.pk}/change/", data)
    assert page.status_code == 200
    assert "SAFE, SUGGESTIVE, ADULT, EXPLICIT" in page.content.decode()
    assert not Label.objects.exists()


def test_pinning_an_old_rating_rates_nothing(
    admin_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    image = make_row(rating="ADULT")
    label = make_label(image, "SAFE", kind="rating")
    data = form_of(admin_client, image) | {"labels-0-is_pinned": "on"}
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(f"{LIST}{image.pk}/change/", data).status_code == 302
    label.refresh_from_db()
    assert (label.is_pinned, Image.objects.get().rating) == (True, "ADULT")


def test_one_label_of_a_kind_is_pinned(admin_client: Client) -> None:
    image = make_row()
    tag = make_label(image, "round", kind="tag", is_pinned=True)
    hand = make_label(image, "by hand", is_pinned=True)
    machine = make_label(image, "by a machine", source="claude")

    def pinned() -> set[str]:
        return set(Label.objects.filter(is_pinned=True).values_list("text", flat=True))

    data = form_of(admin_client, image) | {"labels-2-0-is_pinned": "on"}
    assert admin_client.post(f"{LIST}{image.pk}/change/", data).status_code == 302
    assert pinned() == {tag.text, machine.text}
    body = {"kind": "caption", "text": "by hand", "is_pinned": "on"}
    address = f"/admin/gallery/label/{hand.pk}/change/"
    assert admin_client.post(address, body).status_code == 302
    assert pinned() == {tag.text, hand.text}


def test_the_page_of_a_label_takes_over_a_rating(
    admin_client: Client, media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    image = make_image()
    body = {"image": image.pk, "kind": "rating", "text": "LEWD"}
    page = admin_client.post("/admin/gallery/label/add/", body).content.decode()
    assert "A rating is one of" in page
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post("/admin/gallery/label/add/", {**body, "text": "ADULT"})
    assert (Label.objects.get().text, Image.objects.get().rating) == ("ADULT", "ADULT")


def test_its_page_changes_rating_and_visibility_in_one_place(
    admin_client: Client, media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    image = make_image()
    data = form_of(admin_client, image) | {"rating": "EXPLICIT"}
    data.pop("is_public")
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(f"{LIST}{image.pk}/change/", data).status_code == 302
    changed = Image.objects.get()
    assert (changed.rating, changed.is_nsfw, changed.is_public) == ("EXPLICIT", True, False)
    assert changed.sharp_key != image.sharp_key
    assert changed.blurred_key != image.blurred_key


def test_its_add_page_is_the_upload(admin_client: Client) -> None:
    response = admin_client.get(reverse("admin:gallery_image_add"))
    assert response["Location"] == reverse("admin:gallery_image_upload")


def test_its_page_asks_no_more_for_more_of_everything(admin_client: Client) -> None:
    image = make_row()
    address = f"{LIST}{image.pk}/change/"

    def grow(name: str) -> int:
        make_album(name, [image])
        make_label(image, name)
        make_label(image, name, source="claude")
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(address).status_code == 200
        return len(queries)

    admin_client.get(address)
    first = grow("one")
    grow("two")
    assert grow("three") == first
