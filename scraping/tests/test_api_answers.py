import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraping import api_answers
from scraping.api_answers import (
    WrongAnswer,
    detail_of,
    is_more,
    items_of,
    picture_of,
    read_answer,
    tags_in,
    worded_status,
)
from scraping.field_mapping import ApiMapping, checked

BASE = "https://api.example.org/v1/posts?page=2"


def mapping(items: str = "posts", **item: Any) -> ApiMapping:
    return checked({"items": items, "item": {"images": ["url"]} | item})


def picture(item: Any, **fields: Any) -> Any:
    return picture_of(item, mapping(**fields), BASE)


def test_a_picture_has_addresses_best_first_and_its_words() -> None:
    found = picture(
        {
            "id": 7,
            "files": {"full": "https://cdn.net/7.png", "small": "/7-small.jpg"},
            "text": "A <b>red</b> boat &amp; its\n crew",
            "title": "7.png",
            "tags": [{"name": "boat"}, {"name": "red, dark"}, {"name": "boat"}, {"name": ""}],
            "size": ["640", 480.0],
            "rating": "s",
            "by": {"name": "Ann"},
        },
        images=["files.full", "files.large", "files.small"],
        page="join('', ['/posts/', to_string(id)])",
        caption="text",
        title="title",
        tags="tags[].name",
        width="size[0]",
        height="size[1]",
        rating="rating",
        author="by.name",
    )
    assert found.candidate.urls == (
        "https://cdn.net/7.png",
        "https://api.example.org/7-small.jpg",
    )
    assert found.candidate.rule == "api"
    assert found.candidate.texts == {
        "figcaption": "A red boat & its crew",
        "tags": "boat, red  dark",
        "rating": "s",
        "author": "Ann",
    }
    assert found.candidate.caption == "A red boat & its crew"
    assert (found.width, found.height) == (640, 480)
    assert found.page_url == "https://api.example.org/posts/7"


@pytest.mark.parametrize(
    "item",
    [
        {}, None, 1, "x", [], {"url": None}, {"url": 7}, {"url": "javascript:alert(1)"},
        {"url": "ftp://example.org/a"}, {"url": ""}, {"url": {"a": 1}}, {"url": []},
    ],
)  # fmt: skip
def test_an_item_without_an_address_is_none(item: Any) -> None:
    assert picture(item) is None


def test_one_expression_may_name_several_addresses() -> None:
    found = picture({"url": ["/1.png", None, "/2.png", "/1.png", "/3", "/4", "/5"]})
    assert found.candidate.urls == tuple(
        f"https://api.example.org/{name}" for name in ("1.png", "2.png", "3", "4")
    )


def test_wrong_kinds_of_fields_are_left_out() -> None:
    found = picture(
        {"url": "/a.png", "x": {"a": 1}, "n": -1, "b": True},
        caption="x", title="b", tags="x", width="n", height="x", author="nothing", page="x",
    )  # fmt: skip
    assert found.candidate.texts == {}
    assert (found.page_url, found.width, found.height) == ("", 0, 0)


@pytest.mark.parametrize(
    ("said", "separator", "tags"),
    [
        ("red_boat  sea", "", ["red_boat", "sea"]),
        ("red boat, sea", "", ["red boat", "sea"]),
        ("a,b c", " ", ["a b", "c"]),
        ("a|b", "|", ["a", "b"]),
        (["a", 7, None, ["b", "c"], {"d": 1}], "", ["a", "7", "b  c"]),
        (None, "", []),
        ("x" * 101, "", []),
        ({"a": 1}, "", []),
    ],
)
def test_tags_come_from_lists_and_texts(said: Any, separator: str, tags: list[str]) -> None:
    assert tags_in(said, separator) == tags


def test_there_is_an_end_to_tags() -> None:
    assert len(tags_in([str(number) for number in range(1000)])) == api_answers.MOST_TAGS


