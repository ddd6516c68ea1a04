"""What a page says of itself where its address is shared (Open Graph), and to search engines.

Whoever follows a shared address is anyone, whatever the visitor who shared it had chosen. So only
pictures that anyone may see sharp stand here, and of a veiled one neither picture nor word.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest

from gallery import nsfw, renditions
from gallery.models import Image

DESCRIPTION_LENGTH = 200


@dataclass(frozen=True)
class Card:
    """url and picture are absolute; width and height are the picture's pixels."""

    title: str
    url: str
    description: str = ""
    picture: str = ""
    width: int = 0
    height: int = 0
    alt: str = ""
    kind: str = "website"


def card(
    request: HttpRequest,
    title: str,
    *,
    path: str | None = None,
    description: str = "",
    pictures: Iterable[Image] = (),
    alt: str = "",
    kind: str = "website",
) -> Card:
    """path: the page's own, without what only leads through a list.

    Of the pictures the first that anyone may see is taken.
    """
    url = request.build_absolute_uri(request.path if path is None else path)
    words = " ".join(description.split())
    if len(words) > DESCRIPTION_LENGTH:
        words = words[: DESCRIPTION_LENGTH - 1].rstrip() + "…"
    shown = next((image for image in pictures if nsfw.is_open(image)), None)
    if shown is None:
        return Card(title, url, words, kind=kind)
    width = renditions.best_width(shown.width, renditions.WIDTHS[-1])
    across, down = renditions.rendition_size(shown.width, shown.height, width)
    picture = request.build_absolute_uri(renditions.url(shown.sharp_key, width))
    return Card(title, url, words, picture, across, down, alt, kind)


def image_card(request: HttpRequest, image: Image, caption: str) -> Card:
    """The card of an image's own page."""
    path = image.get_absolute_url()
    if not nsfw.is_open(image):
        return card(request, f"Picture {nsfw.reason(image)}", path=path)
    words = caption or image.prompt
    return card(
        request,
        words[:80] or str(image),
        path=path,
        description=words,
        pictures=[image],
        alt=words[:DESCRIPTION_LENGTH] or str(image),
        kind="article",
    )
