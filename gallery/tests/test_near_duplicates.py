"""Near-duplicates: finding them, merging and parting them, their page and API."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import Settings

from gallery import labels, near_duplicates, rejected_tags, trash
from gallery.models import Album, Image, Label, NearDuplicate, Rating
from gallery.near_duplicates import KIND, NotAPair, better, find, merge, open_pairs
from gallery.tests.factories import make_album, make_image, make_label, make_row
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = pytest.mark.django_db
PAGE = "/admin/gallery/image/duplicates/"


def found_pairs() -> set[tuple[int, int]]:
    return set(open_pairs().values_list("first_id", "second_id"))


def make_pair(**columns: Any) -> NearDuplicate:
    make_row(phash=0)
    make_row(phash=1, **columns)
    find()
    return open_pairs().get()


# --- Finding ------------------------------------------------------------------------------------


def test_it_finds_each_pair_once_within_the_radius(settings: Settings) -> None:
    settings.NEAR_DUPLICATE_RADIUS = 3
    a, b = make_row(phash=0), make_row(phash=0b111)
    make_row(phash=0b11111111)
    make_row(phash=None)
    assert find() == (1, Image.objects.order_by("-pk")[0].pk)
    assert found_pairs() == {(a.pk, b.pk)}
    assert open_pairs().get().distance == 3
    assert find()[0] == 0


def test_a_later_search_compares_what_came_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "_OVERLAP", 0)
    old = make_row(phash=0)
    _, newest = find()
    new = make_row(phash=1)
    NearDuplicate.objects.all().delete()
    assert find(newest) == (1, new.pk)
    assert found_pairs() == {(old.pk, new.pk)}
    assert find(new.pk) == (0, new.pk)


def test_it_stops_between_parts_and_finds_the_rest_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "_CHUNK", 2)
    for _ in range(5):
        make_row(phash=9)

    class Stop(Exception):
        pass

    def report(done: int, total: int, message: str) -> None:
        assert total == 5
        if done >= 2:
            raise Stop

    with pytest.raises(Stop):
        find(report=report)
    assert len(found_pairs()) == 1
    assert find()[0] == 9
    assert len(found_pairs()) == 10


def test_many_copies_of_one_picture_do_not_pair_with_all() -> None:
    for _ in range(40):
        make_row(phash=9)
    find()
    assert len(found_pairs()) <= 40 * 12


def test_the_trash_is_left_out_until_it_is_taken_out() -> None:
    pair = make_pair()
    trash.move_to_trash([pair.first_id])
    assert not found_pairs()
    trash.restore([pair.first_id])
    assert len(found_pairs()) == 1


def test_what_was_parted_stays_so(admin_user: Any) -> None:
    pair = make_pair()
    assert near_duplicates.dismiss(pair, admin_user)
    assert not near_duplicates.dismiss(pair, admin_user)
    pair.refresh_from_db()
    assert pair.dismissed_by == admin_user
    find()
    assert not found_pairs()


def test_the_job_goes_on_where_the_last_one_ended() -> None:
    first, second = make_row(phash=0), make_row(phash=1)
    assert near_duplicates.is_due()
    job = near_duplicates.submit_find()
    assert not near_duplicates.is_due()
    execute(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == (Status.COMPLETED, "")
    assert job.result == {"pairs": 1, "newest": second.pk}
    assert found_pairs() == {(first.pk, second.pk)}
    assert not near_duplicates.is_due()
    assert near_duplicates.submit_find().params == {"after": second.pk}
    assert near_duplicates.submit_find(everything=True).params == {"after": 0}


# --- Merging ------------------------------------------------------------------------------------


def test_the_better_file_has_more_pixels_then_no_loss_then_more_bytes_then_age() -> None:
    small, large = make_row(width=10, height=10), make_row(width=20, height=20)
    assert better(small, large) == better(large, small) == large
    lossy, whole = make_row(format="jpeg", bytes=9000), make_row(format="png", bytes=10)
    assert better(lossy, whole) == whole
    light, heavy = make_row(bytes=10), make_row(bytes=20)
    assert better(light, heavy) == heavy
    older, newer = make_row(), make_row()
    assert better(newer, older) == older


def test_merging_unites_albums_labels_prompt_and_cover() -> None:
    kept, other, third = make_row(), make_row(prompt="a fox", negative_prompt="dog"), make_row()
    deck = make_album("Deck", [third, other], cover=other)
    both = make_album("Both", [kept, other])
    make_label(kept, "fox", kind=Label.Kind.TAG)
    make_label(other, "fox", kind=Label.Kind.TAG)
    make_label(other, "a red fox", source=Label.Source.CLAUDE, confidence=0.9)
    merge(kept, other)
    kept.refresh_from_db()
    assert (kept.prompt, kept.negative_prompt) == ("a fox", "dog")
    assert list(deck.images.order_by("entries__position")) == [third, kept]
    deck.refresh_from_db()
    assert deck.cover == kept
    assert list(both.images.all()) == [kept]
    said = kept.labels.values_list("text", "source", "confidence")
    assert set(said) == {("fox", "manual", None), ("a red fox", "claude", 0.9)}
    assert Image.everything.get(pk=other.pk).deleted_at is not None
    # The other comes back whole.
    trash.restore([other.pk])
    assert other.labels.count() == 2
    assert other.albums.count() == 2


def test_what_was_taken_off_either_is_off_the_kept_one() -> None:
    kept, other = make_row(), make_row()
    for name in ("fox", "owl", "night"):
        make_label(kept, name, kind=Label.Kind.TAG, source=Label.Source.CLAUDE)
    labels.write_label(kept, "tag", "Owl")
    rejected_tags.reject([other.pk], "fox")
    rejected_tags.reject([other.pk], "owl")
    rejected_tags.reject([kept.pk], "night")
    near_duplicates.merge(kept, other)
    assert [tag.name for tag in kept.tags.all()] == ["owl"]


def test_a_kept_picture_keeps_its_own_prompt() -> None:
    kept, other = make_row(prompt="mine"), make_row(prompt="theirs")
    merge(kept, other)
    kept.refresh_from_db()
    assert kept.prompt == "mine"


@pytest.mark.parametrize(
    ("kept", "other", "rating"),
    [("SAFE", "ADULT", "ADULT"), ("EXPLICIT", "SAFE", "EXPLICIT"), ("UNRATED", "SAFE", "SAFE")],
)
def test_the_stricter_rating_wins_and_its_files_move(
    media: Path, kept: str, other: str, rating: str
) -> None:
    one, two = make_image(1, rating=kept), make_image(2, rating=other)
    key = one.sharp_key
    merge(one, two)
    after = Image.objects.get(pk=one.pk)
    assert after.rating == rating
    assert (after.sharp_key != key) == (rating != kept)
    assert after.is_nsfw == (Rating(rating) in (Rating.ADULT, Rating.EXPLICIT))


def test_a_kill_in_between_leaves_a_picture_that_fewer_see(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make_image(1), make_image(2, rating="EXPLICIT", is_public=False)
    monkeypatch.setattr(near_duplicates, "_unite_albums", mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        merge(one, two)
    kept = Image.objects.get(pk=one.pk)
    assert (kept.rating, kept.is_public) == ("EXPLICIT", False)
    assert Image.objects.filter(pk=two.pk).exists()


def test_what_was_private_stays_private(media: Path) -> None:
    one, two = make_image(1), make_image(2, is_public=False)
    merge(one, two)
    assert Image.objects.get(pk=one.pk).is_public is False


def test_one_picture_is_no_pair_and_gone_ones_are_said() -> None:
    image, gone = make_row(), make_row()
    with pytest.raises(NotAPair, match="one and the same"):
        merge(image, image)
    trash.move_to_trash([gone.pk])
    with pytest.raises(NotAPair, match="deleted meanwhile"):
        merge(image, gone)


# --- The page -----------------------------------------------------------------------------------


def act(client: Client, action: str, pair: Any = "") -> str:
    return client.post(PAGE, {"action": action, "pair": pair}, follow=True).content.decode()


def test_its_page_shows_both_with_what_differs(admin_client: Client) -> None:
    assert "Nobody has looked" in admin_client.get(PAGE).content.decode()
    pair = make_pair(width=1000)
    make_album("Deck", [pair.first])
    page = admin_client.get(PAGE).content.decode()
    for words in ("640 × 480", "1000 × 480", "Deck", "1 of 64 bits differ", "better file"):
        assert words in page
    assert page.count('class="differs"') >= 4


@pytest.mark.parametrize(
    ("action", "stays"),
    [("keep_first", "first"), ("keep_second", "second"), ("keep_better", "second")],
)
def test_its_buttons_merge_and_undo_is_offered(
    admin_client: Client, action: str, stays: str
) -> None:
    pair = make_pair(width=1000)
    page = act(admin_client, action, pair.pk)
    kept = getattr(pair, stays)
    assert f"Image {kept.pk} stays" in page
    assert 'value="undo"' in page
    assert list(Image.objects.all()) == [kept]


def test_its_page_parts_a_pair(admin_client: Client) -> None:
    pair = make_pair()
    assert "Both stay." in act(admin_client, "dismiss", pair.pk)
    assert "settled already" in act(admin_client, "dismiss", pair.pk)
    assert Image.objects.count() == 2


@pytest.mark.parametrize(
    ("action", "pair", "said"),
    [
        ("merge", "{pair}", "Choose which of the two stays"),
        ("", "{pair}", "Choose which of the two stays"),
        ("keep_first", "", "settled already"),
        ("keep_first", "1e9", "settled already"),
        ("keep_first", "99999999999999999999", "settled already"),
    ],
)
def test_its_page_refuses_what_it_cannot_do(
    admin_client: Client, action: str, pair: str, said: str
) -> None:
    known = make_pair()
    assert said in act(admin_client, action, pair.format(pair=known.pk))
    assert Image.objects.count() == 2


def test_its_page_starts_a_search(admin_client: Client) -> None:
    make_row(phash=0)
    page = act(admin_client, "find")
    job = Job.objects.get(kind=KIND)
    assert f"/admin/jobs/job/{job.pk}/change/" in page
    assert "is on its way" in page


def test_its_page_asks_no_more_for_more_pairs(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        make_row(phash=0)
    find()
    admin_client.get(PAGE)
    with django_assert_max_num_queries(16):
        admin_client.get(PAGE)


def test_only_admins_come_there(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.get("/api/duplicates").status_code == 401


# --- The API ------------------------------------------------------------------------------------


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(
        f"/api/duplicates/{path}", json.dumps(body or {}), content_type="application/json"
    )


def test_the_api_lists_merges_and_parts(admin_client: Client) -> None:
    pair = make_pair(width=1000)
    told = admin_client.get("/api/duplicates").json()["items"]
    assert [(row["id"], row["distance"], row["better"]) for row in told] == [
        (pair.pk, 1, pair.second_id)
    ]
    assert told[0]["first"]["id"] == pair.first_id
    assert post(admin_client, f"{pair.pk}/merge", {"keep": 10**9}).status_code == 422
    assert post(admin_client, f"{pair.pk}/merge").status_code == 204
    assert Image.objects.get().pk == pair.second_id
    assert post(admin_client, f"{pair.pk}/merge").status_code == 404
    assert post(admin_client, f"{pair.pk}/dismiss").status_code == 404


def test_the_api_keeps_the_one_that_is_named(admin_client: Client) -> None:
    pair = make_pair(width=1000)
    assert post(admin_client, f"{pair.pk}/merge", {"keep": pair.first_id}).status_code == 204
    assert Image.objects.get().pk == pair.first_id


def test_the_api_parts(admin_client: Client) -> None:
    pair = make_pair()
    assert post(admin_client, f"{pair.pk}/dismiss").status_code == 204
    assert admin_client.get("/api/duplicates").json()["items"] == []


def test_the_api_starts_a_search(admin_client: Client) -> None:
    answer = post(admin_client, "find", {"everything": True})
    assert answer.status_code == 202
    assert Job.objects.get(pk=answer.json()["id"]).params == {"after": 0}


def test_files_of_the_other_stay_until_the_trash_is_emptied(media: Path) -> None:
    one, two = make_image(1), make_image(2)
    merge(one, two)
    assert default_storage.exists(str(two.file.name))
    assert Album.objects.count() == 0
