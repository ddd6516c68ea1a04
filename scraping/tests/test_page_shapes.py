"""Pages of the shapes that well-known software makes: galleries, blogs, shops, wikis, boards."""

import pytest

from scraping.extract import extract
from scraping.same_picture import Candidate

PAGE = "https://example.org/a/page"


def found_on(html: str, url: str = PAGE) -> list[Candidate]:
    return list(extract(html, url).candidates)


def short(candidate: Candidate) -> tuple[list[str], str, str]:
    """The addresses without their host, the rule, the caption."""
    urls = [url.removeprefix("https://example.org") for url in candidate.urls]
    return urls, candidate.rule, candidate.caption


BLOG = """<html><head><title>A day at sea – Boats &amp; more</title>
<meta property="og:site_name" content="Boats &amp; more">
<meta property="og:image" content="/uploads/boat-1024x683.jpg">
<meta property="og:image:alt" content="A boat">
<script type="application/ld+json">{"@context":"https://schema.org","@graph":[
 {"@type":"WebPage","primaryImageOfPage":{"@id":"https://example.org/#primaryimage"}},
 {"@type":"ImageObject","@id":"https://example.org/#primaryimage","url":"/uploads/boat.jpg",
  "contentUrl":"/uploads/boat.jpg","width":2400,"caption":"The boat at noon"}]}</script></head>
<body><header><a href="/"><img src="/logo.svg" alt="Boats & more"></a><h1>Boats &amp; more</h1>
</header><article><h1>A day at sea</h1>
<figure class="wp-block-image"><a href="/uploads/boat.jpg"><img src="/uploads/boat-300x200.jpg"
 width="300" height="200" alt="boat-300x200.jpg"
 srcset="/uploads/boat-300x200.jpg 300w, /uploads/boat-1024x683.jpg 1024w"
 sizes="(max-width: 300px) 100vw, 300px"></a><figcaption>Leaving the harbour</figcaption></figure>
<div class="wp-caption"><img src="data:image/gif;base64,R0" data-lazy-src="/uploads/crew.jpg"
 alt="IMG_1234"><noscript><img src="/uploads/crew.jpg"></noscript>
 <p class="wp-caption-text">The <b>crew</b></p></div>
<h2>Going home</h2><p>It rained.</p><p><img src="/uploads/rain.jpg" alt="image"></p>
</article></body></html>"""


def test_a_blog_post():
    boat, crew, rain = found_on(BLOG)
    # All but the thumbnail: the file itself, then by size.
    assert short(boat) == (
        ["/uploads/boat.jpg", "/uploads/boat-1024x683.jpg", "/uploads/boat-300x200.jpg"],
        "link",
        "Leaving the harbour",
    )
    assert boat.texts == {
        "figcaption": "Leaving the harbour",
        "alt": "A boat",
        "json_ld": "The boat at noon",
        "heading": "A day at sea",
        "page_title": "A day at sea",
    }
    assert (boat.width, boat.height) == (300, 200)
    assert short(crew) == (["/uploads/crew.jpg"], "data", "The crew")
    assert short(rain) == (["/uploads/rain.jpg"], "src", "Going home")


SHOP = """<title>Red boat | Shop</title>
<meta property="og:title" content="Red boat">
<meta property="og:image" content="http://example.org/files/red_1200x1200.jpg">
<meta property="og:image:secure_url" content="https://example.org/files/red_1200x1200.jpg">
<script type="application/ld+json">{"@type":"Product","name":"Red boat","logo":"/logo.png",
 "image":["/files/red_1024x1024.jpg","/files/side.jpg"],"brand":{"@type":"Brand","logo":"/b.png"}}
</script>
<div class="slide"><img class="lazyload" src="/files/red_20x.jpg"
 data-src="/files/red_{width}x.jpg" data-zoom="/files/red_2048x2048.jpg" alt="Red boat, bow"></div>
<ul><li class="card"><a href="/p/blue"><img src="/files/blue_300x.jpg?v=1" alt=""></a>
 <h3>Blue boat</h3></li>
<li class="card"><a href="/p/green"><img src="/files/green_300x.jpg?v=1"></a>
 <h3>Green boat</h3></li>
</ul>"""


def test_a_shop():
    red, blue, green, side = found_on(SHOP)
    assert red.urls[0] == "https://example.org/files/red_2048x2048.jpg"
    assert (red.rule, red.caption, red.texts["json_ld"]) == ("data", "Red boat, bow", "Red boat")
    # Headings below a picture belong to it where they stand in its own card.
    assert short(blue) == (["/files/blue_300x.jpg?v=1"], "src", "Blue boat")
    assert green.caption == "Green boat"
    assert short(side) == (["/files/side.jpg"], "json_ld", "Red boat")
    assert not any("logo" in url or "b.png" in url for one in found_on(SHOP) for url in one.urls)


