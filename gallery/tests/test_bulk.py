"""One change of many pictures, at once and by a job."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery import bulk, trash
from gallery.bulk import Action, Change, ChangeRefused
from gallery.models import Album, Image, Rating
from gallery.tests.factories import make_album, make_image, make_row
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_PART", 2)


def run(job: Job) -> Job:
    execute(job.pk)
    job.refresh_from_db()
    return job


@given(st.lists(st.integers(0, 30), max_size=40))
def test_ranges_keep_ids_and_their_order(ids: list[int]) -> None:
    assert bulk.from_ranges(bulk.to_ranges(ids)) == ids
    assert bulk.number_in_ranges(bulk.to_ranges(ids)) == len(ids)


def test_ranges_are_short_where_ids_are_neighbours() -> None:
    assert bulk.to_ranges(range(100_000, 0, -1)) == "100000-1"
    assert bulk.to_ranges([9, 8, 7, 3, 12, 13]) == "9-7,3,12-13"
    assert bulk.to_ranges([]) == ""


def test_an_album_takes_them_in_the_given_order() -> None:
    images = [make_row() for _ in range(5)]
    album = make_album("Deck", images[:1])
    wanted = [image.pk for image in reversed(images)]
    change = Change(Action.ADD_TO_ALBUM, album=album.pk)
    assert bulk.apply(change, wanted) == 4
    order = album.entries.order_by("position").values_list("image_id", flat=True)
    assert list(order) == [images[0].pk, *wanted[:-1]]
    assert bulk.told(change, 5, 4) == "4 pictures added to “Deck”; 1 picture was in it before."


def test_moving_takes_only_what_was_in_the_album() -> None:
    first, second, stranger = make_row(), make_row(), make_row()
    here, there = make_album("Here", [first, second]), make_album("There")
    change = Change(Action.MOVE_TO_ALBUM, album=there.pk, leaving=here.pk)
    assert bulk.apply(change, [first.pk, second.pk, stranger.pk]) == 2
    assert not here.images.exists()
    assert set(there.images.all()) == {first, second}
    assert bulk.apply(change, [first.pk, second.pk]) == 0


def test_a_cover_that_leaves_is_no_cover() -> None:
    image = make_row()
    album = make_album("Deck", [image])
    Album.objects.filter(pk=album.pk).update(cover=image)
    assert bulk.apply(Change(Action.REMOVE_FROM_ALBUM, leaving=album.pk), [image.pk]) == 1
    album.refresh_from_db()
    assert album.cover is None


def test_what_is_deleted_comes_back(admin_user: Any) -> None:
    ids = [make_row().pk for _ in range(3)]
    assert bulk.apply(Change(Action.DELETE), ids, changed_by=admin_user) == 3
    assert set(Image.everything.values_list("deleted_by", flat=True)) == {admin_user.pk}
    assert bulk.apply(Change(Action.RESTORE), ids) == 3
    assert Image.objects.count() == 3


def test_an_album_that_is_gone_is_said() -> None:
    image = make_row()
    for change in (
        Change(Action.ADD_TO_ALBUM, album=10**9),
        Change(Action.REMOVE_FROM_ALBUM, leaving=10**9),
        Change(Action.MOVE_TO_ALBUM, album=10**9, leaving=make_album("Here", [image]).pk),
    ):
        with pytest.raises(ChangeRefused, match="deleted meanwhile"):
            bulk.apply(change, [image.pk])


def test_pictures_that_are_gone_are_passed_over() -> None:
    image, deleted = make_row(), make_row()
    trash.move_to_trash([deleted.pk])
    album = make_album("Deck")
    wanted = [deleted.pk, image.pk, 10**9]
    assert bulk.apply(Change(Action.ADD_TO_ALBUM, album=album.pk), wanted) == 1
    assert bulk.apply(Change(Action.MAKE_PRIVATE), wanted) == 1


@pytest.mark.usefixtures("media")
def test_it_stops_between_parts_and_does_the_rest_later() -> None:
    ids = [make_image(number, width=8, height=8).pk for number in range(5)]

    class Stop(Exception):
        pass

    def report(done: int, total: int) -> None:
        if done == 4:
            raise Stop

    change = Change(Action.SET_RATING, rating=Rating.ADULT)
    with pytest.raises(Stop):
        bulk.apply(change, ids, report=report)
    assert Image.objects.filter(rating=Rating.ADULT).count() == 4
    assert bulk.apply(change, ids) == 1


def test_a_job_does_it_and_says_how_many(admin_user: Any) -> None:
    images = [make_row() for _ in range(5)]
    here, there = make_album("Here", images), make_album("There")
    change = Change(Action.MOVE_TO_ALBUM, album=there.pk, leaving=here.pk)
    job = bulk.submit_change(change, [image.pk for image in images], created_by=admin_user)
    assert job.title == "Move to an album: 5 pictures"
    run(job)
    assert (job.status, job.error) == (Status.COMPLETED, "")
    assert job.result == {"pictures": 5, "changed": 5, "album": there.pk}
    assert job.log_lines.get().text == "5 pictures moved from “Here” to “There”."
    assert (job.progress_done, job.progress_total) == (5, 5)


def test_a_job_fails_with_a_sentence_when_its_album_is_gone() -> None:
    album = make_album("Deck")
    job = bulk.submit_change(Change(Action.ADD_TO_ALBUM, album=album.pk), [make_row().pk])
    album.delete()
    run(job)
    assert job.status == Status.FAILED
    assert job.error == "The album was deleted meanwhile; nothing was changed."


def test_taking_back_waits_for_the_deletion_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    image = make_row()
    deletion = bulk.submit_change(Change(Action.DELETE), [image.pk])
    undo = bulk.submit_change(Change(Action.RESTORE), [image.pk], behind=str(deletion.pk))
    monkeypatch.setattr("gallery.jobs.time.sleep", lambda seconds: run(deletion))
    run(undo)
    assert undo.result is not None
    assert undo.result["changed"] == 1
    assert Image.objects.get() == image
