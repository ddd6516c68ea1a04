"""Which of a page's offers are one picture, and in which order its addresses are tried. Pure.

A thumbnail that links to its file, a srcset with five sizes, a page's social card: each is an
:class:`Offered`. Those that share an address, or whose addresses differ by a size alone, become one
:class:`Candidate`, whose addresses are ordered from the one that should be largest to the one that
is surely there.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from scraping.page_addresses import is_drawing_file, is_foreign_file
from scraping.page_words import best_text, telling, telling_texts
from scraping.picture_sizes import sized

MOST_CANDIDATES = 5000
MOST_ADDRESSES = 4
# Shapes of one group, and groups of one address without its size, that others are compared with.
_MOST_SHAPES = 20
_MOST_ALIKE = 50
# Width by height of one picture's sizes, which are rounded.
_SAME_SHAPE = 0.1

# Rules by how large the picture should be that they lead to.
RULES = (
    "link", "anchor", "picture", "srcset", "data", "noscript", "json_ld", "src", "background",
    "open_graph", "twitter",
)  # fmt: skip

# Rules that read a page's head: it describes a picture in words of its own.
_OF_HEAD = ("json_ld", "open_graph", "twitter")


@dataclass(frozen=True)
class Address:
    """One absolute address of a picture. rule: of RULES. width: in pixels, if the page says it."""

    url: str
    rule: str
    width: float | None = None


@dataclass(frozen=True)
class Offered:
    """What one element offers. addresses: best first; texts: by where, as they are written.

    width, height: in which it is shown, in pixels, as far as the page says. leads_to: the page
    that its link opens; empty if none does.
    """

    addresses: tuple[Address, ...]
    texts: dict[str, str] = field(default_factory=dict)
    width: int | None = None
    height: int | None = None
    leads_to: str = ""


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


def candidates(offered: Iterable[Offered], page_title: str) -> tuple[list[Candidate], bool]:
    """(the pictures in the order in which they stand, each once, at most MOST_CANDIDATES; whether
    there are more)."""
    groups = _Groups()
    for one in _without_placeholders([_without_foreign(one) for one in offered]):
        groups.add(one)
    return [_united(group.offers, page_title) for group in groups.all()], groups.left_out


@dataclass
class _Group:
    """Offers of one picture, with what tells it from others: its words, where it leads, its shape.

    is_whole: whether an address without a size is among them.
    """

    offers: list[Offered] = field(default_factory=list)
    said: dict[str, set[str]] = field(default_factory=dict)
    shapes: set[float] = field(default_factory=set)
    is_whole: bool = False

    def differs(self, said: Mapping[str, str], shapes: Collection[float]) -> bool:
        """Whether something else is said of this picture, or nothing and it is of another form."""
        known = {where: self.said[where] for where in said if where in self.said}
        if any(said[where] not in others for where, others in known.items()):
            return True
        # One caption may be that of a group.
        if known.keys() - {"figcaption"} or self.is_whole or not shapes:
            return False
        some = list(islice(self.shapes, _MOST_SHAPES))
        return bool(some) and not any(
            math.isclose(one, other, rel_tol=_SAME_SHAPE) for one in some for other in shapes
        )

    def add(self, one: Offered, said: Mapping[str, str]) -> None:
        self.offers.append(one)
        for where, text in said.items():
            self.said.setdefault(where, set()).add(text)
        told = [sized(address.url) for address in one.addresses]
        self.shapes.update(_shapes(one))
        self.is_whole = self.is_whole or any(math.isinf(each.pixels) for each in told)

    def take_over(self, other: "_Group") -> None:
        self.offers += other.offers
        for where, texts in other.said.items():
            self.said.setdefault(where, set()).update(texts)
        self.shapes |= other.shapes
        self.is_whole = self.is_whole or other.is_whole


def _shapes(one: Offered) -> list[float]:
    shapes = (sized(address.url).shape for address in one.addresses)
    return [shape for shape in shapes if shape is not None]


class _Groups:
    """One picture have those that share an address, and those whose addresses differ by a size
    alone unless their words or links say that they are two."""

    def __init__(self) -> None:
        # Whether there were more pictures than are kept.
        self.left_out = False
        self._groups: dict[int, _Group] = {}
        self._joined: dict[int, int] = {}
        self._place_of: dict[str, int] = {}
        self._places_alike: dict[str, list[int]] = {}

    def all(self) -> Iterable[_Group]:
        return (self._groups[place] for place in sorted(self._groups))

    def add(self, one: Offered) -> None:
        told = [(address.url, sized(address.url)) for address in one.addresses]
        pictures = dict.fromkeys(each.picture for _, each in told)
        urls = [url for own, each in told for url in (own, each.original) if url is not None]
        said = _said(one)
        places = {self._now(self._place_of[url]) for url in urls if url in self._place_of}
        places.update(self._alike(pictures, said, _shapes(one)))
        if not places and len(self._groups) == MOST_CANDIDATES:
            self.left_out = True
            return
        place = min(places, default=len(self._groups) + len(self._joined))
        group = self._groups.setdefault(place, _Group())
        for other in sorted(places - {place}):
            group.take_over(self._groups.pop(other))
            self._joined[other] = place
        group.add(one, said)
        for url in urls:
            self._place_of.setdefault(url, place)
        for picture in pictures:
            alike = self._places_alike.setdefault(picture, [])
            if place not in alike and len(alike) < _MOST_ALIKE:
                alike.append(place)

    def _now(self, place: int) -> int:
        while place in self._joined:
            place = self._joined[place]
        return place

    def _alike(
        self, pictures: Iterable[str], said: Mapping[str, str], shapes: Collection[float]
    ) -> Iterator[int]:
        """Of each of these, the first group that may show the same."""
        for picture in pictures:
            places = map(self._now, self._places_alike.get(picture, ()))
            same = (place for place in places if not self._groups[place].differs(said, shapes))
            yield from islice(same, 1)


def _said(one: Offered) -> dict[str, str]:
    """What an element itself says of its picture, as far as it tells one from another."""
    if not one.addresses or one.addresses[0].rule in _OF_HEAD:
        return {}
    urls = [address.url for address in one.addresses]
    said = {where: telling(one.texts.get(where), urls).lower() for where in ("figcaption", "alt")}
    said["leads_to"] = one.leads_to
    return {where: text for where, text in said.items() if text}


def _without_foreign(one: Offered) -> Offered:
    """Without files that the gallery does not take; one that is offered as such alone stays, so
    that it can be told of."""
    drawn = [address for address in one.addresses if not is_drawing_file(address.url)]
    taken = [address for address in drawn if not is_foreign_file(address.url)]
    return replace(one, addresses=tuple(taken or drawn))


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
    originals = [told for address in addresses if (told := sized(address.url).original)]
    urls = tuple(dict.fromkeys([*originals[:1], *(address.url for address in addresses)]))
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
