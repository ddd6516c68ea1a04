"""A trigger word in front of a caption."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.caption_words import one_line, with_trigger


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("ace of hearts", "night style, ace of hearts"),
        ("Night Style, ace of hearts", "Night Style, ace of hearts"),
        ("ace of hearts in night style", "ace of hearts in night style"),
        ("Night style: ace of hearts", "Night style: ace of hearts"),
        ("night styles of old", "night style, night styles of old"),
        ("a knight style", "night style, a knight style"),
        ("", "night style"),
        ("night style", "night style"),
    ],
)
def test_the_trigger_word_stands_before_a_caption_that_does_not_say_it(
    caption: str, expected: str
) -> None:
    assert with_trigger(caption, "night style") == expected
    assert with_trigger(expected, "night style") == expected


def test_a_word_of_signs_is_taken_as_it_is() -> None:
    assert with_trigger("(x)*, a cat", "(x)*") == "(x)*, a cat"
    assert with_trigger("a cat", "(x)*") == "(x)*, a cat"


def test_no_trigger_word_changes_nothing() -> None:
    assert with_trigger("ace of hearts", "  ") == "ace of hearts"


@given(st.text(max_size=60), st.text(max_size=20))
def test_it_is_never_doubled(caption: str, trigger_word: str) -> None:
    once = with_trigger(caption, trigger_word)
    assert with_trigger(once, trigger_word) == once
    assert once.endswith(caption)


def test_a_line_has_single_spaces() -> None:
    assert one_line(" a\n\tb  c ") == "a b c"
