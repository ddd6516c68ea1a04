"""Which links of a page lead to the next pages of the same list. Pure."""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from parsel import Selector

MOST_LOOKED_AT = 5000
MOST_NEXT = 200
# Ancestors further away say nothing about a link.
_NEAR = 5

# What is written on links to the page after this one, lower case and without arrows.
_NEXT_WORDS = {
    "next", "next page", "next posts", "next results", "older", "older posts", "older entries",
    "load more", "show more", "more results", "more posts", "weiter", "nächste", "nächste seite",
    "ältere beiträge", "mehr laden", "suivant", "suivante", "page suivante", "siguiente",
    "página siguiente", "próxima", "próximo", "próxima página", "seguinte", "successivo",
    "successiva", "pagina successiva", "avanti", "volgende", "volgende pagina", "dalej",
    "następna", "další", "nästa", "næste", "neste", "seuraava", "следующая", "вперед", "вперёд",
    "далее", "sonraki", "次へ", "次のページ", "次", "下一页", "下一頁", "下页", "다음",
}  # fmt: skip
_ARROWS = "›»→>⟩❯▶⇒ \t\r\n\xa0…."
_ONLY_ARROW = re.compile(r"[›»→>⟩❯▶⇒]{1,2}")
# What a link is marked as that shows an arrow or a drawing alone.
_NEXT_MARK = re.compile(r"(?:^|[\s_-])next(?:$|[\s_-])", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,5}")
# Where the number of a page stands in an address.
_PAGE_NUMBER = re.compile(
    r"(?:[?&;](?:page|paged|pg|p|pagina|seite|pageno|page_no|pagenumber|cpage|currentpage)="
    r"|/(?:page|pages|seite|pagina|p)[/_-]?|[/_-]page[_-]?)(\d{1,5})(?=$|[/?&#;.])",
    re.IGNORECASE,
)
_PAGER = re.compile(r"pag(?:er|inat|ing|enav|e-?num|e-?link|e-?nav)", re.IGNORECASE)


def next_pages(
    page: Selector, url: str, absolute: Callable[[str | None], str | None]
) -> tuple[str, ...]:
    """Addresses of the pages after this one: what says rel=next, what is called so, then numbers.

    url: the page's own. absolute: an address as it is written → whole, or None. Numbers at or below
    this page's own lead back and are left out.
    """
    said: dict[str, None] = {}
    called: dict[str, None] = {}
    numbered: dict[int, str] = {}
    for number, node in enumerate(page.xpath("/descendant::*[self::a or self::link[@rel]][@href]")):
        if number >= MOST_LOOKED_AT:
            break
        link = node.root
        address = absolute(link.get("href"))
        if address is None or address == url:
            continue
        if "next" in (link.get("rel") or "").lower().split():
            said.setdefault(address)
        elif link.tag == "a" and _is_called_next(link):
            called.setdefault(address)
        elif link.tag == "a" and (page_number := _number_of(link, address)) is not None:
            numbered.setdefault(page_number, address)
    own = _own_number(page, url)
    onward = [numbered[each] for each in sorted(numbered) if each > own]
    return tuple(dict.fromkeys([*said, *called, *onward]))[:MOST_NEXT]


def _is_called_next(link: Any) -> bool:
    for words in _names_of(link):
        plain = words.lower().strip(_ARROWS)
        if plain in _NEXT_WORDS:
            return True
        if not plain and _ONLY_ARROW.fullmatch(words.strip()) and _is_in_pager(link):
            return True
    marks = f"{link.get('class') or ''} {link.get('id') or ''}"[:500]
    return _NEXT_MARK.search(marks) is not None and _is_drawn(link)


def _is_drawn(link: Any) -> bool:
    """Whether it shows an arrow or a drawing, and neither words nor a picture."""
    shown = "".join(str(text).strip() for text in islice(link.itertext(), 20))
    is_arrow = not shown or _ONLY_ARROW.fullmatch(shown) is not None
    return is_arrow and next(link.iter("img"), None) is None


def _names_of(link: Any) -> Iterator[str]:
    yield _short_text(link)
    for name in ("aria-label", "title"):
        yield (link.get(name) or "")[:100]
    for img in islice(link.iter("img"), 1):
        yield (img.get("alt") or "")[:100]


def _short_text(link: Any) -> str:
    """The words of a link; empty where they are too many for a pager's."""
    words = ""
    for text in link.itertext():
        words += text if isinstance(text, str) else ""
        if len(words) > 200:
            return ""
    return " ".join(words.split())


def _number_of(link: Any, address: str) -> int | None:
    """The number on a link that leads to a page of that number."""
    words = _short_text(link)
    if not _NUMBER.fullmatch(words):
        return None
    named = _PAGE_NUMBER.search(address)
    leads_there = named is not None and int(named[1]) == int(words)
    return int(words) if leads_there or _is_in_pager(link) else None


def _is_in_pager(link: Any) -> bool:
    element, steps = link, 0
    while element is not None and steps <= _NEAR:
        marks = f"{element.get('class') or ''} {element.get('id') or ''}"
        if _PAGER.search(f"{marks} {element.get('aria-label') or ''}"[:500]):
            return True
        element, steps = element.getparent(), steps + 1
    return False


def _own_number(page: Selector, url: str) -> int:
    """This page's number: its address says it, or its pager; 1 if neither does."""
    named = _PAGE_NUMBER.search(url)
    if named is not None:
        return int(named[1])
    for text in page.xpath(
        "(/descendant::*[@aria-current='page' or @aria-current='true'])[1]//text()"
    ):
        if _NUMBER.fullmatch(text.get().strip()):
            return int(text.get().strip())
    return 1
