import json
from typing import Any

import pytest

from scraping.api_requests import (
    ApiRequest,
    Lookup,
    NoLookup,
    first_request,
    lookup_address,
    next_link,
    next_request,
    without_key,
)
from scraping.field_mapping import ApiMapping, checked

SITE = "https://api.example.org"


def mapping(**more: Any) -> ApiMapping:
    return checked({"items": "posts", "item": {"images": ["url"]}} | more)


def paged(**pagination: Any) -> ApiMapping:
    return mapping(request={"query": {"limit": 2}}, pagination=pagination)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (SITE, f"{SITE}/v1/posts?limit=50&safe=true"),
        (f"{SITE}/", f"{SITE}/v1/posts?limit=50&safe=true"),
        (f"{SITE}/?limit=5&q=a%20b", f"{SITE}/v1/posts?limit=5&safe=true&q=a+b"),
        (f"{SITE}/v2/users/7#top", f"{SITE}/v2/users/7?limit=50&safe=true"),
    ],
)
def test_the_address_goes_over_the_mapping(url: str, asked: str) -> None:
    request = {"path": "/v1/posts", "query": {"limit": 50, "safe": True}}
    assert first_request(mapping(request=request), url) == ApiRequest(asked)


def test_a_post_request_has_a_body() -> None:
    asked = first_request(
        mapping(request={"method": "POST", "body": {"size": 5}}, lookup={"q": "{name}"}),
        f"{SITE}/search?q=boats&v=2",
    )
    assert asked == ApiRequest(f"{SITE}/search?v=2", {"size": 5, "q": "boats"})


def test_graphql_has_a_query_and_variables() -> None:
    asked = first_request(
        mapping(
            request={"path": "/graphql", "graphql": "query { a }", "variables": {"n": 5}},
            lookup={"search": "{name}"},
        ),
        f"{SITE}?search=boats",
    )
    assert asked.url == f"{SITE}/graphql"
    assert json.loads(asked.data) == {
        "query": "query { a }", "variables": {"n": 5, "search": "boats"},
    }  # fmt: skip


def all_requests(using: ApiMapping, *answers: Any, link: str = "", url: str = SITE) -> list[Any]:
    """What is asked, one answer after the other, to the end."""
    request: ApiRequest | None = first_request(using, url)
    asked = []
    for answer in answers:
        assert request is not None
        asked.append(request.body or request.url.removeprefix(SITE))
        request = next_request(using, request, answer, len(answer.get("posts", [])), link)
    assert request is None
    return asked


FULL: Any = {"posts": [1, 2]}
EMPTY: Any = {"posts": []}


def test_pages_are_counted_until_one_is_empty() -> None:
    using = paged(by="page", parameter="page")
    assert all_requests(using, FULL, FULL, EMPTY) == [
        "?limit=2", "?limit=2&page=2", "?limit=2&page=3",
    ]  # fmt: skip
    from_zero = paged(by="page", parameter="page", first=0)
    assert all_requests(from_zero, FULL, EMPTY) == ["?limit=2", "?limit=2&page=1"]
    assert all_requests(using, FULL, EMPTY, url=f"{SITE}?page=7") == [
        "?limit=2&page=7", "?limit=2&page=8",
    ]  # fmt: skip


def test_offsets_grow_by_what_came_or_by_a_step() -> None:
    assert all_requests(paged(by="offset", parameter="at"), FULL, FULL, EMPTY) == [
        "?limit=2", "?limit=2&at=2", "?limit=2&at=4",
    ]  # fmt: skip
    assert all_requests(paged(by="offset", parameter="at", step=50), FULL, EMPTY) == [
        "?limit=2", "?limit=2&at=50",
    ]  # fmt: skip


def test_cursors_are_sent_back() -> None:
    using = paged(by="cursor", parameters={"after": "next.id", "go on": "next.more"})
    first = {"next": {"id": 7, "more": "x||"}}
    assert all_requests(using, first, {"next": {"id": 9}}, {}) == [
        "?limit=2", "?limit=2&after=7&go+on=x%7C%7C", "?limit=2&after=9&go+on=x%7C%7C",
    ]  # fmt: skip


