import pytest

from scraping.extract import extract
from scraping.style_pictures import urls_of_style


@pytest.mark.parametrize(
    ("style", "urls"),
    [
        ("background:url(a.jpg)", [("a.jpg",)]),
        ("background-image: url( 'a b.jpg' ) , linear-gradient(red, blue)", [("a b.jpg",)]),
        ('.x{color:red;background:#fff url("a;b.jpg") no-repeat}', [("a;b.jpg",)]),
        ("background-image:url(a.jpg),url(b.jpg)", [("a.jpg",), ("b.jpg",)]),
        ("--hero: url(a.jpg)", [("a.jpg",)]),
        (r"background:url(a\(1\).jpg)", [("a(1).jpg",)]),
        (r"background:url(\61.jpg)", [("a.jpg",)]),
        ("background-image:image-set(url(a.jpg) 1x, url(b.jpg) 2x)", [("b.jpg", "a.jpg")]),
        ('background-image:-webkit-image-set("a.jpg" 1x, "b.jpg" 192dpi)', [("b.jpg", "a.jpg")]),
        (
            'background:image-set("a.webp" type("image/webp") 2x, "b.jpg" type("image/jpeg"))',
            [("a.webp", "b.jpg")],
        ),
        ("@font-face{src:url(a.woff)}.x{cursor:url(c.png),auto}", []),
        ("/* background:url(a.jpg) */", []),
        ("background:url()", []),
        ("background:url(a.jpg", []),
        ("background:", []),
        ("", []),
    ],
)
def test_pictures_of_style_sheets_are_found(style, urls):
    assert list(urls_of_style(style)) == urls


def test_style_blocks_and_attributes_count_and_data_and_drawings_do_not():
    html = """<style>.a{background:url(/block.jpg)} .b{background:url(data:image/png;base64,R0)}
        .c{background:url(/d.svg)}</style>
        <div style="background:url(&quot;/inline.jpg&quot;)"></div>"""
    found = extract(html, "https://example.org/p").candidates
    assert [one.urls[0].rpartition("/")[2] for one in found] == ["inline.jpg", "block.jpg"]
    assert {one.rule for one in found} == {"background"}
