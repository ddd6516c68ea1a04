"""Which of a page's offers are one picture, and in which order its addresses are tried. Pure.

A thumbnail that links to its file, a srcset with five sizes, a page's social card: each is an
:class:`Offered`. Those that share an address, or whose addresses differ by a size alone, become one
:class:`Candidate`, whose addresses are ordered from the one that should be largest to the one that
is surely there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from scraping.page_addresses import is_drawing_file, is_foreign_file, sized
from scraping.page_words import best_text, telling_texts

MOST_CANDIDATES = 2000
MOST_ADDRESSES = 4

# Rules by how large the picture should be that they lead to.
RULES = (
    "link", "anchor", "picture", "srcset", "data", "noscript", "json_ld", "src", "background",
    "open_graph", "twitter",
)  # fmt: skip


@dataclass(frozen=True)
class Address:
    """One absolute address of a picture. rule: of RULES. width: in pixels, if the page says it."""

    url: str
    rule: str
    width: float | None = None


@dataclass(frozen=True)
class Offered:
    """What one element offers. addresses: best first; texts: by where, as they are written.

    width, height: in which it is shown, in pixels, as far as the page says.
    """

    addresses: tuple[Address, ...]
    texts: dict[str, str] = field(default_factory=dict)
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A picture that a page offers.

    urls: absolute addresses, best first. rule: what named the best one, of RULES.
    texts: the words that stand with it, tidied, by where: those of TEXTS that say something.
    width, height: in which the page shows it, in pixels; None where it does not say.
    """

    urls: tuple[str, ...]
    rule: str
    texts: dict[str, str] = field(default_factory=dict)
    width: int | None = None
    height: int | None = None

    @property
    def alt(self) -> str:
        """The alternative text; empty if it says nothing."""
        return self.texts.get("alt", "")

    @property
    def caption(self) -> str:
        """The text that says most of the picture; empty if none does."""
        return best_text(self.texts)


def candidates(offered: Iterable[Offered], page_title: str) -> list[Candidate]:
    """The pictures in the order in which they stand, each once, at most MOST_CANDIDATES."""
    wanted = _without_placeholders([_without_foreign(one) for one in offered])
    groups: list[list[Offered]] = []
    place_of: dict[str, int] = {}
    for one in wanted:
        marks = [mark for address in one.addresses for mark in _marks(address.url)]
        place = next((place_of[mark] for mark in marks if mark in place_of), None)
        if place is None:
            if len(groups) == MOST_CANDIDATES:
                continue
            place = len(groups)
            groups.append([])
        groups[place].append(one)
        for mark in marks:
            place_of.setdefault(mark, place)
    return [_united(group, page_title) for group in groups]


def _marks(url: str) -> tuple[str, str]:
    return url, sized(url).picture


def _without_foreign(one: Offered) -> Offered:
    addresses = tuple(
        address
        for address in one.addresses
        if not is_drawing_file(address.url) and not is_foreign_file(address.url)
    )
    return replace(one, addresses=addresses)


def _without_placeholders(offered: Sequence[Offered]) -> list[Offered]:
    """Leave out what stands in for several pictures until a script shows the real ones."""
    stands_in: dict[str, set[str]] = {}
    for one in offered:
        for address in one.addresses[1:]:
            stands_in.setdefault(address.url, set()).add(sized(one.addresses[0].url).picture)
    shared = {url for url, pictures in stands_in.items() if len(pictures) > 1}
    found = []
    for one in offered:
        own = tuple(address for address in one.addresses if address.url not in shared)
        if one.addresses:
            found.append(replace(one, addresses=own or one.addresses[:1]))
    return found


def _united(group: Sequence[Offered], page_title: str) -> Candidate:
    addresses = _ordered([address for one in group for address in one.addresses])
    urls = tuple(dict.fromkeys(address.url for address in addresses))
    if len(urls) > MOST_ADDRESSES:
        # The last one is what the page itself shows, and so is surely there.
        urls = (*urls[: MOST_ADDRESSES - 1], urls[-1])
    written: dict[str, str] = {}
    for one in group:
        said = telling_texts(one.texts, [address.url for address in one.addresses])
        written = said | written
    if page_title:
        written |= telling_texts({"page_title": page_title}, urls)
    shown = max(group, key=lambda one: (one.width or 0) * (one.height or 0))
    return Candidate(urls, addresses[0].rule, written, shown.width, shown.height)


def _ordered(addresses: Sequence[Address]) -> list[Address]:
    """By rule; addresses that differ by size alone stand together, the largest first."""
    ranked = sorted(addresses, key=lambda address: RULES.index(address.rule))
    known = {a.url: a.width for a in reversed(ranked) if a.width is not None}
    families: dict[str, list[tuple[float, Address]]] = {}
    for address in ranked:
        told = sized(address.url)
        width = known.get(address.url, told.pixels)
        families.setdefault(told.picture, []).append((width, address))
    return [
        address
        for family in families.values()
        for _, address in sorted(family, key=lambda one: -one[0])
    ]
