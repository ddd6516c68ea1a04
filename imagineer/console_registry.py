"""What the rooms tell the console about a job: the pictures it made, and where to go from it.

Filled by ``imagineer.console_rooms``; a room may add its own in its ``ready()``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

if TYPE_CHECKING:
    from imagineer.jobs.models import Job


@dataclass(frozen=True)
class Place:
    """A link from a job's page to what it worked on."""

    label: str
    text: str
    url: str


Pictures = Callable[["Job"], "QuerySet[Any] | None"]
Places = Callable[["Job"], Iterable[Place]]

_pictures: dict[str, Pictures] = {}
_places: dict[str, Places] = {}


def register_job_kind(
    kind: str, *, pictures: Pictures | None = None, places: Places | None = None
) -> None:
    """pictures: the gallery.Image queryset that a job of this kind made, newest first."""
    if pictures is not None:
        _pictures[kind] = pictures
    if places is not None:
        _places[kind] = places


def pictures_of(job: "Job") -> "QuerySet[Any] | None":
    made = _pictures.get(job.kind)
    return made(job) if made else None


def places_of(job: "Job") -> list[Place]:
    found = _places.get(job.kind)
    return list(found(job)) if found else []
