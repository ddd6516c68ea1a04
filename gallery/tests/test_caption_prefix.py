"""A trigger word before the captions of an album."""

from typing import Any

import pytest

from gallery import labels
from gallery.captions import choose
from gallery.label_changes import Action, Change, start, undo
from gallery.models import Image, Label
from gallery.selections import Selection
from gallery.tests.factories import make_admin, make_album, make_label, make_row, make_tagged

pytestmark = pytest.mark.django_db
CLAUDE = Label.Source.CLAUDE


def prefix(images: list[Image], word: str = "sks", **more: Any) -> Any:
    album = make_album("", images)
    return start(Change(Action.PREFIX, trigger_word=word), Selection(album=album.pk), **more)


def speaks(image: Image) -> Label | None:
    return choose(image.labels.filter(kind=Label.Kind.CAPTION))


def caption(image: Image) -> str:
    found = speaks(image)
    return "" if found is None else found.text


def test_the_word_stands_before_the_caption_that_speaks(admin_user: Any) -> None:
    image = make_row()
    make_label(image, "imported", source=Label.Source.IMPORTED)
    old = make_label(
        image, "a red fox", source=CLAUDE, model="m-1", prompt_kind="sd_training",
        prompt_version="2", confidence=0.8,
    )  # fmt: skip
    row = prefix([image], created_by=admin_user)
    assert row.images == 1
    new = speaks(image)
    assert new is not None
    assert (new.text, new.source, new.created_by) == ("sks, a red fox", "manual", admin_user)
    assert (new.model, new.prompt_kind, new.prompt_version, new.confidence) == (
        "m-1", "sd_training", "2", 0.8,
    )  # fmt: skip
    old.refresh_from_db()
    assert old.text == "a red fox"
    assert image.labels.count() == 3
    assert not image.labels.filter(is_pinned=True).exists()


def test_it_is_not_doubled() -> None:
    said, other = make_row(), make_row()
    make_label(said, "SKS, a fox")
    make_label(other, "a fox")
    assert prefix([said, other]).images == 1
    assert prefix([said, other]) is None
    assert (caption(said), caption(other)) == ("SKS, a fox", "sks, a fox")


def test_a_pin_is_taken_over_with_who_decided_so() -> None:
    image, anna = make_row(), make_admin("anna")
    old = make_label(image, "pinned", source=Label.Source.LOCAL)
    make_label(image, "by hand")
    labels.pin(old, pinned_by=anna)
    row = prefix([image], created_by=make_admin("ben"))
    new = speaks(image)
    assert new is not None
    assert (new.text, new.is_pinned) == ("sks, pinned", True)
    assert (new.pinned_by, new.pinned_at) == (anna, old.pinned_at)
    assert image.labels.filter(is_pinned=True).count() == 1
    undo(row)
    again = speaks(image)
    assert again == old
    assert again is not None
    assert (again.is_pinned, again.pinned_by, again.pinned_at) == (True, anna, old.pinned_at)


def test_what_has_no_caption_is_left_alone() -> None:
    bare, tagged, outside, empty = make_row(prompt="x"), make_tagged("fox"), make_row(), make_row()
    make_label(outside, "a fox")
    make_label(empty, "   ")
    assert prefix([bare, tagged, empty]) is None
    assert caption(outside) == "a fox"


def test_lines_of_a_caption_stay_and_the_word_is_one_line() -> None:
    image = make_row()
    make_label(image, "a fox\nat night")
    prefix([image], "  night   style ")
    assert caption(image) == "night style, a fox\nat night"


def test_pictures_are_found_by_the_word() -> None:
    image = make_row()
    make_label(image, "a fox")
    prefix([image], "zorrito")
    assert list(Selection(q="zorrito").parts(9)) == [[image.pk]]
