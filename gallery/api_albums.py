"""Albums in the JSON API."""

from typing import Any

from django.db import IntegrityError
from django.db.models import ProtectedError
from django.http import HttpRequest
from ninja import Query, Router, Status

from gallery import albums, listing, nsfw
from gallery.answers import album_out, image_out
from gallery.models import Album, AlbumImage, Image
from gallery.schemas import (
    IMAGES_AT_ONCE,
    Added,
    AlbumChange,
    AlbumDetail,
    AlbumFilter,
    AlbumList,
    AlbumNew,
    AlbumOut,
    Id,
    ImageIds,
    ImageList,
    Removed,
    Viewing,
)
from imagineer.accounts.permissions import ADMIN
from imagineer.keyset import paginate
from imagineer.problems import Problem, invalid, not_found
from imagineer.words import thin

router = Router(tags=["albums"])


@router.get("/albums", response=AlbumList)
def list_albums(
    request: HttpRequest, filters: Query[AlbumFilter], cursor: str | None = None
) -> AlbumList:
    """The newest albums first; visitors get those that hold something for them."""
    nsfw.choose_for(request, filters.nsfw)
    found = listing.album_cards(request)
    if filters.source_type is not None:
        found = found.filter(source_type=filters.source_type)
    page = paginate(found, cursor)
    listing.add_covers(request, page.items)
    return AlbumList(items=[album_out(request, album) for album in page.items], next=page.next)


@router.post("/albums", response={201: AlbumOut}, auth=ADMIN)
def create_album(request: HttpRequest, payload: AlbumNew) -> Any:
    try:
        album = albums.create(**payload.dict(), created_by=request.user)
    except albums.NameTaken as taken:
        raise Problem(409, "name_taken", str(taken), "name") from None
    return Status(201, _out(request, album.pk))


@router.get("/albums/{album_id}", response=AlbumDetail)
def get_album(
    request: HttpRequest, album_id: Id, viewing: Query[Viewing], cursor: str | None = None
) -> AlbumDetail:
    """The album with a page of its images in their order; cursor: the next page of them."""
    nsfw.choose_for(request, viewing.nsfw)
    shown = _out(request, album_id)
    return AlbumDetail(**dict(shown), images=_images(request, album_id, cursor))


@router.put("/albums/{album_id}", response=AlbumOut, auth=ADMIN)
def change_album(request: HttpRequest, album_id: Id, payload: AlbumChange) -> AlbumOut:
    album = visible_album(request, album_id)
    changes = payload.dict(exclude_unset=True)
    for field in ("name", "description", "is_public"):
        if field in changes and changes[field] is None:
            raise invalid(field, "This cannot be empty; leave it out to keep it.")
    if "cover" in changes:
        changes["cover"] = _cover(album, changes["cover"])
    try:
        albums.change(album, **changes)
    except albums.NameTaken as taken:
        raise Problem(409, "name_taken", str(taken), "name") from None
    return _out(request, album_id)


@router.delete("/albums/{album_id}", response={204: None}, auth=ADMIN)
def delete_album(request: HttpRequest, album_id: Id) -> Any:
    """The album goes, its images stay in the gallery."""
    album = visible_album(request, album_id)
    try:
        album.delete()
    except ProtectedError:
        message = "This album is in use and cannot be deleted."
        raise Problem(409, "in_use", message) from None
    return Status(204, None)


@router.get("/albums/{album_id}/images", response=ImageList)
def list_album_images(
    request: HttpRequest, album_id: Id, viewing: Query[Viewing], cursor: str | None = None
) -> ImageList:
    """The album's images in their order."""
    nsfw.choose_for(request, viewing.nsfw)
    visible_album(request, album_id)
    return _images(request, album_id, cursor)


