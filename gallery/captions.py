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


def chosen(captions: Iterable[Label]) -> Label | None:
    """The pinned caption, else the best source's newest; those without words are passed over."""
    return min((label for label in captions if label.text.strip()), key=_rank, default=None)


def best_caption(captions: Iterable[Label]) -> str:
    """The text of the chosen caption; empty if there is none."""
    found = chosen(captions)
    return found.text.strip() if found is not None else ""


def _rank(label: Label) -> tuple[bool, int, float]:
    return (
        not label.is_pinned,
        SOURCES.index(Label.Source(label.source)),
        -label.created_at.timestamp(),
    )
