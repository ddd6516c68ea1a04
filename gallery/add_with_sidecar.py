"""A picture comes in with what the files beside it say: labels, rating, how it was drawn."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from gallery import image_index
from gallery.add_image import AddedImage, Source, add_image
from gallery.models import Image, Label, Rating
from gallery.ratings import change_rating
from gallery.sidecars import Sidecar


def add_with_sidecar(
    source: Source,
    sidecar: Sidecar,
    *,
    rating: str = Rating.UNRATED,
    caption_prefix: str = "",
    created_by: Any = None,
    **facts: Any,
) -> AddedImage:
    """As add_image; the sidecar's words become labels of the source "imported".

    rating: counts before the sidecar's. A picture that was here before keeps its rating if it has
    one, and all its labels. caption_prefix and a space are put before the caption. Safe to call
    again. Raises as add_image does.
    """
    told = rating if rating != Rating.UNRATED else sidecar.rating or Rating.UNRATED
    added = add_image(
        source,
        rating=told,
        prompt=sidecar.prompt,
        negative_prompt=sidecar.negative_prompt,
        generation_params=sidecar.params,
        created_by=created_by,
        **facts,
    )
    if not added.created and told != added.image.rating == Rating.UNRATED:
        change_rating(Image.objects.filter(pk=added.image.pk), told)
        added.image.refresh_from_db()
    _write_labels(added.image, sidecar, caption_prefix, created_by)
    return added


def _write_labels(image: Image, sidecar: Sidecar, caption_prefix: str, created_by: Any) -> None:
    words = list(_words(sidecar, caption_prefix))
    if not words:
        return
    with transaction.atomic():
        said = image.labels.filter(source=Label.Source.IMPORTED)
        known = set(said.values_list("kind", "text"))
        fresh = [word for word in words if word not in known]
        Label.objects.bulk_create(
            Label(
                image=image,
                kind=kind,
                text=text,
                source=Label.Source.IMPORTED,
                created_by=created_by if getattr(created_by, "pk", None) else None,
            )
            for kind, text in fresh
        )
        if fresh:
            image_index.refresh([image.pk])


def _words(sidecar: Sidecar, caption_prefix: str) -> Iterator[tuple[str, str]]:
    if sidecar.caption:
        yield Label.Kind.CAPTION, f"{caption_prefix} {sidecar.caption}".strip()
    for tag in sidecar.tags:
        yield Label.Kind.TAG, tag
    if sidecar.rating:
        yield Label.Kind.RATING, sidecar.rating
