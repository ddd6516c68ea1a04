"""Finding images by words, tags, albums, LoRAs, sources and ratings, as far as a request may.

One query walks the full-text index from the newest match on, so a page costs the same however many
match. Words of veiled pictures are searched only for those who see them sharp: else a search would
tell what their pages do not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count
from django.http import HttpRequest

from gallery import full_text, listing, nsfw, search_names, tag_names
from gallery.full_text import AllOf, AnyOf, Node, Phrase
from gallery.models import Album, Exposure, Image, ImageTag
from gallery.search_query import Query, Term
from gallery.search_words import token_of, tokens
from gallery.tags import normalised
from imagineer.keyset import PAGE_SIZE, Page, decode_cursor, encode_cursor
from imagineer.problems import invalid

# Facets are counted among so many of the newest matches; more are said to be "1 000+".
COUNTED_AT_MOST = 1000
FACET_SIZE = 15
_OPEN = ("words",)
_ALL = ("words", "veiled_words")
_FACTS = ("facts",)
_NAMES = ("words",)


@dataclass(frozen=True)
class Facet:
    """A way to narrow a search down. count: among the matches that were counted."""

    term: Term
    label: str
    count: int


@dataclass(frozen=True)
class Found:
    """One page of a search. total: how many match, COUNTED_AT_MOST + 1 for more than that."""

    page: Page[Image]
    total: int | None = None
    facets: tuple[tuple[str, tuple[Facet, ...]], ...] = ()

    @property
    def is_more(self) -> bool:
        return self.total is not None and self.total > COUNTED_AT_MOST


def find(
    request: HttpRequest,
    query: Query,
    cursor: str | None = None,
    *,
    with_facets: bool = True,
    size: int = PAGE_SIZE,
    album: Album | None = None,
) -> Found:
    """The newest matches first, of one album if it is given.

    Raises Problem for a cursor that no search gave out.
    """
    node = expression(request, query, album)
    before = _before(cursor)
    if node is None:
        return Found(Page([], None), total=0)
    if before is None and with_facets:
        counted = full_text.image_ids(node, COUNTED_AT_MOST + 1)
        ids = counted[: size + 1]
    else:
        counted = full_text.image_ids(node, COUNTED_AT_MOST + 1) if with_facets else []
        ids = full_text.image_ids(node, size + 1, before)
    page = _page(request, ids, size)
    if not with_facets:
        return Found(page)
    return Found(page, len(counted), _facets(request, counted[:COUNTED_AT_MOST]))


def expression(request: HttpRequest, query: Query, album: Album | None = None) -> Node | None:
    """What the index is asked; None where nothing can match."""
    within = _visibility(request)
    if album is not None:
        within = [*within, fact("album", album.pk)]
    return _resolved(query, _columns(request), within, nsfw.is_admin(request))


def expression_for_admin(query: Query) -> Node | None:
    """What the index is asked for the console's lists, which leave out nothing but the trash."""
    return _resolved(query, _ALL, [fact("most", Exposure.PRIVATE.value)], everything=True)


def _visibility(request: HttpRequest) -> list[Node]:
    hides = nsfw.choice(request) == "hide"
    if nsfw.is_admin(request):
        most = Exposure.PRIVATE
        also = [fact("sharp", 1)] if hides else []
        return [fact("most", most.value), *also]
    return [fact("most", (Exposure.OPEN if hides else Exposure.VEILED).value)]


def _columns(request: HttpRequest) -> tuple[str, ...]:
    return _ALL if nsfw.tells_of_veiled(request) else _OPEN


def fact(kind: str, value: object) -> Phrase:
    """A question about what gallery.image_index writes among the facts."""
    return Phrase((token_of(kind, value),), _FACTS)


def tagged(tag_id: int, columns: tuple[str, ...] = _ALL) -> Phrase:
    """A question about the tag of an image, by default of veiled ones too."""
    return Phrase((token_of("tag", tag_id),), columns)


def _resolved(
    query: Query, columns: tuple[str, ...], visibility: list[Node], everything: bool
) -> Node | None:
    names = _Names(query, everything)
    wanted: list[Node] = []
    unwanted: list[Node] = []
    for term in query.terms:
        node = _node(term, columns, names)
        if term.negated:
            unwanted += [] if node is None else [node]
        elif node is None:
            return None
        else:
            wanted.append(node)
    return AllOf((*wanted, *visibility), tuple(unwanted))


def _node(term: Term, columns: tuple[str, ...], names: "_Names") -> Node | None:
    if term.key in ("source", "rating"):
        value = term.text.upper() if term.key == "rating" else term.text
        return fact(term.key, value)
    if term.key == "tag":
        pk = names.tags.get(normalised(term.text))
        return None if pk is None else tagged(pk, columns)
    owners = [fact(key, owner) for key, owner in names.matching(term)]
    if term.key:
        return AnyOf(tuple(owners)) if owners else None
    said = Phrase(term.tokens, columns, term.any_ending)
    return AnyOf((said, *owners)) if owners else said


