"""Which of an image's captions is trained on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gallery.caption_words import one_line

SOURCES = ("manual", "claude", "imported", "scraper", "local")
"""Whose word counts first; see :func:`choose`."""
PROMPT = "prompt"
"""The source of a caption that is the prompt the picture was drawn with."""


@dataclass(frozen=True)
class Candidate:
    """One caption of an image. source: one of SOURCES; key: whatever the caller knows it by."""

    text: str
    source: str
    is_pinned: bool = False
    created_at: datetime | None = None
    key: int | None = None


def choose(candidates: Iterable[Candidate], prompt: str = "") -> Candidate | None:
    """The caption to train on, on one line; None if there is none.

    A pinned one comes first, then the sources in the order of SOURCES, the newest within each;
    the prompt of a generated picture is the last resort. Empty texts do not count.
    """
    usable = [candidate for candidate in candidates if one_line(candidate.text)]
    if not usable:
        text = one_line(prompt)
        return Candidate(text, PROMPT) if text else None
    best = max(usable, key=_preference)
    return Candidate(one_line(best.text), best.source, best.is_pinned, best.created_at, best.key)


def _preference(candidate: Candidate) -> tuple[bool, int, float, int]:
    known = candidate.source in SOURCES
    rank = len(SOURCES) - SOURCES.index(candidate.source) if known else 0
    newest = candidate.created_at.timestamp() if candidate.created_at else 0.0
    return candidate.is_pinned, rank, newest, candidate.key or 0
