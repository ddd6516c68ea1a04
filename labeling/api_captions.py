"""An album's captions over HTTP: figures, export, import."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Field, File, Form, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import StringConstraints

from gallery.album_sources import SourceRefused
from gallery.caption_words import LONGEST_TRIGGER
from gallery.models import Album
from imagineer import texts
from imagineer.accounts.permissions import ADMIN
from imagineer.inputs import In
from imagineer.jobs.api import JobSchema
from imagineer.jobs.describe import described
from imagineer.problems import invalid, not_found
from labeling.analytics import figures
from labeling.caption_files import CaptionFileRefused
from labeling.caption_jobs import submit_caption_import
from labeling.export_captions import Export, Format, Sent, Words, export

router = Router(tags=["labeling"])


class CheckOut(Schema):
    name: str
    level: str
    text: str


class AnalyticsOut(Schema):
    """words, tokens.histogram: [label, how many]. tags: [name, how many], the most frequent first.

    sources: of the chosen captions, "prompt" where there is none but the prompt it was drawn from.
    """

    pictures: int
    read: int
    labelled: int
    captioned: int
    rated: int
    tagged: int
    sources: dict[str, int]
    ratings: dict[str, int]
    words: list[list[Any]]
    tokens: dict[str, Any]
    tags: list[list[Any]]
    checks: list[CheckOut]
    is_ready: bool


class ExportOf(In):
    format: Format = Format.TXT
    words: Words = Words.CAPTION
    pictures: bool = False
    repeats: int = Field(default=10, ge=1, le=1000)
    trigger: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TRIGGER), texts.LINE
    ] = ""


class ImportOptions(In):
    """choose: the captions count from now on, before all others."""

    choose: bool = True


@router.get("/albums/{album_id}/labeling/analytics", auth=ADMIN, response=AnalyticsOut)
def album_analytics(request: HttpRequest, album_id: int) -> Any:
    """How much of an album is labelled, by whom, how long, and whether it can be trained on."""
    return figures(_album(album_id)).as_dict()


FILE = {"responses": {200: {"description": "A ZIP archive, CSV or JSON lines"}}}


@router.get("/albums/{album_id}/captions", auth=ADMIN, response={200: None}, openapi_extra=FILE)
def export_captions(request: HttpRequest, album_id: int, asked: Query[ExportOf]) -> Any:
    """The chosen captions of an album as a file; pictures: with the originals."""
    wanted = Export(asked.format, asked.words, asked.pictures, asked.repeats, asked.trigger)
    return sent(export(_album(album_id), wanted))


def sent(file: Sent) -> StreamingHttpResponse:
    """The file as it is written; what its name may hold is a slug's."""
    response = StreamingHttpResponse(_later(file.parts), content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Cache-Control"] = "private, no-store"
    return response


async def _later(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read in a thread: Django would read all of a plain iterator before it sends any."""
    following = sync_to_async(lambda: next(parts, None))
    while (part := await following()) is not None:
        yield part


@router.post(
    "/albums/{album_id}/captions", auth=ADMIN, response={202: JobSchema}, exclude_unset=True
)
def import_captions(
    request: HttpRequest,
    album_id: int,
    files: File[list[UploadedFile]],
    options: Form[ImportOptions],
) -> Any:
    """Read captions from files, by a job: CSV, metadata.jsonl, .txt, .json, or ZIP archives."""
    try:
        job = submit_caption_import(
            _album(album_id), files, choose=options.choose, created_by=request.user
        )
    except (SourceRefused, CaptionFileRefused) as refused:
        raise invalid("files", str(refused)) from refused
    return 202, described(job, admin=True)


def _album(pk: int) -> Album:
    found = Album.objects.filter(pk=pk).first() if 0 < pk < 2**63 else None
    if found is None:
        raise not_found("album")
    return found
