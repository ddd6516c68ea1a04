"""A labeler's answer becomes Labels; what others said stays."""

from collections.abc import Iterable
from typing import Any

from gallery import image_index
from gallery.models import Image, Label, Rating
from gallery.ratings import change_rating
from labeling.labeler import Labeling
from labeling.models import Prompt

# From harmless to not; UNRATED is less than any word.
SEVERITY = [Rating.UNRATED, Rating.SAFE, Rating.SUGGESTIVE, Rating.ADULT, Rating.EXPLICIT]


def write_labels(
    image: Image, labeling: Labeling, *, source: str, prompt: Prompt | None, created_by: Any
) -> None:
    """Caption, tags and rating with where they come from; call it in a transaction.

    source: whose word it is. A tag that it gave the image before is not written twice.
    """
    known = set(
        image.labels.filter(kind=Label.Kind.TAG, source=source).values_list("text", flat=True)
    )
    said = [(Label.Kind.CAPTION, labeling.caption), (Label.Kind.RATING, labeling.rating)]
    said += [(Label.Kind.TAG, tag) for tag in labeling.tags if tag not in known]
    Label.objects.bulk_create(
        Label(
            image=image,
            kind=kind,
            text=text,
            source=source,
            model=labeling.model[:100],
            prompt_kind=prompt.kind if prompt else "",
            prompt_version=str(prompt.version) if prompt else "",
            confidence=labeling.confidence,
            created_by=created_by,
        )
        for kind, text in said
        if text
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
