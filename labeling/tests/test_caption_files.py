"""Captions as CSV and metadata.jsonl: what is written is read, and bad files are said to be bad."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import caption_files
from labeling.caption_files import (
    CaptionFileRefused,
    Row,
    read_csv,
    read_jsonl,
    write_csv,
    write_jsonl,
)

ROWS = [
    Row("a.png", "a lake, at “dawn”", ("red fox", "snow"), "SAFE", "claude", 7, "ab" * 32),
    Row("b, c.png", '=HYPERLINK("x")', (), "EXPLICIT", "manual", 8, "cd" * 32),
    Row("d.png", "'-quoted", ("-x",), "", "", 9, ""),
    Row("日本.png", "カード", ("カード",), "ADULT", "prompt", 10, "ef" * 32),
]


def read_back(rows: list[Row]) -> list[Row]:
    return [Row(r.name, r.caption, r.tags, r.rating, "", r.image_id, r.sha256) for r in rows]


def test_csv_and_jsonl_are_read_as_they_were_written() -> None:
    assert read_csv("".join(write_csv(ROWS))) == read_back(ROWS)
    assert read_jsonl("".join(write_jsonl(ROWS))) == read_back(ROWS)


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).map(
    lambda text: " ".join(text.split())
)
TAG = WORDS.filter(lambda text: text and "," not in text and len(text) <= 100)


@given(
    st.builds(
        Row,
        name=WORDS,
        caption=WORDS,
        tags=st.lists(TAG, unique=True, max_size=4).map(tuple),
        rating=st.sampled_from(("", *caption_files.RATINGS)),
    )
)
def test_any_words_come_back(row: Row) -> None:
    assert read_csv("\ufeff" + "".join(write_csv([row]))) == [row]
    assert read_jsonl("".join(write_jsonl([row]))) == [row]


def test_no_cell_is_a_formula() -> None:
    lines = "".join(write_csv([Row("=a.png", "+1", ("@x",))])).splitlines()
    assert lines[1].startswith("'=a.png,'+1,'@x,")


def test_what_others_write_is_read() -> None:
    assert read_csv("Filename,Caption\r\na.png,a lake\r\n") == [Row("a.png", "a lake")]
    assert read_csv('image,tags\na.png,"x, y , ,x"\n') == [Row("a.png", tags=("x", "y"))]
    assert read_jsonl('{"file_name": "a.png", "text": " a\\n lake "}\n\n') == [
        Row("a.png", "a lake")
    ]
    assert read_jsonl('{"file_name": "a.png", "tags": ["x", 5, ""]}') == [Row("a.png", tags=("x",))]
    assert read_jsonl('{"rating": "unrated", "image_id": "12"}') == [Row(image_id=12)]


def test_a_text_may_hold_what_ends_lines_elsewhere() -> None:
    line = json.dumps({"file_name": "a.png", "text": "one\u2028two"}, ensure_ascii=False)
    assert read_jsonl(line) == [Row("a.png", "one two")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "first line names the columns"), ("a,b\n1,2\n", "first line names the columns"),
        ("file_name,rating\na.png,five stars\n", "Line 2 has the rating “FIVE STARS”"),
        ("caption\n" + "x" * 10_001, "more than 10000 characters"),
        ("caption\n" + "x" * 200_000, "is no CSV: field larger"),
    ],
    ids=range(5),
)  # fmt: skip
def test_a_bad_csv_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(CaptionFileRefused, match=sentence):
        read_csv(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "Line 1 is not JSON."), ("{}\n[1]", "Line 2 is not a JSON object."),
        ("[" * 100_000, "Line 1 is not JSON."), ('{"rating": "x"}', "Line 1 has the rating “X”"),
    ],
    ids=range(4),
)  # fmt: skip
def test_a_bad_jsonl_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(CaptionFileRefused, match=sentence):
        read_jsonl(text)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caption_files, "MOST_ROWS", 2)
    with pytest.raises(CaptionFileRefused, match="more than 2 rows"):
        read_csv("caption\na\nb\nc\n")
    with pytest.raises(CaptionFileRefused, match="more than 2 rows"):
        read_jsonl("{}\n{}\n{}\n")


@given(st.text(max_size=200))
def test_no_text_raises_anything_else(text: str) -> None:
    for read in (read_csv, read_jsonl):
        try:
            read(text)
        except CaptionFileRefused:
            pass
