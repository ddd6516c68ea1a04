"""Writing labels by hand, and pinning the one that counts. Words that end stay in the history."""

from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from gallery import image_index, label_history, ratings, rejected_tags
from gallery.captions import choose
from gallery.image_tags import TAG_KINDS
from gallery.label_history import Ending, keep, person
from gallery.models import FormerLabel, Image, Label
from imagineer.problems import Problem, not_found

_QUOTED = 200


def write_label(
    image: Image, kind: str, text: str, *, created_by: Any = None, is_pinned: bool = False
) -> Label:
    """A label by hand. Words said before, by whomever, stay. A rating decides on the image's.

    Raises Problem 404 if the image was deleted meanwhile, ValueError for a rating that is none.
    """
    written: list[Label] = []

    def write() -> None:
        written[:] = [add_words(image, kind, text, created_by=created_by, is_pinned=is_pinned)]

    if kind == Label.Kind.RATING:
        ratings.decide(image, text, by=created_by, write=write)
    else:
        write()
    if not written:
        raise not_found("image")
    return written[0]


def add_words(
    image: Image, kind: str, text: str, *, created_by: Any = None, is_pinned: bool = False
) -> Label:
    """As write_label, but a rating decides nothing: for whoever decides in the same transaction."""
    with transaction.atomic():
        label = Label.objects.create(
            image=image,
            kind=kind,
            text=text,
            source=Label.Source.MANUAL,
            created_by=person(created_by),
        )
        if is_pinned:
            _set_pin(label, True, created_by)
        _accept(label)
        image_index.refresh([image.pk])
    return label


def save_label(label: Label, *, is_new_word: bool, saved_by: Any = None) -> None:
    """Write a label that a form has filled, in the form's transaction.

    It is pinned as :func:`pin` does. A rating by hand decides on the image's once the transaction
    is committed, since that moves files; is_new_word: not where nothing but the pin was changed.
    """
    if label.pk and is_new_word:
        keep(label, Ending.REWORDED, saved_by)
        label.created_by, label.created_at = person(saved_by), timezone.now()
    if not label.is_pinned:
        label.pinned_by = label.pinned_at = None
    label.save()
    if label.is_pinned:
        _set_pin(label, True, saved_by)
    by_hand = label.kind == Label.Kind.RATING and label.source == Label.Source.MANUAL
    if by_hand and is_new_word:
        images = Image.objects.filter(pk=label.image_id)
        transaction.on_commit(partial(ratings.change_rating, images, label.text, saved_by))
    if is_new_word:
        _accept(label)
    image_index.refresh([label.image_id])


def reword(label: Label, text: str, reworded_by: Any = None) -> FormerLabel:
    """Give a label by hand other words, which are this person's now; what it said is returned.

    A rating decides on the image's. Raises Problem 404 if the image was deleted meanwhile,
    ValueError for a rating that is none.
    """
    kept: list[FormerLabel] = []

    def write() -> None:
        kept[:] = [change_words(label, text, reworded_by)]

    if label.kind == Label.Kind.RATING:
        ratings.decide(label.image, text, by=reworded_by, write=write)
    else:
        write()
    if not kept:
        raise not_found("image")
    return kept[0]


def change_words(label: Label, text: str, changed_by: Any = None) -> FormerLabel:
    """As reword, but a rating decides nothing: for whoever decides in the same transaction."""
    with transaction.atomic():
        former = keep(label, Ending.REWORDED, changed_by)
        label.text, label.created_by = text, person(changed_by)
        label.created_at = timezone.now()
        label.save(update_fields=["text", "created_by", "created_at"])
        _accept(label)
        image_index.refresh([label.image_id])
    return former


def restore(former: FormerLabel, restored_by: Any = None) -> Label:
    """Make former words a label again; a labeler's rating counts as one that was said now."""
    restored: list[Label] = []

    def write() -> None:
        restored[:] = [label_history.restore(former, restored_by)[0]]

    if former.kind == Label.Kind.RATING:
        ratings.settle_rating(former.image, write, expected=(former.text,))
    else:
        write()
    if not restored:
        raise not_found("image")
    return restored[0]


def delete_label(label: Label, deleted_by: Any = None) -> FormerLabel:
    """Take the label away; the image's tags and what it is found by follow. It can come back.

    A tag that a person takes from a machine or a web page is off the image for good: whoever says
    it again, a person excepted, is not heard. Words by hand are only taken back. The image's rating
    follows, if that was a labeler's word, once the transaction is committed; what an admin has
    decided on stays.
    """
    with transaction.atomic():
        former = keep(label, Ending.REMOVED, deleted_by)
        image, text = label.image, label.text
        is_of_others = label.source != Label.Source.MANUAL
        label.delete()
        is_tag_of_others = label.kind in TAG_KINDS and is_of_others
        if is_tag_of_others and not rejected_tags.is_said_by_hand(image.pk, text):
            rejected_tags.reject([image.pk], text, deleted_by)
        image_index.refresh([image.pk])
        if label.kind == Label.Kind.RATING and is_of_others:
            transaction.on_commit(partial(ratings.settle_rating, image))
    return former


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


def pin(label: Label, is_pinned: bool = True, pinned_by: Any = None) -> None:
    """Make this the image's label of its kind that counts before all others, or end that."""
    with transaction.atomic():
        _set_pin(label, is_pinned, pinned_by)
        image_index.refresh([label.image_id])


def _set_pin(label: Label, is_pinned: bool, pinned_by: Any) -> None:
    if is_pinned:
        # Of two who pin at the same time the second unpins what the first did.
        Image.everything.select_for_update(no_key=True).get(pk=label.image_id)
        same = Label.objects.filter(image_id=label.image_id, kind=label.kind, is_pinned=True)
        same.exclude(pk=label.pk).update(is_pinned=False, pinned_by=None, pinned_at=None)
    by, at = (person(pinned_by), timezone.now()) if is_pinned else (None, None)
    label.is_pinned, label.pinned_by, label.pinned_at = is_pinned, by, at
    label.save(update_fields=["is_pinned", "pinned_by", "pinned_at"])


def lock(image_id: int) -> Image:
    """The image, of which nobody else decides until the transaction around this ends.

    Raises Problem 404 if it is gone.
    """
    # No key: labels that others write for the image meanwhile hold that, and two who hold it and
    # wait for each other would wait for ever.
    found = Image.objects.select_for_update(no_key=True).filter(pk=image_id).first()
    if found is None:
        raise not_found("image")
    return found


def caption_as_seen(image_id: int, seen: str | None) -> Label | None:
    """The caption that counts, which nobody changes until the transaction around this ends.

    seen: its words as somebody saw them, empty for none. Raises Problem 409 if it says others by
    now; None: whoever asks has seen nothing. 404 if the image is gone.
    """
    lock(image_id)
    captions = Label.objects.filter(image=image_id, kind=Label.Kind.CAPTION)
    chosen = choose(captions.select_related("created_by", "pinned_by"))
    if seen is not None and seen.strip() != (chosen.text.strip() if chosen else ""):
        raise Problem(409, "changed_meanwhile", _changed(chosen), "seen")
    return chosen


def _changed(chosen: Label | None) -> str:
    if chosen is None:
        return "The caption was taken away meanwhile. Nothing was changed."
    text = chosen.text.strip()
    quoted = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
    by = (chosen.pinned_by if chosen.is_pinned else None) or chosen.created_by
    who = f" by {by}" if by else ""
    return f"The caption was changed meanwhile{who}: “{quoted}”. Nothing was changed."
