"""A labeler's answer becomes Labels; what others said stays."""

from collections.abc import Iterable

from gallery import image_index
from gallery.models import Image, Label, Rating
from gallery.ratings import change_rating
from labeling.labeler import Labeling
from labeling.models import LabelingRun
from labeling.trigger_words import with_trigger

# From harmless to not; UNRATED is less than any word.
SEVERITY = [Rating.UNRATED, Rating.SAFE, Rating.SUGGESTIVE, Rating.ADULT, Rating.EXPLICIT]


def write_labels(
    image: Image, labeling: Labeling, run: LabelingRun, *, source: str, reads_prompts: bool
) -> None:
    """Caption, tags and rating with where they come from; call it in a transaction.

    source: whose word it is. reads_prompts: whether it was said on the run's prompt. A tag that the
    source gave the image before is not written twice.
    """
    known = set(
        image.labels.filter(kind=Label.Kind.TAG, source=source).values_list("text", flat=True)
    )
    caption = with_trigger(labeling.caption, run.trigger_word) if labeling.caption else ""
    said = [(Label.Kind.CAPTION, caption), (Label.Kind.RATING, labeling.rating)]
    said += [(Label.Kind.TAG, tag) for tag in labeling.tags if tag not in known]
    Label.objects.bulk_create(
        Label(
            image=image,
            kind=kind,
            text=text,
            source=source,
            model=labeling.model[:100],
            prompt_kind=run.prompt.kind if reads_prompts else "",
            prompt_version=str(run.prompt.version) if reads_prompts else "",
            prompt_options=run.options,
            confidence=labeling.confidence,
            created_by=run.created_by,
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
