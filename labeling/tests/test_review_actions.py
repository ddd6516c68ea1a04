"""What is decided while reviewing, by one and by two, and taken back."""

from pathlib import Path
from typing import Any

import pytest

from gallery import labels, ratings, tag_names
from gallery.captions import choose
from gallery.models import FormerLabel, Image, Label
from gallery.tests.factories import make_admin, make_image, make_label, make_row
from imagineer.problems import Problem
from labeling.review import image_ids, items, queue_of
from labeling.review_actions import (
    accept,
    change_tags,
    choose_caption,
    follow_rule,
    rate,
    restore_caption,
    undo,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> Any:
    return make_admin("anna")


@pytest.fixture
def bert() -> Any:
    return make_admin("bert")


@pytest.fixture
def image() -> Image:
    made = make_row(prompt="the prompt")
    make_label(made, "an ace", source="claude", model="m", confidence=0.4)
    make_label(made, "local words", source="local")
    return made


def counts(image: Image) -> tuple[str, str, bool]:
    """Text, source and pin of the caption that counts."""
    chosen = choose(image.labels.filter(kind="caption"))
    return (chosen.text, chosen.source, chosen.is_pinned) if chosen else ("", "", False)


def state(image: Image) -> Any:
    """All that stands of the image, without the numbers of rows."""
    said = image.labels.order_by("pk").values_list(
        "kind", "text", "source", "model", "confidence", "created_by", "created_at",
        "is_pinned", "pinned_by", "pinned_at",
    )  # fmt: skip
    fresh = Image.objects.get(pk=image.pk)
    return sorted(map(str, said)), fresh.rating, sorted(fresh.tags.values_list("name", flat=True))


def refused(status: int, field: str | None = None) -> Any:
    return pytest.raises(Problem, check=lambda it: (it.status, it.field) == (status, field))


# --- Captions ------------------------------------------------------------------------------------


def test_accepting_decides_that_the_caption_counts(image: Image, anna: Any) -> None:
    done = accept(image.pk, "an ace", "an ace", anna)
    assert done.said == "Accepted."
    assert counts(image) == ("an ace", "claude", True)
    label = image.labels.get(is_pinned=True)
    assert (label.pinned_by, label.model) == (anna, "m")
    assert image_ids(queue_of({}), 5) == []


def test_accepting_what_was_decided_changes_nothing(image: Image, anna: Any, bert: Any) -> None:
    accept(image.pk, "an ace", "an ace", anna)
    before = state(image)
    assert accept(image.pk, "an ace", "an ace", bert).undo == ""
    assert state(image) == before


def test_another_caption_that_is_shown_is_accepted(image: Image, anna: Any) -> None:
    accept(image.pk, "local words", "an ace", anna)
    assert counts(image) == ("local words", "local", True)
    assert image.labels.count() == 2


def test_other_words_come_beside_those_of_others(image: Image, anna: Any) -> None:
    done = accept(image.pk, " a better\r\nace ", "an ace", anna)
    assert done.said == "Saved."
    assert counts(image) == ("a better\nace", "manual", True)
    assert image.labels.get(source="manual").created_by == anna
    assert image.labels.filter(text="an ace", source="claude").exists()


def test_ones_own_words_are_replaced_and_kept_in_the_history(image: Image, anna: Any) -> None:
    accept(image.pk, "mine", "an ace", anna)
    accept(image.pk, "mine, better", "mine", anna)
    assert list(image.labels.filter(source="manual").values_list("text")) == [("mine, better",)]
    assert FormerLabel.objects.get().text == "mine"


def test_anothers_words_by_hand_stay(image: Image, anna: Any, bert: Any) -> None:
    accept(image.pk, "annas", "an ace", anna)
    accept(image.pk, "berts", "annas", bert)
    assert set(image.labels.filter(source="manual").values_list("text", flat=True)) == {
        "annas", "berts",
    }  # fmt: skip
    assert counts(image) == ("berts", "manual", True)


def test_the_prompt_is_accepted_where_there_is_no_caption(anna: Any) -> None:
    image = make_row(prompt="the prompt")
    accept(image.pk, "the prompt", "", anna)
    assert counts(image) == ("the prompt", "manual", True)


@pytest.mark.parametrize("text", ["", " \n ", "x" * 10_001, "a\x00b", "a\ud800b", "a\x1bb"])
def test_what_cannot_be_a_caption_is_refused(image: Image, anna: Any, text: str) -> None:
    before = state(image)
    with refused(422, "text"):
        accept(image.pk, text, "an ace", anna)
    assert state(image) == before


def test_of_two_who_decide_the_second_hears_of_the_first(
    image: Image, anna: Any, bert: Any
) -> None:
    accept(image.pk, "annas", "an ace", anna)
    before = state(image)
    with refused(409, "seen"):
        accept(image.pk, "berts", "an ace", bert)
    with refused(409, "seen"):
        accept(image.pk, "an ace", "an ace", bert)
    assert state(image) == before
    accept(image.pk, "berts", None, bert)
    assert counts(image)[0] == "berts", "who has seen nothing is not asked"


def test_a_caption_is_chosen_and_the_rule_chooses_again(image: Image, anna: Any) -> None:
    local = image.labels.get(source="local")
    choose_caption(image.pk, local.pk, anna)
    assert counts(image) == ("local words", "local", True)
    follow_rule(image.pk, anna)
    assert counts(image) == ("an ace", "claude", False)
    assert follow_rule(image.pk, anna).undo == ""


def test_a_former_caption_is_brought_back_and_counts(image: Image, anna: Any) -> None:
    former = labels.delete_label(image.labels.get(source="local"), anna)
    restore_caption(image.pk, former.pk, anna)
    assert counts(image) == ("local words", "local", True)
    with refused(404):
        restore_caption(image.pk, former.pk, anna)


def test_only_captions_of_the_image_are_chosen_and_brought_back(image: Image, anna: Any) -> None:
    other = make_row()
    foreign = make_label(other, "foreign")
    tag = make_label(image, "fox", kind="tag")
    for label in (foreign, tag):
        with refused(404):
            choose_caption(image.pk, label.pk, anna)
        former = labels.delete_label(label)
        with refused(404):
            restore_caption(image.pk, former.pk, anna)


# --- Ratings and tags ----------------------------------------------------------------------------


@pytest.fixture
def picture(settings: Any, tmp_path: Path) -> Image:
    settings.MEDIA_ROOT = tmp_path
    return make_image(1)


def test_a_rating_takes_effect_at_once(picture: Image, anna: Any) -> None:
    key = picture.sharp_key
    assert rate(picture.pk, "ADULT", "UNRATED", anna).said == "Rated adult."
    picture.refresh_from_db()
    assert (picture.rating, picture.is_veiled, picture.sharp_key == key) == ("ADULT", True, False)
    label = picture.labels.get()
    assert (label.kind, label.text, label.source, label.created_by) == (
        "rating", "ADULT", "manual", anna,
    )  # fmt: skip


def test_a_rating_settles_what_labelers_differ_about(picture: Image, anna: Any) -> None:
    make_label(picture, "SAFE", kind="rating", source="claude")
    make_label(picture, "ADULT", kind="rating", source="local")
    assert items(queue_of({}), [picture.pk])[0].is_disputed
    rate(picture.pk, "SAFE", None, anna)
    assert not items(queue_of({}), [picture.pk])[0].is_disputed
    assert image_ids(queue_of({"filter": "disputed"}), 5) == []


def test_ones_own_rating_is_replaced_and_anothers_stays(
    picture: Image, anna: Any, bert: Any
) -> None:
    rate(picture.pk, "SAFE", None, anna)
    rate(picture.pk, "SAFE", None, bert)
    assert picture.labels.count() == 1, "bert agrees"
    rate(picture.pk, "ADULT", None, bert)
    rate(picture.pk, "EXPLICIT", None, bert)
    assert sorted(picture.labels.values_list("text", flat=True)) == ["EXPLICIT", "SAFE"]
    assert FormerLabel.objects.get().text == "ADULT"


def test_a_rating_that_somebody_changed_meanwhile_is_said(picture: Image, anna: Any) -> None:
    rate(picture.pk, "SAFE", "UNRATED", anna)
    with refused(409, "seen"):
        rate(picture.pk, "ADULT", "UNRATED", anna)
    picture.refresh_from_db()
    assert picture.rating == "SAFE"


def decision(image: Image) -> tuple[Any, ...]:
    image.refresh_from_db()
    return image.rating, image.rating_decided_at, image.rating_decided_by


def test_taking_a_rating_back_gives_the_say_back_to_labelers(picture: Image, anna: Any) -> None:
    make_label(picture, "SAFE", kind="rating", source="local")
    ratings.settle_rating(picture)
    done = rate(picture.pk, "SAFE", "SAFE", anna)
    rating, at, by = decision(picture)
    assert (rating, at is not None, by) == ("SAFE", True, anna)
    # Said while anna's decision stood: it counts once that is taken back.
    make_label(picture, "ADULT", kind="rating", source="claude")
    undo(picture.pk, done.undo, anna)
    assert decision(picture) == ("ADULT", None, None)
    assert not picture.labels.filter(source="manual").exists()


def test_taking_a_rating_back_leaves_the_decision_before_it(
    picture: Image, anna: Any, bert: Any
) -> None:
    rate(picture.pk, "SAFE", None, anna)
    before = decision(picture)
    done = rate(picture.pk, "ADULT", "SAFE", bert)
    assert decision(picture)[::2] == ("ADULT", bert)
    undo(picture.pk, done.undo, bert)
    assert decision(picture) == before


def test_a_decision_of_somebody_who_is_gone_comes_back(
    picture: Image, anna: Any, bert: Any
) -> None:
    rate(picture.pk, "SAFE", None, anna)
    done = rate(picture.pk, "ADULT", "SAFE", bert)
    anna.delete()
    undo(picture.pk, done.undo, bert)
    rating, at, by = decision(picture)
    assert (rating, at is not None, by) == ("SAFE", True, None)


@pytest.mark.parametrize("word", ["", "safe", "UNRATED", "SPICY"])
def test_a_word_that_is_no_rating_is_refused(picture: Image, anna: Any, word: str) -> None:
    with refused(422, "rating"):
        rate(picture.pk, word, None, anna)


def test_tags_are_added_once_and_taken_away_whoever_said_them(image: Image, anna: Any) -> None:
    for source in ("claude", "local"):
        make_label(image, "Red_Fox", kind="tag", source=source)
    assert change_tags(image.pk, ["red fox", " Owl"], [], anna).said == "“owl” added."
    assert sorted(image.tags.values_list("name", flat=True)) == ["owl", "red fox"]
    assert change_tags(image.pk, [], ["red fox"], anna).said == "“red fox” taken away."
    assert list(image.tags.values_list("name", flat=True)) == ["owl"]
    assert FormerLabel.objects.filter(kind="tag").count() == 2
    assert change_tags(image.pk, ["owl"], [], anna).undo == ""
    assert change_tags(image.pk, [], ["fox"], anna).undo == ""


def test_a_tag_that_was_taken_off_is_added_again_and_the_undo_takes_it_off(
    image: Image, anna: Any
) -> None:
    make_label(image, "fox", kind="tag", source="claude")
    labels.take_tag_off(image, "fox", anna)
    assert change_tags(image.pk, [], ["fox"], anna).said == "The picture has no such tag."
    done = change_tags(image.pk, ["fox"], [], anna)
    assert done.said == "“fox” added."
    assert list(image.tags.values_list("name", flat=True)) == ["fox"]
    undo(image.pk, done.undo, anna)
    assert not image.tags.exists()


def test_a_tag_that_others_imply_is_taken_away_and_comes_back(image: Image, anna: Any) -> None:
    tag_names.add_implication("fox", "animal")
    make_label(image, "fox", kind="tag", source="claude")
    assert change_tags(image.pk, ["animal"], [], anna).said == "The picture has this tag."
    done = change_tags(image.pk, [], ["animal"], anna)
    assert done.said == "“animal” taken away."
    assert list(image.tags.values_list("name", flat=True)) == ["fox"]
    undo(image.pk, done.undo, anna)
    assert sorted(image.tags.values_list("name", flat=True)) == ["animal", "fox"]


def test_other_names_of_a_tag_are_the_tag(image: Image, anna: Any) -> None:
    tag_names.add_alias("puss", "cat")
    make_label(image, "puss", kind="tag", source="claude")
    assert change_tags(image.pk, ["Cat"], [], anna).said == "The picture has this tag."
    assert change_tags(image.pk, ["Puss", "cat", "owl"], [], anna).said == "“owl” added."
    assert change_tags(image.pk, [], ["cat"], anna).said == "“cat” taken away."
    assert list(image.tags.values_list("name", flat=True)) == ["owl"]


def test_what_a_machine_says_too_stays_off_once_it_is_taken_away(image: Image, anna: Any) -> None:
    make_label(image, "fox", kind="tag", source="claude")
    labels.write_label(image, "tag", "fox", created_by=anna)
    change_tags(image.pk, [], ["fox"], anna)
    make_label(image, "fox", kind="tag", source="claude")
    assert not image.tags.exists()


@pytest.mark.parametrize("tag", ["", "  ", ",", "a\x1bb"])
def test_what_cannot_be_a_tag_is_refused(image: Image, anna: Any, tag: str) -> None:
    with refused(422, "tag"):
        change_tags(image.pk, [tag], [], anna)


# --- Taking it back ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["an ace", "local words", "a better ace"])
@pytest.mark.parametrize("decided", [False, True])
def test_an_accepted_caption_is_taken_back(
    image: Image, anna: Any, bert: Any, text: str, decided: bool
) -> None:
    if decided:
        accept(image.pk, "berts", "an ace", bert)
    before = state(image)
    done = accept(image.pk, text, "berts" if decided else "an ace", anna)
    assert state(image) != before
    undo(image.pk, done.undo, anna)
    assert state(image) == before


def test_words_that_are_taken_back_stay_in_the_history(image: Image, anna: Any) -> None:
    undo(image.pk, accept(image.pk, "mine", "an ace", anna).undo, anna)
    assert FormerLabel.objects.get().text == "mine"


def test_ones_own_words_come_back_as_they_were(image: Image, anna: Any) -> None:
    accept(image.pk, "one", "an ace", anna)
    before = state(image)
    undo(image.pk, accept(image.pk, "two", "one", anna).undo, anna)
    assert state(image) == before
    assert [former.text for former in FormerLabel.objects.all()] == ["two"]


def test_all_other_decisions_are_taken_back(image: Image, anna: Any) -> None:
    make_label(image, "fox", kind="tag", source="claude")
    make_label(image, "Fox", kind="tag", source="local")
    former = labels.delete_label(make_label(image, "gone", source="local"), anna)
    local = image.labels.get(source="local", kind="caption")
    own = labels.write_label(image, "caption", "mine", created_by=anna)
    reworded = labels.reword(own, "mine, now", anna)
    for decide in (
        lambda: choose_caption(image.pk, local.pk, anna),
        lambda: restore_caption(image.pk, former.pk, anna),
        lambda: restore_caption(image.pk, reworded.pk, anna),
        lambda: change_tags(image.pk, ["owl"], [], anna),
        lambda: change_tags(image.pk, ["owl"], ["fox"], anna),
    ):
        before = state(image)
        done = decide()
        assert state(image) != before
        undo(image.pk, done.undo, anna)
        assert state(image) == before
    labels.pin(local, pinned_by=anna)
    before = state(image)
    undo(image.pk, follow_rule(image.pk, anna).undo, anna)
    assert state(image) == before


def test_ratings_are_taken_back(picture: Image, anna: Any) -> None:
    before = state(picture)
    first = rate(picture.pk, "ADULT", None, anna)
    between = state(picture)
    second = rate(picture.pk, "SAFE", None, anna)
    undo(picture.pk, second.undo, anna)
    assert state(picture) == between
    undo(picture.pk, first.undo, anna)
    assert state(picture) == before


def test_a_rating_that_changed_nothing_has_nothing_to_take_back(picture: Image, anna: Any) -> None:
    rate(picture.pk, "SAFE", None, anna)
    assert rate(picture.pk, "SAFE", None, anna).undo == ""


def test_what_somebody_changed_since_is_not_taken_back(image: Image, anna: Any, bert: Any) -> None:
    mine = accept(image.pk, "annas", "an ace", anna)
    accept(image.pk, "berts", "annas", bert)
    before = state(image)
    with refused(409, "undo"):
        undo(image.pk, mine.undo, anna)
    assert state(image) == before


def test_words_that_were_changed_since_are_not_taken_back(image: Image, anna: Any) -> None:
    done = accept(image.pk, "annas", "an ace", anna)
    labels.reword(image.labels.get(source="manual"), "other words")
    with refused(409, "undo"):
        undo(image.pk, done.undo, anna)


def test_a_rating_that_was_changed_since_is_not_taken_back(picture: Image, anna: Any) -> None:
    done = rate(picture.pk, "SAFE", None, anna)
    rate(picture.pk, "ADULT", None, anna)
    with refused(409, "undo"):
        undo(picture.pk, done.undo, anna)
    picture.refresh_from_db()
    assert picture.rating == "ADULT"


@pytest.mark.parametrize("receipt", ["", "nonsense", "a:b:c", "\x00"])
def test_what_is_no_receipt_is_refused(image: Image, anna: Any, receipt: str) -> None:
    with refused(422, "undo"):
        undo(image.pk, receipt, anna)


def test_a_receipt_is_for_one_image(image: Image, anna: Any) -> None:
    done = accept(image.pk, "an ace", "an ace", anna)
    with refused(422, "undo"):
        undo(make_row().pk, done.undo, anna)


@pytest.mark.parametrize(
    "decide",
    [
        lambda by: accept(999, "x", None, by), lambda by: choose_caption(999, 1, by),
        lambda by: follow_rule(999, by), lambda by: restore_caption(999, 1, by),
        lambda by: rate(999, "SAFE", None, by), lambda by: change_tags(999, ["x"], [], by),
    ],
)  # fmt: skip
def test_of_a_picture_that_is_gone_nothing_is_decided(anna: Any, decide: Any) -> None:
    with refused(404):
        decide(anna)
    assert not Label.objects.exists()
