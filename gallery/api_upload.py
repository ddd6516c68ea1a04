"""The JSON API's ways in: files at once, many files and archives by a job, large files in parts.

Parts follow the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload) with its extensions
creation, expiration and termination, so that its clients can be used; what tus leaves open is said
by ``finish``.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import http_date
from ninja import File, Form, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import ValidationError

from gallery import resumable, sidecars, uploads
from gallery.album_sources import SourceRefused
from gallery.answers import album_ref, image_out
from gallery.incoming import Arrival
from gallery.jobs import submit_upload
from gallery.models import Album, Image, ResumableUpload
from gallery.schemas import AlbumRef, Fault, RefusedUpload, Upload, Uploaded, UploadOptions
from gallery.uploads import Outcome
from imagineer.accounts.permissions import ADMIN
from imagineer.jobs.api import JobSchema
from imagineer.jobs.describe import described
from imagineer.jobs.models import Job
from imagineer.problems import Problem, invalid
from imagineer.texts import has_control
from imagineer.words import thin

router = Router(tags=["gallery"])

FILES_AT_ONCE = 1000
TUS_VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
RAW = {"requestBody": {"content": {PART_TYPE: {"schema": {"type": "string", "format": "binary"}}}}}


class Finished(Schema):
    """What became of a file that came in parts: a picture at once, an archive by a job."""

    item: Uploaded | None = None
    album: AlbumRef | None = None
    job: JobSchema | None = None


class FinishedInVain(Finished):
    """The picture was refused; the item says why, and the error as every refusal does."""

    error: Fault


# --- Files at once -------------------------------------------------------------------------------


@router.post("/images/upload", response={200: Upload, 422: RefusedUpload}, auth=ADMIN)
def upload_images(
    request: HttpRequest, files: File[list[UploadedFile]], options: Form[UploadOptions]
) -> Any:
    """Take in many files, each on its own: some may be refused while the others are kept.

    If all are refused the answer is 422, with an error beside what became of each. Files that end
    in .txt, .caption or .json are the caption or metadata of the picture of the same name.
    """
    _check_count(files)
    wanted = _wanted(options, request.user)
    outcomes, album = uploads.take_files(files, wanted)
    if album is None and wanted.album:
        # It may have been there before, however the files fared.
        album = Album.objects.filter(name=wanted.album).first()
    items = [_uploaded(request, outcome) for outcome in outcomes]
    said = [item.outcome for item in items]
    told = Upload(
        items=items,
        created=said.count("created"),
        duplicates=said.count("duplicate"),
        refused=said.count("refused"),
        album=album_ref(album) if album else None,
    )
    if told.refused == len(items):
        return Status(422, RefusedUpload(**dict(told), error=_fault(items)))
    return told


def _fault(refused: list[Uploaded]) -> Fault:
    """What is wrong with files of which none was taken in."""
    first = refused[0]
    message = first.message or ""
    if len(refused) > 1:
        message = f"None of the {thin(len(refused))} files was taken in. {first.name}: {message}"
    return Fault(code=first.code or "refused", message=message, field="files")


def _uploaded(request: HttpRequest, outcome: Outcome) -> Uploaded:
    if outcome.image is None:
        return Uploaded(
            name=outcome.name, outcome="refused", code=outcome.code, message=outcome.error
        )
    said = "created" if outcome.created else "duplicate"
    return Uploaded(name=outcome.name, outcome=said, image=image_out(request, outcome.image))


# --- By a job ------------------------------------------------------------------------------------


@router.post("/images/bulk-upload", response={202: JobSchema}, auth=ADMIN, exclude_unset=True)
def bulk_upload(
    request: HttpRequest, files: File[list[UploadedFile]], options: Form[UploadOptions]
) -> Any:
    """Take in pictures and ZIP archives by a job; its result tells how many were added.

    Captions and metadata beside the pictures are read as in /images/upload. An archive that would
    unpack to far more than its size, or to outside of it, is refused with all that came with it.
    """
    _check_count(files)
    wanted = _wanted(options, request.user)
    archives = {id(file) for file in files if uploads.is_archive(file.read(4))}
    for file in files:
        if id(file) in archives:
            _check_archive(file.name or "file", file)
    if not archives and all(sidecars.is_sidecar(file.name or "") for file in files):
        raise invalid("files", uploads.NO_PICTURE)
    arrival = Arrival()
    try:
        for file in files:
            file.seek(0)
            arrival.keep(file.name or "file", file, is_archive=id(file) in archives)
        job = _submit(arrival, wanted)
    except BaseException:
        arrival.drop()
        raise
    return Status(202, described(job, admin=True))


def _check_archive(name: str, file: Any) -> None:
    try:
        uploads.check_archive(name, file)
    except SourceRefused as refused:
        raise invalid("files", str(refused)) from refused


def _submit(arrival: Arrival, wanted: uploads.Options) -> Job:
    return submit_upload(
        arrival,
        album=wanted.album,
        is_public=wanted.is_public,
        rating=wanted.rating,
        created_by=wanted.created_by,
    )


# --- In parts ------------------------------------------------------------------------------------


@router.post(
    "/uploads", response={201: None}, auth=ADMIN, summary="Begin a file that comes in parts"
)
def begin_upload(request: HttpRequest) -> HttpResponse:
    """Headers: Upload-Length; Upload-Metadata with filename, and album, album_id, is_public and
    rating as /images/upload takes them. The answer's Location is where the parts go (PATCH).
    """
    _check_version(request)
    length = _number(request, "Upload-Length")
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    name = told.pop("filename", "").strip()
    told.pop("filetype", None)
    if not 0 < len(name) <= 255 or has_control(name):
        raise invalid("filename", "Name the file in Upload-Metadata, in at most 255 characters.")
    options = _options(told)
    _wanted(options, request.user)
    kept = options.model_dump(mode="json", exclude_unset=True)
    upload = resumable.begin(name, length, kept, request.user)
    response = _tus(HttpResponse(status=201), upload)
    response["Location"] = reverse("api:upload", args=[upload.pk])
    return response


@router.api_operation(
    ["HEAD"],
    "/uploads/{upload_id}",
    auth=ADMIN,
    url_name="upload",
    response={200: None},
    summary="How much has come",
)
def upload_offset(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """The answer's Upload-Offset is how many bytes have come."""
    upload = resumable.find(upload_id)
    response = _tus(HttpResponse(), upload, resumable.offset(upload))
    response["Upload-Length"] = str(upload.bytes)
    response["Cache-Control"] = "no-store"
    return response