WIKI = """<title>Boat - Wiki</title><div class="thumb"><div class="thumbinner">
<a href="/wiki/File:Boat_(1).jpg" class="image"><img alt="" width="220" height="147"
 src="//upload.example.net/c/thumb/a/ab/Boat_%281%29.jpg/220px-Boat_%281%29.jpg"
 srcset="//upload.example.net/c/thumb/a/ab/Boat_%281%29.jpg/330px-Boat_%281%29.jpg 1.5x,
 //upload.example.net/c/thumb/a/ab/Boat_%281%29.jpg/440px-Boat_%281%29.jpg 2x"></a>
<div class="thumbcaption"><div class="magnify"><a href="/x"></a></div>A boat, 1920</div></div></div>
<ul class="gallery"><li class="gallerybox"><div class="thumb"><a href="/wiki/File:Ship.jpg">
<img src="//upload.example.net/c/thumb/b/bc/Ship.jpg/120px-Ship.jpg"></a></div>
<div class="gallerytext"><p>A ship</p></div></li></ul>"""


def test_a_wiki():
    boat, ship = found_on(WIKI)
    assert [url.rpartition("/")[2] for url in boat.urls] == [
        "440px-Boat_%281%29.jpg", "220px-Boat_%281%29.jpg",
    ]  # fmt: skip
    assert (boat.caption, ship.caption) == ("A boat, 1920", "A ship")
    # A page about a file is no file: it is read as a page.
    assert "https://example.org/wiki/File:Ship.jpg" in extract(WIKI, PAGE).links


BOARD = """<title>/boats/ - Boats - Board</title><div class="thread">
<div class="file"><div class="fileText">File: <a href="//i.example.net/b/1512.jpg">red.jpg</a>
 (1 MB, 1920x1080)</div><a class="fileThumb" href="//i.example.net/b/1512.jpg">
 <img src="//i.example.net/b/1512s.jpg" alt="1 MB" width="250" height="140"></a></div>
<div class="file"><a class="fileThumb" href="//i.example.net/b/1513.png">
 <img src="//i.example.net/b/1513s.jpg" alt="2 MB"></a></div></div>"""


def test_a_board():
    red, other = found_on(BOARD)
    assert red.urls == ("https://i.example.net/b/1512.jpg", "https://i.example.net/b/1512s.jpg")
    assert other.urls[0] == "https://i.example.net/b/1513.png"


BOORU = """<title>boat sea - Booru</title><section><article class="post-preview">
<a href="/posts/12"><picture><source media="(max-width: 660px)"
 srcset="https://cdn.example.net/180x180/ab/12.jpg 1x,
 https://cdn.example.net/360x360/ab/12.jpg 2x"
><source media="(min-width: 660px)" type="image/avif" srcset="/720x720/ab/12.avif 900w">
<img src="https://cdn.example.net/180x180/ab/12.jpg" title="boat sea rating:safe"
 alt="boat sea"></picture></a></article></section>"""


def test_a_booru():
    (boat,) = found_on(BOORU)
    assert boat.urls == (
        "https://cdn.example.net/360x360/ab/12.jpg",
        "https://cdn.example.net/180x180/ab/12.jpg",
    )
    assert (boat.rule, boat.caption) == ("picture", "boat sea")
    assert "https://example.org/posts/12" in extract(BOORU, PAGE).links


LIGHTBOX = """<title>Album</title><div class="grid">
<a href="/photos/1.jpg" data-fancybox="g" data-caption="Bow &lt;b&gt;first&lt;/b&gt;">
 <img src="/photos/thumbs/1.jpg"></a>
<a href="/photos/2.jpg" title="The stern" data-lightbox="g"><img src="/photos/thumbs/2.jpg"></a>
<a href="/photos/3.jpg" data-pswp-width="1600" target="_blank">Three at sea</a>
<div class="item" data-src="/photos/4.jpg"><img src="/photos/thumbs/4.jpg"></div>
<a class="tile" href="/album/5" style="background-image: url('/photos/5.jpg')" title="Evening"></a>
<div data-bg="url(/photos/6.jpg)" aria-label="Night"></div></div>"""


