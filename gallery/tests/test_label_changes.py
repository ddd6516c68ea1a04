"""Tags of many pictures changed at once and by a job, and changes taken back."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gallery import label_changes, label_steps, labels, tag_counts, tag_names, trash
from gallery.label_changes import Action, Change, UndoRefused, checked, start, undo
from gallery.models import Image, Label, Tag
from gallery.selections import Selection, SelectionRefused
from gallery.tag_models import LabelChange, LabelChangeStep, RejectedTag
from gallery.tag_names import TagRefused
from gallery.tests.factories import make_album, make_label, make_tagged
from imagineer.jobs import states
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute
from imagineer.tests.plans import is_walked, plan, reading

pytestmark = pytest.mark.django_db
EVERYTHING = Selection(everything=True)
CLAUDE, TAG = Label.Source.CLAUDE, Label.Kind.TAG


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PART", "_COUNTING_PART", "AT_ONCE"):
        monkeypatch.setattr(label_changes, name, 2)
    monkeypatch.setattr(label_steps, "_PART", 3)


def tags(image: Image) -> set[str]:
    return set(image.tags.values_list("name", flat=True))


def every_label() -> list[tuple[Any, ...]]:
    return sorted(Label.objects.values_list("image", "kind", "text", "source", "is_pinned"))


def run(job: Job | None) -> Job:
    assert job is not None
    execute(job.pk)
    job.refresh_from_db()
    return job


def done(change: Change, selection: Selection = EVERYTHING, **more: Any) -> LabelChange:
    row = start(change, selection, **more)
    assert row is not None
    return row


# --- What each action does -----------------------------------------------------------------------


def test_a_tag_is_removed_and_stays_off_when_claude_says_it_again(admin_user: Any) -> None:
    fox, other = make_tagged("Fox", "night", source=CLAUDE), make_tagged("owl")
    before = every_label()
    row = done(Change(Action.REMOVE, ("fox",)), created_by=admin_user)
    assert (row.images, row.job, row.created_by) == (1, None, admin_user)
    assert (tags(fox), tags(other)) == ({"night"}, {"owl"})
    assert every_label() == before
    assert RejectedTag.objects.get().rejected_by == admin_user
    make_label(fox, "fox", kind=TAG, source=CLAUDE)
    assert tags(fox) == {"night"}


def test_a_tag_is_renamed_where_it_is_carried() -> None:
    fox, both, owl = make_tagged("fox"), make_tagged("fox", "vulpes"), make_tagged("owl")
    assert done(Change(Action.RENAME, ("Fox",), "Vulpes")).images == 2
    assert (tags(fox), tags(both), tags(owl)) == ({"vulpes"}, {"vulpes"}, {"owl"})
    said = fox.labels.values_list("text", "source").order_by("pk")
    assert list(said) == [("fox", "manual"), ("vulpes", "manual")]
    assert both.labels.count() == 2


def test_several_become_one() -> None:
    images = [make_tagged("grey"), make_tagged("gray", "fog"), make_tagged("fog")]
    done(Change(Action.MERGE, ("grey", "gray"), "grey tones"))
    assert [tags(image) for image in images] == [{"grey tones"}, {"grey tones", "fog"}, {"fog"}]


def test_one_of_them_may_be_what_they_become() -> None:
    images = [make_tagged("grey"), make_tagged("gray")]
    assert done(Change(Action.MERGE, ("grey", "gray"), "grey")).images == 1
    assert [tags(image) for image in images] == [{"grey"}, {"grey"}]


def test_tags_are_added_where_they_are_missing(admin_user: Any) -> None:
    images = [make_tagged("fox", source=CLAUDE), make_tagged("owl")]
    row = done(Change(Action.ADD, ("fox", "bird")), created_by=admin_user)
    assert row.images == 2
    assert [tags(image) for image in images] == [{"fox", "bird"}, {"owl", "fox", "bird"}]
    assert Label.objects.filter(text="fox").count() == 2
    assert Label.objects.get(image=images[1], text="bird").created_by == admin_user


def test_rare_tags_are_pruned_in_an_album_alone() -> None:
    inside = [make_tagged("fox", "rare"), make_tagged("fox", "odd", "odder")]
    outside = make_tagged("rare", "fox")
    album = make_album("Deck", inside)
    assert done(Change(Action.PRUNE, fewer_than=2), Selection(album=album.pk)).images == 2
    assert [tags(image) for image in inside] == [{"fox"}, {"fox"}]
    assert tags(outside) == {"rare", "fox"}


def test_rare_tags_are_pruned_in_the_whole_gallery() -> None:
    images = [make_tagged("fox", "rare"), make_tagged("fox"), make_tagged("owl")]
    trash.move_to_trash([make_tagged("owl").pk])
    assert done(Change(Action.PRUNE, fewer_than=2)).images == 2
    assert [tags(image) for image in images] == [{"fox"}, {"fox"}, set()]


def test_a_search_is_changed_although_the_change_ends_its_matches() -> None:
    images = [make_tagged("fox") for _ in range(3)]
    done(Change(Action.REMOVE, ("fox",)), Selection(q="tag:fox"))
    assert [tags(image) for image in images] == [set()] * 3


def test_aliases_are_understood_on_both_sides() -> None:
    tag_names.add_alias("puss", "cat")
    tag_names.add_alias("hound", "dog")
    image = make_tagged("puss")
    done(Change(Action.RENAME, ("Puss",), "Hound"))
    assert tags(image) == {"dog"}
    assert Label.objects.filter(text="dog").exists()


def test_pictures_in_the_trash_are_left_alone() -> None:
    image = make_tagged("fox")
    trash.move_to_trash([image.pk])
    assert start(Change(Action.REMOVE, ("fox",)), Selection(images=(image.pk,))) is None
    assert start(Change(Action.REMOVE, ("fox",)), EVERYTHING) is None


def test_where_nothing_is_to_change_nothing_is_written_down() -> None:
    make_tagged("fox")
    assert start(Change(Action.ADD, ("fox",)), EVERYTHING) is None
    assert start(Change(Action.REMOVE, ("owl",)), EVERYTHING) is None
    assert not LabelChange.objects.exists()
    assert not LabelChangeStep.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Change(Action.REMOVE), "tags"),
        (Change(Action.REMOVE, ("fox", "#.")), "tags"),
        (Change(Action.REMOVE, ("fox",), to="owl"), "to"),
        (Change(Action.RENAME, ("fox",)), "to"),
        (Change(Action.RENAME, ("fox",), "#"), "to"),
        (Change(Action.RENAME, ("fox", "owl"), "bird"), "tags"),
        (Change(Action.RENAME, ("fox",), "Fox "), "to"),
        (Change(Action.RENAME, ("puss",), "cat"), "to"),
        (Change(Action.MERGE, ("puss", "cat"), "cat"), "to"),
        (Change(Action.ADD, tuple(f"tag {number}" for number in range(51))), "tags"),
        (Change(Action.PRUNE), "fewer_than"),
        (Change(Action.PRUNE, fewer_than=1), "fewer_than"),
        (Change(Action.PRUNE, fewer_than=1_000_001), "fewer_than"),
        (Change(Action.PRUNE, ("fox",), fewer_than=3), "tags"),
        (Change(Action.PREFIX), "trigger_word"),
        (Change(Action.PREFIX, trigger_word="x" * 101), "trigger_word"),
        (Change(Action.PREFIX, trigger_word="a\x00b"), "trigger_word"),
        (Change(Action.PREFIX, trigger_word="sks", fewer_than=2), "fewer_than"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(change: Change, field: str) -> None:
    tag_names.add_alias("puss", "cat")
    make_tagged("fox", "puss", "cat")
    before = every_label()
    with pytest.raises(TagRefused) as refused:
        start(change, EVERYTHING)
    assert refused.value.field == field
    assert every_label() == before


def test_a_selection_of_nothing_is_refused() -> None:
    with pytest.raises(SelectionRefused):
        start(Change(Action.REMOVE, ("fox",)), Selection())


def test_tags_are_told_in_their_one_spelling() -> None:
    change = checked(Change(Action.MERGE, ("Grey_Tones", "grey tones", "GRAY"), "Fog "))
    assert (change.tags, change.to) == (("grey tones", "gray"), "fog")


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (Change(Action.ADD, ("a", "b")), "Add “a”, “b” to “Deck”"),
        (
            Change(Action.REMOVE, ("a", "b", "c", "d", "e")),
            "Remove “a”, “b”, “c” and 2 more from “Deck”",
        ),
        (Change(Action.RENAME, ("a",), "b"), "Rename “a” to “b” in “Deck”"),
        (Change(Action.MERGE, ("a", "b"), "c"), "Merge “a”, “b” into “c” in “Deck”"),
        (Change(Action.PRUNE, fewer_than=3), "Prune tags on fewer than 3 pictures from “Deck”"),
        (Change(Action.PREFIX, trigger_word="sks"), "Put “sks” before the captions of “Deck”"),
    ],
)  # fmt: skip
def test_a_change_has_a_title(change: Change, title: str) -> None:
    album = make_album("Deck")
    assert label_changes.title_of(change, Selection(album=album.pk)) == title


# --- By a job ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_parts")
def test_many_are_changed_by_a_job(admin_user: Any) -> None:
    images = [make_tagged("fox") for _ in range(5)]
    row = done(Change(Action.RENAME, ("fox",), "vulpes"), created_by=admin_user)
    assert (row.images, tags(images[0])) == (0, {"fox"})
    job = run(row.job)
    assert (job.status, job.error) == (Status.COMPLETED, "")
    assert job.title == "Rename “fox” to “vulpes” in the whole gallery"
    assert job.result == {"change": row.pk, "pictures": 5}
    assert (job.progress_done, job.progress_total) == (5, 5)
    assert job.log_lines.get().text == "5 pictures changed."
    assert all(tags(image) == {"vulpes"} for image in images)
    row.refresh_from_db()
    assert row.images == 5
    assert set(Label.objects.filter(text="vulpes").values_list("created_by", flat=True)) == {
        admin_user.pk
    }


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    ("change", "selection"),
    [
        (Change(Action.PRUNE, fewer_than=3), Selection(everything=True)),
        (Change(Action.PRUNE, fewer_than=3), Selection(q="fox")),
        (Change(Action.ADD, ("new",)), Selection(q="tag:fox")),
        (Change(Action.PREFIX, trigger_word="sks"), Selection(everything=True)),
    ],
)
def test_a_job_stopped_between_parts_does_the_rest_later(
    change: Change, selection: Selection
) -> None:
    for number in range(5):
        make_label(make_tagged("fox", f"rare {number}", f"odd {number % 2}"), f"caption {number}")
    row = done(change, selection)
    assert row.job is not None

    class Stop(Exception):
        pass

    def report(so_far: int, total: int) -> None:
        if so_far >= 2:
            raise Stop

    with pytest.raises(Stop):
        label_changes.run(row, report)
    row.refresh_from_db()
    assert 0 < row.images < 5
    label_changes.run(row, lambda so_far, total: None)
    finished = every_label(), {image.pk: tags(image) for image in Image.objects.all()}
    row.refresh_from_db()
    assert row.images == 5
    label_changes.run(row, lambda so_far, total: None)
    assert (every_label(), {image.pk: tags(image) for image in Image.objects.all()}) == finished


@pytest.mark.usefixtures("small_parts")
def test_tags_of_too_many_pictures_are_counted_by_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [make_tagged("fox", f"rare {number}") for number in range(3)]
    monkeypatch.setattr(label_changes, "COUNTED_AT_MOST", 2)
    row = done(Change(Action.PRUNE, fewer_than=2), Selection(q="fox"))
    run(row.job)
    assert all(tags(image) == {"fox"} for image in images)


@pytest.mark.usefixtures("small_parts")
def test_a_job_whose_change_was_undone_makes_it_no_more() -> None:
    images = [make_tagged("fox") for _ in range(3)]
    row = done(Change(Action.REMOVE, ("fox",)))
    assert row.job is not None
    states.cancel(row.job)
    LabelChange.objects.filter(pk=row.pk).update(undone_at=timezone.now())
    states.retry(Job.objects.get(pk=row.job.pk))
    job = run(row.job)
    assert (job.status, job.error) == (
        Status.FAILED, "This change was undone; ask for it again.",
    )  # fmt: skip
    assert tags(images[0]) == {"fox"}


@pytest.mark.usefixtures("small_parts")
def test_a_job_whose_change_is_gone_fails_with_a_sentence() -> None:
    for _ in range(3):
        make_tagged("fox")
    row = done(Change(Action.REMOVE, ("fox",)))
    LabelChange.objects.filter(pk=row.pk).delete()
    assert "not known any more" in run(row.job).error


def test_an_album_that_is_gone_has_no_pictures_to_change() -> None:
    make_tagged("fox")
    row = LabelChange.objects.create(
        action=Action.REMOVE,
        title="x",
        asked={
            "action": "remove", "tags": ["fox"], "to": "", "fewer_than": 0, "trigger_word": "",
            "selection": Selection(album=10**9).params(),
        },
    )  # fmt: skip
    assert label_changes.run(row, lambda so_far, total: None) == 0


# --- Undoing -------------------------------------------------------------------------------------


def state() -> Any:
    return (
        every_label(),
        sorted(RejectedTag.objects.values_list("image", "tag__name")),
        {image.pk: tags(image) for image in Image.objects.all()},
    )


@pytest.mark.parametrize(
    "change",
    [
        Change(Action.REMOVE, ("fox",)),
        Change(Action.RENAME, ("fox",), "vulpes"),
        Change(Action.MERGE, ("fox", "owl"), "animal"),
        Change(Action.ADD, ("taken off", "new")),
        Change(Action.PRUNE, fewer_than=2),
        Change(Action.PREFIX, trigger_word="sks"),
    ],
)
@pytest.mark.parametrize("by_job", [False, True])
def test_a_change_is_undone(
    change: Change, by_job: bool, monkeypatch: pytest.MonkeyPatch, admin_user: Any
) -> None:
    images = [make_tagged("fox", "taken off"), make_tagged("fox", "owl"), make_tagged("rare")]
    for image in images:
        labels.pin(make_label(image, "a caption", source=CLAUDE))
    done(Change(Action.REMOVE, ("taken off",)))
    before = state()
    row = done(change, created_by=admin_user)
    assert state() != before
    if by_job:
        monkeypatch.setattr(label_changes, "AT_ONCE", 0)
        monkeypatch.setattr(label_steps, "_PART", 2)
    job = undo(row, asked_by=admin_user)
    assert (job is not None) == by_job
    if job is not None:
        run(job)
        assert (job.title, job.status) == (f"Undo: {row.title}", Status.COMPLETED)
    assert state() == before
    row.refresh_from_db()
    assert row.undone_at is not None
    assert not row.steps.exists()


def test_a_change_that_a_cancel_cut_short_is_undone_as_far_as_it_went(
    small_parts: None,
) -> None:
    for _ in range(5):
        make_tagged("fox")
    before = state()
    row = done(Change(Action.REMOVE, ("fox",)))
    assert row.job is not None
    states.cancel(row.job)

    class Stop(Exception):
        pass

    def report(so_far: int, total: int) -> None:
        if so_far >= 2:
            raise Stop

    with pytest.raises(Stop):
        label_changes.run(row, report)
    assert state() != before
    undo(LabelChange.objects.get(pk=row.pk))
    assert state() == before


def test_an_undoing_job_that_was_stopped_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        make_tagged("fox")
    before = state()
    row = done(Change(Action.RENAME, ("fox",), "vulpes"))
    monkeypatch.setattr(label_changes, "AT_ONCE", 0)
    monkeypatch.setattr(label_steps, "_PART", 3)
    job = undo(row)

    class Stop(Exception):
        pass

    def report(so_far: int) -> None:
        if so_far >= 3:
            raise Stop

    with pytest.raises(Stop):
        label_steps.undo(row, report)
    assert state() != before
    run(job)
    assert state() == before


def test_changes_are_undone_the_last_first() -> None:
    make_tagged("fox")
    first = done(Change(Action.REMOVE, ("fox",)))
    second = done(Change(Action.ADD, ("owl",)))
    with pytest.raises(UndoRefused, match="Only the last change can be undone"):
        undo(first)
    undo(second)
    with pytest.raises(UndoRefused, match="undone before"):
        undo(LabelChange.objects.get(pk=second.pk))
    undo(first)
    assert label_changes.last_undoable() is None


@pytest.mark.usefixtures("small_parts")
def test_nothing_is_undone_while_a_change_is_made() -> None:
    make_tagged("owl")
    row = done(Change(Action.REMOVE, ("owl",)))
    for _ in range(5):
        make_tagged("fox")
    done(Change(Action.REMOVE, ("fox",)))
    with pytest.raises(UndoRefused, match="is being made"):
        undo(row)


def test_what_was_edited_since_stays() -> None:
    image = make_tagged("fox")
    row = done(Change(Action.ADD, ("owl",)))
    labels.reword(Label.objects.get(text="owl"), "barn owl")
    undo(row)
    assert tags(image) == {"fox", "barn owl"}


def test_what_was_pinned_since_stays_pinned() -> None:
    image = make_tagged()
    old = make_label(image, "a caption", source=CLAUDE)
    labels.pin(old)
    row = done(Change(Action.PREFIX, trigger_word="sks"))
    other = make_label(image, "another", source=CLAUDE)
    labels.pin(other)
    undo(row)
    assert list(image.labels.filter(is_pinned=True)) == [other]


def test_pictures_that_are_gone_hinder_no_undoing() -> None:
    gone, trashed, here = make_tagged("fox"), make_tagged("fox"), make_tagged("fox")
    row = done(Change(Action.RENAME, ("fox",), "vulpes"))
    gone.delete()
    trash.move_to_trash([trashed.pk])
    undo(row)
    assert tags(here) == {"fox"}
    trash.restore([trashed.pk])
    assert tags(trashed) == {"fox"}


def test_after_thirty_days_the_sweep_forgets_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_steps, "_PART", 1)
    make_tagged("fox"), make_tagged("fox")
    row = done(Change(Action.RENAME, ("fox",), "vulpes"))
    kept = done(Change(Action.ADD, ("owl",)))
    LabelChange.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert label_steps.forget_old() == 4
    assert label_steps.forget_old() == 0
    assert not row.steps.exists()
    assert kept.steps.count() == 2
    LabelChange.objects.filter(pk=kept.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert label_changes.last_undoable() is None
    with pytest.raises(UndoRefused, match="within 30 days"):
        undo(kept)


def test_the_daily_sweep_does_so(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    make_tagged("fox")
    row = done(Change(Action.REMOVE, ("fox",)))
    LabelChange.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=31))
    run(Job.objects.create(kind="gallery.sweep", queue="default", status=Status.QUEUED))
    assert not row.steps.exists()


# --- Its cost ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        Change(Action.RENAME, ("fox",), "vulpes"),
        Change(Action.ADD, ("new",)),
        Change(Action.PRUNE, fewer_than=2),
        Change(Action.PREFIX, trigger_word="sks"),
    ],
)
@pytest.mark.parametrize("selection", ["everything", "album", "q", "images"])
def test_it_reads_along_indices(change: Change, selection: str) -> None:
    image = make_tagged("fox", "owl")
    make_label(image, "a caption")
    album = make_album("Deck", [image])
    chosen = {
        "everything": EVERYTHING,
        "album": Selection(album=album.pk),
        "q": Selection(q="tag:fox"),
        "images": Selection(images=(image.pk,)),
    }[selection]
    with CaptureQueriesContext(connection) as asked:
        row = done(change, chosen)
        undo(row)
    for sql in reading(asked.captured_queries):
        walked = [step for step in plan(sql) if is_walked(step)]
        # The list of changes is one of people.
        assert not walked or "gallery_labelchange" in sql, (sql, walked)


def test_a_picture_more_costs_no_query_more() -> None:
    for _ in range(3):
        make_tagged("fox", "night")
    with CaptureQueriesContext(connection) as few:
        undo(done(Change(Action.RENAME, ("fox",), "vulpes")))
    for _ in range(20):
        make_tagged("fox", "night")
    with CaptureQueriesContext(connection) as many:
        undo(done(Change(Action.RENAME, ("fox",), "vulpes")))
    assert len(many) <= len(few)


def test_kept_counts_are_enough_to_prune_the_gallery(django_assert_num_queries: Any) -> None:
    for number in range(4):
        make_tagged("fox", f"rare {number}")
    with django_assert_num_queries(1):
        rare = tag_counts.rare(EVERYTHING, 2)
    assert rare == {f"rare {number}": 1 for number in range(4)}
    assert Tag.objects.get(name="fox").live_count == 4
