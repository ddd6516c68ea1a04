"""Finding images in the console: each filter is a question to the search index, as words are.

Any combination costs the same then, where a WHERE over a million rows would walk most of them.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gallery import full_text, search
from gallery.full_text import AllOf, Node
from gallery.models import Album, Exposure, Image, Label, Rating
from gallery.search_query import SearchRefused, parse
from imagineer.console_rows import COUNTED_AT_MOST
from imagineer.words import number_in

Choices = list[tuple[str, str]]


class IndexFilter(admin.SimpleListFilter):
    """Filters by nothing itself: :func:`matching` puts the questions of all filters together."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    @classmethod
    def node(cls, value: str) -> tuple[Node | None, Node | None]:
        """(what must match, what must not) for a value of the address."""
        raise NotImplementedError


class SourceFilter(IndexFilter):
    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return list(Image.Source.choices)

    @classmethod
    def node(cls, value: str) -> tuple[Node | None, Node | None]:
        return (search.fact("source", value) if value in Image.Source.values else None), None


class RatingFilter(IndexFilter):
    title = "rating"
    parameter_name = "rating"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return list(Rating.choices)

    @classmethod
    def node(cls, value: str) -> tuple[Node | None, Node | None]:
        return (search.fact("rating", value) if value in Rating.values else None), None


class AlbumFilter(IndexFilter):
    title = "album"
    parameter_name = "album"
    NEWEST = 30

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        newest = list(Album.objects.values_list("pk", "name")[: self.NEWEST])
        chosen = number_in(request.GET.get(self.parameter_name, ""))
        if chosen is not None and chosen not in dict(newest):
            newest += Album.objects.filter(pk=chosen).values_list("pk", "name")
        return [("none", "In no album"), *((str(pk), name) for pk, name in newest)]

    @classmethod
    def node(cls, value: str) -> tuple[Node | None, Node | None]:
        if value == "none":
            return search.fact("shelved", 0), None
        pk = number_in(value)
        return (None if pk is None else search.fact("album", pk)), None


class CaptionFilter(IndexFilter):
    title = "caption"
    parameter_name = "caption"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        sources = [(value, f"From: {label.lower()}") for value, label in Label.Source.choices]
        return [("yes", "With a caption"), ("no", "Without one"), *sources]

    @classmethod
    def node(cls, value: str) -> tuple[Node | None, Node | None]:
        if value in ("yes", "no"):
            return search.fact("captioned", int(value == "yes")), None
        return (search.fact("caption", value) if value in Label.Source.values else None), None


class VisitorsFilter(IndexFilter):
    title = "visitors"
    parameter_name = "public"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", "May see it"), ("no", "Private")]

    @classmethod
    def node(cls, value: str) -> tuple[Node | None, Node | None]:
        public = search.fact("most", Exposure.VEILED.value)
        if value == "yes":
            return public, None
        return (None, public) if value == "no" else (None, None)


FILTERS: tuple[type[IndexFilter], ...] = (
    SourceFilter,
    RatingFilter,
    AlbumFilter,
    CaptionFilter,
    VisitorsFilter,
)


def matching(
    request: HttpRequest, queryset: QuerySet[Image], words: str, at_most: int | None = None
) -> tuple[QuerySet[Image], str]:
    """The images that words and filters ask for; and what is wrong with the words.

    A number or a SHA-256 alone names one image. at_most: so many of the newest; by default as many
    as the list counts.
    """
    words = words.strip()
    number = number_in(words)
    if number is not None:
        queryset, words = queryset.filter(pk=number), ""
    elif len(words) == 64 and words.isalnum():
        queryset, words = queryset.filter(sha256=words.lower()), ""
    try:
        query = parse(words)
    except SearchRefused as refused:
        return queryset.none(), str(refused)
    asked = [
        each.node(value)
        for each in FILTERS
        if each.parameter_name and (value := request.GET.get(each.parameter_name, ""))
    ]
    wanted = [node for node, _ in asked if node is not None]
    unwanted = [node for _, node in asked if node is not None]
    if not query and not wanted and not unwanted:
        return queryset, ""
    said = search.expression_for_admin(query)
    if said is None:
        return queryset.none(), ""
    node = AllOf((said, *wanted), tuple(unwanted))
    if at_most is not None:
        return queryset.filter(pk__in=full_text.images_in(node, at_most)), ""
    return queryset.filter(pk__in=full_text.image_ids(node, COUNTED_AT_MOST)), ""