def test_cursors_of_graphql_are_variables() -> None:
    using = mapping(
        request={"graphql": "q", "variables": {"n": 1}},
        pagination={"by": "cursor", "parameters": {"after": "end"}, "more": "more"},
    )
    bodies = all_requests(using, {"end": "x", "more": True}, {"end": "y", "more": False})
    assert [body["variables"] for body in bodies] == [{"n": 1}, {"n": 1, "after": "x"}]


def test_numbers_in_a_body_count_on_too() -> None:
    using = mapping(
        request={"method": "POST", "body": {"page": 3}},
        pagination={"by": "page", "parameter": "page"},
    )
    assert all_requests(using, FULL, EMPTY) == [{"page": 3}, {"page": 4}]


def test_next_addresses_are_followed_on_the_same_host() -> None:
    using = paged(by="next", at="next")
    assert all_requests(
        using, {"next": "/v1/posts?p=2"}, {"next": "http://api.example.org/v1/posts?p=3"}, {}
    ) == ["?limit=2", "/v1/posts?p=2", "/v1/posts?p=3"]
    for other in ("https://evil.net/", "ftp://api.example.org/", "javascript:x", "http://["):
        assert all_requests(using, {"next": other}) == ["?limit=2"]


def test_the_link_header_is_followed() -> None:
    request = next_request(
        paged(by="link"), ApiRequest(SITE), FULL, 2, next_link('</p?a=1,2>; rel="next"')
    )
    assert request == ApiRequest(f"{SITE}/p?a=1,2")
    assert next_request(paged(by="link"), ApiRequest(SITE), FULL, 2, "") is None


@pytest.mark.parametrize(
    ("header", "link"),
    [
        ('<https://a.org/2>; rel="next", <https://a.org/9>; rel="last"', "https://a.org/2"),
        ('<https://a.org/1>; rel="prev", <https://a.org/3>; rel=next', "https://a.org/3"),
        ('<https://a.org/3>; title="x"; REL="last Next"', "https://a.org/3"),
        ('<https://a.org/3>; title="next"', ""),
        ("", ""),
        ("<<>>;;rel", ""),
    ],
)
def test_what_a_link_header_says(header: str, link: str) -> None:
    assert next_link(header) == link


def test_more_ends_what_would_go_on() -> None:
    using = paged(by="page", parameter="page", more="page < pages")
    assert all_requests(using, FULL | {"page": 1, "pages": 2}, FULL | {"page": 2, "pages": 2}) == [
        "?limit=2",
        "?limit=2&page=2",
    ]


def test_without_pagination_there_is_one_answer() -> None:
    assert all_requests(mapping(), FULL) == [""]


def test_a_key_in_an_address_of_an_answer_is_taken_out() -> None:
    using = mapping(key={"in": "query", "name": "api_key"}, pagination={"by": "next", "at": "next"})
    assert all_requests(using, {"next": "/p?a=1&api_key=secret&b=%20"}, {}) == [
        "", "/p?a=1&b=%20",
    ]  # fmt: skip
    assert without_key(using, f"{SITE}/p?api%5Fkey=secret") == f"{SITE}/p"
    assert without_key(mapping(), f"{SITE}/p?api_key=x") == f"{SITE}/p?api_key=x"
    assert without_key(mapping(), f"{SITE}/p?t=a%2Bb&u=a%20b", "a+b") == f"{SITE}/p?u=a%20b"


def test_a_source_is_searched_by_name() -> None:
    pages = Lookup(SITE, f"{SITE}/search/{{name}}/1?q={{name}}")
    assert lookup_address(pages, " a&b/c d ") == f"{SITE}/search/a%26b%2Fc%20d/1?q=a%26b%2Fc%20d"
    api = Lookup(f"{SITE}/v1?x=1", "", mapping(lookup={"q": "{name} boats"}))
    assert lookup_address(api, "a&b/c") == f"{SITE}/v1?x=1&q=a%26b%2Fc+boats"


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        (Lookup(SITE), "boats", "cannot be searched by name"),
        (Lookup(SITE, "", mapping()), "boats", "cannot be searched by name"),
        (Lookup(SITE, f"{SITE}/{{name}}"), "  ", "which name"),
    ],
)
def test_a_source_that_cannot_be_searched_says_so(source: Lookup, name: str, words: str) -> None:
    with pytest.raises(NoLookup, match=words):
        lookup_address(source, name)
