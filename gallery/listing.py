"""What the public pages list, and in which order one walks through it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import (
    F,
    Model,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    prefetch_related_objects,
)
from django.db.models.expressions import Combinable
from django.http import Http404, HttpRequest

from gallery import nsfw
from gallery.models import (
    LISTED_ALBUM,
    LISTED_TAG,
    OPEN_ALBUM,
    Album,
    AlbumImage,
    Exposure,
    Image,
    ImageTag,
    Label,
    Tag,
)
from imagineer.keyset import PAGE_SIZE, Page, paginate
from imagineer.problems import Problem

Row = TypeVar("Row", bound=Model)
NEWEST = ("-id",)
NEWEST_MEMBER = ("-image_id",)
MOST_USED = ("-open_count", "id")
NEWEST_ALBUM = ("-created_at", "-id")
ALBUM_ORDER = ("position", "id")
COVER_PICTURES = 3
# What a tile does not show.
UNSHOWN = ("generation_params", "negative_prompt")


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


def add_captions(images: Sequence[Image]) -> None:
    """Give each of these images its ``captions``. One query."""
    prefetch_related_objects(images, captions())


def pictures(request: HttpRequest) -> QuerySet[Image]:
    """The images that this request's grids may hold, with what a tile shows."""
    everything = Image.everything.defer(*UNSHOWN)
    return nsfw.visible(everything, request).prefetch_related(captions())


def entries(request: HttpRequest, album: Album) -> QuerySet[AlbumImage]:
    """The album's pictures in its order, as far as this request may list them."""
    inside = AlbumImage.everything.filter(album=album).select_related("image")
    return visible_members(inside, request).prefetch_related(captions("image__labels"))


def visible_members(queryset: QuerySet[Row], request: HttpRequest) -> QuerySet[Row]:
    """Of rows that put images somewhere (and carry their exposure) those that it may list."""
    return nsfw.visible(queryset, request, image="image__")


def albums(request: HttpRequest) -> QuerySet[Album]:
    """The albums that this request may open."""
    return Album.objects.all() if nsfw.is_admin(request) else Album.objects.filter(is_public=True)


def album_cards(request: HttpRequest, with_empty: bool = False) -> QuerySet[Album]:
    """Albums for a list, :func:`with_pictures`.

    with_empty: also those that hold nothing for a visitor; admins get them in any case.
    """
    inside = visible_members(AlbumImage.everything.filter(album=OuterRef("pk")), request)
    rows = albums(request)
    if not with_empty and not nsfw.is_admin(request):
        # In the words of the indices that hold no other albums.
        rows = rows.filter(OPEN_ALBUM if nsfw.choice(request) == "hide" else LISTED_ALBUM)
    return with_pictures(rows, inside, ALBUM_ORDER, image_count=nsfw.count(request))


def with_pictures(
    rows: QuerySet[Any], inside: QuerySet[Any], order: Sequence[str], **more: Any
) -> QuerySet[Any]:
    """Annotate the ids of the first pictures, for :func:`add_covers`, and whatever ``more`` says.

    inside: rows with an ``image`` that refer to the outer row, in this order.
    """
    firsts = {
        f"first_{place}": Subquery(inside.order_by(*order).values("image_id")[place : place + 1])
        for place in range(COVER_PICTURES)
    }
    found: QuerySet[Any] = rows.annotate(**more, **firsts)
    return found


def add_covers(request: HttpRequest, cards: Sequence[Any]) -> None:
    """Give each row of :func:`with_pictures` its ``cover_images``: a chosen cover comes first."""
    wanted = {card.pk: _cover_ids(card) for card in cards}
    visible = nsfw.visible(Image.everything.defer(*UNSHOWN), request)
    found = visible.order_by().in_bulk({pk for ids in wanted.values() for pk in ids})
    for card in cards:
        shown = [found[pk] for pk in wanted[card.pk] if pk in found]
        card.cover_images = shown[:COVER_PICTURES]


def _cover_ids(card: Any) -> list[int]:
    firsts = [getattr(card, f"first_{place}") for place in range(COVER_PICTURES)]
    chosen = getattr(card, "cover_id", None)
    return list(dict.fromkeys(pk for pk in (chosen, *firsts) if pk is not None))


def tag_condition(request: HttpRequest) -> Q:
    """The filter for uses of a tag: of a veiled picture no word is told without consent."""
    if nsfw.tells_of_veiled(request):
        return nsfw.condition(request, image="image__")
    return Q(exposure__lte=Exposure.OPEN)


def tag_count(request: HttpRequest) -> Combinable:
    """How many pictures of a tag :func:`tag_condition` lets through: from kept counts."""
    return nsfw.count(request) if nsfw.tells_of_veiled(request) else F("open_count")


def tags(request: HttpRequest) -> QuerySet[Tag]:
    """The tags that this request may know of, with their ``image_count``."""
    found = Tag.objects.annotate(image_count=tag_count(request)).filter(image_count__gt=0)
    if nsfw.tells_of_veiled(request) and not nsfw.is_admin(request):
        # In the words of the index that holds no other tags.
        return found.filter(LISTED_TAG)
    return found


def tagged(request: HttpRequest, tag: Tag) -> QuerySet[ImageTag]:
    """The uses of a tag that this request may list."""
    uses = ImageTag.everything.filter(tag_condition(request), tag=tag).select_related("image")
    return uses.prefetch_related(captions("image__labels"))


def hidden_count(request: HttpRequest, album: Album) -> int:
    """How many pictures of the album this visitor's choice leaves out."""
    return album.veiled_count if nsfw.choice(request) == "hide" else 0
