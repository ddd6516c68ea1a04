"""Tags put on many images and taken off them, beside what labels say: no label is changed.

A tag comes as a label by hand. A tag goes as an admin's word against it (gallery.rejected_tags), so
that it stays off whoever says it again; what it implies stays.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gallery import tag_names
from gallery.full_text import AllOf, AnyOf, Node
from gallery.image_tags import TAG_KINDS, Spoken, rules_of, spoken_of
from gallery.label_steps import Effect
from gallery.models import ImageTag, Label
from gallery.search import tagged
from gallery.selections import Selection
from gallery.tag_rules import TagRules, closure
from gallery.tags import normalised

# The index is asked for so many tags at once.
_ASKED = 50


@dataclass(frozen=True)
class TagChange:
    """Names of tags, no aliases. off: those that go; on: those that come.

    everywhere: they come to every image, else only to those that carry one of ``off``.
    """

    off: frozenset[str] = frozenset()
    on: frozenset[str] = frozenset()
    everywhere: bool = False


def parts(change: TagChange, selection: Selection, size: int) -> Iterator[list[int]]:
    """The ids of the images that may be changed; one that carries many tags may come again."""
    if change.everywhere:
        here = tag_names.known(change.on)
        there = tuple(tagged(pk) for pk in here.values())
        if len(here) < len(change.on):
            yield from selection.parts(size)
        else:
            # Who carries all of them already is passed over.
            yield from selection.parts(size, lambda node: AllOf((node,), (AllOf(there),)))
        return
    wanted = sorted(tag_names.known(change.off).values())
    for start in range(0, len(wanted), _ASKED):
        some = wanted[start : start + _ASKED]
        for pks in selection.parts(size, _carrying(some)):
            yield _with_tags(pks, some) if selection.images else pks


def _carrying(tag_ids: Sequence[int]) -> Any:
    def narrowed(node: Node) -> Node:
        return AllOf((node, AnyOf(tuple(tagged(pk) for pk in tag_ids))))

    return narrowed


def _with_tags(image_ids: Sequence[int], tag_ids: Sequence[int]) -> list[int]:
    uses = ImageTag.objects.filter(image__in=image_ids, tag__in=tag_ids)
    carrying = set(uses.values_list("image_id", flat=True))
    return [pk for pk in image_ids if pk in carrying]


def effects(change: TagChange, image_ids: Sequence[int], by: Any = None) -> list[Effect]:
    """What becomes of these images; of one that stays as it is, nothing is said."""
    labels: dict[int, list[Label]] = {pk: [] for pk in image_ids}
    for label in Label.objects.filter(image__in=image_ids, kind__in=TAG_KINDS).order_by("pk"):
        labels[label.image_id].append(label)
    spoken = spoken_of(labels)
    rules = rules_of(spoken.values(), change.off | change.on)
    found = []
    for pk in image_ids:
        planned = plan(spoken[pk], rules, change)
        if planned.changes_something:
            found.append(_effect(pk, spoken[pk], rules, planned, labels[pk], by))
    return found


@dataclass(frozen=True)
class Plan:
    """Names of tags. going: taken off; written: said by hand; accepted: no longer taken off."""

    going: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()

    @property
    def changes_something(self) -> bool:
        return bool(self.going or self.written or self.accepted)


def plan(spoken: Spoken, rules: TagRules, change: TagChange) -> Plan:
    """What is to be done to an image of which this is said. Pure; done again, nothing is left.

    What a coming tag implies does not go.
    """
    carried = spoken.carried(rules)
    meets = carried & change.off
    going = meets - closure(change.on, rules.implied)
    coming: set[str] = set()
    if change.everywhere:
        coming = set(change.on) - carried
    elif meets:
        coming = set(change.on)
    accepted = {name for name in spoken.rejected if rules.meaning(name) in coming}
    written = coming - rules.meant(spoken.said)
    return Plan(frozenset(going), frozenset(written), frozenset(accepted))


def _effect(
    image: int, spoken: Spoken, rules: TagRules, planned: Plan, labels: Sequence[Label], by: Any
) -> Effect:
    after = Spoken(
        spoken.said | planned.written, (spoken.rejected - planned.accepted) | planned.going
    )
    heard = defaultdict(list)
    for label in labels:
        heard[rules.meaning(normalised(label.text))].append((label.source, label.text))
    return Effect(
        image=image,
        writes=tuple(
            Label(
                image_id=image,
                kind=Label.Kind.TAG,
                text=name,
                source=Label.Source.MANUAL,
                created_by_id=getattr(by, "pk", None),
            )
            for name in sorted(planned.written)
        ),
        rejects=tuple(sorted(planned.going)),
        accepts=tuple(sorted(planned.accepted)),
        before=tuple(sorted(spoken.carried(rules))),
        after=tuple(sorted(after.carried(rules))),
        silenced=tuple(said for name in sorted(planned.going) for said in heard[name]),
    )
