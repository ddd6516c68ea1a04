"""Writing labels by hand, and pinning the one that counts."""

from functools import partial
from typing import Any

from django.db import transaction

from gallery import image_index, ratings
from gallery.models import Image, Label
from imagineer.problems import not_found


def write_label(
    image: Image, kind: str, text: str, *, created_by: Any = None, is_pinned: bool = False
) -> Label:
    """A label by hand. Words said before, by whomever, stay. A rating decides on the image's.

    Raises Problem 404 if the image was deleted meanwhile, ValueError for a rating that is none.
    """
    written: list[Label] = []

    def write() -> None:
        label = Label.objects.create(
            image=image,
            kind=kind,
            text=text,
            source=Label.Source.MANUAL,
            created_by=created_by if getattr(created_by, "pk", None) else None,
        )
        if is_pinned:
            pin(label)
        image_index.refresh([image.pk])
        written[:] = [label]

    if kind == Label.Kind.RATING:
        ratings.decide(image, text, by=created_by, write=write)
    else:
        with transaction.atomic():
            write()
    if not written:
        raise not_found("image")
    return written[0]


def save_label(label: Label, *, is_new_word: bool, by: Any = None) -> None:
    """Write a label that a form has filled, in the form's transaction.

    It is pinned as :func:`pin` does. A rating by hand decides on the image's once the transaction
    is committed, since that moves files; is_new_word: not where nothing but the pin was changed.
    """
    label.save()
    if label.is_pinned:
        pin(label)
    by_hand = label.kind == Label.Kind.RATING and label.source == Label.Source.MANUAL
    if by_hand and is_new_word:
        images = Image.objects.filter(pk=label.image_id)
        transaction.on_commit(partial(ratings.change_rating, images, label.text, by))
    image_index.refresh([label.image_id])


def reword(label: Label, text: str, by: Any = None) -> None:
    """Give a label by hand other words; by: whose a rating is from now on.

    Raises ValueError for a rating that is none.
    """

    def write() -> None:
        label.text = text
        label.save(update_fields=["text"])
        image_index.refresh([label.image_id])

    if label.kind == Label.Kind.RATING:
        ratings.decide(label.image, text, by=by, write=write)
    else:
        with transaction.atomic():
            write()


def delete_label(label: Label) -> None:
    """Take the label away; the image's tags and what it is found by follow.

    So does its rating, if that was a labeler's word, once the transaction is committed. What an
    admin has decided on stays.
    """
    with transaction.atomic():
        image = label.image
        label.delete()
        image_index.refresh([image.pk])
        if label.kind == Label.Kind.RATING and label.source != Label.Source.MANUAL:
            transaction.on_commit(partial(ratings.settle_rating, image))


def pin(label: Label, is_pinned: bool = True) -> None:
    """Make this the image's label of its kind that counts before all others, or end that."""
    with transaction.atomic():
        if is_pinned:
            same = Label.objects.filter(image_id=label.image_id, kind=label.kind, is_pinned=True)
            same.exclude(pk=label.pk).update(is_pinned=False)
        label.is_pinned = is_pinned
        Label.objects.filter(pk=label.pk).update(is_pinned=is_pinned)
