"""What images are found by of their captions and ratings."""

from typing import Any

import pytest

from gallery.label_facts import CONFIDENCE_STEPS, facts, is_disputed, step_of, steps_below
from gallery.models import Image, Label
from gallery.tests.factories import make_label, make_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def image() -> Image:
    return make_row()


def told(image: Image) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for kind, value in facts(image.rating, list(image.labels.all())):
        found.setdefault(kind, []).append(value)
    return found


def test_an_image_without_labels_has_no_caption_and_is_not_reviewed(image: Image) -> None:
    assert told(image) == {"captioned": [0], "reviewed": [0]}


def test_captions_are_told_with_their_sources(image: Image) -> None:
    for source in ("manual", "claude", "claude"):
        make_label(image, source=source)
    make_label(image, "fox", kind="tag", source="scraper")
    assert told(image)["captioned"] == [1]
    assert told(image)["caption"] == ["claude", "manual"]


def test_a_pinned_caption_is_reviewed_and_no_longer_unsure(image: Image) -> None:
    label = make_label(image, source="claude", confidence=0.42)
    assert (told(image)["reviewed"], told(image)["sure"]) == ([0], [8])
    label.is_pinned = True
    label.save()
    assert told(image)["reviewed"] == [1]
    assert "sure" not in told(image)


def test_a_pinned_caption_without_a_word_decides_nothing(image: Image) -> None:
    make_label(image, " ", is_pinned=True)
    assert told(image)["reviewed"] == [0]


def test_the_confidence_is_that_of_the_caption_that_counts(image: Image) -> None:
    make_label(image, source="local", confidence=0.1)
    make_label(image, source="claude", confidence=0.9)
    assert told(image)["sure"] == [18]
    make_label(image, source="manual")
    assert "sure" not in told(image)


@pytest.mark.parametrize(
    ("confidence", "step"),
    [(0, 0), (0.049, 0), (0.05, 1), (0.15, 3), (0.55, 11), (0.6, 12), (0.7, 14), (0.999, 19),
     (1, 19), (-0.5, 0), (3.0, 19)],
)  # fmt: skip
def test_confidence_is_told_in_steps(confidence: float, step: int) -> None:
    assert step_of(confidence) == step


@pytest.mark.parametrize("percent", range(5, 101, 5))
def test_the_steps_below_a_threshold_are_what_is_less_sure(percent: int) -> None:
    below = steps_below(percent / 100)
    assert step_of((percent - 1) / 100) in below
    assert percent == 100 or step_of(percent / 100) not in below
    assert len(below) <= CONFIDENCE_STEPS


def rated(image: Image, source: str, word: str, **columns: Any) -> Label:
    return make_label(image, word, kind="rating", source=source, **columns)


def disputed(image: Image) -> bool:
    image.refresh_from_db()
    return is_disputed(image.rating, list(image.labels.all()))


def test_ratings_differ_until_a_person_says_one(image: Image) -> None:
    rated(image, "claude", "SAFE", model="m")
    assert not disputed(image)
    rated(image, "local", "ADULT", model="n")
    assert disputed(image)
    Image.objects.update(rating="ADULT", is_nsfw=True, is_veiled=True)
    assert disputed(image), "the sternest counts, and nobody has decided"
    rated(image, "manual", "ADULT")
    assert not disputed(image)


def test_a_rating_that_no_labelers_word_led_to_was_decided(image: Image) -> None:
    rated(image, "claude", "SAFE")
    rated(image, "local", "SUGGESTIVE")
    Image.objects.update(rating="SAFE")
    assert not disputed(image), "without a person the sternest would count"


def test_a_rating_by_hand_that_the_picture_does_not_follow_decides_nothing(image: Image) -> None:
    rated(image, "claude", "SAFE")
    rated(image, "local", "SUGGESTIVE")
    rated(image, "manual", "EXPLICIT")
    assert disputed(image)


def test_a_labelers_last_word_is_its_word(image: Image) -> None:
    rated(image, "claude", "ADULT", model="m")
    rated(image, "claude", "SAFE", model="m")
    rated(image, "local", "SAFE", model="n")
    assert not disputed(image)
    rated(image, "claude", "SUGGESTIVE", model="another")
    assert disputed(image), "another model is another labeler"


@pytest.mark.parametrize("word", ["SPICY", "UNRATED", ""])
def test_words_that_are_no_ratings_are_passed_over(image: Image, word: str) -> None:
    rated(image, "claude", "SAFE")
    rated(image, "imported", word)
    assert not disputed(image)
