"""The trash: what people delete stays there for a while and can be taken out again.

A picture in it is nowhere else: its exposure is TRASHED, so no list, page or search has it, while
its albums, labels and models stay as they were for the day it comes back. Its files are served to
admins alone.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from gallery import image_index, removal
from gallery.daily_sweep import submit_when_due
from gallery.models import Image
from imagineer.jobs.models import Job
from imagineer.jobs.submit import submit

EMPTY = "gallery.empty_trash"
NEWEST = ("-deleted_at", "-id")
IN_TRASH = Q(deleted_at__isnull=False)
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


def inside() -> QuerySet[Image]:
    """What lies in the trash; its index is in the order of NEWEST, backwards."""
    return Image.everything.filter(IN_TRASH)


def kept_until(image: Image) -> datetime:
    """When a picture in the trash is deleted for good, or soon after."""
    assert image.deleted_at is not None
    return image.deleted_at + timedelta(days=settings.TRASH_DAYS)


def due() -> datetime:
    """Whatever went into the trash before is deleted for good by now (TRASH_DAYS)."""
    return timezone.now() - timedelta(days=settings.TRASH_DAYS)


def purge(before: datetime, report: Callable[[int], None] = lambda deleted: None) -> int:
    """Delete for good what went into the trash until then; how many.

    report(deleted) is called before each part and may raise to stop.
    """
    deleted = 0
    after: tuple[datetime | None, int] | None = None
    while True:
        report(deleted)
        found = inside().filter(deleted_at__lte=before)
        if after is not None:
            # Not again what is taken out of the trash at this moment.
            moment, pk = after
            found = found.filter(Q(deleted_at__gt=moment) | Q(deleted_at=moment, pk__gt=pk))
        part = list(found.order_by("deleted_at", "pk").values_list("deleted_at", "pk")[:_CHUNK])
        if not part:
            return deleted
        deleted += delete_for_good(pk for _, pk in part)
        after = part[-1]


def delete_for_good(image_ids: Iterable[int]) -> int:
    """Delete those of these images that are in the trash; how many were."""
    return removal.delete_images(image_ids, where=IN_TRASH)


def submit_empty(*, created_by: Any = None) -> Job:
    """Ask a job to delete for good what is in the trash now."""
    return submit(
        EMPTY,
        title="Emptying the trash",
        params={"before": timezone.now().isoformat()},
        created_by=created_by,
    )


def _parts(image_ids: Iterable[int]) -> Iterator[list[int]]:
    wanted = list(dict.fromkeys(image_ids))
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]
