"""What of the pictures is reviewed: each filter is a question to the search index.

The room above registers its own in ``ready()``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from gallery import search
from gallery.full_text import AnyOf, Node
from gallery.label_facts import steps_below
from gallery.models import Image
from imagineer.problems import invalid


@dataclass(frozen=True)
class ReviewFilter:
    """key: in addresses; title: in the list of filters; nothing: what is said where none matches.

    node: what the index is asked; None: all pictures. notes: what is said beside each of some
    pictures, by their ids.
    """

    key: str
    title: str
    nothing: str
    node: Callable[[], Node | None]
    notes: Callable[[Sequence[Image]], Mapping[int, str]] = lambda images: {}


OPEN, REVIEWED, ALL = "open", "reviewed", "all"
_filters: dict[str, ReviewFilter] = {}


def register(review_filter: ReviewFilter) -> None:
    _filters[review_filter.key] = review_filter


def registered() -> tuple[ReviewFilter, ...]:
    """In the order in which they are offered: what is left to do first."""
    return tuple(sorted(_filters.values(), key=lambda each: each.key in (REVIEWED, ALL)))


def review_filter(key: str) -> ReviewFilter:
    """Raises Problem 422 for a key that no filter has."""
    found = _filters.get(key)
    if found is None:
        raise invalid("filter", f"There is no filter of this name, only {', '.join(_filters)}.")
    return found


def _unsure() -> Node:
    steps = steps_below(settings.LABELING_LOW_CONFIDENCE)
    return AnyOf(tuple(search.fact("sure", step) for step in steps))


for _each in (
    ReviewFilter(
        OPEN, "To review", "Every caption here is decided.", lambda: search.fact("reviewed", 0)
    ),
    ReviewFilter(
        "uncaptioned", "No caption", "Every picture here has a caption.",
        lambda: search.fact("captioned", 0),
    ),
    ReviewFilter(
        "unsure", "Low confidence", "No labeler was unsure of a caption here.", _unsure
    ),
    ReviewFilter(
        "disputed", "Ratings differ", "No two labelers rate a picture here differently.",
        lambda: search.fact("disputed", 1),
    ),
    ReviewFilter(
        REVIEWED, "Reviewed", "Nobody has decided on a caption here yet.",
        lambda: search.fact("reviewed", 1),
    ),
    ReviewFilter(ALL, "All", "There are no pictures here.", lambda: None),
):  # fmt: skip
    register(_each)
