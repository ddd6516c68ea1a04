"""The pictures that the elements of a page show or lead to, with the words beside them. Pure."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

from lxml import etree, html

from scraping.page_addresses import IMAGE_FILE, absolute, is_image_file
from scraping.picture_sizes import sized
from scraping.picture_texts import PictureTexts
from scraping.same_picture import Address, Offered
from scraping.srcset import parse_srcset
from scraping.style_pictures import urls_of_style

MOST_ELEMENTS = 10_000
# Ancestors further away say nothing about a picture, and some pages nest without end.
NEAR = 12
# Shown no larger than this, it stands beside words or another picture.
_MARK_SIDE = 48

_PICTURES = ("img", "amp-img")
# One step with conditions: what libxml2 does to unite several grows with the square of a page.
_WANTED = (
    "/descendant::*[self::img or self::amp-img or self::a[@href] or self::input[@type='image']"
    " or self::noscript or contains(@style, 'url(') or contains(@style, 'image-set(')"
    " or @data-bg or @data-background or @data-background-image or @data-bgset or @data-bg-src]"
)
# Attributes in which scripts keep addresses, by what their names say of the size.
_LARGE_NAME = re.compile(r"full|large|orig|zoom|hi-?res|highres|big|raw|max|lightbox", re.I)
_SMALL_NAME = re.compile(r"thumb|small|low|lqip|blur|preview|tiny|medium|placeholder", re.I)
_LAZY_NAMES = {
    "data-src", "data-lazy-src", "data-lazy", "data-lazyload", "data-image", "data-url",
    "data-original", "data-echo", "data-cfsrc", "data-ezsrc", "data-defer-src", "data-runner-src",
    "data-flickity-lazyload", "data-pagespeed-lazy-src", "data-wood-src", "data-li-src",
}  # fmt: skip
_SET_NAME = re.compile(r"srcset|imgset|bgset|data-sizes-set", re.IGNORECASE)
_BACKGROUND_NAMES = ("data-bg", "data-background", "data-background-image", "data-bg-src")
_SET_NAMES = ("srcset", "data-srcset", "data-lazy-srcset")
_LONGEST_SET = 20_000
_MOST_ATTRIBUTES = 60
_MOST_SOURCES = 20
# What <source type> may name of what the gallery takes.
_TAKEN_TYPES = ("", "image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif", "image/bmp")
_IN_QUERY = re.compile(r"(?:^|&)(?:format|fm|ext)=(?:jpe?g|png|webp)(?:&|$)", re.IGNORECASE)
_WIDTH_OF_SCRIPTS = "2048"
# (rule, address as it is written, width in pixels if known)
_Written: TypeAlias = tuple[str, str, float | None]
_PIXELS = re.compile(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*")
_STYLE_SIDE = re.compile(r"(?:^|;)\s*(width|height)\s*:\s*(\d{1,5})(?:\.\d+)?px", re.IGNORECASE)


def offered_by_elements(
    root: Any, base: str, site_names: Collection[str] = ()
) -> tuple[list[Offered], bool]:
    """(everything that the elements of a page offer, in the order in which they stand; whether it
    has more of them than are looked at).

    root: the page's lxml element. base: what addresses are relative to. site_names: words that say
    nothing of a picture, since they stand over every one of the site.
    """
    there = root.xpath(_WANTED)
    found = there[:MOST_ELEMENTS]
    near_of = {element: _near(element) for element in found if element.tag in _PICTURES}
    around: Counter[Any] = Counter()
    for element, near in near_of.items():
        if not _is_mark(element) and not any(each.tag == "noscript" for each in near):
            around.update(near)
    reader = _Reader(
        base, PictureTexts(around, site_names), {_link(near) for near in near_of.values()}
    )
    offers: list[Offered] = []
    for element in found:
        offers.extend(reader.read(element, near_of.get(element)))
    return offers, len(there) > len(found)


def _near(element: Any) -> list[Any]:
    """The closest ancestors, nearest first."""
    found: list[Any] = []
    for ancestor in element.iterancestors():
        if len(found) == NEAR:
            break
        found.append(ancestor)
    return found


def _is_mark(img: Any) -> bool:
    """A heart to click on, or the face of who made the picture: no picture to tell words apart."""
    sides = [side for side in _shown_size(img) if side is not None]
    return (bool(sides) and max(sides) <= _MARK_SIDE) or (img.get("src") or "").endswith(".svg")


def _link(near: list[Any]) -> Any:
    return next((element for element in near if element.tag == "a"), None)


class _Reader:
    """Reads one page's elements. wrapping: the links that have pictures in them."""

    def __init__(self, base: str, texts: PictureTexts, wrapping: set[Any]) -> None:
        self.base = base
        self.texts = texts
        self.wrapping = wrapping

    def read(self, element: Any, near: list[Any] | None) -> Iterator[Offered]:
        if element.tag in _PICTURES or element.tag == "input":
            yield self._picture(element, _near(element) if near is None else near)
        elif element.tag == "a" and element not in self.wrapping:
            yield from self._anchor(element)
        elif element.tag == "noscript":
            yield from self._escaped(element)
        yield from self._background(element)

    def _picture(self, img: Any, near: list[Any]) -> Offered:
        rule = "noscript" if any(element.tag == "noscript" for element in near) else ""
        addresses = [
            Address(url, rule or found, width)
            for found, address, width in self._written(img, near)
            if (url := absolute(address, self.base)) is not None
        ]
        for holder in near[:2]:
            if holder.tag != "a" and self.texts.around.get(holder) == 1:
                large, lazy, _, _ = _kept_by_scripts(holder)
                urls = [absolute(address, self.base) for address in (*large, *lazy)]
                addresses = [*(Address(url, "data") for url in urls if url), *addresses]
        link = _link(near)
        if link is not None:
            addresses = [*self._larger_behind(link, addresses), *addresses]
        has_larger = bool(_kept_by_scripts(img)[0])
        width, height = (None, None) if has_larger else _shown_size(img)
        texts = self.texts.of_picture(img, near, link)
        return Offered(tuple(addresses), texts, width, height, self._page_behind(link))

    def _written(self, img: Any, near: list[Any]) -> Iterator[_Written]:
        """What should be largest first."""
        large, lazy, kept, small = _kept_by_scripts(img)
        sets = _sets(img, near, kept)
        widths = {address: width for one in sets for _, address, width in one}
        yield from (("data", address, widths.get(address)) for address in large)
        yield from (one[0] for one in sets)
        yield from (("data", address, widths.get(address)) for address in lazy)
        follower = img.getnext()
        if follower is not None and follower.tag == "noscript":
            yield from self._without_scripts(follower)
        src = img.get("src") or ""
        yield "src", src, widths.get(src)
        yield from (("src", address, None) for address in small)

    def _without_scripts(self, noscript: Any) -> Iterator[_Written]:
        """The one picture in a noscript right behind a picture is the same picture."""
        inside = list(noscript.iter(*_PICTURES))
        if len(inside) == 1:
            for _, address, width in [one[0] for one in _sets(inside[0], [], [])]:
                yield "noscript", address, width
            yield "noscript", inside[0].get("src") or "", None

    def _larger_behind(self, link: Any, shown: list[Address]) -> Iterator[Address]:
        """The file that the link around a picture leads to."""
        large, lazy, _, _ = _kept_by_scripts(link)
        for address in (link.get("href"), *large, *lazy):
            url = absolute(address, self.base)
            if url is None:
                continue
            told = sized(url)
            same = any(told.picture == sized(one.url).picture for one in shown)
            if is_image_file(url) or same or _IN_QUERY.search(url.partition("?")[2]):
                yield Address(url, "link")

    def _page_behind(self, link: Any) -> str:
        """The page that a link opens; empty for a file, and for a place on this page."""
        url = absolute(None if link is None else link.get("href"), self.base)
        return "" if url is None or is_image_file(url) or url == self.base else url

    def _anchor(self, link: Any) -> Iterator[Offered]:
        """A link to an image file with no picture in it."""
        url = absolute(link.get("href"), self.base)
        if url is not None and is_image_file(url):
            yield Offered((Address(url, "anchor"),), self.texts.of_link(link, _near(link)))

    def _escaped(self, noscript: Any) -> Iterator[Offered]:
        """A noscript whose contents are written as text."""
        text = noscript.text or ""
        if "<img" in text.lower() and len(text) <= _LONGEST_SET:
            try:
                inside = html.fragment_fromstring(text, create_parent="div")
            except (etree.LxmlError, ValueError):
                return
            for img in list(inside.iter("img"))[:_MOST_SOURCES]:
                url = absolute(img.get("src"), self.base)
                if url is not None:
                    texts = {"alt": img.get("alt") or "", "title": img.get("title") or ""}
                    yield Offered((Address(url, "noscript"),), texts, *_shown_size(img))

    def _background(self, element: Any) -> Iterator[Offered]:
        """Each picture behind an element; what a set offers of one is one offer."""
        style = (element.get("style") or "")[:_LONGEST_SET]
        written = [*urls_of_style(style)] if "(" in style else []
        for name in _BACKGROUND_NAMES:
            kept = (element.get(name) or "")[:_LONGEST_SET]
            if kept:
                written += [*urls_of_style(f"background:{kept}")] or [(kept.strip(),)]
        if kept := (element.get("data-bgset") or "")[:_LONGEST_SET]:
            ordered = sorted(parse_srcset(kept), key=lambda one: -one[1])
            written.append(tuple(address for address, _ in ordered[:1]))
        if not written:
            return
        near = _near(element)
        link = element if element.tag == "a" else _link(near)
        for addresses in written:
            urls = [absolute(address, self.base) for address in addresses]
            found = [Address(url, "background") for url in urls if url is not None]
            if found and link is not None and link not in self.wrapping:
                found = [*self._larger_behind(link, found), *found]
            if found:
                yield Offered(tuple(found), self.texts.of_background(element, near))


