import pytest

from labeling.trigger_words import with_trigger


@pytest.mark.parametrize(
    ("caption", "wanted"),
    [
        ("a king with a sword", "zkdeck, a king with a sword"),
        ("zkdeck, a king", "zkdeck, a king"),
        ("zkdeck a king", "zkdeck a king"),
        ("ZKDeck: a king", "zkdeck: a king"),
        ("zkdeck, zkdeck, ZKDECK a king", "zkdeck a king"),
        ("zkdecks of cards", "zkdeck, zkdecks of cards"),
        ("a king in zkdeck style", "zkdeck, a king in zkdeck style"),
        ("", "zkdeck"),
        ("zkdeck", "zkdeck"),
    ],
)
def test_a_caption_begins_with_the_word_exactly_once(caption, wanted):
    assert with_trigger(caption, "zkdeck") == wanted
    assert with_trigger(wanted, "zkdeck") == wanted


def test_a_word_of_signs_is_taken_as_it_is():
    assert with_trigger("(x)*, a cat", "(x)*") == "(x)*, a cat"
    assert with_trigger("a cat", "two words") == "two words, a cat"


def test_without_a_word_nothing_changes():
    assert with_trigger("a cat", "") == "a cat"