class _Names:
    """What the words of a query name: tags, albums, LoRAs. Two queries at most."""

    def __init__(self, query: Query, everything: bool) -> None:
        wanted = {normalised(term.text) for term in query.terms if term.key == "tag"}
        self.tags = tag_names.known(wanted) if wanted else {}
        named = [term for term in query.terms if term.key in ("", "album", "lora")]
        self._found = [
            (key, owner, words.split())
            for key, owner, words in full_text.names(
                [_name(term, everything) for term in named], search_names.MOST_MATCHES
            )
        ]

    def matching(self, term: Term) -> list[tuple[str, int]]:
        return [
            (key, owner)
            for key, owner, words in self._found
            if (not term.key or key == term.key) and _holds(words, term.tokens, term.any_ending)
        ][: search_names.MOST_MATCHES]


def _name(term: Term, everything: bool) -> Node:
    """What the index of names is asked for a part of a search."""
    marks = [search_names.bearer(term.key)] if term.key else []
    if not everything:
        marks.append(search_names.PUBLIC)
    said = Phrase(term.tokens, _NAMES, term.any_ending)
    return AllOf((said, *(Phrase((mark,), _NAMES) for mark in marks)))


def names_like(words: str, key: str) -> list[int]:
    """The owners of this kind whose name holds all the words, the last perhaps begun; newest first.

    For the console: private ones as well.
    """
    parts = [Phrase((token,), _NAMES) for token in tokens(words)]
    if not parts:
        return []
    parts[-1] = Phrase(parts[-1].tokens, _NAMES, any_ending=True)
    node = AllOf((*parts, Phrase((search_names.bearer(key),), _NAMES)))
    return [owner for _, owner, _ in full_text.names([node], search_names.MOST_MATCHES)]


def _holds(words: Sequence[str], phrase: Sequence[str], any_ending: bool) -> bool:
    """Whether the phrase stands among the words."""
    *firsts, last = phrase
    for start in range(len(words) - len(phrase) + 1):
        part = words[start : start + len(phrase)]
        ends = part[-1].startswith(last) if any_ending else part[-1] == last
        if ends and part[:-1] == firsts:
            return True
    return False


def _before(cursor: str | None) -> int | None:
    if not cursor:
        return None
    (before,) = decode_cursor(cursor, 1)
    if not isinstance(before, int) or isinstance(before, bool) or not 0 <= before < 2**63:
        raise invalid("cursor", "This cursor is not one that a list gave out.")
    return before


def _page(request: HttpRequest, ids: Sequence[int], size: int) -> Page[Image]:
    # Asked again whether they may be listed: the index is only how they were found.
    shown = nsfw.visible(Image.everything.defer(*listing.UNSHOWN), request)
    rows = shown.filter(pk__in=ids[:size]).order_by("-id")
    more = len(ids) > size
    return Page(list(rows), encode_cursor([ids[size - 1]]) if more else None)


def _facets(request: HttpRequest, ids: Sequence[int]) -> tuple[tuple[str, tuple[Facet, ...]], ...]:
    if not ids:
        return ()
    found = [
        ("Tags", _tag_facets(request, ids)),
        ("Source", _source_facets(ids)),
        *(
            (named.facet_title, _named_facets(named, ids, nsfw.is_admin(request)))
            for named in search_names.registered()
            if named.facet is not None
        ),
    ]
    return tuple((title, facets) for title, facets in found if facets)


def _tag_facets(request: HttpRequest, ids: Sequence[int]) -> tuple[Facet, ...]:
    uses = ImageTag.everything.filter(listing.tag_condition(request), image__in=ids)
    counted = uses.values("tag__name").annotate(number=Count("pk")).order_by("-number", "tag__name")
    return tuple(
        Facet(Term(row["tag__name"], "tag"), row["tag__name"], row["number"])
        for row in counted[:FACET_SIZE]
    )


def _source_facets(ids: Sequence[int]) -> tuple[Facet, ...]:
    rows = Image.everything.filter(pk__in=ids).order_by()
    counted = rows.values("source_type").annotate(number=Count("pk")).order_by("-number")
    return tuple(
        Facet(
            Term(row["source_type"], "source"),
            Image.Source(row["source_type"]).label,
            row["number"],
        )
        for row in counted
    )


def _named_facets(
    named: search_names.Named, ids: Sequence[int], everything: bool
) -> tuple[Facet, ...]:
    assert named.facet is not None
    counted: Iterable[tuple[str, int]] = named.facet(ids, everything)
    return tuple(Facet(Term(name, named.key), name, number) for name, number in counted)[
        :FACET_SIZE
    ]
