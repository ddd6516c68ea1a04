"""When a page is opened in a browser, to run its JavaScript before it is read. Pure."""

from collections.abc import Collection
from typing import Literal, get_args

# From the least to the most.
Rendering = Literal["off", "auto", "on"]
RENDERING: tuple[Rendering, ...] = get_args(Rendering)
# Rules that read a page's head. Pages that are empty without JavaScript have these nevertheless.
_OF_HEAD = frozenset({"open_graph", "twitter", "json_ld"})


def stronger(one: str, other: str) -> Rendering:
    """The more of two wishes: a crawl's and its source's."""
    return RENDERING[max(_rank(one), _rank(other))]


def _rank(wish: str) -> int:
    return next((rank for rank, known in enumerate(RENDERING) if known == wish), 0)


def needs_browser(rendering: Rendering, rules: Collection[str], *, has_scripts: bool) -> bool:
    """Whether a page that was read without JavaScript is asked for again with it.

    rules: those that found its pictures.
    """
    return rendering == "auto" and has_scripts and _OF_HEAD.issuperset(rules)
