"""Which caption is trained on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from training.captions import PROMPT, SOURCES, Candidate
from training.captions import choose as choose_or_none

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def choose(*arguments: Any) -> Any:
    return choose_or_none(*arguments)


def said(source: str, *, pinned: bool = False, minutes: int = 0, text: str = "") -> Candidate:
    return Candidate(text or f"by {source}", source, pinned, NOON + timedelta(minutes=minutes))


def test_a_pinned_caption_comes_before_every_other() -> None:
    candidates = [said("manual", minutes=9), said("local", pinned=True), said("claude")]
    assert choose(candidates, "a prompt").text == "by local"


@pytest.mark.parametrize("place", range(len(SOURCES)))
def test_sources_come_in_their_order(place: Any) -> None:
    candidates = [said(source) for source in reversed(SOURCES[place:])]
    assert choose(candidates, "a prompt").source == SOURCES[place]


def test_the_newest_of_a_source_comes_first() -> None:
    candidates = [said("manual", text="old"), said("manual", minutes=5, text="new")]
    assert choose(candidates).text == "new"
    assert choose(reversed(candidates)).text == "new"


def test_the_prompt_is_the_last_resort() -> None:
    assert choose([], "an ace\nof hearts") == Candidate("an ace of hearts", PROMPT)
    assert choose([said("local")], "an ace of hearts").source == "local"


def test_empty_captions_do_not_count() -> None:
    assert choose([said("manual", text=" \n ")], "") is None
    assert choose([said("manual", text=" "), said("local")]).source == "local"


def test_an_unknown_source_comes_after_the_known_ones() -> None:
    assert choose([said("elsewhere", minutes=9), said("local")]).source == "local"
