import pytest

from scraping.page_words import (
    LONGEST_TEXT,
    best_text,
    page_title,
    rank_of,
    telling,
    telling_texts,
    tidy,
)


@pytest.mark.parametrize(
    "words",
    [
        "", "  ", "image", "Image 12", "IMG_1234", "IMG_20190101_123456", "DSC00012", "dscn 0042",
        "P1010101", "PXL_20230101_101010", "Screenshot 2020-01-02 at 10.11.12",
        "WhatsApp Image 2020-01-02 at 10.11.12", "boat-3.jpg", "http://example.org/x", "1 / 12",
        "Image 3 of 12", "click to enlarge", "Featured image", "placeholder", "unnamed", "null",
        "d41d8cd98f00b204e9800998", "123e4567-e89b-12d3-a456-426614174000", "2024-05-01", "Bild",
        "画像", "...", "View larger", "avatar", "Image of", "Open in lightbox",
        "IMG_20200101_123456_HDR", "shutterstock_1234567",
        "pexels-photo-123456",
    ],
)  # fmt: skip
def test_boilerplate_says_nothing(words):
    assert telling(words) == ""


@pytest.mark.parametrize(
    "words",
    ["A red boat", "Image of a boat", "Boat 12", "P. Smith, 1920", "Panorama", "DSC by the sea",
     "Nr. 5 in the harbour", "Ёлка", "picture perfect", "Abba", "Image edited by Ann"],
)  # fmt: skip
def test_words_that_say_something_stay(words):
    assert telling(words) == words


def test_words_are_one_line_of_bounded_length():
    assert tidy(" two\n\n lines \x07 \xa0end ") == "two lines end"
    assert len(tidy("x y " * 50_000)) <= LONGEST_TEXT


def test_a_file_s_name_without_its_size_says_nothing_either():
    url = "https://example.org/boat-at-sea-1024x683.jpg"
    assert telling("boat-at-sea", [url]) == telling("boat-at-sea-1024x683", [url]) == ""
    assert telling("Boat at sea", [url]) == "Boat at sea"


@pytest.mark.parametrize(
    ("title", "shorter"),
    [
        ("A red boat | Harbour", "A red boat"),
        ("Harbour – A red boat", "A red boat"),
        ("A red boat", "A red boat"),
        ("Harbour", ""),
        ("Harbour lights", "Harbour lights"),
    ],
)
def test_the_name_of_the_site_is_no_part_of_a_title(title, shorter):
    assert page_title(title, "Harbour") == shorter
    assert page_title(title, "") == title


def test_the_best_text_is_chosen_by_where_it_stands():
    texts = {"page_title": "P", "heading": "H", "json_ld": "J", "title": "T", "alt": "A"}
    assert best_text(texts | {"figcaption": "F"}) == "F"
    assert [best_text(dict([*texts.items()][:n])) for n in range(6)] == [
        "",
        "P",
        "H",
        "J",
        "T",
        "A",
    ]


def test_words_rank_by_where_they_stand():
    assert rank_of({"alt": "A", "figcaption": "F"}) == 0
    assert rank_of({"page_title": "P", "figcaption": ""}) == 5
    assert rank_of({}) == rank_of({"author": "A"}) == 6


@pytest.mark.parametrize(
    "words",
    [
        "Photo: Jane Doe", "Photo by Jane Doe on Unsplash", "© 2020 Getty Images", "(c) Reuters",
        "Photograph: Jane Doe/The Guardian", "Image courtesy of NASA", "Foto: Jürgen Müller / dpa",
        "Image credit: NASA/JPL-Caltech", "Courtesy of the Metropolitan Museum of Art",
        "Credit: Alamy", "PHOTO BY JANE DOE", "Photo credit: @janedoe", "Source: Wikimedia Commons",
        "Photo © Jane Doe, 2019", "Photos by Ann and Bob Smith",
    ],
)  # fmt: skip
def test_a_credit_is_no_caption_but_tells_the_author(words):
    assert telling_texts({"figcaption": words, "alt": "A boat"}, ()) == {
        "alt": "A boat", "author": words,
    }  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "Photo of a red boat", "Photo: a red boat at sea", "Image: view from the bridge",
        "Courtesy flags on a yacht", "Source of the Nile", "Photo finish at the derby",
        "Credit Suisse headquarters in Zürich by night", "Via Appia near Rome at dawn",
        "Copyright office building in Washington at dusk", "A red boat. Photo: Jane Doe",
        "Photographs hang in the hall", "Bild 3: das rote Boot",
    ],
)  # fmt: skip
def test_a_caption_that_begins_like_a_credit_stays(words):
    assert telling_texts({"figcaption": words}, ()) == {"figcaption": words}


def test_an_author_that_is_known_stays():
    assert telling_texts({"author": "Ann", "alt": "Photo: Bob"}, ()) == {"author": "Ann"}
