"""The JSON API of this room: images. Albums and labels have modules of their own."""

from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from ninja import File, Form, Query, Router, Status
from ninja.files import UploadedFile

from gallery import albums as shelves
from gallery import api_albums, api_labels, listing, nsfw, ratings, trash
from gallery.add_image import ImageRefused, add_image
from gallery.answers import album_ref, image_detail, image_out
from gallery.models import Album, Image, Label
from gallery.schemas import (
    Id,
    ImageChange,
    ImageDetail,
    ImageFilter,
    ImageList,
    Upload,
    Uploaded,
    UploadOptions,
)
from imagineer.accounts.permissions import ADMIN
from imagineer.keyset import paginate
from imagineer.problems import Problem, invalid, not_found

router = Router(tags=["gallery"])
router.add_router("", api_albums.router)
router.add_router("", api_labels.router)

FILES_AT_ONCE = 1000


@router.get("/images", response=ImageList)
def list_images(
    request: HttpRequest, filters: Query[ImageFilter], cursor: str | None = None
) -> ImageList:
    """The newest images first."""
    found = nsfw.visible(Image.objects.all(), request)
    if filters.nsfw is not None:
        found = found.filter(is_nsfw=filters.nsfw)
    if filters.source_type is not None:
        found = found.filter(source_type=filters.source_type)
    if filters.rating is not None:
        found = found.filter(rating=filters.rating)
    if filters.album is not None:
        found = found.filter(entries__album=api_albums.visible_album(request, filters.album))
    if filters.label:
        said = Label.objects.filter(image=OuterRef("pk"), text__icontains=filters.label)
        found = found.filter(Exists(said))
    page = paginate(found, cursor, listing.NEWEST)
    return ImageList(items=[image_out(request, image) for image in page.items], next=page.next)


@router.post("/images/upload", response=Upload, auth=ADMIN)
def upload_images(
    request: HttpRequest, files: File[list[UploadedFile]], options: Form[UploadOptions]
) -> Upload:
    """Take in many files, each on its own: some may be refused while the others are kept."""
    if options.album_id is not None and options.album is not None:
        raise invalid("album", "Name an album or give its id, not both.")
    if len(files) > FILES_AT_ONCE:
        raise invalid("files", f"At most {FILES_AT_ONCE} files are taken at once.")
    shelf = _album(options.album_id) if options.album_id is not None else None
    items = []
    for file in files:
        item, image = _take(request, file, options)
        if image is not None and (options.album is not None or shelf is not None):
            shelf = shelf or shelves.named(options.album or "", created_by=request.user)
            shelves.put(shelf, image, added_by=request.user)
        items.append(item)
    outcomes = [item.outcome for item in items]
    return Upload(
        items=items,
        created=outcomes.count("created"),
        duplicates=outcomes.count("duplicate"),
        refused=outcomes.count("refused"),
        album=album_ref(shelf) if shelf else None,
    )


def _album(pk: int) -> Album:
    found = Album.objects.filter(pk=pk).first()
    if found is None:
        raise Problem(404, "not_found", "There is no such album.", "album_id")
    return found


def _take(
    request: HttpRequest, file: UploadedFile, options: UploadOptions
) -> tuple[Uploaded, Image | None]:
    name = file.name or "file"
    try:
        added = add_image(
            file.read(settings.MAX_IMAGE_BYTES + 1),
            source_type=Image.Source.UPLOAD,
            original_name=name,
            is_public=options.is_public,
            rating=options.rating,
            created_by=request.user,
        )
    except ImageRefused as refused:
        item = Uploaded(name=name, outcome="refused", code=refused.code, message=refused.sentence)
        return item, None
    shown = image_out(request, added.image)
    outcome = "created" if added.created else "duplicate"
    return Uploaded(name=name, outcome=outcome, image=shown), added.image


@router.get("/images/{image_id}", response=ImageDetail)
def get_image(request: HttpRequest, image_id: Id) -> ImageDetail:
    return _detail(request, visible_image(request, image_id))


@router.patch("/images/{image_id}", response=ImageDetail, auth=ADMIN)
def change_image(request: HttpRequest, image_id: Id, payload: ImageChange) -> ImageDetail:
    """A change of rating, and making it private, ends the addresses of its sharp files."""
    image = visible_image(request, image_id)
    if payload.rating is not None:
        ratings.change_rating([image], payload.rating)
    if payload.is_public is not None:
        ratings.change_visibility([image], payload.is_public)
    return _detail(request, visible_image(request, image_id))


@router.delete("/images/{image_id}", response={204: None}, auth=ADMIN)
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
