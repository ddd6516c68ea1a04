import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.answers import LONGEST_CAPTION
from labeling.found_captions import copied_caption, plain_prompt
from labeling.labeler import Found


def test_the_closest_words_of_the_page_come_before_the_prompt() -> None:
    found = Found(prompt="a lake", page_texts=("The lake\n at dawn ", "lake.jpg"))
    assert copied_caption(found) == ("The lake at dawn", "page")


def test_the_prompt_speaks_where_no_page_does() -> None:
    assert copied_caption(Found(prompt="a lake,  at dawn")) == ("a lake, at dawn", "prompt")


@pytest.mark.parametrize("text", ["", " \n", "IMG_0042.JPG", "photo.webp", "1/12", "***", "\x00"])
def test_words_that_say_nothing_are_passed_over(text: str) -> None:
    assert copied_caption(Found(page_texts=(text, "A heron"))) == ("A heron", "page")
    assert copied_caption(Found(page_texts=(text,), prompt="a heron")) == ("a heron", "prompt")
    assert copied_caption(Found(page_texts=(text,))) == ("", "")


def test_nothing_found_is_no_caption() -> None:
    assert copied_caption(Found(keywords=("lake",), album="Lakes")) == ("", "")


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("a red fox <lora:inks:0.8>", "a red fox"),
        ("<lora:secret style:1>, a fox, <hypernet:x:0.5>, snow", "a fox, snow"),
        ("(masterpiece:1.2), ((a fox)), [snow]", "masterpiece, a fox, snow"),
        ("a fox (in snow:1.15) {at dawn}", "a fox in snow at dawn"),
        ("a fox \\(vulpes\\)", "a fox (vulpes)"),
        ("a fox BREAK snow", "a fox, snow"),
        ("a fox,, ,snow, ", "a fox, snow"),
        ("at 12:30, a clock", "at 12:30, a clock"),
        ("a < b > c", "a < b > c"),
        ("Привет, 狐", "Привет, 狐"),
        (" <lora:a:1> ", ""),
    ],
)
def test_a_prompt_loses_what_is_for_the_model_alone(prompt: str, caption: str) -> None:
    assert plain_prompt(prompt) == caption


@given(st.text(max_size=300))
def test_any_words_become_one_line(text: str) -> None:
    for found in (Found(prompt=text), Found(page_texts=(text,))):
        caption, source = copied_caption(found)
        assert (source != "") == (caption != "")
        assert "\n" not in caption
        assert "\x00" not in caption
        assert caption == caption.strip()


def test_long_words_are_cut() -> None:
    long = "word " * 3000
    for found in (Found(prompt=long), Found(page_texts=(long,))):
        caption, _ = copied_caption(found)
        assert LONGEST_CAPTION - 6 < len(caption) <= LONGEST_CAPTION
