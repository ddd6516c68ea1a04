"""Writing labels by hand, and pinning the one that counts."""

from functools import partial
from typing import Any

from django.db import transaction

from gallery import image_index, rejected_tags
from gallery.image_tags import TAG_KINDS
from gallery.models import Image, Label
from gallery.ratings import change_rating


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
        _accept(label)
        image_index.refresh([image.pk])
    return label


def save_label(label: Label, *, is_new_word: bool) -> None:
    """Write a label that a form has filled, in the form's transaction.

    It is pinned as :func:`pin` does. A rating by hand rates the picture once the transaction is
    committed, since that moves files; is_new_word: not where nothing but the pin was changed.
    """
    label.save()
    if label.is_pinned:
        pin(label)
    by_hand = label.kind == Label.Kind.RATING and label.source == Label.Source.MANUAL
    if by_hand and is_new_word:
        transaction.on_commit(partial(_rate, label.image_id, label.text))
    if is_new_word:
        _accept(label)
    image_index.refresh([label.image_id])


def reword(label: Label, text: str) -> None:
    """Give the label other words."""
    with transaction.atomic():
        label.text = text
        label.save(update_fields=["text"])
        _accept(label)
        image_index.refresh([label.image_id])


def delete_label(label: Label, deleted_by: Any = None) -> None:
    """Take the label away; the image's tags and what it is found by follow.

    A tag that a person takes from a machine or a web page is off the image for good: whoever says
    it again, a person excepted, is not heard. Words by hand are only taken back.
    """
    with transaction.atomic():
        image_id, text = label.image_id, label.text
        is_tag_of_others = label.kind in TAG_KINDS and label.source != Label.Source.MANUAL
        label.delete()
        if is_tag_of_others and not rejected_tags.is_said_by_hand(image_id, text):
            rejected_tags.reject([image_id], text, deleted_by)
        image_index.refresh([image_id])


def take_tag_off(image: Image, text: str, rejected_by: Any = None) -> bool:
    """Let the image not carry a tag, whatever its labels say; False if it was off before."""
    with transaction.atomic():
        changed = rejected_tags.reject([image.pk], text, rejected_by)
        image_index.refresh([image.pk])
    return bool(changed)


def put_tag_back(image: Image, text: str) -> bool:
    """Let a tag that was taken off stand where labels say it; False if it was not off."""
    with transaction.atomic():
        changed = rejected_tags.accept([image.pk], text)
        image_index.refresh([image.pk])
    return bool(changed)


def _accept(label: Label) -> None:
    """A tag by hand stands, although it was taken off before."""
    if label.kind in TAG_KINDS and label.source == Label.Source.MANUAL:
        rejected_tags.accept([label.image_id], label.text)


def _rate(image_id: int, rating: str) -> None:
    change_rating(Image.objects.filter(pk=image_id), rating)


def pin(label: Label, is_pinned: bool = True) -> None:
    """Make this the image's label of its kind that counts before all others, or end that."""
    with transaction.atomic():
        if is_pinned:
            same = Label.objects.filter(image_id=label.image_id, kind=label.kind, is_pinned=True)
            same.exclude(pk=label.pk).update(is_pinned=False)
        label.is_pinned = is_pinned
        Label.objects.filter(pk=label.pk).update(is_pinned=is_pinned)