def _kept_by_scripts(element: Any) -> tuple[list[str], list[str], list[str], list[str]]:
    """Addresses in data attributes: of large versions, of the picture, sets, of small versions."""
    large: list[str] = []
    lazy: list[str] = []
    sets: list[str] = []
    small: list[str] = []
    for name, value in element.items()[:_MOST_ATTRIBUTES]:
        if not name.startswith("data-") or not value or len(value) > _LONGEST_SET:
            continue
        if name in _BACKGROUND_NAMES or name == "data-bgset":
            continue
        if "{width}" in value:
            value = value.replace("{width}", _widest(element.get("data-widths")))
        if value[0] == "{":
            large += _in_json(value)
        elif _SET_NAME.search(name):
            sets.append(value)
        elif _is_image_address(value) or name in _LAZY_NAMES:
            if _SMALL_NAME.search(name):
                small.append(value)
            elif _LARGE_NAME.search(name):
                large.append(value)
            else:
                lazy.append(value)
    return large, lazy, sets, small


def _widest(written: str | None) -> str:
    """What a script would put for {width} on a large screen; written: the widths it may take."""
    widths = re.findall(r"\d{2,5}", (written or "")[:_LONGEST_SET])
    return max(widths, key=int, default=_WIDTH_OF_SCRIPTS)


