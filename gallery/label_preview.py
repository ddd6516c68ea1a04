"""What a change of tags or captions would do, counted and shown before it is made."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from gallery import tag_names
from gallery.label_changes import COUNTED_AT_MOST, Action, Change, checked, work_of
from gallery.label_steps import Effect
from gallery.models import Image, Label, Tag
from gallery.selections import Selection
from gallery.tag_counts import TooManyImages
from gallery.tag_names import TagRefused
from gallery.tag_rules import TagRules, chain
from imagineer.words import thin

# So many changed images are counted, more are said to be "1 000+"; so many are looked at for them.
CHANGED_AT_MOST = 1000
LOOKED_AT = 5000
SAMPLES = 6
_PART = 250
Thing = TypeVar("Thing", str, tuple[str, str])


@dataclass(frozen=True)
class Sample:
    """One image. before, after: its tags, or its caption alone."""

    image: Image
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Silenced:
    """Labels whose tag goes; they keep their words. source: whose they are."""

    source: str
    text: str
    count: int


@dataclass(frozen=True)
class Preview:
    """images: how many would be changed, is_more: at least so many.

    off: the tags that go, on: the tags or captions by hand that come, each with how many images;
    tags: how many tags a pruning takes off. All of it is counted among ``images``.
    """

    images: int
    is_more: bool
    off: tuple[tuple[str, int], ...]
    on: tuple[tuple[str, int], ...]
    silenced: tuple[Silenced, ...]
    notes: tuple[str, ...]
    samples: tuple[Sample, ...]
    tags: int | None = None


def preview(change: Change, selection: Selection) -> Preview:
    """Nothing is written. Raises TagRefused, and SelectionRefused."""
    change = checked(change)
    selection.check()
    try:
        work = work_of(
            change,
            selection,
            images_at_most=COUNTED_AT_MOST,
            tags_at_most=CHANGED_AT_MOST + 1,
        )
    except TooManyImages:
        raise TagRefused(
            f"Tags are counted before they are pruned, among at most {thin(COUNTED_AT_MOST)} "
            "pictures. Choose fewer, or the whole gallery, whose counts are kept.",
            "selection",
        ) from None
    found: dict[int, Effect] = {}
    looked_at = 0
    is_more = False
    for part in work.parts(_PART):
        for effect in work.effects(part, None):
            found.setdefault(effect.image, effect)
        looked_at += len(part)
        is_more = len(found) > CHANGED_AT_MOST or looked_at >= LOOKED_AT
        if is_more:
            break
    effects = list(found.values())[:CHANGED_AT_MOST]
    return Preview(
        images=len(effects),
        is_more=is_more,
        off=_counted(name for effect in effects for name in effect.rejects),
        on=_coming(change, effects),
        silenced=_silenced(effects),
        notes=tuple(_notes(change)),
        samples=_samples(effects[:SAMPLES]),
        tags=None if work.tags is None else len(work.tags),
    )


def _counted(things: Iterable[Thing]) -> tuple[tuple[Thing, int], ...]:
    counts = Counter(things)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _coming(change: Change, effects: list[Effect]) -> tuple[tuple[str, int], ...]:
    if change.action == Action.PREFIX:
        return ((change.trigger_word, len(effects)),) if effects else ()
    return _counted(label.text for effect in effects for label in effect.writes)


def _silenced(effects: list[Effect]) -> tuple[Silenced, ...]:
    counts = _counted(said for effect in effects for said in effect.silenced)
    return tuple(
        Silenced(Label.Source(source).label, text, number) for (source, text), number in counts
    )


def _samples(effects: list[Effect]) -> tuple[Sample, ...]:
    images = Image.objects.in_bulk([effect.image for effect in effects])
    return tuple(
        Sample(images[effect.image], effect.before, effect.after)
        for effect in effects
        if effect.image in images
    )


def _notes(change: Change) -> list[str]:
    """What an admin should know of the tags' rules before the change is made."""
    if change.action in (Action.PRUNE, Action.PREFIX):
        return []
    names = [*change.tags, *([change.to] if change.to else [])]
    rules = tag_names.rules_for(names)
    carried = {
        tag.name for tag in Tag.objects.filter(name__in=rules.meant(change.tags)) if tag.live_count
    }
    notes = [
        f"“{name}” is an alias: “{rules.meaning(name)}” is meant."
        for name in names
        if rules.meaning(name) != name
    ]
    if change.action != Action.ADD:
        notes += [
            f"No picture carries “{name}”." for name in sorted(rules.meant(change.tags) - carried)
        ]
        notes += _staying(change, rules)
    return notes


def _staying(change: Change, rules: TagRules) -> list[str]:
    """Which tags are there afterwards although one might not expect it."""
    off = {rules.meaning(name) for name in change.tags}
    to = rules.meaning(change.to) if change.to else ""
    notes = [
        f"“{to}” implies “{name}”, which stays with it."
        for name in sorted(off - {to})
        if to and chain(to, name, rules.implied)
    ]
    for name in sorted(off - {to}):
        others = sorted(rules.implied.get(name, set()) - off - {to})
        if others:
            told = ", ".join(f"“{other}”" for other in others[:5])
            notes.append(f"What “{name}” implies stays: {told}.")
    return notes
