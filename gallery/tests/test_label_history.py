"""No word that was said of an image is lost."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from gallery import label_history, labels, near_duplicates, ratings
from gallery.models import FormerLabel, Image, ImageTag, Label
from gallery.tests.factories import make_admin, make_image, make_label, make_row
from imagineer.problems import Problem

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=400)
FACTS = {
    "source": "claude", "model": "m", "prompt_kind": "default", "prompt_version": "3",
    "confidence": 0.25,
}  # fmt: skip


@pytest.fixture
def anna() -> Any:
    return make_admin("anna")


def aged(label: Label) -> Label:
    Label.objects.filter(pk=label.pk).update(created_at=LONG_AGO)
    label.refresh_from_db()
    return label


def test_words_that_are_given_up_are_kept_with_who_and_when(anna: Any) -> None:
    bert = make_admin("bert")
    label = aged(make_label(make_row(), "a fox", source="manual", created_by=bert))
    former = labels.reword(label, "an owl", anna)
    assert (former.text, former.created_by, former.created_at) == ("a fox", bert, LONG_AGO)
    assert (former.label, former.ending, former.ended_by) == (label, "reworded", anna)
    label.refresh_from_db()
    assert (label.text, label.created_by) == ("an owl", anna)
    assert label.created_at > LONG_AGO


def test_a_label_that_is_taken_away_comes_back_as_it_was(anna: Any) -> None:
    image = make_row()
    label = aged(make_label(image, "a fox", **FACTS))
    former = labels.delete_label(label, anna)
    assert not image.labels.exists()
    assert (former.label, former.ending, former.ended_by) == (None, "removed", anna)
    back, instead = label_history.restore(former, anna)
    assert instead is None
    assert {name: getattr(back, name) for name in FACTS} == FACTS
    assert (back.text, back.created_at, back.is_pinned) == ("a fox", LONG_AGO, False)
    assert not FormerLabel.objects.exists()


def test_a_label_takes_its_former_words_back_and_the_later_ones_are_kept(anna: Any) -> None:
    label = make_label(make_row(), "one", source="manual")
    first = labels.reword(label, "two", anna)
    labels.reword(label, "three", anna)
    back, instead = label_history.restore(first, anna)
    assert (back.pk, back.text) == (label.pk, "one")
    assert instead is not None
    assert instead.text == "three"
    assert sorted(FormerLabel.objects.values_list("text", flat=True)) == ["three", "two"]


def test_words_whose_label_is_gone_become_a_label_of_their_own() -> None:
    label = make_label(make_row(), "one", source="manual")
    first = labels.reword(label, "two")
    labels.delete_label(label)
    first.refresh_from_db()
    back, instead = label_history.restore(first)
    assert (back.text, instead) == ("one", None)
    assert list(FormerLabel.objects.values_list("text", flat=True)) == ["two"]


def test_every_word_that_was_ever_saved_is_told(anna: Any) -> None:
    image = make_row()
    words = [f"word {number}" for number in range(6)]
    label = make_label(image, words[0], source="manual")
    for word in words[1:4]:
        labels.reword(label, word, anna)
    labels.delete_label(label, anna)
    labels.write_label(image, "caption", words[4], created_by=anna)
    make_label(image, words[5], source="claude")
    make_label(image, "fox", kind="tag")
    told = label_history.captions(image.labels.all(), image.former_labels.all())
    assert sorted(each.said.text for each in told) == words
    assert [each.said.text for each in told if each.is_chosen] == [words[4]]
    assert [each.said.text for each in told if each.former] == words[3::-1]


def test_the_tags_of_the_image_follow_what_goes_and_comes_back() -> None:
    image = make_row()
    label = labels.write_label(image, "tag", "Red_Fox")
    former = labels.delete_label(label)
    assert not ImageTag.everything.filter(image=image).exists()
    label_history.restore(former)
    assert list(image.tags.values_list("name", flat=True)) == ["red fox"]


def test_the_history_goes_with_its_image_and_stays_without_its_people(anna: Any) -> None:
    image = make_image()
    labels.reword(make_label(image, source="manual"), "other", anna)
    anna.delete()
    assert FormerLabel.objects.get().ended_by is None
    image.delete()
    assert not FormerLabel.objects.exists()


def test_of_two_that_become_one_the_history_is_kept(media: Any) -> None:
    kept, other = make_image(1), make_image(2)
    labels.reword(make_label(other, "once", source="manual"), "now")
    Label.objects.filter(image=other).update(is_pinned=True)
    near_duplicates.merge(kept, other)
    former = kept.former_labels.get()
    assert (former.text, former.label) == ("once", None)
    assert not kept.labels.filter(is_pinned=True).exists()
    assert other.former_labels.count() == 1


# --- Pins, and what somebody saw ------------------------------------------------------------------


def test_a_pin_says_who_and_when_and_there_is_one(anna: Any) -> None:
    image = make_row()
    first, second = make_label(image, "one"), make_label(image, "two")
    tag = make_label(image, "fox", kind="tag", is_pinned=True)
    labels.pin(first, pinned_by=anna)
    first.refresh_from_db()
    assert (first.is_pinned, first.pinned_by) == (True, anna)
    assert first.pinned_at is not None
    labels.pin(second, pinned_by=anna)
    unpinned = Label.objects.get(pk=first.pk)
    assert not unpinned.is_pinned
    assert unpinned.pinned_by is None
    assert unpinned.pinned_at is None
    labels.pin(second, False)
    assert list(Label.objects.filter(is_pinned=True)) == [tag]


def test_a_label_of_a_picture_in_the_trash_is_pinned_all_the_same() -> None:
    label = make_label(make_row(deleted_at=timezone.now()))
    labels.pin(label)
    assert Label.objects.get().is_pinned


def test_a_form_that_rewords_keeps_the_words_and_unpins(anna: Any) -> None:
    label = labels.write_label(make_row(), "caption", "one", is_pinned=True, created_by=anna)
    label.text, label.is_pinned = "two", False
    labels.save_label(label, is_new_word=True, saved_by=anna)
    label.refresh_from_db()
    assert (label.text, label.is_pinned, label.pinned_by) == ("two", False, None)
    assert FormerLabel.objects.get().text == "one"


@pytest.mark.parametrize("seen", ["a fox", " a fox\n", None])
def test_whoever_saw_what_counts_may_go_on(seen: str | None) -> None:
    label = make_label(make_row(), "a fox ")
    assert labels.caption_as_seen(label.image_id, seen) == label


def test_whoever_saw_no_caption_may_go_on_where_there_is_none() -> None:
    assert labels.caption_as_seen(make_row().pk, "") is None


@pytest.mark.parametrize(
    ("said", "seen", "told"),
    [("a fox", "an owl", "by anna: “a fox”"), ("a fox", "", "by anna: “a fox”"),
     ("", "an owl", "was taken away"), ("x" * 300, "", f"“{'x' * 200}…”")],
)  # fmt: skip
def test_whoever_saw_something_else_hears_what_it_is_now(
    anna: Any, said: str, seen: str, told: str
) -> None:
    image = make_row()
    if said:
        make_label(image, said, created_by=anna)
    with pytest.raises(Problem) as caught:
        labels.caption_as_seen(image.pk, seen)
    assert (caught.value.status, caught.value.field) == (409, "seen")
    assert told in caught.value.message


def test_an_image_that_is_gone_has_no_caption() -> None:
    with pytest.raises(Problem) as caught:
        labels.caption_as_seen(999, None)
    assert caught.value.status == 404
    image = make_row()
    Image.objects.filter(pk=image.pk).update(deleted_at=timezone.now())
    with pytest.raises(Problem):
        labels.caption_as_seen(image.pk, None)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (FACTS, "Claude, m, prompt default 3, 25% sure"),
        ({"source": "manual"}, "By hand"),
        ({"source": "local", "confidence": 0}, "Local, 0% sure"),
    ],
)
def test_it_is_told_who_said_it(columns: dict[str, Any], words: str) -> None:
    assert label_history.provenance(make_label(make_row(), **columns)) == words


def test_a_labelers_rating_counts_as_long_as_it_is_there(media: Path) -> None:
    image = make_image()
    label = make_label(image, "ADULT", kind="rating", source="claude")
    ratings.settle_rating(image)
    former = labels.delete_label(label)
    ratings.settle_rating(image)
    assert image.rating == "UNRATED"
    labels.restore(former)
    image.refresh_from_db()
    assert (image.rating, image.rating_decided_at) == ("ADULT", None)


def test_a_rating_by_hand_that_comes_back_decides_nothing(media: Path, anna: Any) -> None:
    image = make_image()
    label = labels.write_label(image, "rating", "ADULT", created_by=anna)
    former = labels.delete_label(label, anna)
    ratings.decide(image, "SAFE", by=anna)
    labels.restore(former, anna)
    image.refresh_from_db()
    assert image.rating == "SAFE"
