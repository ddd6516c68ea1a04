"""Rows as the API shows them to this request: it withholds what the pages withhold."""

from collections.abc import Iterable
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse

from gallery import nsfw, renditions
from gallery.models import Album, Image, Rating
from gallery.private_models import private_models, without_private
from gallery.schemas import (
    AlbumOut,
    AlbumRef,
    ImageDetail,
    ImageOut,
    LabelOut,
    ModelUse,
    RenditionOut,
)


def image_out(request: HttpRequest, image: Image) -> ImageOut:
    """Only addresses that this request may open; of a veiled picture no word and no colour."""
    sharp = nsfw.may_see_sharp(request, image)
    key = image.sharp_key if sharp else image.blurred_key
    return ImageOut(
        id=image.pk,
        name=image.original_name if sharp else "",
        width=image.width,
        height=image.height,
        format=image.format,
        bytes=image.bytes,
        source_type=image.source_type,
        rating=Rating(image.rating),
        is_nsfw=image.is_nsfw,
        is_public=image.is_public,
        is_blurred=not sharp,
        prompt=image.prompt if sharp else "",
        placeholder=image.placeholder if sharp else "",
        created_at=image.created_at,
        url=image.get_absolute_url(),
        renditions=[_rendition(image, key, width) for width in _widths(request, image, sharp)],
        original=reverse("gallery:original", args=[image.pk]) if sharp else None,
    )


def _widths(request: HttpRequest, image: Image, sharp: bool) -> tuple[int, ...]:
    if sharp:
        return renditions.sharp_widths(image.width)
    # Who hides such pictures is not even given the blurred file.
    return () if nsfw.choice(request) == "hide" else (renditions.blurred_width(image.width),)


def _rendition(image: Image, key: str, width: int) -> RenditionOut:
    across, down = renditions.rendition_size(image.width, image.height, width)
    return RenditionOut(width=across, height=down, url=renditions.url(key, width))


def image_detail(request: HttpRequest, image: Image, albums: Iterable[Album]) -> ImageDetail:
    """albums: those of the image that this request may see."""
    told = image_out(request, image)
    decided = image.rating_decided_at is not None
    shelves = [album_ref(album) for album in albums]
    if told.is_blurred:
        return ImageDetail(
            **dict(told),
            rating_is_decided=decided,
            negative_prompt="",
            parameters={},
            labels=[],
            albums=shelves,
            models=[],
        )
    # Once for both that ask.
    prefetch_related_objects([image], "models_used__model_version")
    return ImageDetail(
        **dict(told),
        rating_is_decided=decided,
        negative_prompt=image.negative_prompt,
        parameters=told_parameters(request, image),
        labels=label_list(request, image),
        albums=shelves,
        models=_models(request, image),
    )


def label_list(request: HttpRequest, image: Image) -> list[LabelOut]:
    """What was said of the image; nothing while it is veiled."""
    if not nsfw.may_see_sharp(request, image):
        return []
    return [LabelOut.from_orm(label) for label in image.labels.all()]


def told_parameters(request: HttpRequest, image: Image) -> dict[str, Any]:
    """How the image was drawn; visitors are told of no model that is private."""
    if nsfw.is_admin(request):
        return dict(image.generation_params)
    return without_private(image.generation_params, private_models(image))


def _models(request: HttpRequest, image: Image) -> list[ModelUse]:
    """The models that drew the picture: the room above keeps them, under a name known here."""
    everything = nsfw.is_admin(request)
    return [
        ModelUse(
            id=use.model_version_id,
            name=use.model_version.name,
            version=use.model_version.version,
            type=use.model_version.type,
            weight=use.weight,
        )
        for use in image.models_used.all()
        if everything or use.model_version.is_public
    ]


def album_ref(album: Album) -> AlbumRef:
    return AlbumRef(id=album.pk, name=album.name, slug=album.slug, url=album.get_absolute_url())


def album_out(request: HttpRequest, album: Album) -> AlbumOut:
    """album: one of gallery.listing.album_cards, after add_covers."""
    covers: list[Image] = album.cover_images  # type: ignore[attr-defined]
    return AlbumOut(
        **dict(album_ref(album)),
        description=album.description,
        source_type=Album.Source(album.source_type),
        is_public=album.is_public,
        image_count=album.image_count,  # type: ignore[attr-defined]
        cover=image_out(request, covers[0]) if covers else None,
        created_at=album.created_at,
        updated_at=album.updated_at,
    )
