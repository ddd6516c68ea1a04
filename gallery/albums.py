"""Making albums and putting pictures into them, from many processes at once."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from gallery import image_index
from gallery.models import Album, AlbumImage, Image
from gallery.search_names import Named, Pairs
from imagineer import texts
from imagineer.problems import Problem, invalid

_ATTEMPTS = 10


def _members(image_ids: Sequence[int]) -> Pairs:
    return AlbumImage.everything.filter(image__in=image_ids).values_list("image_id", "album_id")


SEARCHED = Named(
    key="album",
    model=Album,
    members=_members,
    name=lambda album: album.name,
    is_public=lambda album: album.is_public,
)


LONGEST_NAME = 200
_BREAKS = re.compile("[ \t\n]+")
_promised: list[Callable[[str], bool]] = []


def promise(asks: Callable[[str], bool]) -> None:
    """Let a room say which names its waiting work will give to albums; called in ``ready()``."""
    if asks not in _promised:
        _promised.append(asks)


def checked_name(value: str, field: str = "album_name") -> str:
    """The name of an album to come, tidied.

    Raises Problem: 422 for one that no album may bear, 409 for one that an album has, or that work
    in waiting will give to one.
    """
    # Not split(): no-break and thin spaces belong to the language.
    name = " ".join(part for part in _BREAKS.split(texts.unified(value)) if part)
    if not name:
        raise invalid(field, "Give the album a name.")
    if len(name) > LONGEST_NAME:
        raise invalid(field, f"Write at most {LONGEST_NAME} characters; these are {len(name)}.")
    if not texts.is_line(name):
        raise invalid(field, texts.NOT_A_LINE)
    if Album.objects.filter(name=name).exists():
        said = f"An album named “{name}” exists already; choose another name."
        raise Problem(409, "name_taken", said, field)
    if any(asks(name) for asks in _promised):
        said = f"Work that waits is about to make an album named “{name}”; choose another name."
        raise Problem(409, "name_taken", said, field)
    return name


class NameTaken(Exception):
    """Another album has this name."""


def create(name: str, **fields: Any) -> Album:
    """A new album. Raises NameTaken. A slug taken meanwhile by another album is chosen anew."""
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                return Album.objects.create(name=name, **fields)
        except IntegrityError:
            if Album.objects.filter(name=name).exists():
                raise NameTaken(f"An album named “{name}” exists already.") from None
    raise RuntimeError(f"No free address was found for the album “{name}”.")


def named(name: str, **fields: Any) -> Album:
    """The album of this name, made with these fields if there is none. Safe to call twice."""
    found = Album.objects.filter(name=name).first()
    if found is not None:
        return found
    try:
        return create(name, **fields)
    except NameTaken:
        return Album.objects.get(name=name)


def change(album: Album, **fields: Any) -> None:
    """Save these columns. Raises NameTaken, and then leaves the row as it was."""
    for name, value in fields.items():
        setattr(album, name, value)
    try:
        with transaction.atomic():
            album.save(update_fields=[*fields, "updated_at"])
    except IntegrityError:
        raise NameTaken(f"An album named “{album.name}” exists already.") from None


def put(album: Album, image: Image, *, position: int | None = None, added_by: Any = None) -> bool:
    """Put one image into an album; True if it was not in it. Position None: at the end.

    An image that is in the album already is moved only if a position is given. Raises
    Album.DoesNotExist if the album is gone, IntegrityError if the image is.
    """
    with transaction.atomic():
        # One that lies in the trash keeps its place for when it comes back.
        entry = AlbumImage.everything.filter(album=album, image=image).first()
        if entry is not None:
            if position is not None and entry.position != position:
                AlbumImage.everything.filter(pk=entry.pk).update(position=position)
            return False
        AlbumImage.objects.create(
            album=album,
            image=image,
            position=_end(album) if position is None else position,
            added_by=added_by,
        )
        image_index.refresh([image.pk])
        _touch(album)
    return True


def put_many(album: Album, image_ids: Sequence[int], *, added_by: Any = None) -> int:
    """Put existing images at the album's end in this order; how many were not in it yet."""
    with transaction.atomic():
        present = set(
            AlbumImage.everything.filter(album=album, image__in=image_ids).values_list(
                "image_id", flat=True
            )
        )
        fresh = [pk for pk in dict.fromkeys(image_ids) if pk not in present]
        start = _end(album)
        AlbumImage.objects.bulk_create(
            AlbumImage(album=album, image_id=pk, position=start + place, added_by=added_by)
            for place, pk in enumerate(fresh)
        )
        image_index.refresh(fresh)
        _touch(album)
    return len(fresh)


def remove_many(album: Album, image_ids: Sequence[int]) -> int:
    """Take images out of the album (they stay in the gallery); how many were in it."""
    with transaction.atomic():
        gone, _ = AlbumImage.objects.filter(album=album, image__in=image_ids).delete()
        if album.cover_id in set(image_ids):
            Album.objects.filter(pk=album.pk).update(cover=None)
        image_index.refresh(image_ids)
        _touch(album)
    return gone


def reorder(album: Album, image_ids: Sequence[int]) -> None:
    """Put these images first, in this order; the others follow in the order they had."""
    with transaction.atomic():
        entries = list(AlbumImage.objects.filter(album=album).order_by("position", "id"))
        wanted = {pk: place for place, pk in enumerate(dict.fromkeys(image_ids))}
        last = len(wanted)
        entries.sort(key=lambda entry: wanted.get(entry.image_id, last))
        changed = []
        for place, entry in enumerate(entries):
            if entry.position != place:
                entry.position = place
                changed.append(entry)
        AlbumImage.objects.bulk_update(changed, ["position"], batch_size=500)
        _touch(album)


def _end(album: Album) -> int:
    """The position after the last. The album's row is locked, so two writers take turns."""
    Album.objects.select_for_update().get(pk=album.pk)
    last = AlbumImage.objects.filter(album=album).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _touch(album: Album) -> None:
    Album.objects.filter(pk=album.pk).update(updated_at=timezone.now())
