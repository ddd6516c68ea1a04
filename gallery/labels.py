"""Writing labels by hand, and pinning the one that counts."""

from typing import Any

from django.db import transaction

from gallery.models import Image, Label


def write_label(
    image: Image, kind: str, text: str, *, created_by: Any = None, is_pinned: bool = False
) -> Label:
    """A label by hand. Words said before, by whomever, stay."""
    with transaction.atomic():
        label = Label.objects.create(
            image=image,
            kind=kind,
            text=text,
            source=Label.Source.MANUAL,
            created_by=created_by if getattr(created_by, "pk", None) else None,
        )
        if is_pinned:
            pin(label)
    return label


def pin(label: Label, is_pinned: bool = True) -> None:
    """Make this the image's label of its kind that counts before all others, or end that."""
    with transaction.atomic():
        if is_pinned:
            same = Label.objects.filter(image_id=label.image_id, kind=label.kind, is_pinned=True)
            same.exclude(pk=label.pk).update(is_pinned=False)
        label.is_pinned = is_pinned
        Label.objects.filter(pk=label.pk).update(is_pinned=is_pinned)