@router.patch(
    "/uploads/{upload_id}",
    auth=ADMIN,
    response={204: None},
    openapi_extra=RAW,
    summary="Send a part",
)
def upload_part(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """The body is put behind what has come; Upload-Offset says that it begins there."""
    _check_version(request)
    if request.content_type != PART_TYPE:
        raise Problem(415, "content_type", f"Send parts as {PART_TYPE}.", "Content-Type")
    upload = resumable.find(upload_id)
    end = resumable.append(upload, _number(request, "Upload-Offset"), request)
    return _tus(HttpResponse(status=204), upload, end)


@router.delete(
    "/uploads/{upload_id}",
    auth=ADMIN,
    response={204: None},
    summary="Take back a file that comes in parts",
)
def end_upload(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    upload = resumable.find(upload_id)
    resumable.discard(upload)
    return _tus(HttpResponse(status=204), upload)


@router.post(
    "/uploads/{upload_id}/finish",
    auth=ADMIN,
    response={200: Finished, 422: FinishedInVain},
    exclude_unset=True,
    summary="Take in a file that came in parts",
)
def finish_upload(
    request: HttpRequest, upload_id: UUID, beside: File[list[UploadedFile] | None] = None
) -> Any:
    """A picture is taken in at once, an archive by a job. beside: the picture's caption and
    metadata. Asking again gives the same answer.
    """
    upload = resumable.find(upload_id)
    if upload.answer is None:
        try:
            _finish(upload, beside or [])
        except Problem as problem:
            # Another request may have finished it while this one waited.
            upload.refresh_from_db()
            if problem.code != "gone" or upload.answer is None:
                raise
    return _finished(request, upload)


def _finish(upload: ResumableUpload, beside: list[UploadedFile]) -> None:
    options = _options(upload.options)
    wanted = _wanted(options, upload.created_by)
    with resumable.whole(upload) as path:
        with path.open("rb") as file:
            archive = uploads.is_archive(file.read(4))
            if archive:
                _check_archive(upload.name, file)
        if archive:
            arrival = Arrival()
            try:
                arrival.keep_path(upload.name, path, is_archive=True)
                job = _submit(arrival, wanted)
            except BaseException:
                arrival.drop()
                raise
            resumable.settle(upload, {"job": str(job.pk)})
            return
        taker = uploads.Taker(wanted)
        outcome = taker.take(upload.name, path, uploads.contents(beside))
        resumable.settle(
            upload,
            {
                "image": outcome.image.pk if outcome.image else None,
                "created": outcome.created,
                "code": outcome.code,
                "error": outcome.error,
                "album": taker.album.pk if taker.album else None,
            },
        )


def _finished(request: HttpRequest, upload: ResumableUpload) -> Any:
    answer = upload.answer or {}
    if "job" in answer:
        job = Job.objects.filter(pk=answer["job"]).first()
        if job is None:
            raise Problem(410, "gone", "The job that took this archive in was deleted.")
        return {"job": described(job, admin=True)}
    image = Image.objects.filter(pk=answer["image"]).first() if answer["image"] else None
    if image is None and answer["image"]:
        raise Problem(410, "gone", "The picture was taken in and has been deleted since.")
    album = Album.objects.filter(pk=answer["album"]).first() if answer["album"] else None
    outcome = Outcome(upload.name, image, answer["created"], answer["code"], answer["error"])
    item = _uploaded(request, outcome)
    told = {"item": item, "album": album_ref(album) if album else None}
    return told if outcome.image else Status(422, {**told, "error": _fault([item])})


def _tus(
    response: HttpResponse, upload: ResumableUpload, offset: int | None = None
) -> HttpResponse:
    response["Tus-Resumable"] = TUS_VERSION
    response["Upload-Expires"] = http_date((upload.created_at + resumable.KEPT).timestamp())
    if offset is not None:
        response["Upload-Offset"] = str(offset)
    return response


def _check_version(request: HttpRequest) -> None:
    version = request.headers.get("Tus-Resumable", TUS_VERSION)
    if version != TUS_VERSION:
        raise Problem(412, "tus_version", f"This server speaks tus {TUS_VERSION}.", "Tus-Resumable")


def _number(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise invalid(header, f"Say a number of bytes in the header {header}.")
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """Keys and texts in base64, as tus has them. Raises Problem."""
    found = {}
    for pair in filter(None, header.split(",")):
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise invalid("Upload-Metadata", f"The value of {key[:40]} is not base64.") from None
    return found


# --- What they share -----------------------------------------------------------------------------


def _options(told: Mapping[str, Any]) -> UploadOptions:
    try:
        return UploadOptions.model_validate(dict(told))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "Upload-Metadata"
        raise invalid(field, str(first["msg"])) from None


def _wanted(options: UploadOptions, user: Any) -> uploads.Options:
    """Raises Problem for an album that is not there."""
    if options.album_id is not None and options.album is not None:
        raise invalid("album", "Name an album or give its id, not both.")
    name = options.album or ""
    if options.album_id is not None:
        found = Album.objects.filter(pk=options.album_id).first()
        if found is None:
            raise Problem(404, "not_found", "There is no such album.", "album_id")
        name = found.name
    return uploads.Options(name, options.is_public, options.rating, user)


def _check_count(files: list[UploadedFile]) -> None:
    if len(files) > FILES_AT_ONCE:
        raise invalid("files", f"At most {FILES_AT_ONCE} files are taken at once.")
