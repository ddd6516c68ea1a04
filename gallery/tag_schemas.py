"""What the API of tags takes and gives."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import StringConstraints

from gallery.label_changes import MOST_FEWER_THAN
from gallery.schemas import IMAGES_AT_ONCE, ImageOut, SearchText, Viewing
from gallery.tag_models import LabelChange
from imagineer import texts
from imagineer.inputs import Flag, In, RowId, Whole

Word = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), texts.LINE]
Ids = Annotated[list[RowId], Field(max_length=IMAGES_AT_ONCE)]


class TagsOf(Viewing):
    """q: what the names begin with; then they come in the order of their names."""

    q: SearchText | None = None


class TagOut(Schema):
    """count: the pictures with it that this request may list."""

    name: str
    count: int
    url: str


class TagList(Schema):
    items: list[TagOut]
    next: str | None


class AlbumTags(TagList):
    """counted: how many of the album's pictures were looked at; is_more: it has more of them."""

    counted: int
    is_more: bool


class CompletionOf(Viewing):
    q: SearchText


class CompletionOut(TagOut):
    """alias: the other name that begins so; null where the tag's own does."""

    alias: str | None


class CompletionList(Schema):
    items: list[CompletionOut]


class AliasOut(Schema):
    id: int
    name: str
    tag: str
    created_at: datetime


class AliasList(Schema):
    items: list[AliasOut]
    next: str | None


class AliasNew(In):
    """name: the other name; to: the tag that it stands for."""

    name: Word
    to: Word


class AliasMade(AliasOut):
    """job: the one by which pictures follow, where they are many."""

    job: dict[str, Any] | None


class ImplicationOut(Schema):
    id: int
    tag: str
    implied: str
    created_at: datetime


class ImplicationList(Schema):
    items: list[ImplicationOut]
    next: str | None


class ImplicationNew(In):
    """Pictures with the tag carry the implied one too."""

    tag: Word
    implied: Word


class ImplicationMade(ImplicationOut):
    """job: the one by which pictures follow, where they are many."""

    job: dict[str, Any] | None


class RuleGone(Schema):
    """job: the one by which pictures follow, where they are many."""

    job: dict[str, Any] | None


class SelectionIn(In):
    """Which pictures, in one way: an album's, chosen ones, what a search finds, or all."""

    album_id: RowId | None = None
    image_ids: Ids | None = None
    q: SearchText | None = None
    everything: Flag = False


class LabelChangeIn(In):
    """add, remove: tags. rename, merge: tags, to. prune: fewer_than. prefix: trigger_word.

    fewer_than: tags on fewer of these pictures go. preview: only tell what would be done.
    """

    action: LabelChange.Action
    tags: list[Word] = []
    to: Word | None = None
    fewer_than: Annotated[Whole, Field(ge=2, le=MOST_FEWER_THAN)] | None = None
    trigger_word: Word | None = None
    selection: SelectionIn
    preview: Flag


class CountOut(Schema):
    name: str
    count: int


class SilencedOut(Schema):
    """Labels that keep their words but count for no tag any more. source: whose they are."""

    source: str
    text: str
    count: int


class SampleOut(Schema):
    """before, after: the picture's tags, or its caption alone."""

    image: ImageOut
    before: list[str]
    after: list[str]


class PreviewOut(Schema):
    """images: how many would be changed, is_more: at least so many; all is counted among them.

    off: tags that go; on: tags or captions by hand that come; tags: how many tags are pruned.
    """

    images: int
    is_more: bool
    off: list[CountOut]
    on: list[CountOut]
    tags: int | None
    silenced: list[SilencedOut]
    notes: list[str]
    samples: list[SampleOut]


class LabelChangeOut(Schema):
    """images: how many it has changed; can_undo: nothing was changed after it."""

    id: int
    action: LabelChange.Action
    title: str
    images: int
    created_at: datetime
    undone_at: datetime | None
    can_undo: bool


class LabelChangeList(Schema):
    items: list[LabelChangeOut]
    next: str | None


class LabelChangeAnswer(Schema):
    """preview: what was asked for with it. change: null where nothing is to be changed.

    job: the one that makes or undoes the change, where the pictures are many.
    """

    preview: PreviewOut | None = None
    change: LabelChangeOut | None = None
    job: dict[str, Any] | None = None
