import json

import pytest

from scraping.extract import extract
from scraping.same_picture import Candidate


def found_on(html: str) -> list[Candidate]:
    return list(extract(html, "https://example.org/p").candidates)


def of_json(told: object) -> list[tuple[str, str]]:
    html = f'<script type="application/ld+json">{json.dumps(told)}</script>'
    found = found_on(html)
    assert {one.rule for one in found} <= {"json_ld"}
    return [(one.urls[0].removeprefix("https://example.org/"), one.caption) for one in found]


PICTURE = {"@type": "ImageObject", "contentUrl": "/a.jpg", "caption": "A boat"}


@pytest.mark.parametrize(
    "told",
    [
        PICTURE,
        [PICTURE],
        {"@graph": [{"@type": "WebSite"}, PICTURE]},
        {"@type": "Article", "image": PICTURE},
        {"@type": "ItemList", "itemListElement": [{"item": {"image": [PICTURE]}}]},
        {**PICTURE, "@type": ["Thing", "http://schema.org/ImageObject"]},
        {"@type": "ImageObject", "url": "/a.jpg", "description": "A boat"},
        {"@type": "Recipe", "name": "A boat", "image": "/a.jpg"},
        {"@type": "Article", "headline": "A boat", "image": {"url": "/a.jpg"}},
        {"@type": "ImageGallery", "associatedMedia": [{**PICTURE, "thumbnailUrl": "/t/9.jpg"}]},
    ],
)
def test_pictures_are_found_wherever_they_are_nested(told):
    assert of_json(told) == [("a.jpg", "A boat")]


def test_a_thumbnail_stands_behind_the_picture():
    told = {**PICTURE, "thumbnailUrl": "/t/9.jpg"}
    (found,) = found_on(f'<script type="application/ld+json">{json.dumps(told)}</script>')
    assert [url.rpartition("/")[2] for url in found.urls] == ["a.jpg", "9.jpg"]


@pytest.mark.parametrize(
    "told",
    [
        {"@type": "Organization", "logo": PICTURE},
        {"@type": "Article", "publisher": {"logo": PICTURE}, "author": {"image": "/me.jpg"}},
        {"@type": "WebPage", "primaryImageOfPage": {"@id": "https://example.org/#picture"}},
        {"@type": "ImageObject", "contentUrl": 5, "url": ["javascript:x", None, {}]},
        {"image": [None, 5, [], {}, "data:image/png;base64,R0"]},
        "A text", 5, None, [], {},
    ],
)  # fmt: skip
def test_logos_references_and_nonsense_are_left_out(told):
    assert of_json(told) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        '{"image": "/a.jpg"',
        "<!-- x -->",
        "null",
        '"\\ud800"',
        "NaN",
        "5" * 9000,
    ],
)
def test_broken_json_is_passed_over(text):
    assert found_on(f'<script type="application/ld+json">{text}</script>') == []


def test_json_in_a_comment_and_with_a_semicolon_is_read():
    text = '//<![CDATA[\n{"image": "/a.jpg", "name": "A\nboat"};\n//]]>'
    (found,) = found_on(f'<script type="application/ld+json; charset=utf-8">{text}</script>')
    assert found.caption == "A boat"


def test_cards_tell_their_picture_once_with_its_words():
    html = """<meta property="og:image" content="/a.jpg">
        <meta property="og:image:alt" content="One">
        <meta property="og:image:secure_url" content="https://example.org/a.jpg">
        <meta property="og:image" content="/b.jpg"><meta property="og:image:alt" content="Two">
        <meta name="twitter:image" content="/a.jpg"><meta name="twitter:image:src" content="/c.jpg">
        <meta name="twitter:image:alt" content="Three"><link rel="image_src" href="/d.jpg">"""
    found = [(one.urls[0][-5:], one.rule, one.caption) for one in found_on(html)]
    assert sorted(found) == [
        ("a.jpg", "open_graph", "One"),
        ("b.jpg", "open_graph", "Two"),
        ("c.jpg", "twitter", "Three"),
        ("d.jpg", "open_graph", ""),
    ]


def test_a_card_whose_picture_stands_on_the_page_is_that_picture():
    html = """<meta property="og:image" content="/boat.jpg"><title>Boats</title>
        <img src="/boat-300x200.jpg" alt="A boat">"""
    (found,) = found_on(html)
    assert [url.rpartition("/")[2] for url in found.urls] == ["boat.jpg", "boat-300x200.jpg"]
    assert (found.rule, found.alt) == ("open_graph", "A boat")
