"""A labeler's answer becomes Labels; what others said stays."""

from typing import Any

from gallery import image_index
from gallery.models import Image, Label
from labeling.found_captions import COPIED
from labeling.labeler import Labeling
from labeling.models import Prompt


def write_labels(
    image: Image, labeling: Labeling, *, source: str, prompt: Prompt | None, created_by: Any
) -> None:
    """Caption, tags and rating with where they come from; call it in a transaction.

    source: whose word it is. A tag that it gave the image before is not written twice. A caption
    that was copied says from where instead of a model.
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
            model=_said_by(labeling, kind)[:100],
            prompt_kind=prompt.kind if prompt else "",
            prompt_version=str(prompt.version) if prompt else "",
            confidence=labeling.confidence if _looked(labeling, kind) else None,
            created_by=created_by,
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
