"""What a web page offers: its pictures with the words beside them, and its links. Pure.

One picture often stands on a page several times: a thumbnail that links to the file, a srcset with
five sizes, a lazy-loading placeholder with the address in ``data-src``. That is one candidate,
whose addresses are ordered from the one that should be largest to the one that is surely there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from parsel import Selector

from scraping.srcset import largest_first

MOST_CANDIDATES = 2000
MOST_LINKS = 5000
MOST_ADDRESSES = 4
LONGEST_URL = 2000
LONGEST_TEXT = 1000
# Ancestors further away say nothing about a picture, and some pages nest without end.
NEAR = 12

IMAGE_FILE = re.compile(r"\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp)$", re.IGNORECASE)
DRAWING_FILE = re.compile(r"\.(?:svgz?|ico|cur)$", re.IGNORECASE)
# Attributes in which scripts keep the real address; the first ones name large versions.
LARGE_ATTRIBUTES = (
    "data-full", "data-full-src", "data-large", "data-large-src", "data-large_image",
    "data-large-file", "data-orig-file", "data-original", "data-zoom-image", "data-hires",
    "data-highres",
)  # fmt: skip
LAZY_ATTRIBUTES = ("data-src", "data-lazy-src", "data-lazy", "data-image", "data-url")
SET_ATTRIBUTES = ("srcset", "data-srcset", "data-lazy-srcset")
_EMPTY_WORDS = {
    "", "image", "images", "img", "photo", "picture", "pic", "thumbnail", "thumb", "untitled",
    "placeholder", "loading", "icon", "logo", "banner", "spacer",
}  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A picture that a page offers.

    urls: absolute addresses, best first. rule: what named the best one: link, srcset, data, src.
    alt, caption: the words beside it, tidied; empty where there are none.
    """

    urls: tuple[str, ...]
    rule: str
    alt: str = ""
    caption: str = ""


@dataclass(frozen=True)
class PageContents:
    """links: absolute, without fragment, in the page's order."""

    title: str
    candidates: tuple[Candidate, ...]
    links: tuple[str, ...]


def extract(html: str, url: str) -> PageContents:
    """Everything that a page at this address offers. Never raises for what is in the HTML."""
    page = Selector(text=html or "<html></html>", type="html", huge_tree=True)
    base = _base(page, url)
    return PageContents(
        title=tidy("".join(page.xpath("(//title)[1]//text()").getall())),
        candidates=tuple(_merged(_candidates(page, base))),
        links=tuple(_links(page, base)),
    )


def absolute(address: str | None, base: str) -> str | None:
    """The absolute http(s) address without its fragment, or None for anything else."""
    address = re.sub(r"[\t\n\r]", "", address or "").strip(" \x00\f\v")
    if not address or len(address) > LONGEST_URL:
        return None
    try:
        joined = urljoin(base, address)
        parts = urlsplit(joined)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    whole = parts._replace(fragment="").geturl()
    whole = "".join(_quoted(character) for character in whole)
    encodable = not any("\ud800" <= character <= "\udfff" for character in whole)
    return whole if encodable and len(whole) <= LONGEST_URL else None


def tidy(text: str | None) -> str:
    """One line without control characters, at most LONGEST_TEXT characters."""
    printable = "".join(c if c.isprintable() or c.isspace() else " " for c in text or "")
    return " ".join(printable.split())[:LONGEST_TEXT]


def telling(text: str | None, urls: tuple[str, ...] = ()) -> str:
    """The tidied text, or "" if it says nothing: "image", a file's name, an address."""
    words = tidy(text)
    if words.lower().strip(" .:_-0123456789") in _EMPTY_WORDS or IMAGE_FILE.search(words):
        return ""
    if words.startswith(("http://", "https://", "data:")):
        return ""
    stems = {_stem(url) for url in urls}
    return "" if words.lower() in stems else words


def is_image_file(url: str) -> bool:
    return bool(IMAGE_FILE.search(urlsplit(url).path))


def is_drawing_file(url: str) -> bool:
    """Icons and vector drawings, which the gallery does not take."""
    return bool(DRAWING_FILE.search(urlsplit(url).path))


def _quoted(character: str) -> str:
    """Spaces and the like are percent-encoded, as browsers do."""
    if character in ' "<>\\^`{|}' or ord(character) < 32:
        return f"%{ord(character):02X}"
    return character


def _stem(url: str) -> str:
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    return name.rpartition(".")[0].lower() or name.lower()


def _base(page: Selector, url: str) -> str:
    for href in page.xpath("(//base[@href])[1]/@href").getall():
        return absolute(href, url) or url
    return url


