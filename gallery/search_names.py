"""What images are found by besides their own words: the names of albums and LoRAs.

A document holds no such name but the number of its owner, and a search puts the numbers of all
that bear a name in its place. So a rename, or making an album private, is one small row, at once,
however many pictures are in it. The rooms above register theirs in ``ready()``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from gallery.models import SearchName
from gallery.search_words import texts, token_of, tsvector

Pairs = Iterable[tuple[int, int]]
# Of each word of a search so many names are looked into, the newest.
MOST_MATCHES = 300


@dataclass(frozen=True)
class Named:
    """A kind of thing with a name that puts images somewhere.

    key: what stands before the colon in a search. members: of some images, (image id, owner id).
    name: the owner's name, or None where it is not searched by. is_public: whether visitors may
    know it. facet: of some images, (name, number) of the owners by which a search can be narrowed
    down, the most frequent first; its second argument says whether private ones count too.
    """

    key: str
    model: type[Model]
    members: Callable[[Sequence[int]], Pairs]
    name: Callable[[Any], str | None]
    is_public: Callable[[Any], bool]
    facet: Callable[[Sequence[int], bool], Iterable[tuple[str, int]]] | None = None
    facet_title: str = ""


_registered: dict[str, Named] = {}
# The token beside the words of a name that visitors may know.
PUBLIC = token_of("public", 1)


def bearer(key: str) -> str:
    """The token beside a name's own words: what bears it."""
    return token_of("key", key)


def register(named: Named) -> None:
    """Let images be found by these names."""
    _registered[named.key] = named
    uid = f"search_names.{named.key}"
    post_save.connect(_saved, sender=named.model, dispatch_uid=uid)
    post_delete.connect(_deleted, sender=named.model, dispatch_uid=uid)


def registered() -> tuple[Named, ...]:
    return tuple(_registered.values())


def _of(model: type[Model]) -> Named:
    return next(named for named in _registered.values() if named.model is model)


def _saved(sender: type[Model], instance: Any, raw: bool = False, **_: Any) -> None:
    if not raw:
        write(_of(sender), instance)


def write(named: Named, owner: Any) -> None:
    """Make the row follow its owner."""
    name = named.name(owner)
    if name is None:
        SearchName.objects.filter(key=named.key, owner_id=owner.pk).delete()
        return
    words = " ".join(
        (texts([name]), bearer(named.key), *([PUBLIC] if named.is_public(owner) else []))
    )
    row, _ = SearchName.objects.update_or_create(
        key=named.key,
        owner_id=owner.pk,
        defaults={"words": words},
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE gallery_searchname SET vector = %s::tsvector WHERE id = %s",
                [tsvector({"A": words}), row.pk],
            )


def write_missing() -> None:
    """Write the rows of owners that have none, for a database older than this table."""
    for named in registered():
        known = SearchName.objects.filter(key=named.key).values("owner_id")
        for owner in named.model._default_manager.exclude(pk__in=known).iterator():
            write(named, owner)


def _deleted(sender: type[Model], instance: Any, **_: Any) -> None:
    SearchName.objects.filter(key=_of(sender).key, owner_id=instance.pk).delete()
