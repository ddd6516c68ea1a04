import pytest

from scraping.extract import Candidate, extract
from scraping.page_addresses import absolute
from scraping.page_pictures import MOST_ELEMENTS
from scraping.page_words import LONGEST_TEXT, telling
from scraping.same_picture import MOST_CANDIDATES
from scraping.srcset import parse_srcset

PAGE = "https://example.org/a/page.html"


def candidates(html: str) -> tuple[Candidate, ...]:
    return extract(html, PAGE).candidates


def only(html: str) -> Candidate:
    (candidate,) = candidates(html)
    return candidate


def urls(html: str) -> tuple[str, ...]:
    return only(html).urls


@pytest.mark.parametrize(
    ("src", "url"),
    [
        ("b.jpg", "https://example.org/a/b.jpg"),
        ("/b.jpg", "https://example.org/b.jpg"),
        ("../b.jpg", "https://example.org/b.jpg"),
        ("//cdn.example.net/b.jpg", "https://cdn.example.net/b.jpg"),
        ("http://example.net:8000/b", "http://example.net:8000/b"),
        ("b.jpg?w=1&amp;h=2#part", "https://example.org/a/b.jpg?w=1&h=2"),
        (" b c.jpg ", "https://example.org/a/b%20c.jpg"),
        ("b\n.jpg", "https://example.org/a/b.jpg"),
        ("ü.jpg", "https://example.org/a/ü.jpg"),
    ],
)
def test_an_address_is_made_absolute(src, url):
    assert urls(f'<img src="{src}">') == (url,)


