from typing import Any

import pytest

from scraping.field_mapping import Key, MappingRefused, checked

LEAST: dict[str, Any] = {"items": "posts", "item": {"images": ["url"]}}


def test_the_least_that_a_mapping_says() -> None:
    mapping = checked(LEAST)
    assert mapping.items.expression == "posts"
    assert not mapping.is_post
    assert mapping.obey_robots
    assert mapping.pagination.by == ""
    assert mapping.key is None


def test_all_that_a_mapping_may_say() -> None:
    mapping = checked(
        {
            "request": {
                "path": "/graphql",
                "query": {"v": 2, "all": True},
                "graphql": "query($after: String) { posts(after: $after) { url } }",
                "variables": {"first": 50},
                "obey_robots": False,
            },
            "items": "data.posts.nodes",
            "detail": "join('', ['/posts/', to_string(id)])",
            "item": {
                "images": "file.url",
                "page": "link", "caption": "text", "title": "name", "tags": "tags[].name",
                "tag_separator": " ", "width": "w", "height": "h", "rating": "r", "author": "a.b",
            },
            "pagination": {
                "by": "cursor", "parameters": {"after": "data.posts.pageInfo.endCursor"},
                "more": "data.posts.pageInfo.hasNextPage",
            },
            "key": {"in": "header", "name": "Authorization", "prefix": "Bearer "},
            "lookup": {"search": "{name}"},
            "error": "message",
        }
    )  # fmt: skip
    assert mapping.is_post
    assert not mapping.obey_robots
    assert mapping.key == Key("header", "Authorization", "Bearer ")
    assert set(mapping.fields) == {
        "page", "caption", "title", "tags", "width", "height", "rating", "author",
    }  # fmt: skip
    assert mapping.tag_separator == " "
    assert list(mapping.pagination.parameters) == ["after"]


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"items": None}, "items", "Write a text"),
        ({"items": "a["}, "items", "no JMESPath expression"),
        ({"items": "[" * 400}, "items", "no JMESPath expression"),
        ({"items": "a" * 501}, "items", "at most 500"),
        ({"items": ""}, "items", "no JMESPath expression"),
        ({"item": {}}, "item", "“images” is missing"),
        ({"item": []}, "item", "JSON object"),
        ({"item": {"images": []}}, "item.images", "one to 4"),
        ({"item": {"images": ["a"] * 5}}, "item.images", "one to 4"),
        ({"item": {"images": [1]}}, "item.images", "Write a text"),
        ({"item": {"images": "a", "colour": "b"}}, "item", "no “colour” here; known are author,"),
        ({"item": {"images": "a", "title": "b("}}, "item.title", "no JMESPath"),
        ({"colour": 1}, "", "no “colour” here"),
        ({"request": {"obey_robots": "no"}}, "request.obey_robots", "true or false"),
        ({"request": {"path": "https://example.org/"}}, "request.path", "without host"),
        ({"request": {"path": "//example.org/"}}, "request.path", "without host"),
        ({"request": {"path": "/a?b=1"}}, "request.path", "without host and parameters"),
        ({"request": {"method": "DELETE"}}, "request.method", "GET or POST"),
        ({"request": {"body": {}}}, "request.body", "Only a POST"),
        ({"request": {"method": "GET", "graphql": "q"}}, "request.graphql", "Only a POST"),
        ({"request": {"graphql": "q", "body": {}}}, "request.body", "variables, no body"),
        ({"request": {"method": "POST", "variables": {}}}, "request.variables", "Only a GraphQL"),
        ({"request": {"query": {"a": [1]}}}, "request.query", "a text, a number"),
        ({"request": {"query": {"a": None}}}, "request.query", "a text, a number"),
        ({"request": {"query": {str(n): 1 for n in range(51)}}}, "request.query", "at most 50"),
        ({"request": {"method": "POST", "body": []}}, "request.body", "JSON object"),
        (
            {"request": {"method": "POST", "body": {"a": "b" * 10_000}}},
            "request.body",
            "at most 10000",
        ),
        ({"pagination": {"by": "luck"}}, "pagination.by", "page, offset, cursor, next, link"),
        ({"pagination": {"more": "a"}}, "pagination.by", "page, offset"),
        ({"pagination": {"by": "page"}}, "pagination.parameter", "Write a text"),
        ({"pagination": {"by": "page", "parameter": ""}}, "pagination.parameter", "Name the"),
        (
            {"pagination": {"by": "page", "parameter": "p", "first": -1}},
            "pagination.first",
            "from 0",
        ),
        (
            {"pagination": {"by": "offset", "parameter": "o", "step": True}},
            "pagination.step",
            "whole number",
        ),
        ({"pagination": {"by": "cursor"}}, "pagination.parameters", "each parameter"),
        ({"pagination": {"by": "next"}}, "pagination.at", "Write a text"),
        ({"key": {"in": "body", "name": "k"}}, "key.in", "header or in the query"),
        ({"key": {"in": "header"}}, "key", "“name” is missing"),
        ({"key": {"in": "header", "name": "a b"}}, "key.name", "not the name of a header"),
        ({"key": {"in": "header", "name": "Host"}}, "key.name", "not the name of a header"),
        ({"key": {"in": "header", "name": "a\nb"}}, "key.name", "not the name of a header"),
        (
            {"key": {"in": "header", "name": "a", "prefix": "a\r\n"}},
            "key.prefix",
            "letters and digits",
        ),
        ({"lookup": {"q": "boats"}}, "lookup", "Write {name}"),
    ],
)
def test_what_is_not_possible_is_refused_with_its_place(
    changed: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(MappingRefused) as refused:
        checked(LEAST | changed)
    assert refused.value.field == field
    assert words in str(refused.value)


@pytest.mark.parametrize("data", [None, [], "x", 1])
def test_a_mapping_is_an_object(data: Any) -> None:
    with pytest.raises(MappingRefused, match="JSON object"):
        checked(data)


def test_an_empty_mapping_says_what_is_missing() -> None:
    with pytest.raises(MappingRefused, match="item: Write a JSON object"):
        checked({})
    with pytest.raises(MappingRefused, match="items: Say where"):
        checked({"item": {"images": "a"}})
