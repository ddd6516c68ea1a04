import gzip
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraping import sitemaps
from scraping.same_picture import Candidate
from scraping.sitemaps import NamedPage, NoSitemap, Sitemap, named_in_robots, read_sitemap

URL = "https://example.org/sitemap.xml"
NAMESPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def urlset(inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {NAMESPACES}>{inner}</urlset>'.encode()


def pages(inner: str) -> list[str]:
    return [page.url for page in read_sitemap(urlset(inner), URL).pages]


def test_pages_come_with_their_pictures_and_words() -> None:
    found = read_sitemap(
        urlset(
            """
            <url><loc> https://example.org/boats </loc>
              <image:image>
                <image:loc>https://cdn.net/a.jpg</image:loc>
                <image:caption>A red boat &amp; its <![CDATA[crew]]></image:caption>
                <image:title>a.jpg</image:title>
              </image:image>
              <image:image><image:loc>/b.jpg</image:loc><image:title>Harbour</image:title>
              </image:image>
              <image:image><image:title>No address</image:title></image:image>
            </url>"""
        ),
        URL,
    )
    assert found.pages == (
        NamedPage(
            "https://example.org/boats",
            None,
            (
                Candidate(
                    ("https://cdn.net/a.jpg",), "sitemap", {"figcaption": "A red boat & its crew"}
                ),
                Candidate(("https://example.org/b.jpg",), "sitemap", {"title": "Harbour"}),
            ),
        ),
    )


def test_what_changed_last_comes_first() -> None:
    found = read_sitemap(
        urlset(
            """
            <url><loc>/never</loc></url>
            <url><loc>/old</loc><lastmod>2004-10-01</lastmod></url>
            <url><loc>/new</loc><lastmod>2024-01-01T12:00:00+02:00</lastmod></url>
            <url><loc>/wrong</loc><lastmod>yesterday</lastmod></url>
            <url><loc>/naive</loc><lastmod>2023-01-01T12:00:00</lastmod></url>"""
        ),
        URL,
    )
    assert [page.url.rpartition("/")[2] for page in found.pages] == [
        "new", "naive", "old", "never", "wrong",
    ]  # fmt: skip
    assert [page.changed for page in found.pages[:3]] == [
        datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))),
        datetime(2023, 1, 1, 12, tzinfo=UTC),
        datetime(2004, 10, 1, tzinfo=UTC),
    ]


def test_an_index_names_further_ones() -> None:
    body = """<sitemapindex><sitemap><loc>/one.xml.gz</loc><lastmod>2024-01-01</lastmod></sitemap>
    <sitemap><loc>/two.xml</loc></sitemap><sitemap><loc>/two.xml</loc></sitemap>
    <sitemap><loc>ftp://example.org/x</loc></sitemap></sitemapindex>"""
    assert read_sitemap(body.encode(), URL) == Sitemap(
        (), ("https://example.org/one.xml.gz", "https://example.org/two.xml")
    )


def test_a_plain_list_of_addresses_is_one_too() -> None:
    body = b"\xef\xbb\xbfhttps://example.org/a\r\nhttps://example.org/b\r\nhttps://example.org/a\n"
    assert [page.url for page in read_sitemap(body, URL).pages] == [
        "https://example.org/a",
        "https://example.org/b",
    ]


def test_a_packed_one_is_unpacked() -> None:
    body = gzip.compress(urlset("<url><loc>/a</loc></url>"))
    assert [page.url for page in read_sitemap(body, URL).pages] == ["https://example.org/a"]


def test_a_bomb_and_a_damaged_one_are_refused() -> None:
    with pytest.raises(NoSitemap, match="50 MB"):
        read_sitemap(gzip.compress(b" " * (sitemaps.MOST_BYTES + 1)), URL)
    with pytest.raises(NoSitemap, match="damaged"):
        read_sitemap(b"\x1f\x8b" + b"not really", URL)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><html><body>Not here</body></html>",
        b"<rss><channel/></rss>",
        b"<",
        b"Nothing to see here",
        b'{"urls": ["https://example.org/a"]}',
        b"\xff\xfe\x00",
    ],
)
def test_anything_else_is_no_sitemap(body: bytes) -> None:
    with pytest.raises(NoSitemap, match="leads to no sitemap"):
        read_sitemap(body, URL)


def test_broken_xml_is_read_as_far_as_it_goes() -> None:
    body = b"<urlset><url><loc>/a?x=1&y=2&amp;z=3</loc></url><url><loc>/b</loc><ur"
    assert read_sitemap(body, URL).pages[0].url == "https://example.org/a?x=1&y=2&z=3"


def test_entities_are_not_unfolded() -> None:
    body = """<!DOCTYPE urlset [<!ENTITY file SYSTEM "file:///etc/hostname">]>
    <urlset><url><loc>https://example.org/&file;</loc></url></urlset>"""
    with pytest.raises(NoSitemap, match="entities"):
        read_sitemap(body.encode(), URL)
    assert pages("<url><loc>https://example.org/&unknown;x</loc></url>") == ["https://example.org/"]


def test_no_more_is_read_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MOST_PAGES", 5)
    monkeypatch.setattr(sitemaps, "MOST_PICTURES", 3)
    images = "".join(
        f"<image:image><image:loc>/{n}.jpg</image:loc></image:image>" for n in range(9)
    )
    found = read_sitemap(
        urlset("".join(f"<url><loc>/{n}</loc>{images}</url>" for n in range(9))), URL
    )
    assert len(found.pages) == 5
    assert {len(page.pictures) for page in found.pages} == {3}


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    for data in (body, b"<urlset>" + body, b"<urlset><url><loc>/a</loc></url>" + body):
        try:
            read_sitemap(data, URL)
        except NoSitemap:
            pass


def test_robots_txt_names_sitemaps() -> None:
    text = """User-agent: *
    Disallow: /x
    Sitemap: https://example.org/one.xml
    sitemap: /two.xml
    Sitemap: https://example.org/one.xml
    Sitemap: ftp://example.org/three.xml
    """
    assert named_in_robots(text, "https://example.org/robots.txt") == (
        "https://example.org/one.xml",
        "https://example.org/two.xml",
    )
    assert named_in_robots("<html>Not here</html>", "https://example.org/robots.txt") == ()
