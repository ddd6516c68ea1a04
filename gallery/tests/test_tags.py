"""One spelling of a tag."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.tags import MAX_LENGTH, normalised


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fox", "fox"), (" oil__Paint, ", "oil paint"), ("a/b\\c", "a b c"), ("#night#", "night"),
        ("1girl", "1girl"), ("Été", "été"), ("..", ""), ("\x00", ""), ("x" * 300, "x" * 100),
        ("red, fox", "red fox"), ("STRASSE", "strasse"), ("Straße", "strasse"), ("ΑΣ", "ας"),
        ("e\u0301te\u0301", "été"), ("x" * 99 + ".y", "x" * 99), ("\u0390", "\u0390"),
        ("a\x00b", "a b"), ("#.", ""), ("it's", "it's"), ("16:9", "16:9"),
    ],
)  # fmt: skip
def test_a_tag_has_one_spelling(text: str, name: str) -> None:
    assert normalised(text) == normalised(name)
    assert normalised(name) == name.replace("ς", "σ")


@given(st.text(max_size=200))
def test_a_spelling_is_its_own(text: str) -> None:
    name = normalised(text)
    assert normalised(name) == name
    assert len(name) <= MAX_LENGTH
    assert not set(name) & set("\x00_,/\\\n\t")
    assert name == name.strip()


@given(st.text(max_size=60))
def test_case_makes_no_difference(text: str) -> None:
    assert normalised(normalised(text).upper()) == normalised(normalised(text).lower())
