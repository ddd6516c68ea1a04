"""Whatever a page holds, reading it raises nothing and comes to its end soon."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scraping.extract import MOST_LINKS, extract
from scraping.page_addresses import LONGEST_URL, absolute
from scraping.page_words import LONGEST_TEXT, TEXTS
from scraping.picture_sizes import sized
from scraping.same_picture import MOST_ADDRESSES, MOST_CANDIDATES, RULES

PAGE = "https://example.org/a/page.html"
# Far above what is measured; an algorithm that grows with the square takes minutes.
SECONDS = 20

_VALUES = st.one_of(
    st.sampled_from(
        ["a.jpg", "b-300x200.jpg", "/_next/image?url=a.jpg&w=9", "#", "", "http://[", "a.jpg 2x, b",
         "/a-20x30.jpg", "https://static.wixstatic.com/media/a.jpg/v1/fill/w_9,h_9/a.jpg",
         "https://live.staticflickr.com/1/2_3_b.jpg", "/upload/f_auto/https://x.org/a.jpg",
         "/cdn-cgi/image/width=9/a.jpg", "url(a.jpg)",
         "background:image-set('a.jpg' 1x", "{\"a.jpg\": [1, 2]}", "{", "next", "2",
         "image", "A boat", "data:,", "//x", "https://u:p@h/", "\x00", "a" * 3000]
    ),
    st.text(max_size=30),
)  # fmt: skip
_NAMES = st.sampled_from(
    ["src", "srcset", "href", "alt", "title", "style", "class", "rel", "type", "content", "name",
     "property", "width", "height", "data-src", "data-srcset", "data-full", "data-bg", "data-x",
     "data-caption", "aria-label", "sizes"]
)  # fmt: skip
_TAGS = st.sampled_from(
    ["img", "a", "picture", "source", "figure", "figcaption", "noscript", "style", "script", "meta",
     "link", "base", "h2", "p", "div", "svg", "template", "table", "amp-img", "input", "title"]
)  # fmt: skip


@st.composite
def _element(draw: st.DrawFn) -> str:
    tag = draw(_TAGS)
    attributes = draw(st.dictionaries(_NAMES, _VALUES, max_size=4))
    written = "".join(f" {name}='{value}'" for name, value in attributes.items())
    close = draw(st.sampled_from(["", f"</{tag}>", "</div>", "</a>"]))
    return f"<{tag}{written}>{draw(_VALUES)}{close}"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(_element(), max_size=12).map("".join))
def test_any_page_is_read(html: str) -> None:
    contents = extract(html, PAGE)
    for found in contents.candidates:
        assert 1 <= len(found.urls) <= MOST_ADDRESSES
        assert len(set(found.urls)) == len(found.urls)
        assert all(url.startswith(("http://", "https://")) for url in found.urls)
        assert all(len(url) <= LONGEST_URL for url in found.urls)
        assert found.rule in RULES
        assert set(found.texts) <= set(TEXTS)
        assert all(0 < len(text) <= LONGEST_TEXT for text in found.texts.values())
    best = [found.urls[0] for found in contents.candidates]
    assert len(set(best)) == len(best), "one picture is offered once"


@settings(max_examples=150, deadline=None, database=None)
@given(st.text(max_size=80))
def test_any_address_is_taken_apart(text: str) -> None:
    url = absolute(text, PAGE)
    if url is not None:
        told = sized(url)
        assert told.picture
        assert told.pixels >= 0


HUGE = {
    "flat": "".join(f"<img src='s{n}.jpg' alt='boat {n}'>" for n in range(60_000)),
    "deep": "<div>" * 300_000 + "<img src=a.jpg>",
    "deep with pictures": "".join(f"<div><img src=s{n}.jpg>" for n in range(30_000)),
    "links in links": "".join(f"<a href=x{n}.jpg><span>" for n in range(30_000)),
    "headings": "".join(f"<h2>{n}</h2><p><img src={n}.jpg></p>" for n in range(20_000)),
    "words": "<p>word word word</p>" * 200_000 + "<img src=a.jpg>",
    "noscripts": "".join(
        f"<img data-src={n}.jpg src=x.gif><noscript><img src={n}.jpg></noscript>"
        for n in range(30_000)
    ),
    "one figure": "<figure><figcaption>" + "<b>x</b>" * 3000 + "</figcaption>"
    + "".join(f"<img src={n}.jpg>" for n in range(5000)),
    "a set": "<img srcset='" + "a.jpg 1x, " * 500_000 + "'>",
    "styles": "<style>" + "a{background:url(x.jpg)}" * 200_000 + "</style>",
    "open styles": "<style>background:" + "url(" * 500_000 + "</style>",
    "attributes": "".join(
        "<img " + " ".join(f"data-a{m}='{n}-{m}.jpg'" for m in range(200)) + ">"
        for n in range(500)
    ),
    "one name": "".join(
        f"<a href=/{n}><img src=/{n % 900 + 100}x/a.jpg alt='boat {n}'></a>" for n in range(5000)
    ),
    "one picture": "".join(f"<img src=a.jpg alt='boat {n}'>" for n in range(5000)),
    "numbers": "".join(f"<a href='?page={n}'>{n}</a>" for n in range(50_000)),
    "dashes": f"<meta property=og:site_name content=x><title>{'-' * 500_000}</title>",
    "json": "<script type='application/ld+json'>["
    + ",".join('{"@type":"ImageObject","url":"%d.jpg"}' % n for n in range(20_000))  # noqa: UP031
    + "]</script>",
}  # fmt: skip


@pytest.mark.parametrize("shape", HUGE)
def test_a_huge_page_is_read_soon(shape: str) -> None:
    began = time.monotonic()
    contents = extract(HUGE[shape], PAGE)
    assert time.monotonic() - began < SECONDS
    assert len(contents.candidates) <= MOST_CANDIDATES
    assert len(contents.links) <= MOST_LINKS
