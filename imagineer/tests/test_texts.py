import pytest
from pydantic import TypeAdapter, ValidationError

from imagineer import texts

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
LANGUAGE = [
    "plain", "Été\u00a0: l’été", "1\u202f000", "می\u200cخواهم", FAMILY, "עברית\u200f!", "a\u00adb",
]  # fmt: skip
REFUSED = ["a\x00b", "\ud800", "a\udfffb", "\x1b[31m", "\x7f", "\x85", "\x0b", "\x9f"]


def read(kind, text):
    return TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize("text", LANGUAGE)
def test_language_is_no_control_character(text):
    assert read(texts.Text, text) == text
    assert read(texts.Line, text) == text


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
@pytest.mark.parametrize("kind", [texts.Text, texts.Line])
def test_what_no_database_takes_is_refused_with_a_sentence(kind, text):
    with pytest.raises(ValidationError) as refused:
        read(kind, text)
    assert refused.value.errors()[0]["msg"] == texts.CONTROL


def test_the_ends_of_lines_are_made_one():
    assert read(texts.Text, "a\r\nb\rc\n\td") == "a\nb\nc\n\td"


NOT_LINES = ["a\nb", "a\tb", "a\r\nb", "a\u2028b", "a\u2029b", "\u202eevil"]


@pytest.mark.parametrize("text", NOT_LINES, ids=ascii)
def test_a_name_is_one_line(text):
    with pytest.raises(ValidationError) as refused:
        read(texts.Line, text)
    assert refused.value.errors()[0]["msg"] == texts.NOT_A_LINE