def test_a_gallery_with_a_lightbox():
    assert [short(one) for one in found_on(LIGHTBOX)] == [
        (["/photos/1.jpg", "/photos/thumbs/1.jpg"], "link", "Bow first"),
        (["/photos/2.jpg", "/photos/thumbs/2.jpg"], "link", "The stern"),
        (["/photos/3.jpg"], "anchor", "Three at sea"),
        (["/photos/4.jpg", "/photos/thumbs/4.jpg"], "data", "Album"),
        (["/photos/5.jpg"], "background", "Evening"),
        (["/photos/6.jpg"], "background", "Night"),
    ]


LIGHTBOX_OF_LISTS = """<ul><li data-src="big/1.jpg" data-sub-html="<h4>The bow</h4>"><a href="">
 <img src="t/1.jpg"></a></li><li data-src="big/2.jpg"><a href=""><img src="t/2.jpg"></a></li></ul>
<a href="full/9f.jpg" style="background-image:url(t/1a.jpg)"></a>
<a href="u/sea.jpg" data-elementor-lightbox-title="The sea"><div data-bg="u/7c.jpg"></div></a>"""


def test_a_link_with_a_picture_behind_it_and_a_list_s_own_captions():
    assert [short(one) for one in found_on(LIGHTBOX_OF_LISTS)] == [
        (["/a/big/1.jpg", "/a/t/1.jpg"], "data", "The bow"),
        (["/a/big/2.jpg", "/a/t/2.jpg"], "data", ""),
        (["/a/full/9f.jpg", "/a/t/1a.jpg"], "link", ""),
        (["/a/u/sea.jpg", "/a/u/7c.jpg"], "link", "The sea"),
    ]


LAZY = "".join(
    f"""<div><img src="/blank.gif" data-original="/p/{name}.jpg" alt="{name}"></div>"""
    for name in ("bow", "stern", "mast")
)


def test_what_stands_in_for_many_pictures_is_none_of_them():
    assert [short(one) for one in found_on(LAZY)] == [
        (["/p/bow.jpg"], "data", ""),
        (["/p/stern.jpg"], "data", ""),
        (["/p/mast.jpg"], "data", ""),
    ]


FRAMEWORK = """<title>Site</title><h2>Latest</h2><span style="box-sizing:border-box"><img
 src="data:image/gif;base64,R0" alt="Boats by night"><noscript><img alt="Boats by night"
 srcset="/_next/image?url=%2Fm%2Fnight.jpg&amp;w=1080&amp;q=75 1x,
 /_next/image?url=%2Fm%2Fnight.jpg&amp;w=1920&amp;q=75 2x"
 src="/_next/image?url=%2Fm%2Fnight.jpg&amp;w=1920&amp;q=75"></noscript></span>
<a href="/m/night.jpg">Original</a>"""


def test_a_framework_that_resizes():
    (night,) = found_on(FRAMEWORK)
    assert night.urls[0] == "https://example.org/m/night.jpg"
    assert night.caption == "Boats by night"


SOCIAL = """<title>Post</title><img src="https://pbs.example.net/media/AbC?format=jpg&amp;name=small"
 alt="Two boats"><a href="https://pbs.example.net/media/AbC?format=jpg&amp;name=orig">Full</a>
<img data-a-dynamic-image='{"https://m.example.net/I/9.jpg":[300,200],
"https://m.example.net/I/9b.jpg":[1500,1000]}' src="https://m.example.net/I/9.jpg" alt="A mast">"""


def test_addresses_that_name_their_size_in_words_and_sets_in_json():
    boats, mast = found_on(SOCIAL)[0], found_on(SOCIAL)[-1]
    assert boats.alt == "Two boats"
    assert mast.urls == ("https://m.example.net/I/9b.jpg", "https://m.example.net/I/9.jpg")


@pytest.mark.parametrize(
    ("html", "caption"),
    [
        ("<h2>Boats</h2><p><img src=1.jpg></p><p><img src=2.jpg></p>", "Boats"),
        ("<header><h2>Boats</h2><p>All of them</p></header><div><img src=1.jpg></div>", "Boats"),
        ("<div><h2>About</h2><p>" + "words " * 100 + "</p></div><div><img src=1.jpg></div>", ""),
        ("<h2>image</h2><img src=1.jpg>", ""),
        ("<h2>Boats</h2><h3>Small</h3><div><img src=1.jpg></div>", "Small"),
        ("<div><img src=0.jpg><h3>Red</h3></div><div><img src=1.jpg><h3>Blue</h3></div>", "Blue"),
    ],
)
def test_the_heading_nearest_above_is_the_last_but_one_resort(html, caption):
    assert found_on(html)[-1].caption == caption
