"""The trash: what people delete stays there for a while and can be taken out again.

A picture in it is nowhere else: its exposure is TRASHED, so no list, page or search has it, while
its albums, labels and models stay as they were for the day it comes back. Its files are served to
admins alone.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from gallery import image_index, removal
from gallery.daily_sweep import submit_when_due
from gallery.models import Image

_CHUNK = 500


def move_to_trash(image_ids: Iterable[int], *, deleted_by: Any = None) -> int:
    """Put these images into the trash; how many were not in it."""
    moved = 0
    for part in _parts(image_ids):
        with transaction.atomic():
            live = list(Image.objects.filter(pk__in=part).values_list("pk", flat=True))
            moved += Image.objects.filter(pk__in=live).update(
                deleted_at=timezone.now(),
                deleted_by=deleted_by if getattr(deleted_by, "pk", None) else None,
            )
            image_index.refresh(live)
            # What lies here longest is deleted with the next sweep.
            transaction.on_commit(submit_when_due, robust=True)
    return moved


def restore(image_ids: Iterable[int]) -> int:
    """Take these images out of the trash; how many were in it."""
    restored = 0
    for part in _parts(image_ids):
        with transaction.atomic():
            gone = Image.everything.filter(pk__in=part, deleted_at__isnull=False)
            pks = list(gone.values_list("pk", flat=True))
            restored += Image.everything.filter(pk__in=pks).update(deleted_at=None, deleted_by=None)
            image_index.refresh(pks)
    return restored


def due(older_than: timedelta | None = None) -> Iterator[list[int]]:
    """The images that have been in the trash for longer (default: TRASH_DAYS), in parts."""
    age = timedelta(days=settings.TRASH_DAYS) if older_than is None else older_than
    before = timezone.now() - age
    last = 0
    while True:
        gone = Image.everything.filter(
            deleted_at__isnull=False, deleted_at__lte=before, pk__gt=last
        )
        pks = list(gone.order_by("pk").values_list("pk", flat=True)[:_CHUNK])
        if not pks:
            return
        yield pks
        last = pks[-1]


def purge(older_than: timedelta | None = None) -> int:
    """Delete for good what has been in the trash for longer (default: TRASH_DAYS); how many."""
    return sum(removal.delete_images(pks) for pks in due(older_than))


def _parts(image_ids: Iterable[int]) -> Iterator[list[int]]:
    wanted = list(dict.fromkeys(image_ids))
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]
