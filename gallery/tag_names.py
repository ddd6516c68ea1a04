"""The names of tags in the database: their rows, other names for them, and what they imply.

Labels keep their own words. What a word means is asked for whenever an image's tags are written
(gallery.image_index) and whenever somebody names a tag; after a change of these rules the images
that it concerns are read anew (gallery.tag_derivation).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Value

from gallery.models import Tag
from gallery.tag_models import TagAlias, TagImplication
from gallery.tag_rules import TagRules, chain
from gallery.tags import normalised


class TagRefused(Exception):
    """What was asked of tags cannot be done; the text is the sentence for people.

    field: the name of what is wrong.
    """

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Ruled:
    """A rule as it stands, None if it was taken away. is_new: not if it was so before.

    concerns: ids of the tags whose images may have others now.
    """

    row: Any
    concerns: tuple[int, ...] = ()
    is_new: bool = False


def rows(names: Iterable[str]) -> dict[str, Tag]:
    """The tags of these (normalised) names, made where there is none. Inside a transaction.

    In the order of their names, so that two writers never wait for each other.
    """
    wanted = sorted({name for name in names if name})
    found = {tag.name: tag for tag in Tag.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            found[name], _ = Tag.objects.get_or_create(name=name)
    return found


def meaning(name: str) -> str:
    """The name of the tag that a (normalised) name stands for. One query."""
    return _aliases([name]).get(name, name)


def known(names: Iterable[str]) -> dict[str, int]:
    """The ids of the tags that (normalised) names stand for, without those that there are not.

    One query.
    """
    wanted = set(names)
    other = TagAlias.objects.filter(name__in=wanted).order_by()
    own = Tag.objects.filter(name__in=wanted).order_by()
    found: dict[str, int] = {}
    columns = other.values_list("name", "tag_id", Value(1)).union(
        own.values_list("name", "pk", Value(0)), all=True
    )
    for name, pk, is_alias in columns:
        if is_alias or name not in found:
            found[name] = pk
    return found


def rules_for(names: Iterable[str]) -> TagRules:
    """All that these (normalised) names mean: a query, and one more for each step of implying."""
    wanted = set(names)
    aliases = _aliases(wanted)
    implied: dict[str, set[str]] = defaultdict(set)
    seen: set[str] = set()
    waiting = {aliases.get(name, name) for name in wanted}
    while waiting:
        seen |= waiting
        found = TagImplication.objects.filter(tag__name__in=waiting).order_by()
        for name, other in found.values_list("tag__name", "implied__name"):
            implied[name].add(other)
        waiting = {other for name in waiting for other in implied.get(name, ())} - seen
    return TagRules(aliases, dict(implied))


def _aliases(names: Iterable[str]) -> dict[str, str]:
    wanted = set(names)
    if not wanted:
        return {}
    found = TagAlias.objects.filter(name__in=wanted).order_by()
    return dict(found.values_list("name", "tag__name"))


# --- Changing the rules --------------------------------------------------------------------------


@contextmanager
def _alone() -> Iterator[None]:
    """A transaction in which nobody else changes the rules: two changes could close a circle."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite has one writer in any case.
            with connection.cursor() as cursor:
                for model in (TagAlias, TagImplication):
                    table = model._meta.db_table
                    cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        yield


def add_alias(name: str, to: str, created_by: Any = None) -> Ruled:
    """Let a name stand for a tag from now on. Saying it twice changes nothing.

    What the name's own tag implied, and was implied by, goes over to the tag. Raises TagRefused.
    """
    name, to = _named(name, "name"), _named(to, "to")
    with _alone():
        target_name = meaning(to)
        if name == to:
            raise TagRefused("A tag is no alias of itself.", "name")
        if name == target_name:
            raise TagRefused(
                f"“{to}” is an alias of “{name}” already; both would stand for each other.", "to"
            )
        known_alias = TagAlias.objects.filter(name=name).select_related("tag").first()
        if known_alias is not None:
            if known_alias.tag.name == target_name:
                return Ruled(known_alias)
            raise TagRefused(
                f"“{name}” is an alias of “{known_alias.tag.name}” already. Remove that first.",
                "name",
            )
        own = Tag.objects.filter(name=name).first()
        if own is not None:
            _refuse_circle_of_one(name, target_name)
        target = rows([target_name])[target_name]
        concerns = () if own is None else _hand_over(own, target)
        alias = TagAlias.objects.create(name=name, tag=target, created_by=_person(created_by))
    return Ruled(alias, concerns, is_new=True)


def _refuse_circle_of_one(name: str, target: str) -> None:
    """As one tag they must not imply each other over a third."""
    implied = rules_for([name, target]).implied
    for start, goal in ((name, target), (target, name)):
        between = chain(start, goal, {**implied, start: implied.get(start, set()) - {goal}})
        if between:
            raise TagRefused(
                f"“{start}” implies “{goal}” over others ({' → '.join(between)}): as one tag they "
                "would imply each other. Remove one of these implications first.",
                "to",
            )


def _hand_over(own: Tag, target: Tag) -> tuple[int, ...]:
    """Aliases and implications of a tag that becomes another's name; the tags that it concerns."""
    TagAlias.objects.filter(tag=own).update(tag=target)
    concerns = [own.pk]
    if own.implications.exists():
        concerns.append(target.pk)
    for row in [*own.implications.all(), *own.implied_by.all()]:
        pair = (
            target.pk if row.tag_id == own.pk else row.tag_id,
            target.pk if row.implied_id == own.pk else row.implied_id,
        )
        there = TagImplication.objects.filter(tag=pair[0], implied=pair[1]).exists()
        if pair[0] == pair[1] or there:
            row.delete()
        else:
            TagImplication.objects.filter(pk=row.pk).update(tag=pair[0], implied=pair[1])
    return tuple(concerns)


def remove_alias(alias: TagAlias) -> Ruled:
    """Let the name stand for itself again."""
    with _alone():
        own = Tag.objects.filter(name=alias.name).values_list("pk", flat=True)
        concerns = (alias.tag_id, *own)
        alias.delete()
    return Ruled(None, concerns)


def add_implication(tag: str, implied: str, created_by: Any = None) -> Ruled:
    """Let whatever carries the one tag carry the other. Saying it twice changes nothing.

    Aliases stand for their tags. Raises TagRefused, for circles too.
    """
    tag, implied = _named(tag, "tag"), _named(implied, "implied")
    with _alone():
        first, second = meaning(tag), meaning(implied)
        if first == second:
            told = "A tag implies itself in any case."
            if tag != implied:
                told = f"“{tag}” and “{implied}” are one tag: one is an alias of the other."
            raise TagRefused(told, "implied")
        back = chain(second, first, rules_for([second]).implied)
        if back:
            raise TagRefused(
                f"“{second}” implies “{first}” already ({' → '.join(back)}): that would be a "
                "circle.",
                "implied",
            )
        found = rows([first, second])
        row, is_new = TagImplication.objects.get_or_create(
            tag=found[first], implied=found[second], defaults={"created_by": _person(created_by)}
        )
    return Ruled(row, (row.tag_id,) if is_new else (), is_new)


def remove_implication(row: TagImplication) -> Ruled:
    with _alone():
        row.delete()
    return Ruled(None, (row.tag_id,))


def _named(text: str, field: str) -> str:
    name = normalised(text)
    if not name:
        raise TagRefused("Write a word; signs alone are no tag.", field)
    return name


def _person(user: Any) -> Any:
    return user if getattr(user, "pk", None) else None
