"""Serving picture files, each request checked: renditions by key, originals by image."""

import re
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from gallery import nsfw, renditions
from gallery.image_files import CONTENT_TYPES, EXTENSIONS
from gallery.models import Exposure, Image
from gallery.private_models import private_models
from gallery.strip_location import strip
from gallery.strip_models import strip_models

IMMUTABLE = "public, max-age=31536000, immutable"
# Where the address stays when the picture is closed, so that caches must ask again each time.
ASKED_AGAIN = "public, no-cache"
PRIVATE = "private, no-store"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


@require_safe
def rendition(request: HttpRequest, key: str, width: int) -> HttpResponse:
    """One WebP file. 404 for an unknown key, and for what this visitor may not see."""
    image = (
        Image.everything.only(
            "sha256",
            "width",
            "exposure",
            "is_veiled",
            "rating",
            "source_type",
            "sharp_key",
            "blurred_key",
        )
        .filter(Q(sharp_key=key) | Q(blurred_key=key))
        .first()
    )
    if image is None:
        raise Http404("There is no such picture.")
    sharp = image.sharp_key == key
    made = (
        renditions.sharp_widths(image.width) if sharp else (renditions.blurred_width(image.width),)
    )
    if width not in made:
        raise Http404("The picture is not kept in this width.")
    open_to_all = _is_open_to_all(image, sharp)
    if not open_to_all:
        _check(nsfw.may_see_sharp(request, image) if sharp else nsfw.may_see(request, image))
    return _webp(request, image, key, width, IMMUTABLE if open_to_all else PRIVATE)


def thumbnail(request: HttpRequest, image: Image, width: int, *, sharp: bool) -> HttpResponse:
    """A rendition under an address that tells no key; whether it may be sharp was asked before."""
    if sharp:
        key, made = image.sharp_key, renditions.best_width(image.width, width)
    else:
        key, made = image.blurred_key, renditions.blurred_width(image.width)
    # Of a veiled picture the answer differs by what the visitor chose.
    return _webp(request, image, key, made, ASKED_AGAIN if nsfw.is_open(image) else PRIVATE)


def _is_open_to_all(image: Image, sharp: bool) -> bool:
    return nsfw.is_open(image) if sharp else image.exposure <= Exposure.VEILED


def _webp(request: HttpRequest, image: Image, key: str, width: int, caching: str) -> HttpResponse:
    etag = f'"{key}-{width}"'
    if _is_known(request, etag):
        response = HttpResponse(status=304)
    else:
        name = renditions.name(image.sha256, key, width)
        response = _by_proxy(name) or _ranged(request, _read(name), etag)
        response["Content-Type"] = "image/webp"
    return _with_headers(response, etag, caching)


def _by_proxy(name: str) -> HttpResponse | None:
    """The order to a proxy in front to send this file, where one is set up and has it.

    The proxy answers ranges, and keeps our type and caching.
    """
    if not settings.X_ACCEL_PREFIX:
        return None
    try:
        default_storage.path(name)
    except NotImplementedError:
        return None  # Not on this machine's disk.
    response = HttpResponse()
    response["X-Accel-Redirect"] = f"{settings.X_ACCEL_PREFIX.rstrip('/')}/{quote(name)}"
    return response


@require_safe
def original(request: HttpRequest, pk: int) -> HttpResponse:
    """The file as it came in, without the places in its metadata. One byte range is honoured.

    What a visitor gets of a drawn picture names no model that is kept private.
    """
    image = Image.everything.filter(pk=pk).first()
    if image is None:
        raise Http404("There is no such picture.")
    private = private_models(image) if image.format == "png" else None
    # Admins get another file than visitors do where a private model took part.
    open_to_all = nsfw.is_open(image) and private is None
    if not open_to_all:
        _check(nsfw.may_see_sharp(request, image))
    hidden = None if private is None or nsfw.is_admin(request) else private
    etag = f'"{image.sha256}{"-visitors" if hidden else ""}"'
    caching = ASKED_AGAIN if open_to_all else PRIVATE
    if _is_known(request, etag):
        return _with_headers(HttpResponse(status=304), etag, caching)
    data = strip(_read(str(image.file.name)), image.format)
    if hidden is not None:
        data = strip_models(data, hidden.shown, hides_base=hidden.hides_base)
    response = _ranged(request, data, etag)
    response["Content-Type"] = CONTENT_TYPES[image.format]
    response["Content-Disposition"] = disposition(image)
    return _with_headers(response, etag, caching)


def _check(allowed: bool) -> None:
    # The same answer as for a picture that is not there: a refusal would tell that it is.
    if not allowed:
        raise Http404("There is no such picture.")


def _read(name: str) -> bytes:
    try:
        with default_storage.open(name) as file:
            data: bytes = file.read()
            return data
    except FileNotFoundError:
        raise Http404("The picture's file is missing.") from None


def _is_known(request: HttpRequest, etag: str) -> bool:
    known = [
        tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))
    ]
    return etag in known or "*" in known


def _with_headers(response: HttpResponse, etag: str, caching: str) -> HttpResponse:
    """caching: IMMUTABLE, ASKED_AGAIN or PRIVATE."""
    response["ETag"] = etag
    # That a range lies behind the end is no answer to keep.
    response["Cache-Control"] = PRIVATE if response.status_code == 416 else caching
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    if caching == PRIVATE:
        patch_vary_headers(response, ("Cookie", "Authorization"))
    return response


def disposition(image: Image) -> str:
    """``inline`` with a file name of the picture's own, in ASCII and (RFC 6266) in full."""
    extension = EXTENSIONS[image.format]
    stem = Path(image.original_name).stem.strip(". ") or f"image-{image.pk}"
    plain = slugify(stem)[:100] or f"image-{image.pk}"
    full = quote(f"{stem[:150]}.{extension}", safe="")
    return f"inline; filename=\"{plain}.{extension}\"; filename*=UTF-8''{full}"


def _ranged(request: HttpRequest, data: bytes, etag: str) -> HttpResponse:
    """The whole body, or the one range asked for (RFC 9110); several ranges get the whole."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if request.method != "GET" or found is None or request.headers.get("If-Range", etag) != etag:
        return HttpResponse(data)
    first, last = found.groups()
    if not first and not last:
        return HttpResponse(data)
    if first:
        start, stop = int(first), min(int(last) + 1 if last else len(data), len(data))
        if last and int(last) < int(first):
            return HttpResponse(data)
    else:
        start, stop = max(0, len(data) - int(last)), len(data)
    if start >= stop:
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{len(data)}"
        return response
    response = HttpResponse(data[start:stop], status=206)
    response["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return response