@router.post("/albums/{album_id}/images", response=Added, auth=ADMIN)
def add_to_album(request: HttpRequest, album_id: Id, payload: ImageIds) -> Added:
    """Put images at the album's end; those that are in it already stay where they are."""
    album = visible_album(request, album_id)
    ids = _existing(payload)
    try:
        added = albums.put_many(album, ids, added_by=request.user)
    except (IntegrityError, Album.DoesNotExist):
        message = "The album or an image was deleted meanwhile; nothing was added."
        raise Problem(409, "gone", message) from None
    return Added(added=added, known=len(ids) - added)


@router.put("/albums/{album_id}/images", response=Added, auth=ADMIN)
def order_album(request: HttpRequest, album_id: Id, payload: ImageIds) -> Added:
    """Put these of its images first, in this order; the others follow as they were."""
    album = visible_album(request, album_id)
    ids = _some(payload)
    present = set(album.entries.filter(image__in=ids).values_list("image_id", flat=True))
    refuse_unknown([pk for pk in ids if pk not in present], "not in this album")
    albums.reorder(album, ids)
    return Added(added=0, known=len(ids))


@router.delete("/albums/{album_id}/images", response=Removed, auth=ADMIN)
def remove_from_album(request: HttpRequest, album_id: Id, payload: ImageIds) -> Removed:
    """Take images out of the album; they stay in the gallery."""
    album = visible_album(request, album_id)
    return Removed(removed=albums.remove_many(album, _some(payload)))


@router.delete("/albums/{album_id}/images/{image_id}", response={204: None}, auth=ADMIN)
def remove_one_from_album(request: HttpRequest, album_id: Id, image_id: Id) -> Any:
    if not albums.remove_many(visible_album(request, album_id), [image_id]):
        raise Problem(404, "not_found", "This image is not in the album.", "image_id")
    return Status(204, None)


def visible_album(request: HttpRequest, pk: int) -> Album:
    """The album, if it exists for this request; else Problem 404."""
    found = listing.albums(request).filter(pk=pk).first()
    if found is None:
        raise not_found("album")
    return found


def _out(request: HttpRequest, pk: int) -> AlbumOut:
    found = listing.album_cards(request, with_empty=True).filter(pk=pk).first()
    if found is None:
        raise not_found("album")
    listing.add_covers(request, [found])
    return album_out(request, found)


def _images(request: HttpRequest, album_id: int, cursor: str | None) -> ImageList:
    inside = AlbumImage.everything.filter(album=album_id).select_related("image")
    page = paginate(listing.visible_members(inside, request), cursor, listing.ALBUM_ORDER)
    items = [image_out(request, entry.image) for entry in page.items]
    return ImageList(items=items, next=page.next)


def _cover(album: Album, pk: int | None) -> Image | None:
    if pk is None:
        return None
    found = album.images.filter(pk=pk).first()
    if found is None:
        raise invalid("cover", "The cover is one of the album's images; this one is not in it.")
    return found


def _some(payload: ImageIds) -> list[int]:
    """The ids, each once. Raises Problem for none and for too many."""
    ids = list(dict.fromkeys(payload.image_ids))
    if not ids:
        raise invalid("image_ids", "Name at least one image.")
    if len(payload.image_ids) > IMAGES_AT_ONCE:
        raise invalid(
            "image_ids",
            f"At most {thin(IMAGES_AT_ONCE)} images at once; these are "
            f"{thin(len(payload.image_ids))}. /api/images/bulk takes more.",
        )
    return ids


def _existing(payload: ImageIds) -> list[int]:
    ids = _some(payload)
    known = set(Image.objects.filter(pk__in=ids).values_list("pk", flat=True))
    refuse_unknown([pk for pk in ids if pk not in known], "not in the gallery")
    return ids


def refuse_unknown(ids: list[int], where: str) -> None:
    """Raise Problem if there are any."""
    if ids:
        named = ", ".join(str(pk) for pk in ids[:10]) + (" …" if len(ids) > 10 else "")
        raise invalid("image_ids", f"These images are {where}: {named}.")
