"""Which of an image's captions speaks for it."""

from collections.abc import Iterable

from gallery.models import Label

# Whose word counts more, best first.
SOURCES = (
    Label.Source.MANUAL,
    Label.Source.CLAUDE,
    Label.Source.IMPORTED,
    Label.Source.SCRAPER,
    Label.Source.LOCAL,
)


def best_caption(captions: Iterable[Label]) -> str:
    """The text of the chosen caption; empty if there is none."""
    chosen = chosen_caption(captions)
    return chosen.text.strip() if chosen else ""


def chosen_caption(captions: Iterable[Label]) -> Label | None:
    """The pinned caption, else the best source's newest."""
    return min(captions, key=_rank, default=None)


def _rank(label: Label) -> tuple[bool, int, float]:
    return (
        not label.is_pinned,
        SOURCES.index(Label.Source(label.source)),
        -label.created_at.timestamp(),
    )
