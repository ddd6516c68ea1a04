"""Which of an image's captions counts: one rule for pages, feeds and training."""

from datetime import timedelta
from typing import Any

import pytest

from gallery.captions import PROMPT, SOURCES, best_caption, choose, ranked
from gallery.models import Image, Label
from gallery.tests.factories import make_label, make_row

pytestmark = pytest.mark.django_db
SAID = [source for source in SOURCES if source != PROMPT]


@pytest.fixture
def image() -> Image:
    return make_row()


def said(image: Image, source: str, minutes: int = 0, **columns: Any) -> Label:
    label = make_label(image, columns.pop("text", f"by {source}"), source=source, **columns)
    label.created_at += timedelta(minutes=minutes)
    label.save()
    return label


def test_a_pinned_caption_comes_before_every_other(image: Image) -> None:
    labels = [said(image, "manual", 9), said(image, "local", is_pinned=True), said(image, "claude")]
    assert best_caption(labels) == "by local"


@pytest.mark.parametrize("place", range(len(SAID)))
def test_sources_come_in_their_order(image: Image, place: int) -> None:
    labels = [said(image, source) for source in reversed(SAID[place:])]
    chosen = choose(labels)
    assert chosen is not None
    assert chosen.source == SAID[place]


def test_the_rule_names_every_source_and_the_prompt_last() -> None:
    assert set(SOURCES) == {*Label.Source.values, PROMPT}
    assert SOURCES[-1] == PROMPT


def test_the_newest_of_a_source_comes_first(image: Image) -> None:
    labels = [said(image, "manual", text="old"), said(image, "manual", 5, text="new")]
    assert best_caption(labels) == best_caption(reversed(labels)) == "new"


def test_of_the_same_moment_the_later_row_comes_first(image: Image) -> None:
    first, second = said(image, "claude", text="one"), said(image, "claude", text="two")
    Label.objects.update(created_at=first.created_at)
    assert ranked(Label.objects.all()) == [second, first]


def test_captions_without_a_word_do_not_count(image: Image) -> None:
    labels = [said(image, "manual", text=" \n "), said(image, "local")]
    assert best_caption(labels) == "by local"
    assert choose(labels[:1]) is None
    assert best_caption(labels[:1]) == ""


def test_a_source_that_the_rule_does_not_know_comes_last(image: Image) -> None:
    labels = [said(image, "elsewhere", 9), said(image, "local")]
    assert [label.source for label in ranked(labels)] == ["local", "elsewhere"]


def test_white_space_around_the_words_is_left_out(image: Image) -> None:
    assert best_caption([said(image, "manual", text="  an ace \n")]) == "an ace"
