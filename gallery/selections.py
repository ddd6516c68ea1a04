"""Which images a change is made of: an album's, chosen ones, what a search finds, or all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gallery import bulk, full_text, search
from gallery.full_text import Node
from gallery.models import Album, Exposure, Image
from gallery.search_query import SearchRefused, parse

Narrowed = Callable[[Node], Node]


class SelectionRefused(Exception):
    """It names no images, or none that there are; the text is the sentence for people.

    field: the name of what is wrong.
    """

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Selection:
    """One of the four. album: its id; images: ids; q: as in the search field.

    An album and a search mean what they hold when they are asked: what comes in before a job
    gets there is changed too.
    """

    album: int | None = None
    images: tuple[int, ...] = ()
    q: str = ""
    everything: bool = False

    @classmethod
    def from_params(cls, told: dict[str, Any]) -> "Selection":
        """What :meth:`params` wrote."""
        return cls(**{**told, "images": tuple(bulk.from_ranges(told.get("images", "")))})

    def params(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "album": self.album,
            "images": bulk.to_ranges(self.images),
            "q": self.q,
            "everything": self.everything,
        }

    def check(self) -> None:
        """Raises SelectionRefused unless it names images in one way."""
        ways = [self.album is not None, bool(self.images), bool(self.q), self.everything]
        if sum(ways) != 1:
            raise SelectionRefused(
                "Name the pictures in one way: an album, chosen pictures, a search, or all.",
                "selection",
            )
        if self.album is not None and not Album.objects.filter(pk=self.album).exists():
            raise SelectionRefused("There is no such album.", "selection.album_id")
        if self.q:
            try:
                query = parse(self.q)
            except SearchRefused as refused:
                raise SelectionRefused(str(refused), "selection.q") from None
            if not query:
                raise SelectionRefused("Name at least one word to search for.", "selection.q")

    def described(self) -> str:
        """In words, as they stand behind "in" or "of"."""
        if self.album is not None:
            name = Album.objects.filter(pk=self.album).values_list("name", flat=True).first()
            return "an album that is gone" if name is None else f"“{name}”"
        if self.q:
            return f"what “{self.q}” finds"
        return bulk.counted(len(self.images)) if self.images else "the whole gallery"

    def parts(self, size: int, narrowed: Narrowed = lambda node: node) -> Iterator[list[int]]:
        """The ids of its images, without those in the trash; chosen ones in the order they have.

        Others in a walk along the index from the newest on, which changes made behind it do not
        disturb. narrowed: a further question to the index; chosen ones are not narrowed by it.
        """
        if self.images:
            yield from _live_parts(self.images, size)
            return
        node = self._node()
        before = None
        while node is not None:
            pks = full_text.image_ids(narrowed(node), size, before)
            if not pks:
                return
            yield pks
            before = pks[-1]

    def _node(self) -> Node | None:
        """What the index is asked; None if nothing can match."""
        if self.q:
            return search.expression_for_admin(parse(self.q))
        if self.album is not None:
            return search.fact("album", self.album)
        return search.fact("most", Exposure.PRIVATE.value)


def _live_parts(image_ids: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(image_ids), size):
        part = image_ids[start : start + size]
        live = set(Image.objects.filter(pk__in=part).values_list("pk", flat=True))
        yield [pk for pk in part if pk in live]
