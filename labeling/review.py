"""What is there to review, in which order, and all that is known of each picture in it.

A queue is walked along the search index, in the order of ids: filters, an album and words are one
question to it (:mod:`gallery.full_text`), so the next picture costs the same among a million.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import Prefetch

from gallery import full_text, label_history, search
from gallery.full_text import AllOf, Node
from gallery.image_tags import TAG_KINDS, Spoken, rules_of, spoken_of
from gallery.label_facts import is_disputed
from gallery.label_history import Told
from gallery.models import Album, FormerLabel, Image, Label
from gallery.search_query import SearchRefused, parse
from gallery.tag_rules import TagRules
from gallery.tags import normalised
from gallery.token_count import TokenCount, counter
from imagineer.problems import invalid
from imagineer.texts import has_control
from imagineer.words import number_in
from labeling.review_filters import OPEN, ReviewFilter, review_filter

COUNTED_AT_MOST = 10_000
ORDERS = ("newest", "oldest")
NO_TOKENS = TokenCount(0)


@dataclass(frozen=True)
class Queue:
    """The pictures that somebody reviews. text: words as in a search; order: one of ORDERS."""

    filter: ReviewFilter
    album: Album | None = None
    text: str = ""
    order: str = "newest"

    @property
    def oldest_first(self) -> bool:
        return self.order == "oldest"

    def query(self, **changed: object) -> str:
        """As it stands in an address, with some of it changed; None takes a part away."""
        parts: dict[str, object] = {
            "filter": self.filter.key,
            "album": self.album.pk if self.album else None,
            "q": self.text or None,
            "order": self.order,
            **changed,
        }
        return urlencode({name: value for name, value in parts.items() if value is not None})

    def node(self) -> Node | None:
        """What the index is asked; None where nothing can match. Raises Problem 422."""
        try:
            said = search.expression_for_admin(parse(self.text))
        except SearchRefused as refused:
            raise invalid("q", str(refused)) from refused
        if said is None:
            return None
        also = [self.filter.node()]
        if self.album is not None:
            also.append(search.fact("album", self.album.pk))
        return AllOf((said, *(node for node in also if node is not None)))


def queue_of(asked: Mapping[str, str]) -> Queue:
    """The queue that an address names: filter, album (an id), q, order.

    An album is gone through from its oldest picture on, all else from the newest, if it does not
    say. Raises Problem 422 for what there is not.
    """
    chosen = review_filter(asked.get("filter", "") or OPEN)
    album = None
    if asked.get("album"):
        number = number_in(asked["album"])
        album = Album.objects.filter(pk=number).first() if number is not None else None
        if album is None:
            raise invalid("album", "There is no such album.")
    text = asked.get("q", "").strip()
    if has_control(text):
        raise invalid("q", "This text holds control characters; remove them.")
    order = asked.get("order", "") or ("oldest" if album else "newest")
    if order not in ORDERS:
        raise invalid("order", f"The order is one of {', '.join(ORDERS)}.")
    return Queue(chosen, album, text, order)


def image_ids(queue: Queue, size: int, *, behind: int | None = None) -> list[int]:
    """The first of the queue, or those that come behind an image; whether that is in it or not."""
    node = queue.node()
    if node is None:
        return []
    walk = full_text.oldest_image_ids if queue.oldest_first else full_text.image_ids
    return walk(node, size, behind)


def ids_before(queue: Queue, size: int, image_id: int) -> list[int]:
    """Those that come before an image, the nearest first."""
    node = queue.node()
    if node is None:
        return []
    walk = full_text.image_ids if queue.oldest_first else full_text.oldest_image_ids
    return walk(node, size, image_id)


def total(queue: Queue) -> int:
    """How many there are; COUNTED_AT_MOST + 1 for more than that."""
    node = queue.node()
    return 0 if node is None else full_text.count(node, COUNTED_AT_MOST + 1)


@dataclass(frozen=True)
class Place:
    """Where an image stands in a queue: 1 … total, both counted up to COUNTED_AT_MOST.

    is_more: there are more than total. previous, next: the ids beside it.
    """

    number: int
    total: int
    is_more: bool = False
    previous: int | None = None
    next: int | None = None


def place_of(queue: Queue, image_id: int) -> Place:
    """Of an image that was just reviewed as well, which is no longer in the queue."""
    node = queue.node()
    if node is None:
        return Place(1, 1)
    smaller, larger = (
        full_text.count(node, COUNTED_AT_MOST, operator, image_id) for operator in "<>"
    )
    newer, older = full_text.neighbours(node, image_id)
    before, after = (smaller, larger) if queue.oldest_first else (larger, smaller)
    previous, following = (older, newer) if queue.oldest_first else (newer, older)
    total = before + 1 + after
    return Place(
        min(before + 1, COUNTED_AT_MOST),
        min(total, COUNTED_AT_MOST),
        total > COUNTED_AT_MOST,
        previous,
        following,
    )


# --- What is known of a picture ------------------------------------------------------------------


@dataclass(frozen=True)
class Tagged:
    """A tag that the picture carries. sources: who said it, the first one first, as people read
    it; none where other tags of the picture imply it.
    """

    name: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """A picture with all that was said of it.

    captions: what stands, best first, then what is over; ratings: the last word of each labeler,
    and of persons; text: the words that speak for it, the prompt where there is no caption; note:
    what the filter has to say of it.
    """

    image: Image
    captions: tuple[Told, ...]
    tags: tuple[Tagged, ...]
    ratings: tuple[Label, ...]
    is_disputed: bool
    note: str = ""
    tokens: TokenCount = NO_TOKENS

    @property
    def chosen(self) -> Label | None:
        first = self.captions[0].said if self.captions and self.captions[0].is_chosen else None
        return first if isinstance(first, Label) else None

    @property
    def seen(self) -> str:
        """The words of the caption that counts; empty without one."""
        return self.chosen.text.strip() if self.chosen else ""

    @property
    def text(self) -> str:
        return self.seen or self.image.prompt.strip()

    @property
    def is_reviewed(self) -> bool:
        return self.chosen is not None and self.chosen.is_pinned

    @property
    def others(self) -> list[Told]:
        """The captions that stand beside the one that counts."""
        return [told for told in self.captions if not told.is_chosen and told.former is None]

    @property
    def former(self) -> list[Told]:
        return [told for told in self.captions if told.former is not None]

    @property
    def read(self) -> str:
        """The part of the text that the text encoder reads."""
        return self.text if self.tokens.cut_at is None else self.text[: self.tokens.cut_at]

    @property
    def unread(self) -> str:
        return "" if self.tokens.cut_at is None else self.text[self.tokens.cut_at :]


def items(queue: Queue, image_ids: Sequence[int]) -> list[Item]:
    """The images of these ids in their order; those that are gone by now are left out."""
    people = ("created_by", "pinned_by")
    former = FormerLabel.objects.filter(kind=Label.Kind.CAPTION)
    rows = Image.objects.prefetch_related(
        Prefetch("labels", Label.objects.select_related(*people)),
        Prefetch("former_labels", former.select_related("created_by", "ended_by")),
    ).in_bulk(list(image_ids))
    images = [rows[pk] for pk in image_ids if pk in rows]
    notes = queue.filter.notes(images)
    spoken = spoken_of({image.pk: image.labels.all() for image in images})
    rules = rules_of(spoken.values())
    return _counted(
        [_item(image, spoken[image.pk], rules, notes.get(image.pk, "")) for image in images]
    )


def _item(image: Image, spoken: Spoken, rules: TagRules, note: str) -> Item:
    labels = list(image.labels.all())
    return Item(
        image,
        tuple(label_history.captions(labels, image.former_labels.all())),
        tuple(_tags(labels, spoken.carried(rules), rules)),
        tuple(_ratings(labels)),
        is_disputed(image.is_rating_decided, labels),
        note,
    )


def _counted(found: list[Item]) -> list[Item]:
    counts = counter().count([item.text for item in found])
    return [replace(item, tokens=count) for item, count in zip(found, counts, strict=True)]


def _tags(labels: Iterable[Label], carried: Set[str], rules: TagRules) -> list[Tagged]:
    said: dict[str, dict[str, None]] = {}
    for label in sorted(labels, key=lambda label: (label.created_at, label.pk)):
        name = rules.meaning(normalised(label.text)) if label.kind in TAG_KINDS else ""
        if name in carried:
            said.setdefault(name, {})[label.get_source_display()] = None
    told = [Tagged(name, tuple(sources)) for name, sources in said.items()]
    return told + [Tagged(name, ()) for name in sorted(carried - said.keys())]


def _ratings(labels: Iterable[Label]) -> list[Label]:
    """The newest of each labeler; of all persons together one."""
    newest: dict[tuple[str, str], Label] = {}
    for label in sorted(labels, key=lambda label: (label.created_at, label.pk)):
        if label.kind == Label.Kind.RATING:
            newest[label.source, label.model] = label
    return list(newest.values())
