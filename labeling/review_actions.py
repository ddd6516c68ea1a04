"""What a person decides while reviewing a picture, and how each of it is taken back.

Nothing is overwritten: words by hand come beside the others, and what they replace stays in the
history (:mod:`gallery.label_history`). Whoever decides says what they saw, so that of two at the
same picture the second hears of the first.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db import transaction
from django.utils.dateparse import parse_datetime

from gallery import label_history, labels, ratings
from gallery.captions import choose, ranked
from gallery.image_tags import TAG_KINDS
from gallery.models import NO_RATING, RATING_WORDS, FormerLabel, Image, Label, Rating
from gallery.tags import normalised
from imagineer.problems import Problem, invalid, not_found
from imagineer.texts import CONTROL, has_control, unified

LONGEST_CAPTION = 10_000
_SALT = "labeling.review"
_CHANGED_SINCE = "Somebody changed this picture since; look at it before you change it again."


@dataclass(frozen=True)
class Done:
    """said: what was done, a sentence. undo: what :func:`undo` takes; empty if nothing changed."""

    said: str
    undo: str = ""


def accept(image_id: int, text: str, seen: str | None, by: Any) -> Done:
    """Decide that the image's caption is this text.

    Where a caption says so it is chosen. Other words become a label by hand; of the person's own
    caption, if it counted so far, they take the place. seen: the words that counted when the
    person looked, empty for none. Raises Problem: 409 if others count by now, 422 for a text that
    cannot be one, 404 if the image is gone.
    """
    text = _checked(text)
    with transaction.atomic():
        chosen = labels.caption_as_seen(image_id, seen)
        before = _pin(image_id)
        captions = ranked(_captions(image_id))
        same = next((label for label in captions if label.text.strip() == text), None)
        reworded, created = None, None
        if same is not None:
            if same.is_pinned:
                return Done("It was decided before.")
        elif chosen is not None and _is_own(chosen, by):
            same, reworded = chosen, labels.reword(chosen, text, by)
        else:
            image = Image.objects.get(pk=image_id)
            same = created = labels.write_label(image, Label.Kind.CAPTION, text, created_by=by)
        labels.pin(same, pinned_by=by)
        return _caption_done(
            image_id, "Accepted." if not (reworded or created) else "Saved.", before,
            created=[created], restore=[reworded],
        )  # fmt: skip


def choose_caption(image_id: int, label_id: int, by: Any) -> Done:
    """Let another caption of the image count before all others, whatever the rule says."""
    with transaction.atomic():
        labels.caption_as_seen(image_id, None)
        label = _captions(image_id).filter(pk=label_id).first()
        if label is None:
            raise not_found("caption")
        before = _pin(image_id)
        labels.pin(label, pinned_by=by)
        return _caption_done(image_id, "This caption counts now.", before)


def follow_rule(image_id: int, by: Any) -> Done:
    """Let the rule choose the caption again; the picture is to be reviewed then."""
    with transaction.atomic():
        labels.caption_as_seen(image_id, None)
        before = _pin(image_id)
        pinned = _pinned(image_id)
        if pinned is None:
            return Done("The rule chooses already.")
        labels.pin(pinned, False, by)
        return _caption_done(image_id, "The rule chooses the caption again.", before)


def restore_caption(image_id: int, former_id: int, by: Any) -> Done:
    """Bring words back from the history, and let them count."""
    with transaction.atomic():
        labels.caption_as_seen(image_id, None)
        former = FormerLabel.objects.filter(
            pk=former_id, image_id=image_id, kind=Label.Kind.CAPTION
        ).first()
        if former is None:
            raise not_found("former caption")
        before = _pin(image_id)
        label, instead = label_history.restore(former, by)
        labels.pin(label, pinned_by=by)
        return _caption_done(
            image_id, "Brought back.", before,
            created=[None if instead else label], restore=[instead],
        )  # fmt: skip


def rate(image_id: int, rating: str, seen: str | None, by: Any) -> Done:
    """Decide on the rating: it takes effect on the picture at once, before all labelers' words.

    seen: the picture's rating when the person looked. Moves files: call it outside transactions.
    """
    if rating not in RATING_WORDS:
        raise invalid("rating", NO_RATING)
    image = _image(image_id)
    before = image.rating
    if seen is not None and seen != before:
        said = f"Somebody rated it {Rating(before).label.lower()} meanwhile. Nothing was changed."
        raise Problem(409, "changed_meanwhile", said, "seen")
    # Before the label: a kill in between leaves a rated picture, never a word without effect.
    ratings.change_rating([image], rating)
    created, reworded = None, None
    with transaction.atomic():
        labels.lock(image_id)
        by_hand = image.labels.filter(kind=Label.Kind.RATING, source=Label.Source.MANUAL)
        newest = by_hand.order_by("created_at", "pk").last()
        if newest is None or not _is_own(newest, by):
            if newest is None or newest.text != rating:
                created = labels.write_label(image, Label.Kind.RATING, rating, created_by=by)
        elif newest.text != rating:
            reworded = labels.reword(newest, rating, by)
    undo = {
        **_undoing(image_id, created=[created], restore=[reworded]),
        "rating": [before, rating],
    }
    nothing = before == rating and not created and not reworded
    return Done(f"Rated {Rating(rating).label.lower()}.", "" if nothing else _signed(undo))


def change_tags(image_id: int, add: Iterable[str], remove: Iterable[str], by: Any) -> Done:
    """Give the image tags, and take others away, whoever said them."""
    wanted = list(dict.fromkeys(normalised(text) for text in add))
    unwanted = {normalised(text) for text in remove}
    if "" in wanted or "" in unwanted:
        raise invalid("tag", "Write a tag.")
    if any(has_control(name) for name in wanted):
        raise invalid("tag", CONTROL)
    with transaction.atomic():
        image = labels.lock(image_id)
        said = list(image.labels.filter(kind__in=TAG_KINDS))
        known = {normalised(label.text) for label in said}
        removed = [
            labels.delete_label(label, by) for label in said if normalised(label.text) in unwanted
        ]
        created = [
            labels.write_label(image, Label.Kind.TAG, name, created_by=by)
            for name in wanted
            if name not in known
        ]
    if not removed and not created:
        return Done("The picture has this tag." if wanted else "The picture has no such tag.")
    changed = [f"“{label.text}” added" for label in created]
    gone = dict.fromkeys(normalised(former.text) for former in removed)
    changed += [f"“{name}” taken away" for name in gone]
    undo = _undoing(image_id, created=created, restore=removed)
    return Done(f"{', '.join(changed)}.", _signed(undo))


# --- Taking it back ------------------------------------------------------------------------------


def undo(image_id: int, receipt: str, by: Any) -> Done:
    """Take back what gave this receipt. Words that go keep their place in the history.

    Raises Problem: 422 for a receipt that was not given for this image, 409 if somebody has
    changed since what it changed.
    """
    try:
        told: dict[str, Any] = signing.loads(receipt, salt=_SALT)
    except signing.BadSignature:
        told = {}
    if told.get("image") != image_id:
        raise invalid("undo", "This cannot be taken back.")
    if "rating" in told:
        _undo_rating(image_id, *told["rating"])
    with transaction.atomic():
        if "caption" in told:
            now = labels.caption_as_seen(image_id, None)
            if _mark(now) != told["caption"]:
                raise Problem(409, "changed_meanwhile", _CHANGED_SINCE, "undo")
        else:
            labels.lock(image_id)
        for label in Label.objects.filter(image=image_id, pk__in=told["created"]):
            labels.delete_label(label, by)
        for former in FormerLabel.objects.filter(image=image_id, pk__in=told["restore"]):
            label_history.restore(former, by)
        if "caption" in told:
            _pin_as_before(image_id, told["pinned"], by)
    return Done("Taken back.")


def _undo_rating(image_id: int, before: str, after: str) -> None:
    image = _image(image_id)
    if image.rating != after:
        raise Problem(409, "changed_meanwhile", _CHANGED_SINCE, "undo")
    ratings.change_rating([image], before)


def _pin_as_before(image_id: int, pin: Sequence[Any] | None, by: Any) -> None:
    label = _captions(image_id).filter(pk=pin[0]).first() if pin else None
    if pin and label is not None:
        labels.pin(label)
        at = parse_datetime(pin[2]) if pin[2] else None
        Label.objects.filter(pk=label.pk).update(pinned_by_id=pin[1], pinned_at=at)
    elif (chosen := _pinned(image_id)) is not None:
        labels.pin(chosen, False, by)


def _caption_done(
    image_id: int,
    said: str,
    before: Sequence[Any] | None,
    created: Sequence[Label | None] = (),
    restore: Sequence[FormerLabel | None] = (),
) -> Done:
    """before: what was pinned. What counts now is what an undo must find."""
    undo = {
        **_undoing(image_id, created, restore),
        "caption": _mark(choose(_captions(image_id))),
        "pinned": before,
    }
    return Done(said, _signed(undo))


def _mark(label: Label | None) -> str:
    """Which caption with which words, in short."""
    if label is None:
        return ""
    return f"{label.pk} {hashlib.sha256(label.text.encode()).hexdigest()[:16]}"


def _pin(image_id: int) -> list[Any] | None:
    """Which caption is pinned, by whom and since when."""
    pinned = _pinned(image_id)
    if pinned is None:
        return None
    at = pinned.pinned_at.isoformat() if pinned.pinned_at else None
    return [pinned.pk, pinned.pinned_by_id, at]


def _undoing(
    image_id: int, created: Sequence[Label | None], restore: Sequence[FormerLabel | None]
) -> dict[str, Any]:
    """What an undo takes away, and what it brings back."""
    return {
        "image": image_id,
        "created": [label.pk for label in created if label],
        "restore": [former.pk for former in restore if former],
    }


def _signed(told: dict[str, Any]) -> str:
    return signing.dumps(told, salt=_SALT, compress=True)


# --- What all of them ask ------------------------------------------------------------------------


def _image(image_id: int) -> Image:
    found = Image.objects.filter(pk=image_id).first()
    if found is None:
        raise not_found("image")
    return found


def _captions(image_id: int) -> Any:
    return Label.objects.filter(image=image_id, kind=Label.Kind.CAPTION)


def _pinned(image_id: int) -> Label | None:
    found: Label | None = _captions(image_id).filter(is_pinned=True).first()
    return found


def _is_own(label: Label, by: Any) -> bool:
    return label.source == Label.Source.MANUAL and label.created_by_id == by.pk


def _checked(text: str) -> str:
    text = unified(text).strip()
    if not text:
        raise invalid("text", "There is no caption to accept; write one.")
    if len(text) > LONGEST_CAPTION:
        raise invalid("text", "A caption has at most 10 000 characters.")
    if has_control(text):
        raise invalid("text", CONTROL)
    return text
