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
    """The pinned caption, else the best source's newest; empty if there is none."""
    found = sorted(captions, key=_rank)
    return found[0].text.strip() if found else ""


def _rank(label: Label) -> tuple[bool, int, float]:
    return (
        not label.is_pinned,
        SOURCES.index(Label.Source(label.source)),
        -label.created_at.timestamp(),
    )
