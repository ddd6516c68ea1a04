"""How often tags are used: in an album, as far as a request may know, and in any selection."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice

from django.db.models import Count, Q
from django.http import HttpRequest

from gallery import listing
from gallery.models import LIVE_COUNT, Album, AlbumImage, ImageTag, Tag
from gallery.selections import Selection
from imagineer.keyset import PAGE_SIZE, decode_cursor, encode_cursor
from imagineer.problems import invalid

# Of a larger album so many of its first pictures are counted.
COUNTED_AT_MOST = 20_000
_PART = 1000


class TooManyImages(Exception):
    """More than can be counted at once."""


@dataclass(frozen=True)
class Use:
    tag: Tag
    count: int


@dataclass(frozen=True)
class Uses:
    """One page. counted: how many pictures were looked at; is_more: the album has more."""

    items: list[Use]
    next: str | None
    counted: int
    is_more: bool


def of_album(
    request: HttpRequest, album: Album, cursor: str | None = None, size: int = PAGE_SIZE
) -> Uses:
    """The album's tags, the most frequent first, as far as this request may know of them.

    Raises Problem for a cursor that no list gave out.
    """
    # Not those of which it may know no word: counts are out of the pictures that were looked at.
    inside = AlbumImage.everything.filter(listing.tag_condition(request), album=album)
    firsts = inside.order_by(*listing.ALBUM_ORDER).values("image_id")
    looked_at = firsts[: COUNTED_AT_MOST + 1].count()
    uses = ImageTag.everything.filter(
        listing.tag_condition(request), image__in=firsts[:COUNTED_AT_MOST]
    )
    counted = uses.values("tag_id").annotate(number=Count("pk")).filter(_behind(cursor))
    in_order = counted.order_by("-number", "tag_id").values_list("tag_id", "number")
    rows = list(in_order[: size + 1])
    tags = Tag.objects.in_bulk([pk for pk, _ in rows[:size]])
    last = rows[size - 1] if len(rows) > size else None
    return Uses(
        [Use(tags[pk], number) for pk, number in rows[:size]],
        encode_cursor([last[1], last[0]]) if last else None,
        min(looked_at, COUNTED_AT_MOST),
        looked_at > COUNTED_AT_MOST,
    )


def _behind(cursor: str | None) -> Q:
    """What follows the place that a cursor names, of rows with a ``number`` and a ``tag_id``."""
    if not cursor:
        return Q()
    number, pk = decode_cursor(cursor, 2)
    if not all(type(value) is int and 0 <= value < 2**63 for value in (number, pk)):
        raise invalid("cursor", "This cursor is not one that a list gave out.")
    return Q(number__lt=number) | Q(number=number, tag_id__gt=pk)


def rare(
    selection: Selection,
    fewer_than: int,
    *,
    images_at_most: int | None = None,
    tags_at_most: int | None = None,
) -> dict[str, int]:
    """The tags that fewer of the selection's pictures carry, but at least one: name → how many.

    Raises TooManyImages if the selection has more than images_at_most; of the whole gallery the
    counts are kept. tags_at_most: no more tags than this, the most frequent of them.
    """
    if selection.everything:
        used = Tag.objects.annotate(live=LIVE_COUNT).filter(live__gt=0, live__lt=fewer_than)
        names = used.order_by("-live", "-id").values_list("name", "live")[:tags_at_most]
        return dict(names)
    counts: Counter[int] = Counter()
    images = 0
    for pks in selection.parts(_PART):
        images += len(pks)
        if images_at_most is not None and images > images_at_most:
            raise TooManyImages
        uses = ImageTag.objects.filter(image__in=pks).order_by().values_list("tag_id")
        counts.update(dict(uses.annotate(number=Count("pk"))))
    few = [(pk, number) for pk, number in counts.most_common() if number < fewer_than]
    numbers = dict(islice(few, tags_at_most))
    names_of = Tag.objects.in_bulk(list(numbers))
    return {names_of[pk].name: number for pk, number in numbers.items()}
