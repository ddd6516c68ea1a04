"""Which of a page's words are a picture's own, and which its neighbour's."""

import pytest

from scraping.extract import extract


def captions(html: str) -> dict[str, str]:
    """File → caption."""
    found = extract(html, "https://example.org/page").candidates
    return {one.urls[0].removeprefix("https://example.org/"): one.caption for one in found}


def test_a_caption_is_that_of_its_own_figure():
    html = """<figure><img src=1.jpg><figure><img src=2.jpg><figcaption>The stern</figcaption>
        </figure><figcaption>All of it</figcaption></figure>"""
    assert captions(html) == {"1.jpg": "All of it", "2.jpg": "The stern"}


def test_the_caption_of_a_group_is_for_those_that_have_no_words_of_their_own():
    html = """<h2>Boats</h2><figure>
        <figure><img src=1.jpg alt=""><figcaption>The bow</figcaption></figure>
        <figure><img src=2.jpg alt="A mast"></figure>
        <figure><a href=/x title="A sail"><img src=3.jpg></a></figure>
        <figure><img src=4.jpg alt="image"></figure>
        <figcaption>Taken in May</figcaption></figure>"""
    assert list(captions(html).values()) == ["The bow", "A mast", "A sail", "Taken in May"]


CARDS = {
    "a second picture to show on hover": """<li><a href=/{n}><img src={n}.jpg><img src={n}b.jpg>
        </a><h3>{name}</h3></li>""",
    "a heart to click on": """<div class=card><img src={n}.jpg><img src=heart.svg>
        <h3>{name}</h3></div>""",
    "the face of who made it": """<div class=tile><img src={n}.jpg>
        <img src=u{n}.png width=32 height=32><h3>{name}</h3></div>""",
    "a body of its own": """<article><div><img src={n}.jpg></div>
        <div><h3>{name}</h3><p>words</p></div></article>""",
    "a body that is called after the card": """<div class="product-card"><img src={n}.jpg>
        <div class="card-body"><h5 class="card-title">{name}</h5></div></div>""",
    "nothing around it": "<a href=/{n}><img src={n}.jpg></a><h3>{name}</h3>",
}


@pytest.mark.parametrize("card", CARDS)
def test_a_card_s_heading_is_its_own(card):
    html = "".join(CARDS[card].format(n=n, name=name) for n, name in ((1, "Anchor"), (2, "Buoy")))
    found = captions(f"<title>Shop</title><h1>Things</h1><div>{html}</div>")
    assert (found["1.jpg"], found["2.jpg"]) == ("Anchor", "Buoy")


def test_a_card_without_words_has_none_of_its_neighbour_s():
    html = """<h1>Things</h1><ul><li><h3>Only words</h3></li><li><img src=1.jpg></li></ul>
        <div class="grid"><div class="item"><h3>Words</h3></div>
        <div class="item"><img src=2.jpg></div></div>"""
    assert captions(html) == {"1.jpg": "Things", "2.jpg": "Things"}


def test_headings_above_stay_those_of_what_follows():
    html = """<img src=0.jpg><h2>Bow</h2><p>Words</p><p><img src=1.jpg></p><h2>Stern</h2>
        <p>Words</p><p><img src=2.jpg></p>"""
    assert captions(html) == {"0.jpg": "", "1.jpg": "Bow", "2.jpg": "Stern"}


@pytest.mark.parametrize(
    "html",
    [
        "<title>Monday - Our boats</title><header><h1>Our boats</h1></header><img src=1.jpg>",
        """<title>Monday</title><meta property=og:site_name content='Our boats'>
        <h1>Our Boats</h1><img src=1.jpg>""",
        "<title>Monday</title><body><nav><h2>Where to go</h2></nav><img src=1.jpg>",
        "<title>Monday</title><body><div><nav><h2>Where to go</h2></nav></div><img src=1.jpg>",
    ],
)
def test_what_stands_over_every_page_is_no_heading(html):
    assert captions(html)["1.jpg"].startswith("Monday")


def test_what_a_link_is_called_for_those_who_do_not_see_it_is_a_title():
    html = "<a href=/ice aria-label='Ice by Ann'><img src=1.jpg alt=''></a>"
    assert captions(html) == {"1.jpg": "Ice by Ann"}
    assert captions(html.replace("Ice by Ann", "Open in lightbox")) == {"1.jpg": ""}