def test_items_are_a_list_somewhere_in_the_answer() -> None:
    assert items_of({"posts": [1, 2]}, mapping()) == [1, 2]
    assert items_of([1, 2], mapping("@")) == [1, 2]
    assert items_of({"pages": {"7": {"a": 1}, "9": {"a": 2}}}, mapping("pages.* | sort_by(@, &a)"))
    assert items_of({"posts": []}, mapping()) == []
    assert len(items_of({"posts": [0] * 9999}, mapping())) == api_answers.MOST_ITEMS


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"data": [], "meta": 1}, "no list at “posts”; it has data, meta."),
        ({}, "it has nothing"),
        ([1], "no list at “posts”."),
        ({"posts": {"a": 1}}, "no list at “posts”"),
        ("text", "no list at “posts”"),
    ],
)
def test_an_answer_of_another_shape_says_what_it_has(answer: Any, words: str) -> None:
    with pytest.raises(WrongAnswer) as wrong:
        items_of(answer, mapping())
    assert words in str(wrong.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[" * 100_000, b"\xff\xff"])
def test_what_is_no_json_is_told(body: bytes) -> None:
    with pytest.raises(WrongAnswer, match="The answer is no JSON"):
        read_answer(body, mapping())


def test_errors_in_answers_are_told() -> None:
    with_error = checked(
        {"items": "a", "item": {"images": "b"}, "error": "stat=='fail' && message || null"}
    )
    body = json.dumps({"stat": "fail", "message": "Invalid <b>key</b>"}).encode()
    with pytest.raises(WrongAnswer, match=r"answers with an error: Invalid key$"):
        read_answer(body, with_error)
    assert read_answer(b'{"stat": "ok", "message": "Hello"}', with_error)["stat"] == "ok"


def test_errors_of_graphql_are_told_unless_there_is_data() -> None:
    graphql = checked({"items": "a", "item": {"images": "b"}, "request": {"graphql": "{a}"}})
    for errors in ([{"message": "No such field"}], ["No such field"]):
        with pytest.raises(WrongAnswer, match="No such field"):
            read_answer(json.dumps({"errors": errors, "data": None}).encode(), graphql)
    both = {"errors": [{"message": "No such field"}], "data": {"a": []}}
    assert read_answer(json.dumps(both).encode(), graphql) == both


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@given(JSON, JSON)
def test_any_item_is_read_or_passed_over(item: Any, other: Any) -> None:
    fields = dict.fromkeys(("caption", "title", "tags", "width", "height", "page"), "x")
    for data in (item, {"url": "/a.png", "x": item}, {"url": item, "x": other}):
        found = picture(data, **fields)
        assert found is None or found.candidate.urls
    try:
        items_of(item, mapping("x || sort_by(@, &a)"))
    except WrongAnswer:
        pass
    assert is_more(item, mapping().items) in (True, False)


def test_the_address_of_a_detail_is_made_whole() -> None:
    with_detail = checked(
        {"items": "ids", "item": {"images": "b"}, "detail": "join('', ['objects/', to_string(@)])"}
    )
    assert detail_of(7, with_detail, BASE) == "https://api.example.org/v1/objects/7"
    assert detail_of(7, mapping(), BASE) is None


@pytest.mark.parametrize(
    ("status", "has_key", "words"),
    [
        (401, False, "asks for an API key; the source has none"),
        (401, True, "does not accept the source's API key"),
        (403, True, "does not accept the source's API key"),
        (403, False, "may ask for an API key"),
        (404, False, "check the source's mapping"),
        (400, False, "check the source's mapping"),
        (429, True, "lower the source's rate limit"),
    ],
)
def test_what_a_status_means(status: int, has_key: bool, words: str) -> None:
    sentence = worded_status(status, "api.example.org", has_key)
    assert words in sentence
    assert sentence.startswith("api.example.org ")
    assert worded_status(500, "api.example.org", has_key) == ""
