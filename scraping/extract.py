"""What a web page offers: its pictures with the words beside them, and its links. Pure.

One picture often stands on a page several times: a thumbnail that links to the file, a srcset with
five sizes, a lazy-loading placeholder with the address in ``data-src``, a social card. That is one
candidate, whose addresses are ordered from the one that should be largest to the one that is surely
there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from parsel import Selector

from scraping.page_addresses import absolute, is_drawing_file, is_image_file
from scraping.page_pictures import offered_by_elements
from scraping.page_words import page_title, site_names, tidy
from scraping.pagination import next_pages
from scraping.same_picture import Address, Candidate, Offered, candidates
from scraping.structured_data import offered_by_data, site_name
from scraping.style_pictures import urls_of_style

MOST_LINKS = 5000

__all__ = ["Candidate", "PageContents", "extract"]


@dataclass(frozen=True)
class PageContents:
    """links: absolute, without fragment, in the page's order.

    next_pages: those that go on with the same list, the surest first. robots: what its meta
    elements tell all robots and this one, lower case ("noindex", "noai"). has_scripts: it carries
    scripts, which may show more than is read here. is_cut: it offers more pictures than are looked
    at.
    """

    title: str
    candidates: tuple[Candidate, ...]
    links: tuple[str, ...]
    next_pages: tuple[str, ...] = ()
    robots: frozenset[str] = frozenset()
    has_scripts: bool = False
    is_cut: bool = False


def extract(html: str, url: str, agent: str = "imagineer") -> PageContents:
    """Everything that a page at this address offers. Never raises for what is in the HTML.

    agent: the name by which the page's meta elements may address this robot.
    """
    page = Selector(text=html or "<html></html>", type="html", huge_tree=True)
    base = _base(page, url)
    title = tidy("".join(page.xpath("(/descendant::title)[1]//text()").getall()))
    named = tidy(site_name(page.root))
    by_elements, has_more_elements = offered_by_elements(page.root, base, site_names(title, named))
    offered = [
        *by_elements,
        *_offered_by_styles(page.root, base),
        *offered_by_data(page.root, base),
    ]
    found, has_more = candidates(offered, page_title(title, named))
    return PageContents(
        title=title,
        candidates=tuple(found),
        links=tuple(_links(page, base)),
        next_pages=next_pages(page, url, lambda address: absolute(address, base)),
        robots=_robots(page, agent),
        has_scripts=_has_scripts(page),
        is_cut=has_more or has_more_elements,
    )


def _base(page: Selector, url: str) -> str:
    for href in page.xpath("(/descendant::base[@href])[1]/@href").getall():
        return absolute(href, url) or url
    return url


def _offered_by_styles(root: Any, base: str) -> Iterator[Offered]:
    for style in root.xpath("(/descendant::style)[position() <= 100]"):
        for addresses in urls_of_style(style.text or ""):
            urls = [absolute(address, base) for address in addresses]
            yield Offered(tuple(Address(url, "background") for url in urls if url is not None))


def _links(page: Selector, base: str) -> list[str]:
    links: dict[str, None] = {}
    for node in page.xpath("/descendant::*[self::a or self::area][@href]"):
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
    for meta in page.xpath("(/descendant::meta[@name][@content])[position() <= 5000]"):
        if (meta.root.get("name") or "").strip().lower() in names:
            said = meta.root.get("content")[:2000].lower()
            directives.update(said.replace(",", " ").replace(";", " ").split())
    return frozenset(directives)


def _has_scripts(page: Selector) -> bool:
    """Whether it carries scripts that a browser runs; data in script elements is none."""
    for script in page.xpath("(/descendant::script)[position() <= 1000]"):
        kind = (script.root.get("type") or "").strip().lower()
        runs = kind in ("", "module") or "javascript" in kind or "ecmascript" in kind
        if runs and (script.root.get("src") or (script.root.text or "").strip()):
            return True
    return False
