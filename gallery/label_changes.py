"""One change of the tags or captions of many images: previewed, made, undone.

Where few images are concerned it is made at once, else by a job; either way in parts, each in one
transaction with the steps that undo it (gallery.label_steps). Made again it does the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from gallery import caption_prefix, label_steps, tag_changes, tag_counts, tag_names
from gallery.caption_words import LONGEST_TRIGGER, one_line
from gallery.label_steps import Effect
from gallery.models import Image
from gallery.selections import Selection
from gallery.tag_changes import TagChange
from gallery.tag_counts import TooManyImages
from gallery.tag_models import LabelChange
from gallery.tag_names import TagRefused
from gallery.tags import normalised
from imagineer.jobs.models import Job
from imagineer.jobs.submit import submit
from imagineer.texts import is_line
from imagineer.words import thin

KIND = "gallery.change_labels"
Action = LabelChange.Action
AT_ONCE = 200
# Of a selection that is larger, only a job counts the tags.
COUNTED_AT_MOST = tag_counts.COUNTED_AT_MOST
MOST_TAGS = 50
MOST_FEWER_THAN = 1_000_000
_PART = 200
_COUNTING_PART = 10_000

# What each action takes; all of it is needed.
TAKES: dict[str, tuple[str, ...]] = {
    Action.ADD: ("tags",),
    Action.REMOVE: ("tags",),
    Action.RENAME: ("tags", "to"),
    Action.MERGE: ("tags", "to"),
    Action.PRUNE: ("fewer_than",),
    Action.PREFIX: ("trigger_word",),
}
_NEEDED = {
    "tags": "Name at least one tag.",
    "to": "Name the tag that it becomes.",
    "fewer_than": f"Write from how many pictures on a tag stays: 2 to {thin(MOST_FEWER_THAN)}.",
    "trigger_word": "Write the trigger word.",
}

Report = Callable[[int, int], None]


class UndoRefused(Exception):
    """The change cannot be undone (any more); the text is the sentence for people."""


@dataclass(frozen=True)
class Change:
    """What is asked for. fewer_than: tags on fewer of the images go."""

    action: str
    tags: tuple[str, ...] = ()
    to: str = ""
    fewer_than: int = 0
    trigger_word: str = ""


def checked(change: Change) -> Change:
    """The change with its tags in their one spelling. Raises TagRefused for what makes no sense."""
    takes = TAKES[change.action]
    for field, needed in _NEEDED.items():
        given = getattr(change, field)
        if field not in takes and given:
            raise TagRefused(f"The action {change.action} takes no {field}.", field)
        if field in takes and not given:
            raise TagRefused(needed, field)
    if len(change.tags) > MOST_TAGS:
        raise TagRefused(f"At most {MOST_TAGS} tags at once, not {len(change.tags)}.", "tags")
    tags = tuple(dict.fromkeys(normalised(tag) for tag in change.tags))
    to = normalised(change.to)
    if "" in tags:
        raise TagRefused("Write words; signs alone are no tag.", "tags")
    if change.to and not to:
        raise TagRefused("Write a word; signs alone are no tag.", "to")
    if change.action == Action.RENAME and len(tags) != 1:
        raise TagRefused("Rename one tag; several become one by merging.", "tags")
    if "fewer_than" in takes and not 2 <= change.fewer_than <= MOST_FEWER_THAN:
        raise TagRefused(_NEEDED["fewer_than"], "fewer_than")
    word = one_line(change.trigger_word)
    if len(word) > LONGEST_TRIGGER or not is_line(word):
        raise TagRefused(
            f"A trigger word is one line of at most {LONGEST_TRIGGER} characters.", "trigger_word"
        )
    rules = tag_names.rules_for({*tags, to} - {""})
    if to and rules.meant(tags) == {rules.meaning(to)}:
        raise TagRefused(f"That is “{rules.meaning(to)}” already; name another tag.", "to")
    return replace(change, tags=tags, to=to, trigger_word=word)


def title_of(change: Change, selection: Selection) -> str:
    """What it does, for lists."""
    tags = ", ".join(f"“{tag}”" for tag in change.tags[:3])
    if len(change.tags) > 3:
        tags += f" and {len(change.tags) - 3} more"
    match Action(change.action):
        case Action.ADD:
            told = f"Add {tags} to"
        case Action.REMOVE:
            told = f"Remove {tags} from"
        case Action.RENAME:
            told = f"Rename {tags} to “{change.to}” in"
        case Action.MERGE:
            told = f"Merge {tags} into “{change.to}” in"
        case Action.PRUNE:
            told = f"Prune tags on fewer than {thin(change.fewer_than)} pictures from"
        case Action.PREFIX:
            told = f"Put “{change.trigger_word}” before the captions of"
    return f"{told} {selection.described()}"[:200]


@dataclass(frozen=True)
class Work:
    """parts(size): ids of images that may be changed; effects(ids, by): what becomes of them.

    tags: of a pruning, how many pictures carry each tag that goes.
    """

    parts: Callable[[int], Iterator[list[int]]]
    effects: Callable[[Sequence[int], Any], list[Effect]]
    tags: dict[str, int] | None = None


def work_of(
    change: Change,
    selection: Selection,
    *,
    images_at_most: int | None = None,
    tags_at_most: int | None = None,
) -> Work:
    """Raises TooManyImages where tags of more images than that would have to be counted."""
    if change.action == Action.PREFIX:
        return Work(
            partial(caption_prefix.parts, selection),
            partial(caption_prefix.effects, change.trigger_word),
        )
    rare: dict[str, int] | None = None
    if change.action == Action.PRUNE:
        rare = tag_counts.rare(
            selection,
            change.fewer_than,
            images_at_most=images_at_most,
            tags_at_most=tags_at_most,
        )
        wanted = TagChange(off=frozenset(rare))
    else:
        rules = tag_names.rules_for({*change.tags, change.to} - {""})
        tags = frozenset(rules.meant(change.tags))
        to = frozenset({rules.meaning(change.to)} - {""})
        if change.action == Action.ADD:
            wanted = TagChange(on=tags, everywhere=True)
        else:
            wanted = TagChange(off=tags - to, on=to)
    return Work(
        partial(tag_changes.parts, wanted, selection), partial(tag_changes.effects, wanted), rare
    )


# --- Making it -----------------------------------------------------------------------------------


def start(change: Change, selection: Selection, *, created_by: Any = None) -> LabelChange | None:
    """Make the change, or ask a job for it if it is much; None if nothing is to be changed.

    Raises TagRefused, and SelectionRefused.
    """
    change = checked(change)
    selection.check()
    row = LabelChange(
        action=change.action,
        asked={**asdict(change), "selection": selection.params()},
        title=title_of(change, selection),
        created_by=created_by if getattr(created_by, "pk", None) else None,
    )
    try:
        work = work_of(change, selection, images_at_most=COUNTED_AT_MOST)
    except TooManyImages:
        return _by_job(row)
    few = list(islice(chain.from_iterable(work.parts(AT_ONCE + 1)), AT_ONCE + 1))
    if len(few) > AT_ONCE:
        return _by_job(row)
    with transaction.atomic():
        row.save()
        if not _apply(row, work, few):
            row.delete()
            return None
    row.refresh_from_db()
    return row


def _by_job(row: LabelChange) -> LabelChange:
    with transaction.atomic():
        row.save()
        row.job = submit(
            KIND, title=row.title, params={"change": row.pk}, created_by=row.created_by
        )
        row.save(update_fields=["job"])
    return row


def run(row: LabelChange, report: Report) -> int:
    """Make a change that was written down; how many images it has changed by now.

    report(done, total) is called between parts and may raise to stop.
    """
    change, selection = _asked(row)
    work = work_of(change, selection)
    report(0, 0)
    total = sum(len(part) for part in work.parts(_COUNTING_PART))
    done = 0
    for part in work.parts(_PART):
        report(done, total)
        _apply(row, work, part)
        done += len(part)
    report(done, done)
    row.refresh_from_db()
    return row.images


def _asked(row: LabelChange) -> tuple[Change, Selection]:
    asked = dict(row.asked)
    selection = Selection.from_params(asked.pop("selection"))
    return Change(**{**asked, "tags": tuple(asked["tags"])}), selection


def _apply(row: LabelChange, work: Work, image_ids: Sequence[int]) -> int:
    """One part, in a transaction; how many images were changed."""
    with transaction.atomic():
        # Two changes of one image take turns, so that neither says again what the other said.
        locked = Image.objects.select_for_update().filter(pk__in=image_ids).order_by("pk")
        live = set(locked.values_list("pk", flat=True))
        effects = work.effects(
            [pk for pk in dict.fromkeys(image_ids) if pk in live], row.created_by
        )
        label_steps.write(row, effects)
    return len(effects)


# --- Undoing it ----------------------------------------------------------------------------------


def last_undoable() -> LabelChange | None:
    """The newest change that stands, if it is not too old: those before it are undone after it."""
    standing = LabelChange.objects.filter(undone_at=None, has_steps=True).order_by("-id").first()
    if standing is None or timezone.now() - standing.created_at > label_steps.KEPT:
        return None
    return standing


def undo(row: LabelChange, *, asked_by: Any = None) -> Job | None:
    """Take back the last change, by a job if it is much. Raises UndoRefused."""
    with transaction.atomic():
        if row.undone_at is not None:
            raise UndoRefused("This change was undone before.")
        if Job.objects.unended().filter(kind=KIND).exists():
            raise UndoRefused(
                "A change of labels is being made or undone. Wait for its job, or cancel it."
            )
        if last_undoable() != row:
            raise UndoRefused(
                "Only the last change can be undone, within "
                f"{label_steps.KEPT.days} days; a later one stands, or its steps are forgotten."
            )
        steps = row.steps.values_list("pk", flat=True)[: AT_ONCE * 2 + 1].count()
        standing = LabelChange.objects.filter(pk=row.pk, undone_at=None)
        if not standing.update(undone_at=timezone.now()):
            raise UndoRefused("This change was undone before.")
        if steps > AT_ONCE * 2:
            return submit(
                KIND,
                title=f"Undo: {row.title}",
                params={"change": row.pk, "undo": True},
                created_by=asked_by,
            )
        label_steps.undo(row)
    return None
