"""Images whose tags follow a rule that has changed: read anew, many of them by a job."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import transaction

from gallery import image_index
from gallery.models import ImageTag, Tag
from gallery.tag_models import RejectedTag
from gallery.tag_names import Ruled
from imagineer.jobs.models import Job
from imagineer.jobs.submit import submit

KIND = "gallery.derive_tags"
# Where so many pictures at most are concerned, they are read anew at once.
AT_ONCE = 200
_PART = 200

Report = Callable[[int, int], None]


def settle(change: Callable[[], Ruled], *, created_by: Any = None) -> tuple[Ruled, Job | None]:
    """Make a change of the rules and read anew what it concerns, in one transaction.

    What change() gives, and the job that does the reading if it is much. Raises what that raises.
    """
    with transaction.atomic():
        ruled = change()
        if _is_much(ruled.concerns):
            return ruled, submit_derive(ruled.concerns, created_by=created_by)
        derive(ruled.concerns)
    return ruled, None


def _is_much(tag_ids: Iterable[int]) -> bool:
    return any(len(part) > AT_ONCE for part in _parts(tag_ids, AT_ONCE + 1))


def submit_derive(tag_ids: Iterable[int], *, created_by: Any = None) -> Job:
    """Ask for reading anew the images of these tags."""
    wanted = list(tag_ids)
    names = Tag.objects.filter(pk__in=wanted[:3]).order_by("name").values_list("name", flat=True)
    told = ", ".join(f"“{name}”" for name in names)
    return submit(
        KIND,
        title=f"Pictures of {told} follow",
        params={"tags": wanted},
        created_by=created_by,
    )


def derive(tag_ids: Iterable[int], report: Report = lambda done, total: None) -> int:
    """Write the tags of the images that carry one of these, or of which one was taken off.

    report(done, total) is called between parts and may raise to stop; the same call made again
    does the rest. Returns how many images were read. Those in the trash are read as they come back.
    """
    wanted = list(tag_ids)
    total = sum(tag.live_count for tag in Tag.objects.filter(pk__in=wanted))
    total += RejectedTag.objects.filter(tag__in=wanted).count()
    done = 0
    for pks in _parts(wanted, _PART):
        report(done, total)
        image_index.refresh(pks)
        done += len(pks)
    report(done, done)
    return done


def _parts(tag_ids: Iterable[int], size: int) -> Iterator[list[int]]:
    """Ids of images, each tag's in a walk along its index; an image of several comes as often."""
    for pk in tag_ids:
        for rows in (ImageTag.objects.filter(tag=pk), RejectedTag.objects.filter(tag=pk)):
            last = 0
            while True:
                walk = rows.filter(image__gt=last).order_by("image_id")
                pks = list(walk.values_list("image_id", flat=True)[:size])
                if not pks:
                    break
                yield pks
                last = pks[-1]