@pytest.mark.parametrize(
    "src",
    [
        "", " ", "#", "data:image/gif;base64,R0lGOD", "blob:https://example.org/1",
        "javascript:alert(1)", "ftp://example.org/b.jpg", "file:///b.jpg", "http://[::1/b.jpg",
        "http://example.org:99999/b.jpg", "https://me:secret@example.org/b.jpg", "http://",
        "icon.svg", "favicon.ico?v=3", "x" * 3000 + ".jpg",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_picture_is_left_out(src):
    html = f'<img src="{src}">'
    assert candidates(html) in ((), (Candidate((PAGE,), "src"),))
    assert not any("secret" in url for one in candidates(html) for url in one.urls)


def test_the_base_element_counts_and_a_broken_one_does_not():
    assert urls('<base href="/other/"><img src="b.jpg">') == ("https://example.org/other/b.jpg",)
    assert urls('<base href="http://[bad"><img src="b.jpg">') == ("https://example.org/a/b.jpg",)


@pytest.mark.parametrize(
    ("srcset", "expected"),
    [
        ("a.jpg", [("a.jpg", 1)]),
        ("a.jpg, b.jpg 2x", [("a.jpg", 1), ("b.jpg", 2)]),
        ("a.jpg 300w,b.jpg 1200w", [("a.jpg", 300), ("b.jpg", 1200)]),
        ("a,b.jpg 2x", [("a,b.jpg", 2)]),
        ("a.jpg,, ,b.jpg 1.5x", [("a.jpg", 1), ("b.jpg", 1.5)]),
        ("  a.jpg\n 100w 50h ,\tb.jpg", [("a.jpg", 100), ("b.jpg", 1)]),
        ("a.jpg calc(1, 2), b.jpg", [("a.jpg", 1), ("b.jpg", 1)]),
        ("a.jpg x, b.jpg -1w, c.jpg 1e9w", [("a.jpg", 1), ("b.jpg", 1), ("c.jpg", 1)]),
        ("", []),
        (",, ,", []),
        ("a.jpg (", [("a.jpg", 1)]),
    ],
)
def test_a_srcset_is_read_as_browsers_do(srcset, expected):
    assert parse_srcset(srcset) == expected


def test_a_srcset_beats_the_src_which_stays_as_fallback():
    found = only('<img src="s.jpg" srcset="m.jpg 600w, l.jpg 1600w">')
    assert found.urls == ("https://example.org/a/l.jpg", "https://example.org/a/s.jpg")
    assert found.rule == "srcset"


def test_the_sources_of_a_picture_element_count():
    html = """<picture><source srcset="x.webp 2x, y.webp" type="image/webp">
        <source data-srcset="z.jpg 900w"><img src="s.jpg" alt="Three boats"></picture>"""
    found = only(html)
    assert [url.rpartition("/")[2] for url in found.urls] == ["z.jpg", "x.webp", "s.jpg"]
    assert found.alt == "Three boats"


def test_lazy_attributes_beat_a_placeholder_src():
    html = '<img src="data:image/gif;base64,R0" data-src="real.jpg">'
    assert only(html) == Candidate(("https://example.org/a/real.jpg",), "data")
    assert urls('<img src="blank.gif" data-original="o.jpg" data-lazy-src="l.jpg">')[0].endswith(
        "/o.jpg"
    )


def test_how_small_a_picture_is_shown_says_nothing_of_a_larger_file_that_it_names():
    shown = "src=1t.jpg width=40 height=40"
    assert (only(f"<img {shown}>").width, only(f"<img {shown} data-full=1.jpg>").width) == (
        40,
        None,
    )


def test_a_picture_inside_noscript_is_the_same_picture():
    html = (
        """<img class="lazy" data-src="b.jpg"><noscript><img src="b.jpg" alt="A boat"></noscript>"""
    )
    found = only(html)
    assert (found.urls, found.alt) == (("https://example.org/a/b.jpg",), "A boat")


def test_a_link_to_a_larger_file_comes_first():
    found = only('<a href="big.JPG?x=1"><span><img src="small.jpg"></span></a>')
    assert found.urls == ("https://example.org/a/big.JPG?x=1", "https://example.org/a/small.jpg")
    assert found.rule == "link"


def test_a_link_to_a_page_is_no_larger_file():
    found = only('<a href="boat.html"><img src="small.jpg"></a>')
    assert found.urls == ("https://example.org/a/small.jpg",)


def test_a_link_with_words_to_a_file_is_a_picture():
    found = only('<a href="big.png">The <b>red</b> boat</a>')
    assert found == Candidate(
        ("https://example.org/a/big.png",), "anchor", {"title": "The red boat"}
    )


def test_one_picture_in_several_places_is_taken_once_with_all_its_words():
    html = """<img src="s.jpg"><a href="l.jpg"><img src="s.jpg" alt="A boat"></a>
        <figure><img src="l.jpg"><figcaption>By the sea</figcaption></figure>"""
    found = only(html)
    assert found.urls == ("https://example.org/a/l.jpg", "https://example.org/a/s.jpg")
    assert (found.alt, found.caption) == ("A boat", "By the sea")


def test_a_figcaption_belongs_to_the_pictures_of_its_figure():
    html = """<figure><div><img src="1.jpg" alt="one"><img src="2.jpg"></div>
        <figcaption>Two <a href="/x">boats</a><script>var a = 1</script>
        at\xa0sea</figcaption></figure><img src="3.jpg">"""
    found = candidates(html)
    assert [one.caption for one in found] == ["Two boats at sea"] * 2 + [""]
    assert found[0].texts == {"figcaption": "Two boats at sea", "alt": "one"}


@pytest.mark.parametrize(
    "words", ["", "image", "Image 12", "IMG_", "boat-3.jpg", "boat", "http://example.org/x", "logo"]
)
def test_words_that_say_nothing_are_dropped(words):
    assert only(f'<img src="boat.jpg" alt="{words}">').alt == ""


def test_a_title_stands_in_for_a_missing_alt():
    found = only('<img src="b.jpg" alt="image" title="A red boat">')
    assert (found.alt, found.caption) == ("", "A red boat")


def test_the_page_title_is_the_last_of_the_words():
    found = candidates('<title>Boats</title><img src="1.jpg"><img src="2.jpg" alt="A red boat">')
    assert [one.caption for one in found] == ["Boats", "A red boat"]
    assert found[1].texts == {"alt": "A red boat", "page_title": "Boats"}


def test_words_are_one_line_of_bounded_length():
    found = only(f'<img src="b.jpg" alt="two\n\n lines \x07{"x" * 5000}">')
    assert found.alt.startswith("two lines x")
    assert len(found.alt) == LONGEST_TEXT
    assert telling("caf\u00e9 \u202eevil") == "café evil"


def test_links_are_absolute_distinct_and_without_pictures():
    html = """<a href="b.html#x">b</a><a href="b.html">b</a><a href="/c">c</a><a href="l.jpg">p</a>
        <a href="mailto:me@example.org">m</a><a href="javascript:void(0)">j</a>
        <area href="d.html"><a rel="nofollow" href="e.html">e</a><a href="z.zip" download>z</a>
        <a href="http://[bad">x</a><a name="here">y</a>"""
    assert extract(html, PAGE).links == (
        "https://example.org/a/b.html",
        "https://example.org/c",
        "https://example.org/a/d.html",
    )


def test_the_title_is_read():
    assert extract("<title>Boats\n &amp; ships</title>", PAGE).title == "Boats & ships"


@pytest.mark.parametrize(
    ("html", "robots"),
    [
        (
            '<meta name="robots" content="NoAI, noimageai,nofollow">',
            {"noai", "noimageai", "nofollow"},
        ),
        ('<meta name="Imagineer" content="noai"><meta name="otherbot" content="none">', {"noai"}),
        (
            '<meta name="og" content="x">' * 300 + '<meta name="robots" content="noai;x">',
            {"noai", "x"},
        ),
        (
            '<meta name="robots"><meta content="noai"><meta name="description" content="noai">',
            set(),
        ),
    ],
)
def test_what_a_page_tells_robots_is_read(html, robots):
    assert extract(html, PAGE).robots == robots


@pytest.mark.parametrize(
    ("html", "has"),
    [
        ("<p>Words", False),
        ("<script>draw()</script>", True),
        ('<script type="module" src="app.js"></script>', True),
        ('<script type="text/javascript">draw()</script>', True),
        ('<script type="application/ld+json">{}</script>', False),
        ("<script></script>", False),
    ],
)
def test_a_page_with_scripts_is_told_from_one_without(html, has):
    assert extract(html, PAGE).has_scripts is has


BROKEN = [
    "",
    "no markup",
    "<",
    "<img",
    "<img src",
    "<img src=>",
    '<img src="a.jpg',
    "\x00<img src='a.jpg'>\x00",
    '<?xml version="1.0" encoding="utf-16"?><html><img src="a.jpg"></html>',
    "<!doctype html><!-- <img src='no.jpg'> --><p><table><img src=a.jpg>",
    "<div>" * 20_000 + "<img src='a.jpg'>",
    "<a href='x'>" * 3000 + "<img src='a.jpg'>",
    "<svg><image href='a.svg'/></svg>",
    "<frameset><frame src='x'></frameset>",
    "\ud800<img src='a.jpg'>".encode("utf-8", "replace").decode(),
]


@pytest.mark.parametrize("html", BROKEN, ids=range(len(BROKEN)))
def test_broken_html_never_breaks_it(html):
    for found in candidates(html):
        assert "no.jpg" not in found.urls[0]


def test_a_page_with_very_many_pictures_is_bounded_and_says_so():
    html = "".join(f'<img src="{number}.jpg">' for number in range(MOST_CANDIDATES))
    assert not extract(html, PAGE).is_cut
    contents = extract(f'{html}<img src="more.jpg">', PAGE)
    assert (len(contents.candidates), contents.is_cut) == (MOST_CANDIDATES, True)
    links = "".join(f'<a href="{number}.html">' for number in range(MOST_ELEMENTS))
    contents = extract(f'{links}<img src="more.jpg">', PAGE)
    assert (contents.candidates, contents.is_cut) == ((), True)


def test_a_file_that_is_not_taken_is_offered_where_there_is_no_other():
    assert urls('<img src="b.avif">') == ("https://example.org/a/b.avif",)
    assert urls('<img src="b.jpg" data-src="b.avif">') == ("https://example.org/a/b.jpg",)
    assert candidates('<img src="b.svg">') == ()


def test_an_address_that_is_none_is_none():
    assert absolute(None, PAGE) is None
