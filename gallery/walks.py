"""The list that a picture was opened from, and the pictures on either side in it.

A tile's address names its list (``?in=deck``, ``?tag=fox``, ``?q=…``); without one it is the
latest. The rooms above register lists of their own in ``ready()``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse

from gallery import full_text, listing, nsfw, search, tag_names
from gallery.models import AlbumImage, Image, ImageTag, tag_url
from gallery.search_query import SearchRefused, parse
from gallery.tags import normalised
from imagineer.keyset import after
from imagineer.texts import has_control


@dataclass(frozen=True)
class Walk:
    """previous, next: ids of images. title, url: of the list; query: as in ``?in=deck``.

    title, url and query are empty for the latest.
    """

    previous: int | None = None
    next: int | None = None
    title: str = ""
    url: str = ""
    query: str = ""


Finder = Callable[[HttpRequest, str, int], Walk | None]
_finders: dict[str, Finder] = {}


def register(parameter: str, finder: Finder) -> None:
    """finder: (request, the parameter's value, image id) → the walk; None if it is not in there."""
    _finders[parameter] = finder


def with_latest(images: QuerySet[Image], request: HttpRequest) -> QuerySet[Image]:
    """The images, each with ``row_before`` and ``row_after``: its neighbours among the latest."""
    listed = nsfw.visible(Image.everything.all(), request)
    return images.annotate(**_neighbours(listed, listing.NEWEST, "pk"))


def walk(request: HttpRequest, image: Any) -> Walk:
    """Along the list that the address names, if the image is in it; else along the latest.

    image: one of :func:`with_latest`.
    """
    for parameter, finder in _finders.items():
        value = request.GET.get(parameter, "")
        if value and not has_control(value):
            found = finder(request, value, image.pk)
            if found is not None:
                return found
    return Walk(image.row_before, image.row_after)


def beside(
    here: QuerySet[Any], listed: QuerySet[Any], order: Sequence[str], value: str, *also: str
) -> tuple[Any, ...] | None:
    """What stands before and after the one row of ``here`` in a list, then its columns ``also``.

    value: the column that is asked for of its neighbours. None if there is no such row. One query.
    """
    found = here.order_by().annotate(**_neighbours(listed, order, value))
    row: tuple[Any, ...] | None = found.values_list("row_before", "row_after", *also).first()
    return row


def _neighbours(listed: QuerySet[Any], order: Sequence[str], value: str) -> dict[str, Subquery]:
    """What stands before and after the outer row."""
    backwards = [name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in order]
    place = [OuterRef(name.removeprefix("-")) for name in order]

    def first(towards: Sequence[str]) -> Subquery:
        rows = listed.filter(after(towards, place)).order_by(*towards)
        return Subquery(rows.values(value)[:1])

    return {"row_before": first(backwards), "row_after": first(order)}


def query_of(parameter: str, value: str) -> str:
    """What a tile's address carries for this list."""
    return urlencode({parameter: value})


def _in_album(request: HttpRequest, slug: str, image_id: int) -> Walk | None:
    here = AlbumImage.objects.filter(
        album__in=listing.albums(request).filter(slug=slug), image=image_id
    )
    inside = AlbumImage.everything.filter(album=OuterRef("album"))
    inside = listing.visible_members(inside, request)
    found = beside(here, inside, listing.ALBUM_ORDER, "image_id", "album__name")
    if found is None:
        return None
    previous, following, title = found
    url = reverse("gallery:album", args=[slug])
    return Walk(previous, following, title, url, query_of("in", slug))


def _with_tag(request: HttpRequest, name: str, image_id: int) -> Walk | None:
    name = tag_names.meaning(normalised(name))
    uses = ImageTag.everything.filter(listing.tag_condition(request))
    inside = uses.filter(tag=OuterRef("tag"))
    here = uses.filter(tag__name=name, image=image_id)
    found = beside(here, inside, ("-image_id",), "image_id")
    if found is None:
        return None
    previous, following = found
    return Walk(previous, following, name, tag_url(name), query_of("tag", name))


def _in_search(request: HttpRequest, text: str, image_id: int) -> Walk | None:
    try:
        node = search.expression(request, parse(text))
    except SearchRefused:
        return None
    if node is None:
        return None
    newer, older = full_text.neighbours(node, image_id)
    query = query_of("q", text)
    return Walk(newer, older, f"Search: {text}", f"{reverse('gallery:search')}?{query}", query)


register("in", _in_album)
register("tag", _with_tag)
register("q", _in_search)
