"""What the API of this room takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from ninja import Field, Schema
from pydantic import StringConstraints, model_validator

from gallery.bulk import Action
from gallery.models import Album, FormerLabel, Image, Label, Rating
from imagineer import texts
from imagineer.inputs import Flag, In, RowId

# What a database column for ids can hold; in an address or a query, where all is text.
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
IMAGES_AT_ONCE = 1000


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), texts.LINE
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000), texts.TEXT]
SearchText = Annotated[str, StringConstraints(max_length=300), texts.TEXT]


class Change(In):
    """What is left out stays as it is; a change of nothing is a mistake."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("Name at least one thing to change, in a JSON object.")
        return self


class RenditionOut(Schema):
    width: int
    height: int
    url: str


class ImageOut(Schema):
    """A picture in a list. is_blurred: the picture is rated 18+, or came from where that counts and
    is not rated yet, and neither the request's ``nsfw`` nor the cookie of that name says ``show``.
    Then the renditions are blurred (none at all under ``hide``), original is null, and name, prompt
    and placeholder are empty.
    """

    id: int
    name: str
    width: int
    height: int
    format: str
    bytes: int
    source_type: str
    rating: Rating
    is_nsfw: bool
    is_public: bool
    is_blurred: bool
    prompt: str
    placeholder: str
    created_at: datetime
    url: str
    renditions: list[RenditionOut]
    original: str | None


class AlbumRef(Schema):
    id: int
    name: str
    slug: str
    url: str


class LabelOut(Schema):
    id: int
    kind: Label.Kind
    text: str
    source: Label.Source
    model: str
    prompt_kind: str
    prompt_version: str
    prompt_options: str
    confidence: float | None
    is_pinned: bool
    created_at: datetime


class ModelUse(Schema):
    id: int
    name: str
    version: int
    type: str
    weight: float


class ImageDetail(ImageOut):
    """A picture with all that is known of it.

    Of a blurred one, no word and no model is told. rating_is_decided: an admin decided on the
    rating; else it is the sternest word of the labelers, and may change.
    """

    rating_is_decided: bool
    negative_prompt: str
    parameters: dict[str, Any]
    labels: list[LabelOut]
    albums: list[AlbumRef]
    models: list[ModelUse]


class ImageList(Schema):
    items: list[ImageOut]
    next: str | None


class Alike(ImageOut):
    """distance: how many of the 64 bits of the perceptual hashes differ, 0 to 14."""

    distance: int


class AlikeList(Schema):
    items: list[Alike]


class Twins(Schema):
    """distance: how many of 64 bits differ; better: the id of the file worth keeping."""

    id: int
    distance: int
    first: ImageOut
    second: ImageOut
    better: int


class TwinList(Schema):
    items: list[Twins]
    next: str | None


class Search(In):
    """everything: compare all pictures again, not only what came since the last search."""

    everything: Flag = False


class Merge(In):
    """keep: the id of the image that stays; by default the one with the better file."""

    keep: RowId | None = None


class Viewing(In):
    """nsfw: what this one request wants of veiled pictures, whatever the cookie says."""

    nsfw: Literal["hide", "blur", "show"] | None = None


class ImageFilter(Viewing):
    """q: as in the search field; label: words of captions, tags or prompts."""

    q: SearchText | None = None
    album: Id | None = None
    source_type: Image.Source | None = None
    rating: Rating | None = None
    label: SearchText | None = None


class AlbumFilter(Viewing):
    source_type: Album.Source | None = None


class ThumbnailOf(Viewing):
    """width: pixels that the file should fill."""

    width: Annotated[int, Field(ge=1, le=10_000)] = 300


class SearchFor(Viewing):
    q: SearchText


class FacetOut(Schema):
    """term: what to add to the search to narrow it down so."""

    label: str
    term: str
    count: int


class FacetList(Schema):
    title: str
    items: list[FacetOut]


class SearchResult(Schema):
    """total: how many match; is_more: more than total do, since no more are counted. Then facets
    count among the newest matches: at least so many.

    Both are null behind the first page, where facets is empty: they are told once.
    """

    items: list[ImageOut]
    next: str | None
    total: int | None
    is_more: bool | None
    facets: list[FacetList]


