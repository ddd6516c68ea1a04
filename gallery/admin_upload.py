"""The upload page: a plain form that takes many files; with JavaScript it sends them one by one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from gallery import albums
from gallery.add_image import ImageRefused, add_image
from gallery.admin_bulk import album_names, album_numbered, clean_album_name
from gallery.image_files import ACCEPTED
from gallery.models import Image


@dataclass(frozen=True)
class Outcome:
    """What became of one file. image: the new one, or the one that has the same bytes."""

    name: str
    image: Image | None = None
    created: bool = False
    error: str = ""


def view(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def upload(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return _take(site, request)
        album = album_numbered(request.GET.get("album", ""))
        return _page(site, request, {"album_name": album.name if album else ""})

    return upload


def _take(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The form without JavaScript: every file of it in one request."""
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
    album, outcomes = None, []
    for file in files:
        outcome = _add(file, is_public, request.user)
        outcomes.append(outcome)
        if name and outcome.image is not None:
            # With the first picture: where every file is refused there is nothing to hold.
            album = album or albums.named(name, created_by=request.user)
            albums.put(album, outcome.image, added_by=request.user)
    added = sum(outcome.created for outcome in outcomes)
    known = sum(outcome.image is not None and not outcome.created for outcome in outcomes)
    counts = {"added": added, "known": known, "refused": len(outcomes) - added - known}
    return _page(site, request, {**told, "outcomes": outcomes, "album": album, **counts})


def _add(file: "UploadedFile[bytes]", is_public: bool, user: Any) -> Outcome:
    name = file.name or "file"
    try:
        added = add_image(
            file.open(),
            source_type=Image.Source.UPLOAD,
            original_name=name,
            is_public=is_public,
            created_by=user,
        )
    except ImageRefused as refused:
        return Outcome(name, error=str(refused))
    return Outcome(name, added.image, added.created)


def _page(
    site: AdminSite, request: HttpRequest, told: dict[str, Any], status: int = 200
) -> TemplateResponse:
    context = {
        **site.each_context(request),
        "title": "Upload pictures",
        "opts": Image._meta,
        "album_names": album_names(),
        "accepted": ACCEPTED,
        "max_bytes": settings.MAX_IMAGE_BYTES,
        "max_megabytes": settings.MAX_IMAGE_BYTES // (1024 * 1024),
        "is_public": True,
        **told,
    }
    return TemplateResponse(request, "admin/gallery/image/upload.html", context, status=status)
