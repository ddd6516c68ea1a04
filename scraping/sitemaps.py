"""Sitemaps (sitemaps.org): the pages that a site names itself, and their pictures. Pure.

An index, a list of pages with or without pictures, or a plain list of addresses; packed or not.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from lxml import etree
from protego import Protego

from scraping.page_addresses import absolute
from scraping.page_words import telling
from scraping.robots_rules import rules_for
from scraping.same_picture import Candidate

# What sitemaps.org allows: of one file, unpacked.
MOST_BYTES = 50 * 2**20
MOST_PAGES = 50_000
MOST_PICTURES = 1_000
_GZIP = b"\x1f\x8b"
_BARE_AMPERSAND = re.compile(rb"&(?![a-zA-Z]{1,10};|#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};)")


class NoSitemap(ValueError):
    """This is no sitemap, or one that is not read; the text is a sentence."""


@dataclass(frozen=True)
class NamedPage:
    """changed: when its content last did, if the site says so; aware."""

    url: str
    changed: datetime | None = None
    pictures: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Sitemap:
    """pages: what changed last comes first. sitemaps: addresses of further ones, in an index."""

    pages: tuple[NamedPage, ...] = ()
    sitemaps: tuple[str, ...] = ()


def named_in_robots(text: str, url: str) -> tuple[str, ...]:
    """Addresses of the sitemaps that a robots.txt at this address names."""
    try:
        named = list(Protego.parse(rules_for(text.encode(errors="ignore"), "")).sitemaps)
    except ValueError:
        return ()
    return tuple(dict.fromkeys(one for each in named if (one := absolute(each, url)) is not None))


def read_sitemap(body: bytes, url: str) -> Sitemap:
    """The sitemap in an answer from this address. Raises NoSitemap."""
    data = _unpacked(body).lstrip(b"\xef\xbb\xbf \t\r\n")
    if data.startswith(b"<"):
        return _from_xml(data, url)
    return _from_lines(data, url)


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        return body
    try:
        data = zlib.decompressobj(wbits=31).decompress(body, MOST_BYTES + 1)
    except zlib.error:
        raise NoSitemap("The sitemap is packed and damaged.") from None
    if len(data) > MOST_BYTES:
        raise NoSitemap("The sitemap is larger than 50 MB when unpacked.")
    return data


def _from_lines(data: bytes, url: str) -> Sitemap:
    lines = data.decode(errors="replace").split()[:MOST_PAGES]
    found = dict.fromkeys(line for line in lines if absolute(line, "") is not None)
    if not found or len(found) < len(set(lines)) / 2:
        raise NoSitemap("The address leads to no sitemap.")
    return Sitemap(tuple(NamedPage(each) for line in found if (each := absolute(line, url))))


def _from_xml(data: bytes, url: str) -> Sitemap:
    pages: list[NamedPage] = []
    sitemaps: dict[str, None] = {}
    root = ""
    if b"<!ENTITY" in data:
        raise NoSitemap("The sitemap defines entities of its own; such files are not read.")
    for event, element in _elements(data):
        name = _name(element)
        if event == "start":
            root = root or name
            if root not in ("urlset", "sitemapindex"):
                raise NoSitemap("The address leads to no sitemap.")
            continue
        if name == "url":
            page = _page(element, url)
            if page is not None:
                pages.append(page)
            element.clear()
        elif name == "sitemap":
            where = absolute(_text_of(element, "loc"), url)
            if where is not None:
                sitemaps.setdefault(where)
            element.clear()
        if len(pages) >= MOST_PAGES or len(sitemaps) >= MOST_PAGES:
            break
    if not root:
        raise NoSitemap("The address leads to no sitemap.")
    newest_first = sorted(pages, key=lambda page: page.changed or _LONG_AGO, reverse=True)
    return Sitemap(tuple(newest_first), tuple(sitemaps))


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _elements(data: bytes) -> Iterator[tuple[str, Any]]:
    """Elements as they begin and end, as far as the XML can be read. Entities are left unread."""
    if b"<![CDATA[" not in data:
        # Many write addresses with parameters as they are.
        data = _BARE_AMPERSAND.sub(b"&amp;", data)
    parsed = etree.iterparse(
        BytesIO(data),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
    )
    try:
        for event, element in parsed:
            if isinstance(element.tag, str):
                yield str(event), element
    except etree.XMLSyntaxError:
        return


def _name(element: Any) -> str:
    """Without its namespace: sites write several, and forget it."""
    return str(element.tag).rpartition("}")[2].lower()


def _text_of(element: Any, name: str) -> str:
    for child in element:
        if isinstance(child.tag, str) and _name(child) == name:
            return (child.text or "").strip()
    return ""


def _page(element: Any, url: str) -> NamedPage | None:
    where = absolute(_text_of(element, "loc"), url)
    if where is None:
        return None
    pictures = (
        _picture(child, where)
        for child in element
        if isinstance(child.tag, str) and _name(child) == "image"
    )
    found = {picture.urls[0]: picture for picture in pictures if picture is not None}
    return NamedPage(
        where, _moment(_text_of(element, "lastmod")), tuple(found.values())[:MOST_PICTURES]
    )


def _picture(element: Any, page_url: str) -> Candidate | None:
    """An image:image with its words."""
    where = absolute(_text_of(element, "loc"), page_url)
    if where is None:
        return None
    said = {
        "figcaption": telling(_text_of(element, "caption"), (where,)),
        "title": telling(_text_of(element, "title"), (where,)),
    }
    return Candidate((where,), "sitemap", {place: words for place, words in said.items() if words})


def _moment(text: str) -> datetime | None:
    """A W3C date: a day, or a moment, which is of UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
