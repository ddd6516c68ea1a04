"""Which elements of a page are one picture, and which only look so by their addresses."""

from collections.abc import Sequence

import pytest

from scraping.extract import extract


def found_on(html: str) -> list[list[str]]:
    """The names of each picture's files, best first."""
    found = extract(html, "https://example.org/page").candidates
    return [[url.removeprefix("https://example.org/") for url in one.urls] for one in found]


CARD = '<a href="{page}"><img src="{file}" alt="{words}"></a>'


def two(
    one: str, other: str, words: Sequence[str] = ("", ""), pages: Sequence[str] = ("", "")
) -> str:
    return "".join(
        CARD.format(page=page and f"/{page}", file=file, words=alt)
        for file, alt, page in zip((one, other), words, pages, strict=True)
    )


def test_sizes_of_one_picture_in_two_elements_are_one():
    assert found_on(two("boat-300x200.jpg", "boat-1024x683.jpg")) == [
        ["boat-1024x683.jpg", "boat-300x200.jpg"]
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [("lot-100x200.jpg", "lot-100x300.jpg"), ("cars/mini/1.jpg", "cars/1.jpg"),
     ("chair-small.jpg", "chair-large.jpg"), ("part-w100.jpg", "part-w200.jpg")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("words", "pages"),
    [(("A red boat", "A blue one"), ["", ""]), (("Lot 1", "Lot 12"), ["", ""]),
     (("", ""), ["1", "12"])],
)  # fmt: skip
def test_two_that_look_like_sizes_of_one_are_told_by_words_and_links(one, other, words, pages):
    assert found_on(two(one, other, words, pages)) == [[one], [other]]


def test_two_of_different_form_are_two_unless_something_says_that_they_are_one():
    files = ("lot-100x200.jpg", "lot-100x300.jpg")
    assert len(found_on(two(*files))) == 2
    assert len(found_on(two(*files, words=("A lot", "A lot")))) == 1
    assert len(found_on(two(*files, pages="11"))) == 1
    assert len(found_on('<img src="lot.jpg">' + two(*files))) == 1
    group = f"<figure>{two(*files)}<figcaption>Both lots</figcaption></figure>"
    assert len(found_on(group)) == 2


def test_captions_tell_pictures_apart():
    figure = "<figure><img src='chair-{}.jpg'><figcaption>{}</figcaption></figure>"
    apart = figure.format("small", "For children") + figure.format("large", "For kings")
    assert len(found_on(apart)) == 2
    assert len(found_on(apart.replace("For kings", "For children"))) == 1


def test_what_comes_to_be_known_as_one_picture_later_is_one():
    html = """<img src="t/12.jpg"><a href="f/9.jpg">Whole</a><img src="other.jpg">
        <a href="f/9.jpg"><img src="t/12.jpg"></a><img src="t/12.jpg?w=90">"""
    assert found_on(html) == [["f/9.jpg", "t/12.jpg", "t/12.jpg?w=90"], ["other.jpg"]]


def test_the_file_that_a_service_makes_sizes_of_is_asked_for_first():
    assert found_on('<img src="/_next/image?url=%2Fm%2Fboat.jpg&amp;w=640&amp;q=75">') == [
        ["m/boat.jpg", "_next/image?url=%2Fm%2Fboat.jpg&w=640&q=75"]
    ]


def test_two_that_are_made_of_one_file_are_one_whatever_is_said_of_them():
    made = "/_next/image?url=%2Fm%2Fboat.jpg&amp;w="
    assert len(found_on(two(f"{made}640", f"{made}900", ("A boat", "Boats"), ["1", "2"]))) == 1


def test_widths_that_a_script_puts_in_are_put_in():
    html = '<img src="b_20x.jpg" data-src="b_{width}x.jpg" '
    assert found_on(f'{html} data-widths="[180, 1296, 360]">')[0][0] == "b_1296x.jpg"
    assert found_on(f"{html}>")[0][0] == "b_2048x.jpg"


def test_a_card_of_a_page_s_head_tells_no_pictures_apart():
    html = """<meta property="og:image" content="boat.jpg"><meta property="og:image:alt"
        content="Our harbour"><img src="boat-300x200.jpg" alt="A boat">"""
    assert found_on(html) == [["boat.jpg", "boat-300x200.jpg"]]
