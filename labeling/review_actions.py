"""What a person decides while reviewing a picture, and how each of it is taken back.

Nothing is overwritten: words by hand come beside the others, and what they replace stays in the
history (:mod:`gallery.label_history`). Whoever decides says what they saw, so that of two at the
same picture the second hears of the first.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.db import transaction
from django.utils.dateparse import parse_datetime

from gallery import label_history, labels, ratings
from gallery.captions import choose, ranked
from gallery.image_tags import TAG_KINDS, rules_of, spoken_of
from gallery.models import NO_RATING, RATING_WORDS, FormerLabel, Image, Label, Rating
from gallery.ratings import Decision
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
    written: list[tuple[Decision, Label | None, FormerLabel | None]] = []

    def write() -> None:
        before = ratings.decision_on(_image(image_id))
        if seen is not None and seen != before.rating:
            rated = Rating(before.rating).label.lower()
            said = f"Somebody rated it {rated} meanwhile. Nothing was changed."
            raise Problem(409, "changed_meanwhile", said, "seen")
        written[:] = [(before, *_say_rating(image, rating, by))]

    ratings.decide(image, rating, by=by, write=write)
    if not written:
        raise not_found("image")
    before, created, reworded = written[0]
    after = ratings.decision_on(image)
    undo = {
        **_undoing(image_id, created=[created], restore=[reworded]),
        "rating": [_told_of(before), _told_of(after)],
    }
    nothing = before == after and not created and not reworded
    return Done(f"Rated {Rating(rating).label.lower()}.", "" if nothing else _signed(undo))


def _say_rating(image: Image, rating: str, by: Any) -> tuple[Label | None, FormerLabel | None]:
    """The label by hand that says so, if it is new, and what it said before, if it is not."""
    by_hand = image.labels.filter(kind=Label.Kind.RATING, source=Label.Source.MANUAL)
    newest = by_hand.order_by("created_at", "pk").last()
    if newest is not None and newest.text == rating:
        return None, None
    if newest is not None and _is_own(newest, by):
        return None, labels.change_words(newest, rating, by)
    return labels.add_words(image, Label.Kind.RATING, rating, created_by=by), None


def change_tags(image_id: int, add: Iterable[str], remove: Iterable[str], by: Any) -> Done:
    """Let the image carry tags, and others not, whoever said them and whatever implies them."""
    wanted = [normalised(text) for text in add]
    unwanted = [normalised(text) for text in remove]
    if "" in wanted or "" in unwanted:
        raise invalid("tag", "Write a tag.")
    if any(has_control(name) for name in wanted):
        raise invalid("tag", CONTROL)
    with transaction.atomic():
        image = labels.lock(image_id)
        # Words by hand first: a machine's that goes then is off for good.
        said = sorted(
            image.labels.filter(kind__in=TAG_KINDS),
            key=lambda label: (label.source != Label.Source.MANUAL, label.pk),
        )
        spoken = spoken_of({image.pk: said})[image.pk]
        rules = rules_of([spoken], [*wanted, *unwanted])
        carried = spoken.carried(rules)
        coming = [name for name in dict.fromkeys(map(rules.meaning, wanted)) if name not in carried]
        going = sorted(rules.meant(unwanted) & carried)
        removed = [
            labels.delete_label(label, by)
            for label in said
            if rules.meaning(normalised(label.text)) in going
        ]
        created = [
            labels.write_label(image, Label.Kind.TAG, name, created_by=by) for name in coming
        ]
        # What other tags imply is carried without a label.
        implied = set(image.tags.filter(name__in=going).values_list("name", flat=True))
        for name in implied:
            labels.take_tag_off(image, name, by)
    if not going and not coming:
        return Done("The picture has this tag." if wanted else "The picture has no such tag.")
    changed = [f"“{name}” added" for name in coming] + [f"“{name}” taken away" for name in going]
    undo = {
        **_undoing(image_id, created=created, restore=removed),
        "put_back": sorted(implied),
        "take_off": sorted(rules.meant(spoken.rejected) & set(coming)),
    }
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
        _undo_rating(image_id, told, by)
        return Done("Taken back.")
    with transaction.atomic():
        if "caption" in told:
            now = labels.caption_as_seen(image_id, None)
            if _mark(now) != told["caption"]:
                raise Problem(409, "changed_meanwhile", _CHANGED_SINCE, "undo")
        else:
            labels.lock(image_id)
        _undo_words(image_id, told, by)
        if "caption" in told:
            _pin_as_before(image_id, told["pinned"], by)
    return Done("Taken back.")


def _undo_words(image_id: int, told: dict[str, Any], by: Any) -> None:
    for label in Label.objects.filter(image=image_id, pk__in=told["created"]):
        labels.delete_label(label, by)
    for former in FormerLabel.objects.filter(image=image_id, pk__in=told["restore"]):
        label_history.restore(former, by)
    for name in told.get("put_back", ()):
        labels.put_tag_back(_image(image_id), name)
    for name in told.get("take_off", ()):
        labels.take_tag_off(_image(image_id), name, by)


def _undo_rating(image_id: int, told: dict[str, Any], by: Any) -> None:
    """The rating is what it was, and so is who decided on it, if anyone had."""
    before, after = told["rating"]

    def write() -> None:
        if _told_of(ratings.decision_on(_image(image_id))) != after:
            raise Problem(409, "changed_meanwhile", _CHANGED_SINCE, "undo")
        _undo_words(image_id, told, by)

    rating, at, decided_by = before
    there = get_user_model().objects.filter(pk=decided_by).exists()
    decision = Decision(rating, parse_datetime(at) if at else None, decided_by if there else None)
    ratings.put_back(_image(image_id), decision, write=write)


def _told_of(decision: Decision) -> list[Any]:
    """As a receipt tells it."""
    at = decision.decided_at.isoformat() if decision.decided_at else None
    return [decision.rating, at, decision.decided_by]


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