def _candidates(page: Selector, base: str) -> Iterator[Candidate]:
    for number, node in enumerate(page.xpath("//img | //a[@href] | //input[@type='image']")):
        if number >= MOST_LINKS:
            return
        element = node.root
        candidate = _from_link(element, base) if element.tag == "a" else _from_img(element, base)
        if candidate is not None:
            yield candidate


def _from_img(img: Any, base: str) -> Candidate | None:
    near = _near(img)
    offers = list(_offers(img, near, base))
    urls = tuple(dict.fromkeys(url for _, url in offers))
    wanted = tuple(url for url in urls if not is_drawing_file(url))[:MOST_ADDRESSES]
    if not wanted:
        return None
    rule = next(rule for rule, url in offers if url == wanted[0])
    alt = telling(img.get("alt"), urls) or telling(img.get("title"), urls)
    return Candidate(wanted, rule, alt, telling(_caption(near), urls))


def _from_link(link: Any, base: str) -> Candidate | None:
    """A link to an image file with no picture in it; those with one are found at the picture."""
    url = absolute(link.get("href"), base)
    if url is None or not is_image_file(url) or link.find(".//img") is not None:
        return None
    words = telling(link.get("title"), (url,)) or telling(_text(link), (url,))
    return Candidate((url,), "link", words, telling(_caption(_near(link)), (url,)))


def _offers(img: Any, near: list[Any], base: str) -> Iterator[tuple[str, str]]:
    """(rule, address), from the one that should be largest to the one that is surely there."""
    for rule, address in _written(img, near):
        url = absolute(address, base)
        if url is not None:
            yield rule, url


def _written(img: Any, near: list[Any]) -> Iterator[tuple[str, str | None]]:
    for element in near:
        if element.tag == "a":
            href = element.get("href") or ""
            if IMAGE_FILE.search(href.partition("?")[0].partition("#")[0]):
                yield "link", href
            break
    for name in LARGE_ATTRIBUTES:
        yield "data", img.get(name)
    yield from (("srcset", address) for address in _sets(img, near))
    for name in LAZY_ATTRIBUTES:
        yield "data", img.get(name)
    yield "src", img.get("src")


def _sets(img: Any, near: list[Any]) -> Iterator[str]:
    """The largest address of every set: the image's own, then those of its <picture>."""
    elements = [img]
    picture = next((element for element in near if element.tag == "picture"), None)
    if picture is not None:
        elements += list(picture.iter("source"))[:20]
    for element in elements:
        for name in SET_ATTRIBUTES:
            yield from largest_first((element.get(name) or "")[:20_000])[:1]


def _near(element: Any) -> list[Any]:
    """The closest ancestors, nearest first."""
    found: list[Any] = []
    for ancestor in element.iterancestors():
        if len(found) == NEAR:
            break
        found.append(ancestor)
    return found


def _caption(near: list[Any]) -> str:
    figure = next((element for element in near if element.tag == "figure"), None)
    caption = figure.find(".//figcaption") if figure is not None else None
    return _text(caption) if caption is not None else ""


def _text(element: Any) -> str:
    """The words inside an element, without those of scripts and styles."""
    words = (text for text in element.xpath(".//text()[not(ancestor::script or ancestor::style)]"))
    return tidy(" ".join(words))


def _merged(candidates: Iterator[Candidate]) -> Iterator[Candidate]:
    """Candidates that share an address are one picture: the first one's order, all their words."""
    found: list[Candidate] = []
    place_of: dict[str, int] = {}
    for candidate in candidates:
        places = [place_of[url] for url in candidate.urls if url in place_of]
        if not places:
            if len(found) == MOST_CANDIDATES:
                continue
            places = [len(found)]
            found.append(candidate)
        place = places[0]
        known = found[place]
        longer = known if len(known.urls) >= len(candidate.urls) else candidate
        found[place] = replace(
            longer, alt=known.alt or candidate.alt, caption=known.caption or candidate.caption
        )
        for url in candidate.urls:
            place_of.setdefault(url, place)
    yield from found


def _links(page: Selector, base: str) -> list[str]:
    links: dict[str, None] = {}
    for node in page.xpath("//a[@href] | //area[@href]"):
        element = node.root
        if "nofollow" in (element.get("rel") or "").lower() or element.get("download") is not None:
            continue
        url = absolute(element.get("href"), base)
        if url is not None and not is_image_file(url) and not is_drawing_file(url):
            links.setdefault(url)
        if len(links) == MOST_LINKS:
            break
    return list(links)
