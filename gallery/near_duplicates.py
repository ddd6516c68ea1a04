"""Pairs of pictures that are nearly the same: found over the whole collection, merged or parted."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from gallery import (
    albums,
    image_index,
    label_history,
    ratings,
    rejected_tags,
    similar,
    trash,
)
from gallery.models import Album, AlbumImage, Exposed, Exposure, Image, Label, NearDuplicate
from gallery.tag_models import RejectedTag
from imagineer.jobs.models import Job, Status
from imagineer.jobs.submit import submit

KIND = "gallery.find_near_duplicates"
# Of a picture that is there a hundred times, each copy needs no pair with all others.
_PAIRS_OF_ONE = 12
_CHUNK = 1000
# If so many searches failed one after another, the next compares all.
_LOOKED_AT = 100
# Images may become visible in another order than they took their ids.
_OVERLAP = 200
_LOSSLESS = ("png", "bmp")

Report = Callable[[int, int, str], None]


class NotAPair(Exception):
    """The pair cannot be merged (any more); the text is the sentence for people."""


def submit_find(*, everything: bool = False, created_by: Any = None) -> Job:
    """Ask for a search among what came since the last one, or among all pictures."""
    return submit(
        KIND,
        title="Search for near-duplicates",
        params={"after": 0 if everything else compared_to()},
        created_by=created_by,
    )


def compared_to() -> int:
    """The highest id of an image that a finished search has seen; 0 before the first."""
    searches = Job.objects.filter(kind=KIND).order_by("-created_at", "-id")
    for status, result in searches.values_list("status", "result")[:_LOOKED_AT]:
        if status == Status.COMPLETED:
            return int((result or {}).get("newest", 0))
    return 0


def is_due() -> bool:
    """Whether pictures came in that no search has seen, and none is on its way."""
    if Job.objects.unended().filter(kind=KIND).exists():
        return False
    return Image.everything.filter(pk__gt=compared_to(), phash__isnull=False).exists()


def find(after: int = 0, report: Report = lambda done, total, message: None) -> tuple[int, int]:
    """Write the pairs of which one image came after this id; (new pairs, highest id seen).

    report(done, total, message) is called between parts and may raise to stop; the same call made
    again finds the rest. Pictures in the trash are compared too: they may come back.
    """
    similar.catch_up()
    start = max(0, after - _OVERLAP)
    wanted = Image.everything.filter(pk__gt=start)
    newest = wanted.aggregate(newest=Max("pk"))["newest"] or after
    done, found = 0, 0
    total = wanted.filter(pk__lte=newest).count()
    while start < newest:
        part = list(
            Image.everything.filter(pk__gt=start, pk__lte=newest)
            .order_by("pk")
            .values_list("pk", "phash")[:_CHUNK]
        )
        if not part:
            break
        found += _write([(pk, phash) for pk, phash in part if phash is not None])
        start, done = part[-1][0], done + len(part)
        report(done, total, f"{found} pairs")
    return found, newest


def _write(hashed: list[tuple[int, int]]) -> int:
    """The pairs of these images with any that came before them; how many are new."""
    pairs: dict[tuple[int, int], int] = {}
    for pk, phash in hashed:
        near = similar.known_within(phash, settings.NEAR_DUPLICATE_RADIUS, 2 * _PAIRS_OF_ONE)
        before = [(other, distance) for other, distance in near if other < pk][:_PAIRS_OF_ONE]
        pairs |= {(other, pk): distance for other, distance in before}
    ids = {pk for pair in pairs for pk in pair}
    there = set(Image.everything.filter(pk__in=ids).values_list("pk", flat=True))
    rows = NearDuplicate.objects.filter(second__in={second for _, second in pairs})
    known = set(rows.values_list("first_id", "second_id"))
    fresh = [
        NearDuplicate(first_id=first, second_id=second, distance=distance)
        for (first, second), distance in pairs.items()
        if first in there and second in there and (first, second) not in known
    ]
    NearDuplicate.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def open_pairs() -> QuerySet[NearDuplicate]:
    """What nobody has merged or parted yet, the newest first, without pictures in the trash."""
    return (
        NearDuplicate.objects.filter(
            dismissed_at=None,
            first__exposure__lt=Exposure.TRASHED,
            second__exposure__lt=Exposure.TRASHED,
        )
        .select_related("first", "second")
        .order_by("-id")
    )


def dismiss(pair: NearDuplicate, by: Any = None) -> bool:
    """Both stay; False if that was said before."""
    changed = NearDuplicate.objects.filter(pk=pair.pk, dismissed_at=None).update(
        dismissed_at=timezone.now(), dismissed_by=by if getattr(by, "pk", None) else None
    )
    return bool(changed)


def better(one: Image, other: Image) -> Image:
    """The file worth keeping: more pixels, then without loss, then more bytes, then the older."""
    return max(one, other, key=lambda image: (*_worth(image), -image.pk))


def _worth(image: Image) -> tuple[int, bool, int]:
    return image.width * image.height, image.format in _LOSSLESS, image.bytes


def merge(kept: Image, other: Image, by: Any = None) -> None:
    """Keep one picture of two: the other goes into the trash, what was known of it stays.

    The kept one joins the other's albums (and becomes their cover where the other was), gets its
    labels, where it came from, what it was drawn with and what was trained on it, and a prompt if
    it has none. Of ratings the stricter counts: of what labelers said of either, unless an admin
    has decided on the kept one; and of what admins decided. Private stays private: if either was,
    so is the kept one. Raises NotAPair if they are one image, or one of them is gone.
    """
    if kept.pk == other.pk:
        raise NotAPair("These are one and the same picture.")
    _take_over_limits(kept.pk, other.pk)

    def unite() -> None:
        nonlocal kept, other
        rows = Image.objects.select_for_update().in_bulk([kept.pk, other.pk])
        if len(rows) < 2:
            raise NotAPair("One of the two was deleted meanwhile.")
        kept, other = rows[kept.pk], rows[other.pk]
        _unite(kept, other, by)

    if not ratings.settle_rating(kept, unite, expected=ratings.said_by_labelers(other)):
        raise NotAPair("One of the two was deleted meanwhile.")


def _take_over_limits(kept_id: int, other_id: int) -> None:
    """What admins decided of either that lets fewer see it: the stricter rating, being private.

    It moves files, which no transaction can take back. So it comes first: a kill behind it leaves
    a picture that fewer see, never one that more do.
    """
    rows = Image.objects.in_bulk([kept_id, other_id])
    if len(rows) < 2:
        raise NotAPair("One of the two was deleted meanwhile.")
    kept, other = rows[kept_id], rows[other_id]
    if other.rating_decided_at and ratings.sternest((kept.rating, other.rating)) != kept.rating:
        ratings.decide(kept, other.rating, by=other.rating_decided_by)
    if kept.is_public and not other.is_public:
        ratings.change_visibility([kept], False)


def _unite(kept: Image, other: Image, by: Any) -> None:
    _unite_albums(kept, other, by)
    _unite_labels(kept, other)
    _unite_rejections(kept, other)
    _unite_provenance(kept, other)
    if not kept.prompt and other.prompt:
        Image.objects.filter(pk=kept.pk).update(
            prompt=other.prompt,
            negative_prompt=other.negative_prompt,
            generation_params=kept.generation_params or other.generation_params,
        )
    trash.move_to_trash([other.pk], deleted_by=by)
    image_index.refresh([kept.pk])


def _unite_albums(kept: Image, other: Image, by: Any) -> None:
    for entry in AlbumImage.objects.filter(image=other).select_related("album"):
        inside = AlbumImage.objects.filter(album=entry.album, image=kept).exists()
        albums.put(entry.album, kept, position=None if inside else entry.position, added_by=by)
    Album.objects.filter(cover=other).update(cover=kept)


def _unite_labels(kept: Image, other: Image) -> None:
    """Copies, so that the other has its own if it comes back."""
    said = set(kept.labels.values_list("kind", "source", "text"))
    for label in other.labels.order_by("created_at", "pk"):
        if (label.kind, label.source, label.text) in said:
            continue
        created_at = label.created_at
        label.pk, label.image, label.is_pinned = None, kept, False
        label.pinned_by = label.pinned_at = None
        label._state.adding = True
        label.save()
        Label.objects.filter(pk=label.pk).update(created_at=created_at)
    label_history.copy(other, kept)


def _unite_rejections(kept: Image, other: Image) -> None:
    """What was taken off the other is off the kept one too, unless a person says it of that."""
    for row in RejectedTag.objects.filter(image=other).select_related("tag"):
        if not rejected_tags.is_said_by_hand(kept.pk, row.tag.name):
            rejected_tags.reject([kept.pk], row.tag.name, row.rejected_by)


def _unite_provenance(kept: Image, other: Image) -> None:
    """What higher rooms know of the other they know of the kept one from now on."""
    for relation in Image._meta.related_objects:
        model: Any = relation.related_model
        if relation.many_to_many or model._meta.app_label == "gallery":
            continue
        for row in model._base_manager.filter(**{relation.field.name: other}):
            try:
                with transaction.atomic():
                    _hand_over(row, relation.field.name, kept)
            except IntegrityError:
                continue  # It is known of the kept one already.


def _hand_over(row: Any, field: str, kept: Image) -> None:
    if isinstance(row, Exposed):
        # Its copy of the exposure and its owner's counts are made as a row comes and goes.
        type(row)._base_manager.filter(pk=row.pk).delete()
        row.pk, row._state.adding = None, True
        setattr(row, field, kept)
        row.save(force_insert=True)
    else:
        type(row)._base_manager.filter(pk=row.pk).update(**{field: kept})
