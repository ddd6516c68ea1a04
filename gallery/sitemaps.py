"""The sitemap: an index over parts of bounded size, so that a request costs the same at any number.

A part is a range of ids, which needs no count and no offset. Only what anyone may see is named. The
rooms above register what they have in ``ready()``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from gallery import nsfw, renditions
from gallery.models import OPEN_ALBUM, OPEN_TAG, Album, Exposure, Image, Tag

RANGE = 10_000
_INDEX = "http://www.sitemaps.org/schemas/sitemap/0.9"
_IMAGES = "http://www.google.com/schemas/sitemap-image/1.1"


@dataclass(frozen=True)
class Place:
    """One address. picture: the address of its picture, if it has one."""

    path: str
    changed: datetime | None = None
    picture: str = ""


@dataclass(frozen=True)
class Part:
    """rows: what is named, of any id; place: what to say of a row, None for nothing."""

    rows: Callable[[], QuerySet[Any]]
    place: Callable[[Any], Place | None]


_parts: dict[str, Part] = {}


def register(kind: str, part: Part) -> None:
    """kind: how the part is called in addresses, a word in lower case."""
    _parts[kind] = part


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    lines = []
    for kind, part in _parts.items():
        last = part.rows().order_by("-pk").values_list("pk", flat=True).first()
        numbers = range(last // RANGE + 1) if last is not None else ()
        for number in numbers:
            address = request.build_absolute_uri(reverse("gallery:sitemap", args=[kind, number]))
            lines.append(f"<sitemap><loc>{escape(address)}</loc></sitemap>")
    return _xml(f'<sitemapindex xmlns="{_INDEX}">{"".join(lines)}</sitemapindex>')


@require_safe
def part(request: HttpRequest, kind: str, number: int) -> HttpResponse:
    known = _parts.get(kind)
    if known is None or number > 2**40:
        raise Http404("There is no such part of the sitemap.")
    rows = known.rows().filter(pk__gte=number * RANGE, pk__lt=(number + 1) * RANGE)
    places = (known.place(row) for row in rows.order_by("pk"))
    lines = [_line(request, place) for place in places if place is not None]
    names = f'xmlns="{_INDEX}" xmlns:image="{_IMAGES}"'
    return _xml(f"<urlset {names}>{''.join(lines)}</urlset>")


def _line(request: HttpRequest, place: Place) -> str:
    told = f"<loc>{escape(request.build_absolute_uri(place.path))}</loc>"
    if place.changed is not None:
        told += f"<lastmod>{place.changed:%Y-%m-%d}</lastmod>"
    if place.picture:
        address = escape(request.build_absolute_uri(place.picture))
        told += f"<image:image><image:loc>{address}</image:loc></image:image>"
    return f"<url>{told}</url>"


def _xml(body: str) -> HttpResponse:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'
    return HttpResponse(text, content_type="application/xml")


def _images() -> QuerySet[Image]:
    shown = Image.everything.filter(exposure__lte=Exposure.OPEN)
    return shown.only(
        "width", "sharp_key", "created_at", "exposure", "is_veiled", "rating", "source_type"
    )


def _image(image: Image) -> Place | None:
    if not nsfw.is_open(image):
        return None
    width = renditions.best_width(image.width, renditions.WIDTHS[-1])
    picture = renditions.url(image.sharp_key, width)
    return Place(image.get_absolute_url(), image.created_at, picture)


register("images", Part(_images, _image))
register(
    "albums",
    Part(
        lambda: Album.objects.filter(OPEN_ALBUM),
        lambda album: Place(album.get_absolute_url(), album.updated_at),
    ),
)
register(
    "tags",
    Part(
        lambda: Tag.objects.filter(OPEN_TAG),
        lambda tag: Place(tag.get_absolute_url()),
    ),
)
