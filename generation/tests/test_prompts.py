"""Prompts of a batch: expansion and the table's rules."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.prompts import check_template, expand_prompt, parse_rows, template_columns

TEMPLATES = Path(__file__).resolve().parents[1] / "batch_templates"
ROW = {"name": "Seven of Hearts", "rank": "seven", "suit": "hearts"}


def test_the_parts_are_joined_by_commas() -> None:
    prompt = expand_prompt("playing card", "{name}", ROW, "crimson ink", "clean print")
    assert prompt == "playing card, Seven of Hearts, crimson ink, clean print"


def test_empty_parts_leave_no_commas() -> None:
    assert expand_prompt("", " {rank} of {suit}, ", ROW, "  ", "") == "seven of hearts"


def test_braces_in_the_theme_are_only_text() -> None:
    assert expand_prompt("", "{name}", ROW, "{rank} {0}", "") == "Seven of Hearts, {rank} {0}"


def test_doubled_braces_in_the_template_are_braces() -> None:
    assert expand_prompt("", "{{{rank}}}", ROW, "", "") == "{seven}"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{colour}", "uses {colour}, but there is no such column"),
        ("{name.__class__}", "only use column names in braces"),
        ("{name[0]}", "only use column names in braces"),
        ("{0}", "only use column names in braces"),
        ("{}", "only use column names in braces"),
        ("{name!r}", "must not format {name}"),
        ("{name:>999999999}", "must not format {name}"),
        ("{name:{rank}}", "must not format {name}"),
        ("{name", "is not valid"),
        ("name}", "is not valid"),
    ],
)
def test_unsafe_or_broken_templates_are_refused(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        expand_prompt("", template, ROW, "", "")


def test_columns_are_listed_once_in_order() -> None:
    assert template_columns("{suit} {rank} {suit}") == ["suit", "rank"]


def test_a_prompt_has_at_most_2000_characters() -> None:
    assert len(expand_prompt("", "{name}", {"name": "x" * 2000}, "", "")) == 2000
    with pytest.raises(ValueError, match="has 2001 characters; 2000 are allowed"):
        expand_prompt("", "{name}", {"name": "x" * 2001}, "", "")


def test_a_prompt_must_not_be_empty() -> None:
    with pytest.raises(ValueError, match="The prompt is empty"):
        expand_prompt("", "", ROW, "", "")


def test_rows_are_read_with_quotes_spaces_and_blank_lines() -> None:
    text = '\ufeffname, suit\r\n"Seven, of Hearts", hearts \r\n\r\nAce,spades\r\n'
    assert parse_rows(text) == [
        {"name": "Seven, of Hearts", "suit": "hearts"},
        {"name": "Ace", "suit": "spades"},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The table is empty"),
        (" \n\n", "The table is empty"),
        ("rank,suit\nace,spades\n", "needs a column called name"),
        ("name,rank\n", "a header but no rows"),
        ("name,rank\nAce\n", "Line 2 has 1 values for 2 columns"),
        ("name\nAce\nKing,7\n", "Line 3 has 2 values for 1 columns"),
        ("name,rank\n ,ace\n", "Line 2 has no name"),
        ("name\nAce\nace\n", "The name ace appears twice"),
        ("name,name\nAce,King\n", "The column name appears twice"),
        ("name,the rank\nAce,1\n", "needs a name of letters"),
        ('name\n"Ace\n', "not valid CSV"),
    ],
)
def test_broken_tables_are_refused_in_a_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_rows(text)


def test_there_is_a_limit_to_the_rows() -> None:
    text = "name\n" + "\n".join(str(number) for number in range(4))
    assert len(parse_rows(text, max_rows=4)) == 4
    with pytest.raises(ValueError, match="has 4 rows; 3 are allowed"):
        parse_rows(text, max_rows=3)


@given(st.text(max_size=200))
def test_any_text_gives_rows_or_a_clear_error(text: str) -> None:
    message = ""
    try:
        rows = parse_rows(text)
    except ValueError as error:
        message = str(error)
        rows = []
    assert message.endswith(".") or all(row["name"] for row in rows)


@given(st.text(max_size=60))
def test_any_template_gives_a_prompt_or_a_clear_error(template: str) -> None:
    try:
        answer = expand_prompt("", template, ROW, "", "")
    except ValueError as error:
        answer = str(error)
        assert answer.endswith(".")
    assert answer


@pytest.mark.parametrize(("name", "count"), [("playing_cards", 54), ("tarot", 78), ("zodiac", 12)])
def test_the_seeded_templates_are_complete(name: str, count: int) -> None:
    about = json.loads((TEMPLATES / f"{name}.json").read_text("utf-8"))
    rows = parse_rows((TEMPLATES / f"{name}.csv").read_text("utf-8"))
    assert len(rows) == count
    assert (about["width"], about["height"]) == (64, 96)
    words = (about["base_prompt"], about["example_theme"], about["style_suffix"])
    check_template(rows, about["prompt_template"], *words)
