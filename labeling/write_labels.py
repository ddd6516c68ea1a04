"""A labeler's answer becomes Labels; what others said stays."""

from gallery import image_index
from gallery.caption_words import with_trigger
from gallery.models import Image, Label
from labeling.found_captions import COPIED
from labeling.labeler import Labeling
from labeling.models import LabelingRun


def write_labels(
    image: Image, labeling: Labeling, run: LabelingRun, *, source: str, reads_prompts: bool
) -> None:
    """Caption, tags and rating with where they come from; call it in a transaction.

    source: whose word it is. reads_prompts: whether it was said on the run's prompt. A tag that the
    source gave the image before is not written twice. A caption that was copied says from where
    instead of a model.
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
            model=_said_by(labeling, kind)[:100],
            prompt_kind=run.prompt.kind if reads_prompts else "",
            prompt_version=str(run.prompt.version) if reads_prompts else "",
            prompt_options=run.options,
            confidence=labeling.confidence if _looked(labeling, kind) else None,
            created_by=run.created_by,
        )
        for kind, text in said
        if text
    )
    image_index.refresh([image.pk])


def _looked(labeling: Labeling, kind: str) -> bool:
    """Whether the model itself said this of the picture."""
    return kind == Label.Kind.RATING or not labeling.rates_only


def _said_by(labeling: Labeling, kind: str) -> str:
    """The model, or where a caption was copied from; of tags that were measured, nothing."""
    if _looked(labeling, kind):
        return labeling.model
    return COPIED.get(labeling.caption_from, "") if kind == Label.Kind.CAPTION else ""
