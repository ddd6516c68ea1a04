"""The JSON API of reviewing: what there is to review; deciding is done by the labels' own API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from gallery import token_count
from gallery.models import Image, Label, Rating
from gallery.schemas import Id, LabelOut, SearchText
from imagineer.accounts.permissions import ADMIN
from imagineer.inputs import In
from imagineer.keyset import PAGE_SIZE, decode_cursor, encode_cursor
from imagineer.problems import invalid
from imagineer.texts import Text
from labeling import review
from labeling.review import Item, Queue

router = Router(tags=["labeling"])
TEXTS_AT_ONCE = 200
LONGEST_TEXT = 10_000


class TagOut(Schema):
    """A tag that the picture carries. sources: who said it; none where other tags imply it."""

    name: str
    sources: list[str]


class ReviewOut(Schema):
    """A picture with all that was said of it.

    caption: the one that counts; captions: all that stand, best first; prompt: what stands in for
    a caption. ratings: each labeler's last word, and the last by hand; is_disputed: they differ and
    nobody has decided. tokens, cut_at: as of POST /api/labeling/tokens, of the caption or prompt.
    note: what the filter has to say of the picture.
    """

    id: int
    url: str
    width: int
    height: int
    source_type: Image.Source
    rating: Rating
    is_reviewed: bool
    is_disputed: bool
    caption: LabelOut | None
    captions: list[LabelOut]
    prompt: str
    tags: list[TagOut]
    ratings: list[LabelOut]
    tokens: int
    cut_at: int | None
    note: str
    created_at: datetime


class ReviewList(Schema):
    """total: how many there are, counted up to 10 000; is_more: there are more than that.

    Both are null behind the first page.
    """

    items: list[ReviewOut]
    next: str | None
    total: int | None
    is_more: bool | None


class ReviewAsked(In):
    """filter: open (the default), uncaptioned, unsure, disputed, changed (since the last dataset
    version), reviewed, all.

    order: newest or oldest; an album is by default gone through from its oldest picture on.
    """

    filter: Text = ""
    album: Id | None = None
    q: SearchText = ""
    order: Text = ""


@router.get("/labeling/review", response=ReviewList, auth=ADMIN)
def list_review(
    request: HttpRequest, asked: Query[ReviewAsked], cursor: str | None = None
) -> ReviewList:
    """The pictures to review. Decide by POST /api/images/{id}/labels, with seen and is_pinned."""
    parts = asked.dict() | {"album": str(asked.album or "")}
    queue = review.queue_of(parts)
    behind = _behind(cursor)
    ids = review.image_ids(queue, PAGE_SIZE + 1, behind=behind)
    found = review.items(queue, ids[:PAGE_SIZE])
    total = _total(queue, ids) if behind is None else None
    return ReviewList(
        items=[_out(item) for item in found],
        next=encode_cursor([ids[PAGE_SIZE - 1]]) if len(ids) > PAGE_SIZE else None,
        total=None if total is None else min(total, review.COUNTED_AT_MOST),
        is_more=None if total is None else total > review.COUNTED_AT_MOST,
    )


def _total(queue: Queue, ids: Sequence[int]) -> int:
    return len(ids) if len(ids) <= PAGE_SIZE else review.total(queue)


def _behind(cursor: str | None) -> int | None:
    if not cursor:
        return None
    (behind,) = decode_cursor(cursor, 1)
    if not isinstance(behind, int) or isinstance(behind, bool) or not 0 <= behind < 2**63:
        raise invalid("cursor", "This cursor is not one that a list gave out.")
    return behind


def _out(item: Item) -> ReviewOut:
    image = item.image
    standing = [told.said for told in item.captions if isinstance(told.said, Label)]
    return ReviewOut(
        id=image.pk,
        url=image.get_absolute_url(),
        width=image.width,
        height=image.height,
        source_type=Image.Source(image.source_type),
        rating=Rating(image.rating),
        is_reviewed=item.is_reviewed,
        is_disputed=item.is_disputed,
        caption=LabelOut.from_orm(item.chosen) if item.chosen else None,
        captions=[LabelOut.from_orm(label) for label in standing],
        prompt=image.prompt,
        tags=[TagOut(name=tag.name, sources=list(tag.sources)) for tag in item.tags],
        ratings=[LabelOut.from_orm(label) for label in item.ratings],
        tokens=item.tokens.tokens,
        cut_at=item.tokens.cut_at,
        note=item.note,
        created_at=image.created_at,
    )


class TextsIn(In):
    texts: Annotated[
        list[Annotated[Text, Field(max_length=LONGEST_TEXT)]],
        Field(min_length=1, max_length=TEXTS_AT_ONCE),
    ]


class CountOut(Schema):
    """cut_at: the place in the text, in characters, from which on nothing is read; null: all is."""

    tokens: int
    cut_at: int | None


class CountList(Schema):
    """limit: how many the text encoder reads, its start and end among them.

    is_exact: false where the base model's tokenizer is not on this machine.
    """

    items: list[CountOut]
    limit: int
    is_exact: bool


@router.post("/labeling/tokens", response=CountList, auth=ADMIN)
def count_tokens(request: HttpRequest, payload: TextsIn) -> CountList:
    """How many tokens the base model's text encoder makes of each text, and where it stops."""
    counter = token_count.counter()
    counts = counter.count(payload.texts)
    return CountList(
        items=[CountOut(tokens=count.tokens, cut_at=count.cut_at) for count in counts],
        limit=counter.limit,
        is_exact=counter.is_exact,
    )
