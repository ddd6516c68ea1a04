import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labeling.picture_tags import BLACK_AND_WHITE, colours, format_of, tags_of

NAMES = {
    "black", "white", "grey", "red", "orange", "yellow", "green", "turquoise", "blue", "purple",
    "pink", "brown", "beige",
}  # fmt: skip


def plain(*parts: tuple[str, int]) -> Image.Image:
    """Stripes of these colours and widths, 60 high."""
    picture = Image.new("RGB", (sum(width for _, width in parts), 60))
    left = 0
    for colour, width in parts:
        picture.paste(Image.new("RGB", (width, 60), colour), (left, 0))
        left += width
    return picture


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ("red", "red"), ("crimson", "red"), ("darkred", "red"), ("orange", "orange"),
        ("darkorange", "orange"), ("gold", "yellow"), ("yellow", "yellow"), ("lime", "green"),
        ("green", "green"), ("darkgreen", "green"), ("olive", "green"), ("teal", "turquoise"),
        ("turquoise", "turquoise"), ("skyblue", "blue"), ("lightblue", "blue"), ("blue", "blue"),
        ("navy", "blue"), ("indigo", "purple"), ("purple", "purple"), ("hotpink", "pink"),
        ("pink", "pink"), ("magenta", "pink"), ("salmon", "pink"), ("saddlebrown", "brown"),
        ("#604020", "brown"), ("tan", "beige"), ("wheat", "beige"), ("beige", "beige"),
    ],
)  # fmt: skip
def test_colours_have_the_names_that_people_use(colour: str, name: str) -> None:
    assert colours(plain((colour, 60))) == (name,)


@pytest.mark.parametrize("colour", ["black", "white", "gray", "silver", "#808488"])
def test_greys_are_black_and_white(colour: str) -> None:
    assert colours(plain((colour, 60))) == (BLACK_AND_WHITE,)


def test_a_grey_photograph_in_another_mode_is_black_and_white() -> None:
    for mode in ("L", "RGB", "RGBA"):
        assert colours(Image.linear_gradient("L").convert(mode)) == (BLACK_AND_WHITE,)


def test_the_largest_come_first_and_small_ones_not_at_all() -> None:
    assert colours(plain(("red", 30), ("white", 120), ("blue", 40), ("green", 10))) == (
        "white", "blue", "red",
    )  # fmt: skip
    assert colours(plain(("blue", 90), ("yellow", 10))) == ("blue",)


def test_there_are_at_most_three() -> None:
    four = plain(("red", 25), ("blue", 25), ("green", 25), ("yellow", 25))
    assert len(colours(four)) == 3


@pytest.mark.parametrize(
    ("size", "name"),
    [
        ((100, 100), "square format"), ((104, 100), "square format"), ((106, 100), "wide format"),
        ((100, 106), "tall format"), ((64, 96), "tall format"), ((1920, 1080), "wide format"),
        ((1, 1), "square format"), ((1, 5000), "tall format"),
    ],
)  # fmt: skip
def test_its_format(size: tuple[int, int], name: str) -> None:
    assert format_of(*size) == name


def test_colours_and_format_together() -> None:
    assert tags_of(plain(("navy", 90))) == ("blue", "wide format")


@settings(max_examples=60, deadline=None)
@given(
    pixels=st.binary(min_size=12, max_size=12), width=st.integers(1, 90), height=st.integers(1, 90)
)
def test_any_picture_gets_known_names_once(pixels: bytes, width: int, height: int) -> None:
    array = np.frombuffer(pixels, dtype=np.uint8).reshape(2, 2, 3)
    found = tags_of(Image.fromarray(array).resize((width, height)))
    assert len(set(found)) == len(found)
    assert set(found[:-1]) <= NAMES | {BLACK_AND_WHITE}
    assert found[-1].endswith(" format")
