"""The upload page: a plain form that takes many files; with JavaScript it sends them one by one."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from gallery import sidecars, uploads
from gallery.admin_bulk import album_names, album_numbered, clean_album_name
from gallery.album_sources import PICTURE_EXTENSIONS, SourceRefused
from gallery.image_files import ACCEPTED
from gallery.incoming import Arrival
from gallery.jobs import submit_upload
from gallery.models import Image
from gallery.uploads import Options, Outcome
from imagineer.jobs.models import Job

# From here on a file is sent in parts, which go on after a lost connection.
PARTS_FROM_BYTES = 4_000_000


def view(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def upload(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return _take(site, request)
        album = album_numbered(request.GET.get("album", ""))
        return _page(site, request, {"album_name": album.name if album else ""})

    return upload


def _take(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The form without JavaScript: every file of it in one request, archives left to a job."""
    files = request.FILES.getlist("files")
    name = request.POST.get("album", "").strip()
    is_public = request.POST.get("is_public") == "on"
    told: dict[str, Any] = {"album_name": name, "is_public": is_public}
    if not files:
        return _page(site, request, {**told, "file_error": "Choose one picture or more."}, 422)
    try:
        name = clean_album_name(name) if name else ""
    except ValidationError as error:
        return _page(site, request, {**told, "album_error": " ".join(error.messages)}, 422)
    options = Options(name, is_public, created_by=request.user)
    archives: list[UploadedFile[bytes]] = []
    others: list[UploadedFile[bytes]] = []
    for file in files:
        (archives if uploads.is_archive(file.read(4)) else others).append(file)
        file.seek(0)
    outcomes, album = uploads.take_files(others, options)
    jobs, refused = _leave_to_jobs(archives, options)
    outcomes += refused
    added = sum(outcome.created for outcome in outcomes)
    known = sum(outcome.image is not None and not outcome.created for outcome in outcomes)
    counts = {"added": added, "known": known, "refused": len(outcomes) - added - known}
    return _page(
        site,
        request,
        {**told, "done": True, "outcomes": outcomes, "jobs": jobs, "album": album, **counts},
        200 if added or known or jobs else 422,
    )


def _leave_to_jobs(
    archives: "list[UploadedFile[bytes]]", options: Options
) -> tuple[list[Job], list[Outcome]]:
    jobs, refused = [], []
    for file in archives:
        name = file.name or "archive"
        try:
            uploads.check_archive(name, file)
        except SourceRefused as error:
            refused.append(Outcome(name, code="archive", error=str(error)))
            continue
        arrival = Arrival()
        file.seek(0)
        arrival.keep(name, file, is_archive=True)
        jobs.append(
            submit_upload(
                arrival,
                album=options.album,
                is_public=options.is_public,
                created_by=options.created_by,
            )
        )
    return jobs, refused


def _page(
    site: AdminSite, request: HttpRequest, told: dict[str, Any], status: int = 200
) -> TemplateResponse:
    context = {
        **site.each_context(request),
        "title": "Upload pictures",
        "opts": Image._meta,
        "album_names": album_names(),
        "accepted": ACCEPTED,
        "endings": ",".join(sorted(PICTURE_EXTENSIONS)),
        "sidecar_endings": ",".join(sorted(sidecars.EXTENSIONS)),
        "max_bytes": settings.MAX_IMAGE_BYTES,
        "max_archive_bytes": settings.MAX_ARCHIVE_BYTES,
        "parts_from": PARTS_FROM_BYTES,
        "is_public": True,
        **told,
    }
    return TemplateResponse(request, "admin/gallery/image/upload.html", context, status=status)
