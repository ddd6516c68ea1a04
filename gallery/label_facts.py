"""What an image is found by of its captions and ratings, besides their words. Pure.

Each fact is a kind and a value, as :func:`gallery.search.fact` asks for it.
"""

from collections.abc import Iterable, Sequence

from gallery.captions import choose
from gallery.models import RATING_WORDS, Label, Rating

CONFIDENCE_STEPS = 20
"""Confidence is told in so many steps of the same size."""


def facts(rating: str, labels: Sequence[Label]) -> list[tuple[str, object]]:
    """captioned, caption (a source), reviewed, sure (a step), disputed. rating: the image's."""
    captions = [label for label in labels if label.kind == Label.Kind.CAPTION]
    best = choose(captions)
    reviewed = best is not None and best.is_pinned
    told: list[tuple[str, object]] = [("captioned", int(bool(captions)))]
    told += [("caption", source) for source in sorted({label.source for label in captions})]
    told.append(("reviewed", int(reviewed)))
    if best is not None and best.confidence is not None and not reviewed:
        told.append(("sure", step_of(best.confidence)))
    if is_disputed(rating, labels):
        told.append(("disputed", 1))
    return told


def step_of(confidence: float) -> int:
    """0 … CONFIDENCE_STEPS - 1."""
    step = int(round(confidence * CONFIDENCE_STEPS, 6))
    return min(max(step, 0), CONFIDENCE_STEPS - 1)


def steps_below(confidence: float) -> range:
    """The steps of all that is less sure than this, which counts as a whole number of steps."""
    return range(min(max(round(confidence * CONFIDENCE_STEPS), 0), CONFIDENCE_STEPS))


def is_disputed(rating: str, labels: Iterable[Label]) -> bool:
    """Whether labelers rate the image differently and nobody has decided.

    A person has, where a label by hand says the image's rating, or where it has another one than
    the labelers' sternest word, which counts until then.
    """
    words = rating_words(labels)
    if len(set(words.values())) < 2:
        return False
    by_hand = {
        label.text
        for label in labels
        if label.kind == Label.Kind.RATING and label.source == Label.Source.MANUAL
    }
    sternest = max(words.values(), key=RATING_WORDS.index)
    return rating not in by_hand and rating in (Rating.UNRATED, sternest)


def rating_words(labels: Iterable[Label]) -> dict[tuple[str, str], Rating]:
    """What each labeler said last: (source, model) → rating. What persons said is not in it."""
    words: dict[tuple[str, str], Rating] = {}
    for label in sorted(labels, key=lambda label: (label.created_at, label.pk)):
        if label.kind != Label.Kind.RATING or label.source == Label.Source.MANUAL:
            continue
        if label.text in RATING_WORDS:
            words[label.source, label.model] = Rating(label.text)
    return words
