"""Pictures that look alike, over the whole collection.

Every process keeps an index of all perceptual hashes, and before each question adds what has come
into the gallery since, whoever put it there. What has left it is told by the database when the few
rows that were found are read.
"""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import Max
from django.http import HttpRequest

from gallery import nsfw
from gallery.fingerprint import distance
from gallery.hash_index import RADIUS, HashIndex
from gallery.models import Image

# Bits of 64. Two pictures of no kinship are this near once in some hundred thousand.
ALIKE_RADIUS = 14
AT_MOST = 24
# Found before those that this request may not list are left out.
_LOOKED_AT = 4 * AT_MOST
# Found before those that are gone or in the trash are left out.
_LOOKED_INTO = 1000
# Transactions may become visible in another order than they took their ids; not so in SQLite,
# where one writes at a time.
_OVERLAP = 0 if connection.vendor == "sqlite" else 200
_CHUNK = 20_000

_lock = threading.Lock()
_index = HashIndex()
_recent: set[int] = set()
_newest = 0


def nearest(phash: int, radius: int = RADIUS) -> int | None:
    """The id of the picture that is most like it within the radius, the trash left out."""
    found = within(phash, radius, _LOOKED_INTO)
    live = set(Image.objects.filter(pk__in=[pk for pk, _ in found]).values_list("pk", flat=True))
    return next((pk for pk, _ in found if pk in live), None)


def alike(request: HttpRequest, image: Image) -> list[Image]:
    """At most AT_MOST other pictures that look like this one, as this request may list them.

    The nearest come first; each has its ``distance`` in bits. Of a flat picture nothing is alike,
    nor is anything told of a picture that is blurred for this request.
    """
    if image.phash is None or not nsfw.may_see_sharp(request, image):
        return []
    ids = [pk for pk, _ in within(image.phash, ALIKE_RADIUS, _LOOKED_AT) if pk != image.pk]
    rows: list[Any] = list(nsfw.visible(Image.everything.filter(pk__in=ids), request))
    for row in rows:
        row.distance = distance(row.phash, image.phash)
    return sorted(rows, key=lambda row: (row.distance, row.pk))[:AT_MOST]


def within(phash: int, radius: int, at_most: int | None = None) -> list[tuple[int, int]]:
    """(id, bits that differ), as the index finds them: rows that are gone by now among them."""
    catch_up()
    return known_within(phash, radius, at_most)


def known_within(phash: int, radius: int, at_most: int | None = None) -> list[tuple[int, int]]:
    """As within(), of what the last :func:`catch_up` of this process brought."""
    with _lock:
        return _index.within(phash, radius, at_most)


def catch_up(check: Callable[[], None] = lambda: None) -> None:
    """Add what is new. The first call of a process reads every hash, seconds for a million.

    check is called between parts; what it raises passes, and the next call goes on from there.
    """
    global _newest
    everything = Image.everything.order_by("pk").values_list("pk", "phash")
    with _lock:
        newest = Image.everything.aggregate(newest=Max("pk"))["newest"] or 0
        while _newest < newest:
            check()
            after = max(0, _newest - _OVERLAP)
            part = list(everything.filter(pk__gt=after)[:_CHUNK])
            fresh = [(pk, phash) for pk, phash in part if pk not in _recent and phash is not None]
            _index.extend([pk for pk, _ in fresh], [phash for _, phash in fresh])
            _newest = part[-1][0] if part else newest
            _recent.update(pk for pk, _ in fresh)
            _recent.intersection_update([pk for pk in _recent if pk > _newest - _OVERLAP])


def forget() -> None:
    """Begin anew with the next question, as a new process would."""
    global _index, _newest
    _index, _newest = HashIndex(), 0
    _recent.clear()
