"""Changing who may see a picture: its rating, and whether it is public.

Addresses of renditions are cached by browsers and proxies for a year, so a change that closes a
picture must also end its old addresses: the files get new random keys.
"""

import logging
from collections.abc import Callable, Iterable

from django.core.files.storage import default_storage
from django.db import transaction

from gallery import image_index, renditions
from gallery.models import NSFW_RATINGS, Image, Rating, is_veiled, random_key

logger = logging.getLogger(__name__)
_ATTEMPTS = 5
_PART = 500
_CHANGING = ("rating", "is_nsfw", "is_veiled", "is_public", "exposure", "sharp_key", "blurred_key")


def change_rating(images: Iterable[Image], rating: str) -> int:
    """Give the images this rating and new sharp addresses; how many had another one.

    Raises ValueError for a word that is no rating.
    """
    rating = Rating(rating).value
    return sum(_change(image, rating=rating, is_public=None) for image in images)


def change_visibility(images: Iterable[Image], is_public: bool) -> int:
    """Open the images to visitors or close them; closing ends all their addresses."""
    return sum(_change(image, rating=None, is_public=is_public) for image in images)


def align_veils(check: Callable[[], None] = lambda: None) -> int:
    """Let unrated pictures follow a changed setting VEIL_UNRATED; how many did not.

    check is called between pictures; what it raises passes.
    """
    aligned = 0
    for source in Image.Source.values:
        wanted = is_veiled(Rating.UNRATED, source)
        while True:
            apart = Image.everything.filter(
                rating=Rating.UNRATED, source_type=source, is_veiled=not wanted
            )
            part = list(apart.order_by("pk")[:_PART])
            if not part:
                break
            for image in part:
                check()
                _change(image, rating=None, is_public=None)
            aligned += len(part)
    return aligned


def _change(image: Image, *, rating: str | None, is_public: bool | None) -> bool:
    """Files first, then the row by compare-and-set, then the old files; False if all was so."""
    for _ in range(_ATTEMPTS):
        new_rating = image.rating if rating is None else rating
        new_public = image.is_public if is_public is None else is_public
        new_veil = is_veiled(new_rating, image.source_type)
        wanted = (new_rating, new_public, new_veil)
        if wanted == (image.rating, image.is_public, image.is_veiled):
            return False
        sharp = random_key()
        blurred = random_key() if image.is_public and not new_public else image.blurred_key
        old = _names(image, image.sharp_key, image.blurred_key)
        new = _names(image, sharp, blurred)
        moved = [(before, after) for before, after in zip(old, new, strict=True) if before != after]
        _copy(moved)
        with transaction.atomic():
            changed = Image.everything.filter(
                pk=image.pk,
                sharp_key=image.sharp_key,
                blurred_key=image.blurred_key,
                rating=image.rating,
                is_public=image.is_public,
            ).update(
                rating=new_rating,
                is_nsfw=new_rating in NSFW_RATINGS,
                is_veiled=new_veil,
                is_public=new_public,
                sharp_key=sharp,
                blurred_key=blurred,
            )
            if changed:
                image_index.refresh([image.pk])
        _delete([before if changed else after for before, after in moved])
        fresh = Image.everything.filter(pk=image.pk).first()
        if fresh is None:
            return False
        # What the caller holds is the row as it is now.
        for name in _CHANGING:
            setattr(image, name, getattr(fresh, name))
        if changed:
            return True
    raise RuntimeError(f"Image {image.pk} is being changed by somebody else all the time.")


def _names(image: Image, sharp_key: str, blurred_key: str) -> list[str]:
    return renditions.names_of(image.sha256, image.width, sharp_key, blurred_key)


def _copy(moved: Iterable[tuple[str, str]]) -> None:
    for before, after in moved:
        try:
            renditions.copy(before, after)
        except FileNotFoundError:
            # Nothing to show under the new address either, until ``sweep_files --repair``.
            logger.warning("The rendition %s is missing", before)


def _delete(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
