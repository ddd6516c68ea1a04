"""What a web page offers: its pictures with the words beside them, and its links. Pure.

One picture often stands on a page several times: a thumbnail that links to the file, a srcset with
five sizes, a lazy-loading placeholder with the address in ``data-src``. That is one candidate,
whose addresses are ordered from the one that should be largest to the one that is surely there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from parsel import Selector

from scraping.pagination import next_pages
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


# Where the words of a picture stand, those that say most of it first.
TEXTS = ("figcaption", "alt", "title", "json_ld", "heading", "page_title")


@dataclass(frozen=True)
class Candidate:
    """A picture that a page offers.

    urls: absolute addresses, best first. rule: what named the best one: link, srcset, data, src.
    texts: the words that stand with it, tidied, by where: those of TEXTS that say something.
    """

    urls: tuple[str, ...]
    rule: str
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def alt(self) -> str:
        """The alternative text; empty if it says nothing."""
        return self.texts.get("alt", "")

    @property
    def caption(self) -> str:
        """The text that says most of the picture; empty if none does."""
        return next((self.texts[where] for where in TEXTS if where in self.texts), "")


@dataclass(frozen=True)
class PageContents:
    """links: absolute, without fragment, in the page's order.

    next_pages: those that go on with the same list, the surest first. robots: what its meta
    elements tell all robots and this one, lower case ("noindex", "noai"). has_scripts: it carries
    scripts, which may show more than is read here.
    """

    title: str
    candidates: tuple[Candidate, ...]
    links: tuple[str, ...]
    next_pages: tuple[str, ...] = ()
    robots: frozenset[str] = frozenset()
    has_scripts: bool = False


def extract(html: str, url: str, agent: str = "imagineer") -> PageContents:
    """Everything that a page at this address offers. Never raises for what is in the HTML.

    agent: the name by which the page's meta elements may address this robot.
    """
    page = Selector(text=html or "<html></html>", type="html", huge_tree=True)
    base = _base(page, url)
    title = tidy("".join(page.xpath("(//title)[1]//text()").getall()))
    candidates = tuple(_merged(_candidates(page, base)))
    return PageContents(
        title=title,
        candidates=tuple(_with_page_title(one, title) for one in candidates),
        links=tuple(_links(page, base)),
        next_pages=next_pages(page, url, lambda address: absolute(address, base)),
        robots=_robots(page, agent),
        has_scripts=_has_scripts(page),
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
    written = {
        "figcaption": _caption(near),
        "alt": img.get("alt"),
        "title": img.get("title"),
    }
    return Candidate(wanted, rule, _telling_texts(written, urls))


def _from_link(link: Any, base: str) -> Candidate | None:
    """A link to an image file with no picture in it; those with one are found at the picture."""
    url = absolute(link.get("href"), base)
    if url is None or not is_image_file(url) or link.find(".//img") is not None:
        return None
    written = {
        "figcaption": _caption(_near(link)),
        "title": telling(link.get("title"), (url,)) or _text(link),
    }
    return Candidate((url,), "link", _telling_texts(written, (url,)))


def _telling_texts(written: Mapping[str, str | None], urls: tuple[str, ...]) -> dict[str, str]:
    said = {where: telling(text, urls) for where, text in written.items()}
    return {where: text for where, text in said.items() if text}


def _with_page_title(candidate: Candidate, title: str) -> Candidate:
    words = telling(title, candidate.urls)
    return replace(candidate, texts=candidate.texts | {"page_title": words}) if words else candidate


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
        found[place] = replace(longer, texts=candidate.texts | known.texts)
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


def _robots(page: Selector, agent: str) -> frozenset[str]:
    """The directives for everybody and for this agent."""
    names = ("robots", agent.lower())
    directives: set[str] = set()
    for meta in page.xpath("(//meta[@name][@content])[position() <= 200]"):
        if (meta.root.get("name") or "").strip().lower() in names:
            directives.update(meta.root.get("content")[:2000].lower().replace(",", " ").split())
    return frozenset(directives)


def _has_scripts(page: Selector) -> bool:
    """Whether it carries scripts that a browser runs; data in script elements is none."""
    for script in page.xpath("(//script)[position() <= 1000]"):
        kind = (script.root.get("type") or "").strip().lower()
        runs = kind in ("", "module") or "javascript" in kind or "ecmascript" in kind
        if runs and (script.root.get("src") or (script.root.text or "").strip()):
            return True
    return False
