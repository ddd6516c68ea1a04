"""What the public pages list, and in which order one walks through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, Prefetch, QuerySet, Subquery
from django.http import Http404, HttpRequest

from gallery import nsfw
from gallery.models import Album, AlbumImage, Image, Label
from imagineer.counted import counted
from imagineer.keyset import PAGE_SIZE, Page, encode_cursor, paginate
from imagineer.problems import Problem

Row = TypeVar("Row", bound=Model)
NEWEST = ("-created_at", "-id")
ALBUM_ORDER = ("position", "id")
COVER_PICTURES = 3


def page(
    request: HttpRequest,
    queryset: QuerySet[Row],
    order: Sequence[str] = NEWEST,
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """The page that ?after= asks for. Raises Http404 for a cursor that no list gave out."""
    try:
        return paginate(queryset, request.GET.get("after"), order, size)
    except Problem as problem:
        raise Http404(problem.message) from problem


def captions(path: str = "labels") -> "Prefetch[str]":
    """Each image's captions as ``image.captions``; path: from the listed rows to the labels."""
    found = Label.objects.filter(kind=Label.Kind.CAPTION)
    return Prefetch(path, queryset=found, to_attr="captions")


def pictures(request: HttpRequest) -> QuerySet[Image]:
    """The images that this request's grids may hold, with what a tile shows."""
    everything = Image.objects.defer("generation_params", "negative_prompt")
    return nsfw.visible(everything, request).prefetch_related(captions())


def entries(request: HttpRequest, album: Album) -> QuerySet[AlbumImage]:
    """The album's pictures in its order, as far as this request may list them."""
    inside = AlbumImage.objects.filter(album=album).select_related("image")
    return nsfw.visible(inside, request, "image__").prefetch_related(captions("image__labels"))


def albums(request: HttpRequest) -> QuerySet[Album]:
    """The albums that this request may open."""
    return Album.objects.all() if nsfw.is_admin(request) else Album.objects.filter(is_public=True)


def album_cards(request: HttpRequest, with_empty: bool = False) -> QuerySet[Album]:
    """Albums for a list, :func:`with_pictures`.

    with_empty: also those that hold nothing for a visitor; admins get them in any case.
    """
    inside = nsfw.visible(AlbumImage.objects.filter(album=OuterRef("pk")), request, "image__")
    found = with_pictures(albums(request), inside, "album", ALBUM_ORDER)
    return found if with_empty or nsfw.is_admin(request) else found.filter(Exists(inside))


def with_pictures(
    rows: QuerySet[Any], inside: QuerySet[Any], group: str, order: Sequence[str]
) -> QuerySet[Any]:
    """Annotate ``image_count`` and the ids of the first pictures, for :func:`add_covers`.

    inside: rows with an ``image`` that refer to the outer row by ``group``.
    """
    firsts = {
        f"first_{place}": Subquery(inside.order_by(*order).values("image_id")[place : place + 1])
        for place in range(COVER_PICTURES)
    }
    found: QuerySet[Any] = rows.annotate(image_count=counted(inside, group), **firsts)
    return found


def add_covers(request: HttpRequest, cards: Sequence[Any]) -> None:
    """Give each row of :func:`with_pictures` its ``cover_images``: a chosen cover comes first."""
    wanted = {card.pk: _cover_ids(card) for card in cards}
    found = pictures(request).order_by().in_bulk({pk for ids in wanted.values() for pk in ids})
    for card in cards:
        shown = [found[pk] for pk in wanted[card.pk] if pk in found]
        card.cover_images = shown[:COVER_PICTURES]


def _cover_ids(card: Any) -> list[int]:
    firsts = [getattr(card, f"first_{place}") for place in range(COVER_PICTURES)]
    chosen = getattr(card, "cover_id", None)
    return list(dict.fromkeys(pk for pk in (chosen, *firsts) if pk is not None))


def hidden_count(request: HttpRequest, album: Album) -> int:
    """How many pictures of the album this visitor's choice leaves out."""
    if nsfw.choice(request) != "hide":
        return 0
    inside = AlbumImage.objects.filter(album=album, image__is_nsfw=True)
    return (inside if nsfw.is_admin(request) else inside.filter(image__is_public=True)).count()


@dataclass(frozen=True)
class Neighbours:
    """The pictures before and after one, in the list it was opened from."""

    previous: int | None
    next: int | None


def neighbours(request: HttpRequest, image: Image, album: Album | None) -> Neighbours:
    """Ids of the pictures on either side in the album, else among the latest."""
    if album is None:
        listed = nsfw.visible(Image.objects.only("pk", "created_at"), request)
        return Neighbours(
            _beside(listed, ("created_at", "id"), (image.created_at, image.pk)),
            _beside(listed, NEWEST, (image.created_at, image.pk)),
        )
    inside = AlbumImage.objects.filter(album=album)
    entry = inside.filter(image=image).first()
    if entry is None:
        return Neighbours(None, None)
    shown = nsfw.visible(inside, request, "image__")
    place = (entry.position, entry.pk)
    return Neighbours(
        _beside(shown, ("-position", "-id"), place), _beside(shown, ALBUM_ORDER, place)
    )


def _beside(
    queryset: QuerySet[Image] | QuerySet[AlbumImage], order: Sequence[str], place: Sequence[object]
) -> int | None:
    """The image that follows this place in this order."""
    found = paginate(queryset, encode_cursor(place), order, size=1).items
    if not found:
        return None
    return found[0].image_id if isinstance(found[0], AlbumImage) else found[0].pk
