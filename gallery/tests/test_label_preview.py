"""What a change of tags or captions would do, told before it is made."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery import label_preview, tag_names
from gallery.label_changes import Action, Change, start
from gallery.label_preview import Silenced, preview
from gallery.models import Image, ImageTag, Label, Tag
from gallery.selections import Selection, SelectionRefused
from gallery.tag_models import LabelChange, RejectedTag
from gallery.tag_names import TagRefused
from gallery.tests.factories import make_album, make_label, make_tagged

pytestmark = pytest.mark.django_db
EVERYTHING = Selection(everything=True)
CLAUDE = Label.Source.CLAUDE


def rows() -> tuple[int, ...]:
    models = (Label, Tag, RejectedTag, LabelChange, ImageTag)
    return tuple(model._base_manager.count() for model in models)


def test_it_tells_what_goes_what_comes_and_which_labels_are_not_heard_any_more() -> None:
    make_tagged("Grey", "fog", source=CLAUDE)
    image = make_tagged("gray", source=CLAUDE)
    make_label(image, "grey", kind=Label.Kind.TAG)
    make_tagged("owl")
    before = rows()
    told = preview(Change(Action.MERGE, ("grey", "gray"), "Haze"), EVERYTHING)
    assert (told.images, told.is_more) == (2, False)
    assert told.off == (("grey", 2), ("gray", 1))
    assert told.on == (("haze", 2),)
    assert set(told.silenced) == {
        Silenced("Claude", "Grey", 1),
        Silenced("Claude", "gray", 1),
        Silenced("By hand", "grey", 1),
    }
    assert [(sample.before, sample.after) for sample in told.samples] == [
        (("gray", "grey"), ("haze",)), (("fog", "grey"), ("fog", "haze")),
    ]  # fmt: skip
    assert rows() == before


@pytest.mark.parametrize(
    "change",
    [
        Change(Action.ADD, ("cat", "new")),
        Change(Action.REMOVE, ("cat",)),
        Change(Action.RENAME, ("kitten",), "young cat"),
        Change(Action.MERGE, ("fox", "dog"), "canine"),
        Change(Action.PRUNE, fewer_than=2),
        Change(Action.PREFIX, trigger_word="sks"),
    ],
)
def test_what_it_tells_is_what_is_done(change: Change) -> None:
    tag_names.add_implication("kitten", "cat")
    tag_names.add_alias("vulpes", "fox")
    for names in (("kitten",), ("cat", "dog"), ("vulpes",), ("fox", "dog"), ()):
        make_label(make_tagged(*names), "a caption")
    told = preview(change, EVERYTHING)
    row = start(change, EVERYTHING)
    assert row is not None
    assert told.images == row.images
    steps = row.steps.values_list("kind", flat=True)
    assert list(steps).count("rejected") == sum(number for _, number in told.off)
    assert list(steps).count("wrote") == sum(number for _, number in told.on)
    for sample in told.samples:
        if change.action == Action.PREFIX:
            assert sample.image.labels.filter(text=sample.after[0], source="manual").exists()
        else:
            image = Image.objects.get(pk=sample.image.pk)
            assert sorted(tag.name for tag in image.tags.all()) == list(sample.after)
    assert preview(change, EVERYTHING).images == 0


def test_it_counts_no_further_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        make_tagged("fox")
    monkeypatch.setattr(label_preview, "CHANGED_AT_MOST", 3)
    monkeypatch.setattr(label_preview, "_PART", 2)
    told = preview(Change(Action.REMOVE, ("fox",)), EVERYTHING)
    assert (told.images, told.is_more, told.off) == (3, True, (("fox", 3),))
    monkeypatch.setattr(label_preview, "CHANGED_AT_MOST", 5)
    assert preview(Change(Action.REMOVE, ("fox",)), EVERYTHING).is_more is False


def test_it_looks_no_further_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        make_label(make_tagged(), f"{'sks, ' if number else ''}caption")
    monkeypatch.setattr(label_preview, "LOOKED_AT", 4)
    monkeypatch.setattr(label_preview, "_PART", 2)
    told = preview(Change(Action.PREFIX, trigger_word="sks"), EVERYTHING)
    assert (told.images, told.is_more) == (0, True)


def test_a_pruning_tells_how_many_tags_go() -> None:
    album = make_album("Deck", [make_tagged("fox", "rare"), make_tagged("fox", "odd")])
    told = preview(Change(Action.PRUNE, fewer_than=2), Selection(album=album.pk))
    assert (told.tags, told.off) == (2, (("odd", 1), ("rare", 1)))
    assert preview(Change(Action.REMOVE, ("fox",)), EVERYTHING).tags is None


def test_tags_of_too_many_pictures_are_not_counted_in_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    album = make_album("Deck", [make_tagged("fox"), make_tagged("owl")])
    monkeypatch.setattr(label_preview, "COUNTED_AT_MOST", 1)
    with pytest.raises(TagRefused, match="among at most 1 pictures") as refused:
        preview(Change(Action.PRUNE, fewer_than=2), Selection(album=album.pk))
    assert refused.value.field == "selection"
    assert preview(Change(Action.PRUNE, fewer_than=2), EVERYTHING).tags == 2


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (Change(Action.REMOVE, ("puss",)), "“puss” is an alias: “cat” is meant."),
        (Change(Action.ADD, ("puss",)), "“puss” is an alias: “cat” is meant."),
        (Change(Action.REMOVE, ("unheard",)), "No picture carries “unheard”."),
        (Change(Action.REMOVE, ("cat",)), "What “cat” implies stays: “animal”."),
        (Change(Action.RENAME, ("cat",), "kitten"), "“kitten” implies “cat”, which stays with it."),
        (
            Change(Action.RENAME, ("animal",), "kitten"),
            "“kitten” implies “animal”, which stays with it.",
        ),
    ],
)
def test_it_tells_what_the_rules_of_tags_do(change: Change, note: str) -> None:
    tag_names.add_alias("puss", "cat")
    tag_names.add_implication("kitten", "cat")
    tag_names.add_implication("cat", "animal")
    make_tagged("cat"), make_tagged("animal")
    assert note in preview(change, EVERYTHING).notes


def test_plain_tags_need_no_note() -> None:
    make_tagged("cat")
    assert preview(Change(Action.RENAME, ("cat",), "felis"), EVERYTHING).notes == ()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(TagRefused):
        preview(Change(Action.REMOVE), EVERYTHING)
    with pytest.raises(SelectionRefused):
        preview(Change(Action.REMOVE, ("fox",)), Selection())


def test_a_picture_more_costs_no_query_more() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            preview(Change(Action.RENAME, ("fox",), "vulpes"), EVERYTHING)
        return len(asked)

    make_tagged("fox", "night")
    few = queries()
    for _ in range(20):
        make_tagged("fox", "night")
    assert queries() == few
    assert few <= 16