def _is_image_address(value: str) -> bool:
    """Whether an attribute's value is one address of an image file."""
    path = value.strip().partition("?")[0].partition("#")[0]
    return bool(IMAGE_FILE.search(path)) and not any(c in path for c in " \n\t{}<>\"'")


def _in_json(value: str) -> list[str]:
    """The largest picture in an attribute like {"boat-300.jpg": [300, 200], "boat.jpg": [900, 600]}
    or {"src": "boat.jpg"}."""
    try:
        told = json.loads(value)
    except (ValueError, RecursionError):
        return []
    sizes: dict[str, float] = {}
    for name, size in list(told.items())[:100]:
        if isinstance(size, str) and _is_image_address(size):
            sizes.setdefault(size, 0)
        elif _is_image_address(name) and isinstance(size, list):
            sizes[name] = max((n for n in size if isinstance(n, int)), default=0)
    return sorted(sizes, key=lambda address: -sizes[address])[:1]


def _sets(img: Any, near: list[Any], kept: list[str]) -> list[list[_Written]]:
    """The sets of a picture, each from the largest down: its own, those that scripts keep, those of
    its <picture>; that with the widest picture first."""
    sets = [_of_set("srcset", img.get("srcset")), *(_of_set("data", text) for text in kept)]
    picture = next((element for element in near if element.tag == "picture"), None)
    if picture is not None:
        for source in list(picture.iter("source"))[:_MOST_SOURCES]:
            if (source.get("type") or "").strip().lower() in _TAKEN_TYPES:
                sets += [_of_set("picture", source.get(name)) for name in _SET_NAMES]
    return sorted((one for one in sets if one), key=lambda one: -(one[0][2] or 0))


def _of_set(rule: str, text: str | None) -> list[_Written]:
    ordered = sorted(parse_srcset((text or "")[:_LONGEST_SET]), key=lambda one: -one[1])
    # Numbers this small are densities.
    return [(rule, url, size if size > 10 else None) for url, size in ordered]


def _shown_size(img: Any) -> tuple[int | None, int | None]:
    """Width and height in pixels as attributes or the style say; None where they do not."""
    told: dict[str, int] = {}
    for name in ("width", "height"):
        if match := _PIXELS.fullmatch(img.get(name) or ""):
            told[name] = int(match[1])
    for name, number in _STYLE_SIDE.findall((img.get("style") or "")[:1000]):
        told[name.lower()] = int(number)
    return told.get("width"), told.get("height")
