"""What a change does to images, written down step by step so that it can be undone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from gallery import image_index, tag_names
from gallery.models import Label
from gallery.tag_models import LabelChange, LabelChangeStep, RejectedTag

Kind = LabelChangeStep.Kind
# So long can a change be undone; then its steps are forgotten.
KEPT = timedelta(days=30)
_PART = 500


@dataclass(frozen=True)
class Effect:
    """What becomes of one image.

    writes: labels to be made; unpins: ids of labels; rejects, accepts: names of tags that are taken
    off it, and that stand again. For people: the words before and after (its tags, or its caption),
    and silenced: (source, words) of the labels whose tag goes.
    """

    image: int
    writes: tuple[Label, ...] = ()
    unpins: tuple[int, ...] = ()
    rejects: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    silenced: tuple[tuple[str, str], ...] = ()


def write(change: LabelChange, effects: Sequence[Effect]) -> None:
    """Do it, note each step at the change, and count the images. Inside a transaction."""
    if not effects:
        return
    names = {name for effect in effects for name in (*effect.rejects, *effect.accepts)}
    tags = tag_names.rows(names)
    steps = []
    for effect in effects:
        steps += [_step(change, effect, Kind.UNPINNED, label_id=pk) for pk in effect.unpins]
        for kind, words in ((Kind.REJECTED, effect.rejects), (Kind.ACCEPTED, effect.accepts)):
            steps += [_step(change, effect, kind, tag=tags[name]) for name in words]
    # Who had pinned them stays on their rows, for the undo.
    Label.objects.filter(pk__in=[pk for effect in effects for pk in effect.unpins]).update(
        is_pinned=False
    )
    made = Label.objects.bulk_create(label for effect in effects for label in effect.writes)
    steps += [
        LabelChangeStep(
            change=change, image_id=label.image_id, kind=Kind.WROTE, label=label, words=label.text
        )
        for label in made
    ]
    _reject([step for step in steps if step.kind == Kind.REJECTED], change.created_by_id)
    _accept([step for step in steps if step.kind == Kind.ACCEPTED])
    LabelChangeStep.objects.bulk_create(steps, batch_size=_PART)
    LabelChange.objects.filter(pk=change.pk).update(
        images=F("images") + len(effects), has_steps=True
    )
    image_index.refresh(effect.image for effect in effects)


def _step(change: LabelChange, effect: Effect, kind: str, **what: Any) -> LabelChangeStep:
    return LabelChangeStep(change=change, image_id=effect.image, kind=kind, **what)


def _reject(steps: Iterable[LabelChangeStep], by: int | None) -> None:
    RejectedTag.objects.bulk_create(
        (
            RejectedTag(image_id=step.image_id, tag_id=step.tag_id, rejected_by_id=by)
            for step in steps
            if step.tag_id is not None
        ),
        ignore_conflicts=True,
    )


def _accept(steps: Sequence[LabelChangeStep]) -> None:
    wanted = {(step.image_id, step.tag_id) for step in steps}
    rows = RejectedTag.objects.filter(
        image__in={image for image, _ in wanted}, tag__in={tag for _, tag in wanted}
    )
    pks = [row.pk for row in rows if (row.image_id, row.tag_id) in wanted]
    RejectedTag.objects.filter(pk__in=pks).delete()


def undo(change: LabelChange, report: Callable[[int], None] = lambda done: None) -> int:
    """Take all its steps back, the last first; how many there were.

    report(done) is called between parts and may raise to stop; the same call made again does the
    rest. A label whose words were changed since stays.
    """
    done = 0
    while True:
        report(done)
        with transaction.atomic():
            steps = list(change.steps.order_by("-id")[:_PART])
            if not steps:
                LabelChange.objects.filter(pk=change.pk).update(has_steps=False)
                return done
            _take_back(steps, change.created_by_id)
        done += len(steps)


def _take_back(steps: Sequence[LabelChangeStep], by: int | None) -> None:
    of_kind = {kind: [step for step in steps if step.kind == kind] for kind in Kind.values}
    words = {step.label_id: step.words for step in of_kind[Kind.WROTE] if step.label_id}
    written = Label.objects.filter(pk__in=words).values_list("pk", "text")
    unedited = [pk for pk, text in written if text == words[pk]]
    LabelChangeStep.objects.filter(pk__in=[step.pk for step in steps]).delete()
    Label.objects.filter(pk__in=unedited).delete()
    _accept(of_kind[Kind.REJECTED])
    _reject(of_kind[Kind.ACCEPTED], by)
    _pin_again([step.label_id for step in of_kind[Kind.UNPINNED] if step.label_id])
    image_index.refresh(step.image_id for step in steps)


def _pin_again(label_ids: Iterable[int]) -> None:
    """Unless another label of the kind was pinned meanwhile."""
    before = list(Label.objects.filter(pk__in=list(label_ids)))
    images = [label.image_id for label in before]
    now = Label.objects.filter(image__in=images, is_pinned=True).values_list("image_id", "kind")
    taken = set(now)
    free = [label.pk for label in before if (label.image_id, label.kind) not in taken]
    Label.objects.filter(pk__in=free).update(is_pinned=True)


def forget_old(check: Callable[[], None] = lambda: None) -> int:
    """Forget the steps of changes that are too old to be undone; how many.

    check is called between parts; what it raises passes.
    """
    forgotten = 0
    old = LabelChange.objects.filter(created_at__lt=timezone.now() - KEPT, has_steps=True)
    for change in old.order_by("pk"):
        while True:
            check()
            pks = list(change.steps.values_list("pk", flat=True)[:_PART])
            if not pks:
                break
            forgotten += len(pks)
            LabelChangeStep.objects.filter(pk__in=pks).delete()
        LabelChange.objects.filter(pk=change.pk).update(has_steps=False)
    return forgotten
