"""A labeler's answer becomes Labels; what others said stays."""

from collections.abc import Iterable
from typing import Any

from gallery import image_index
from gallery.models import Image, Label, Rating
from gallery.ratings import change_rating
from labeling.answers import Answer
from labeling.models import Prompt

# From harmless to not; UNRATED is less than any word.
SEVERITY = [Rating.UNRATED, Rating.SAFE, Rating.SUGGESTIVE, Rating.ADULT, Rating.EXPLICIT]


def write_labels(
    image: Image, answer: Answer, *, model: str, prompt: Prompt, created_by: Any
) -> None:
    """Caption, tags and rating with where they come from; call it in a transaction.

    A tag that Claude gave the image before is not written twice.
    """
    known = set(
        image.labels.filter(kind=Label.Kind.TAG, source=Label.Source.CLAUDE).values_list(
            "text", flat=True
        )
    )
    said = [(Label.Kind.CAPTION, answer.caption), (Label.Kind.RATING, answer.rating)]
    said += [(Label.Kind.TAG, tag) for tag in answer.tags if tag not in known]
    Label.objects.bulk_create(
        Label(
            image=image,
            kind=kind,
            text=text,
            source=Label.Source.CLAUDE,
            model=model[:100],
            prompt_kind=prompt.kind,
            prompt_version=str(prompt.version),
            confidence=answer.confidence,
            created_by=created_by,
        )
        for kind, text in said
    )
    image_index.refresh([image.pk])


def apply_rating(image: Image, rating: str) -> None:
    """Let a labeler's rating take effect, unless a person has decided.

    The sternest word of all labelers counts. A rating that is not what they have said so far, or
    that a person's label says, was chosen by a person and stays; a person's label that the picture
    does not follow decides nothing. Moves files, so call it outside transactions; safe to repeat.
    """
    image.refresh_from_db()
    words = list(image.labels.filter(kind=Label.Kind.RATING).values_list("source", "text"))
    if (Label.Source.MANUAL, image.rating) in words:
        return
    before = sternest(text for source, text in words if source != Label.Source.MANUAL)
    after = sternest((before, rating))
    if image.rating == before and after != before:
        change_rating([image], after)


def sternest(ratings: Iterable[str]) -> str:
    """The severest of the words; UNRATED for none. Words that are no ratings are passed over."""
    known = [rating for rating in ratings if rating in Rating.values]
    return max(known, key=lambda word: SEVERITY.index(Rating(word)), default=Rating.UNRATED)
