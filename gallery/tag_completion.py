"""Tags whose names, or other names, begin with what somebody has typed."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from gallery import listing
from gallery.tag_models import TagAlias
from gallery.tags import normalised

Row = TypeVar("Row", bound=Model)
OFFERED = 12
# The most used of so many names that begin so; a longer beginning finds the others.
_LOOKED_AT = 300
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Completion:
    """A tag. alias: the other name that begins so, empty where its own does."""

    name: str
    count: int
    alias: str = ""


def beginning_with(rows: QuerySet[Row], beginning: str) -> QuerySet[Row]:
    """The rows whose ``name`` begins so, along the index on it."""
    found = rows.filter(name__startswith=beginning)
    if connection.vendor == "sqlite":
        # Its LIKE takes no index; PostgreSQL's has one of its own, in an order of its own.
        found = found.filter(name__gte=beginning, name__lt=beginning + _LAST)
    return found


def completions(request: HttpRequest, text: str) -> list[Completion]:
    """The most used tags that begin so, as far as this request may know of them."""
    beginning = normalised(text)
    if not beginning:
        return []
    shown: QuerySet[Any] = listing.tags(request)
    named = beginning_with(shown, beginning).order_by("name")[:_LOOKED_AT]
    found = {tag.name: Completion(tag.name, tag.image_count) for tag in named}
    others = beginning_with(TagAlias.objects.all(), beginning).order_by("name")[:_LOOKED_AT]
    targets: dict[int, str] = {}
    for pk, name in others.values_list("tag_id", "name"):
        targets.setdefault(pk, name)
    if targets:
        for tag in shown.filter(pk__in=list(targets)):
            found.setdefault(tag.name, Completion(tag.name, tag.image_count, targets[tag.pk]))
    ranked = sorted(found.values(), key=lambda each: (-each.count, each.name))
    return ranked[:OFFERED]
