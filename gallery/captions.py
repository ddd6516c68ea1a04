"""Which of an image's captions speaks for it: on pages, in feeds, and in what models train on."""

from collections.abc import Iterable

from gallery.models import Label

PROMPT = "prompt"
"""The source of a caption that is the prompt the picture was drawn with; no label says it."""
# Whose word counts more, best first.
SOURCES = (
    Label.Source.MANUAL,
    Label.Source.CLAUDE,
    Label.Source.IMPORTED,
    Label.Source.SCRAPER,
    Label.Source.LOCAL,
    PROMPT,
)


def ranked(captions: Iterable[Label]) -> list[Label]:
    """The captions, best first; those without a word are left out.

    A pinned one comes first, then the sources in the order of SOURCES, the newest within each; a
    source that is not among them comes last.
    """
    return sorted((label for label in captions if label.text.strip()), key=_rank)


def choose(captions: Iterable[Label]) -> Label | None:
    """The caption that counts; None if there is none, and the prompt of the picture stands in."""
    return next(iter(ranked(captions)), None)


def best_caption(captions: Iterable[Label]) -> str:
    """The words of the caption that counts; empty if there is none."""
    best = choose(captions)
    return best.text.strip() if best else ""


def _rank(label: Label) -> tuple[bool, int, float, int]:
    return (
        not label.is_pinned,
        SOURCES.index(label.source) if label.source in SOURCES else len(SOURCES),
        -label.created_at.timestamp(),
        -label.pk,
    )
