from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraping.page_addresses import absolute
from scraping.same_page import cleaned, leads_nowhere, page_key, shape, surely_no_page

SITE = "https://example.org"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("/a?utm_source=x&b=1&utm_medium=y", "/a?b=1"),
        ("/a?fbclid=Iw12&gclid=2", "/a"),
        ("/a?b=2&a=1#part", "/a?b=2&a=1"),
        ("/a?b=%20x&c", "/a?b=%20x&c"),
        ("/a;jsessionid=0A1B2C?b=1", "/a?b=1"),
        ("/a?PHPSESSID=abc&b=1", "/a?b=1"),
        ("/a?ASPSESSIONIDQABC=1&b", "/a?b"),
        ("/a?sid=12", "/a?sid=12"),
        ("/a?sid=0123456789abcdef0123456789abcdef", "/a"),
        ("/a?s=a-long-word-without-any-digit", "/a?s=a-long-word-without-any-digit"),
        ("/a?id=0123456789abcdef0123456789abcdef", "/a?id=0123456789abcdef0123456789abcdef"),
        ("/a?", "/a"),
    ],
)
def test_what_only_tells_visitors_apart_is_not_asked_for(url: str, asked: str) -> None:
    assert cleaned(SITE + url) == SITE + asked


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{SITE}/a?x=1&y=2", f"{SITE}/a?y=2&x=1"),
        (f"{SITE}/a", "http://www.EXAMPLE.org:80/a/"),
        (SITE, f"{SITE}/index.html"),
        (f"{SITE}/a/", f"{SITE}/a/index.php#top"),
        (f"{SITE}/a//b", f"{SITE}/a/b"),
        (f"{SITE}/%7Euser/caf%c3%a9", f"{SITE}/~user/café"),
        (f"{SITE}/list", f"{SITE}/list?page=1"),
        (f"{SITE}/list?utm_campaign=x", f"{SITE}/list"),
        (f"{SITE}/a?q=a+b", f"{SITE}/a?q=a%20b"),
        (f"{SITE}/a%20b", f"{SITE}/a%20b#c"),
    ],
)
def test_two_addresses_of_one_page(one: str, other: str) -> None:
    assert page_key(one) == page_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{SITE}/a", f"{SITE}/b"),
        (f"{SITE}/a", f"{SITE}/A"),
        (f"{SITE}/a?x=1", f"{SITE}/a?x=2"),
        (f"{SITE}/a?x=1&x=2", f"{SITE}/a?x=1"),
        (f"{SITE}/list?page=1", f"{SITE}/list?page=2"),
        (f"{SITE}/?p=1", f"{SITE}/"),
        (f"{SITE}/a%2Fb", f"{SITE}/a/b"),
        (f"{SITE}/a%3Fb", f"{SITE}/a?b"),
        (f"{SITE}:8000/a", f"{SITE}/a"),
        ("https://pictures.example.org/a", f"{SITE}/a"),
        (f"{SITE}/a%FF", f"{SITE}/a%FE"),
    ],
)
def test_two_pages(one: str, other: str) -> None:
    assert page_key(one) != page_key(other)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_address_that_a_page_names_can_be_compared(path: str, query: str) -> None:
    url = absolute(f"/{path}?{query}", SITE)
    if url is not None:
        asked = cleaned(url)
        assert cleaned(asked) == asked
        assert page_key(asked) == page_key(url)
        assert surely_no_page(url) in (True, False)
        assert leads_nowhere(url) in (True, False)
        assert "#" not in asked
        assert shape(url).startswith(urlsplit(url).netloc)


@pytest.mark.parametrize(
    ("url", "is_none"),
    [
        ("/all.zip", True),
        ("/film.MP4?start=1", True),
        ("/paper.pdf", True),
        ("/picture.jpeg", True),
        ("/feed.rss", True),
        ("/page", False),
        ("/page.html", False),
        ("/page.php?file=all.zip", False),
        ("/view.aspx", False),
        ("/v1.2", False),
        ("/wiki/File:Boat.jpg", False),
        ("/", False),
    ],
)
def test_files_of_other_kinds_are_no_pages(url: str, is_none: bool) -> None:
    assert surely_no_page(SITE + url) is is_none


@pytest.mark.parametrize("url", ["mailto:a@example.org", "javascript:void(0)", "ftp://a.org/"])
def test_nor_is_anything_that_is_not_of_the_web(url: str) -> None:
    assert surely_no_page(url)


@pytest.mark.parametrize(
    ("url", "is_maze"),
    [
        ("/a/b/a/b/a/b/a/b", True),
        ("/a/b/a/b", False),
        ("/" + "/".join("abcdefghijklmnopqrstu"), True),
        ("/2024/05/05/boats", False),
        ("/a?" + "&".join(f"p{n}={n}" for n in range(11)), True),
        ("/a?" + "&".join(f"p{n}={n}" for n in range(9)), False),
        ("/a?c=1&c=2&c=3&c=4", True),
        ("/boat?add-to-cart=12", True),
        ("/post?replytocom=3", True),
        ("/", False),
    ],
)
def test_an_address_that_leads_nowhere_is_told_by_its_form(url: str, is_maze: bool) -> None:
    assert leads_nowhere(SITE + url) is is_maze


def test_the_days_of_a_calendar_have_one_shape() -> None:
    assert shape(f"{SITE}/cal/2024-05?view=day&x=1") == shape(f"{SITE}/cal/1999-01?x=2&view=week")
    assert shape(f"{SITE}/cal/2024") != shape(f"{SITE}/cat/2024")
    assert shape(f"{SITE}/cal?d=1") != shape(f"{SITE}/cal")