class ImageChange(Change):
    rating: Rating | None = None
    is_public: Flag | None = None


class AlbumOut(Schema):
    """image_count: the pictures in it that this request may list."""

    id: int
    name: str
    slug: str
    description: str
    source_type: Album.Source
    is_public: bool
    image_count: int
    cover: ImageOut | None
    created_at: datetime
    updated_at: datetime
    url: str


class AlbumDetail(AlbumOut):
    images: ImageList


class AlbumList(Schema):
    items: list[AlbumOut]
    next: str | None


class AlbumNew(In):
    name: Name
    description: Text = ""
    is_public: Flag = True


class AlbumChange(Change):
    """cover: null takes the first picture again."""

    name: Name | None = None
    description: Text | None = None
    is_public: Flag | None = None
    cover: RowId | None = None


class ImageIds(In):
    image_ids: list[RowId]


class Added(Schema):
    added: int
    known: int


class Removed(Schema):
    removed: int


class UploadOptions(In):
    """album_id: an existing album; album: the name of one, made with the first picture if new.

    rating: decided on, so that labelers do not change it; UNRATED leaves it to them.
    """

    album_id: Id | None = None
    album: Name | None = None
    is_public: bool = True
    rating: Rating = Rating.UNRATED


class Uploaded(Schema):
    """What became of one file. outcome: created, duplicate or refused (code and message say why).

    image: the new picture, or the one that has the same bytes.
    """

    name: str
    outcome: str
    image: ImageOut | None = None
    code: str | None = None
    message: str | None = None


class BulkChange(In):
    """What is done to each of many images, which are named by their ids or by a search.

    album_id or album (a name, made if new): where to. from_album_id: out of which album.
    """

    action: Action
    image_ids: list[RowId] | None = None
    q: SearchText | None = None
    album_id: RowId | None = None
    album: Name | None = None
    from_album_id: RowId | None = None
    rating: Rating | None = None


class BulkDone(Schema):
    """images: how many were named; changed: how many were not so before, null while job works."""

    images: int
    changed: int | None = None
    message: str
    job: dict[str, Any] | None = None


class Trashed(ImageOut):
    """deleted_by: a user's name; kept_until: from then on it may be deleted for good."""

    deleted_at: datetime
    deleted_by: str | None
    kept_until: datetime


class TrashList(Schema):
    items: list[Trashed]
    next: str | None


class Upload(Schema):
    items: list[Uploaded]
    created: int
    duplicates: int
    refused: int
    album: AlbumRef | None


class Fault(Schema):
    """As every refusal of the API says what is wrong."""

    code: str
    message: str
    field: str | None


class RefusedUpload(Upload):
    """None of the files was taken in; the items say why of each."""

    error: Fault


class LabelList(Schema):
    items: list[LabelOut]
    next: None = None


class LabelNew(In):
    """seen: for a caption, the words of the one that counted when you looked (empty for none); for
    a rating, the image's. If that is another by now, nothing is written (409).
    """

    kind: Label.Kind = Label.Kind.CAPTION
    text: Annotated[Text, Field(min_length=1)]
    is_pinned: Flag = False
    seen: Text | None = None


class LabelChange(Change):
    """seen: what the label said when you looked. If it is another by now, nothing changes (409)."""

    text: Annotated[Text, Field(min_length=1)] | None = None
    is_pinned: Flag | None = None
    seen: Text | None = None


class FormerLabelOut(Schema):
    """What a label said before. label_id: the label that says other words now, null if it is gone.

    created_by, created_at: who said it and when; ending: reworded or removed, by whom and when.
    """

    id: int
    label_id: int | None
    kind: Label.Kind
    text: str
    source: Label.Source
    model: str
    prompt_kind: str
    prompt_version: str
    confidence: float | None
    created_by: str | None
    created_at: datetime
    ending: FormerLabel.Ending
    ended_by: str | None
    ended_at: datetime

    @staticmethod
    def resolve_created_by(former: FormerLabel) -> str | None:
        return str(former.created_by) if former.created_by else None

    @staticmethod
    def resolve_ended_by(former: FormerLabel) -> str | None:
        return str(former.ended_by) if former.ended_by else None


class FormerLabelList(Schema):
    items: list[FormerLabelOut]
    next: str | None
