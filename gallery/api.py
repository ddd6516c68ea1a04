"""The JSON API of this room: images. Albums and labels have modules of their own."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query as Query_
from ninja import Router, Status

from gallery import (
    api_albums,
    api_bulk,
    api_duplicates,
    api_labels,
    api_tags,
    api_upload,
    listing,
    media_views,
    nsfw,
    ratings,
    search,
    similar,
    trash,
)
from gallery.answers import image_detail, image_out
from gallery.models import Image
from gallery.schemas import (
    Alike,
    AlikeList,
    FacetList,
    FacetOut,
    Id,
    ImageChange,
    ImageDetail,
    ImageFilter,
    ImageList,
    SearchFor,
    SearchResult,
    ThumbnailOf,
    Viewing,
)
from gallery.search_query import Query, SearchRefused, Term, parse
from imagineer.accounts.permissions import ADMIN
from imagineer.keyset import Page, paginate
from imagineer.problems import invalid, not_found

images = Router(tags=["gallery"])
router = Router(tags=["gallery"])
# Before the images, whose addresses would take "upload" and "bulk" for numbers.
router.add_router("", api_upload.router)
router.add_router("", api_bulk.router)
router.add_router("", images)
router.add_router("", api_albums.router)
router.add_router("", api_labels.router)
router.add_router("", api_duplicates.router)
router.add_router("", api_tags.router)

WEBP = {
    "responses": {
        200: {
            "description": "A WebP file",
            "content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


@images.get("/images", response=ImageList)
def list_images(
    request: HttpRequest, filters: Query_[ImageFilter], cursor: str | None = None
) -> ImageList:
    """The newest images first."""
    nsfw.choose_for(request, filters.nsfw)
    page = _matching(request, filters, cursor)
    return ImageList(items=[image_out(request, image) for image in page.items], next=page.next)


def _matching(request: HttpRequest, filters: ImageFilter, cursor: str | None) -> Page[Image]:
    """Filters are asked of the search index, where any of them together cost the same."""
    terms: list[Term] = []
    if filters.q is not None:
        terms += _parsed(filters.q, "q").terms
    if filters.label is not None:
        terms += [Term(term.text) for term in _parsed(filters.label, "label").terms]
    if filters.source_type is not None:
        terms.append(Term(filters.source_type, "source"))
    if filters.rating is not None:
        terms.append(Term(filters.rating.lower(), "rating"))
    album = None if filters.album is None else api_albums.visible_album(request, filters.album)
    if not terms and album is None:
        return paginate(nsfw.visible(Image.everything.all(), request), cursor, listing.NEWEST)
    query = Query(tuple(terms))
    return search.find(request, query, cursor, with_facets=False, album=album).page


def _parsed(text: str, field: str) -> Query:
    """The search. Raises Problem for one that cannot be made, and for one of nothing."""
    try:
        query = parse(text)
    except SearchRefused as refused:
        raise invalid(field, str(refused)) from None
    if not query:
        raise invalid(field, "Name at least one word to search for.")
    return query


@images.get("/search", response=SearchResult)
def search_images(
    request: HttpRequest, asked: Query_[SearchFor], cursor: str | None = None
) -> SearchResult:
    """The newest matches first, and what narrows the search down. q is as in the search field."""
    nsfw.choose_for(request, asked.nsfw)
    query = _parsed(asked.q, "q")
    found = search.find(request, query, cursor, with_facets=cursor is None)
    return SearchResult(
        items=[image_out(request, image) for image in found.page.items],
        next=found.page.next,
        total=None if found.total is None else min(found.total, search.COUNTED_AT_MOST),
        is_more=None if found.total is None else found.is_more,
        facets=[
            FacetList(
                title=title,
                items=[
                    FacetOut(label=facet.label, term=str(Query((facet.term,))), count=facet.count)
                    for facet in facets
                ],
            )
            for title, facets in found.facets
        ],
    )


@images.get("/images/{image_id}", response=ImageDetail)
def get_image(request: HttpRequest, image_id: Id, viewing: Query_[Viewing]) -> ImageDetail:
    nsfw.choose_for(request, viewing.nsfw)
    return _detail(request, visible_image(request, image_id))


@images.get("/images/{image_id}/similar", response=AlikeList)
def similar_images(request: HttpRequest, image_id: Id, viewing: Query_[Viewing]) -> AlikeList:
    """At most 24 pictures that look like it, the most alike first; none for a blurred one."""
    nsfw.choose_for(request, viewing.nsfw)
    found: list[Any] = list(similar.alike(request, visible_image(request, image_id)))
    listing.add_captions(found)
    return AlikeList(
        items=[Alike(**dict(image_out(request, row)), distance=row.distance) for row in found]
    )


@images.get("/images/{image_id}/thumbnail", response={200: None}, openapi_extra=WEBP)
def get_thumbnail(request: HttpRequest, image_id: Id, asked: Query_[ThumbnailOf]) -> HttpResponse:
    """The WebP file of the smallest rendition that fills the width, as this request may see it."""
    nsfw.choose_for(request, asked.nsfw)
    image = visible_image(request, image_id)
    sharp = nsfw.may_see_sharp(request, image)
    if not sharp and nsfw.choice(request) == "hide":
        raise not_found("image")
    return media_views.thumbnail(request, image, asked.width, sharp=sharp)


@images.patch("/images/{image_id}", response=ImageDetail, auth=ADMIN)
def change_image(request: HttpRequest, image_id: Id, payload: ImageChange) -> ImageDetail:
    """A change of rating, and making it private, ends the addresses of its sharp files."""
    image = visible_image(request, image_id)
    if payload.rating is not None:
        ratings.change_rating([image], payload.rating)
    if payload.is_public is not None:
        ratings.change_visibility([image], payload.is_public)
    return _detail(request, visible_image(request, image_id))


@images.delete("/images/{image_id}", response={204: None}, auth=ADMIN)
def delete_image(request: HttpRequest, image_id: Id) -> Any:
    if not trash.move_to_trash([image_id], deleted_by=request.user):
        raise not_found("image")
    return Status(204, None)


def visible_image(request: HttpRequest, pk: int) -> Image:
    """The image, if it exists for this request; else Problem 404."""
    found = _images().filter(pk=pk).first()
    if found is None or not nsfw.may_see(request, found):
        raise not_found("image")
    return found


def _images() -> QuerySet[Image]:
    return Image.objects.prefetch_related("labels")


def _detail(request: HttpRequest, image: Image) -> ImageDetail:
    albums = listing.albums(request).filter(images=image).order_by("name", "pk")
    return image_detail(request, image, albums)
