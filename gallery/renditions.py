"""The WebP files made from a picture: which there are, how they are made, where they lie.

Sharp renditions lie under one random key, the blurred one under another, so that the address of
one tells nothing of the other. ``thumbnails/<sha256[:2]>/<key>-<width>.webp``.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image as Picture
from PIL import ImageFilter

from gallery import fingerprint, thumbhash
from gallery.image_files import DecodedImage, fit, on_white, scaled

WIDTHS = (300, 600, 1200)
BLURRED_WIDTH = 300
# Very tall pictures (a scrolled web page) would make huge "300 px" files; WebP ends at 16383.
MAX_HEIGHT_FACTOR = 4
QUALITY = 85
# Encoding is most of the work: method 2 takes half the time of the default 4 for 3 % more bytes.
METHOD = 2
# Up to this many pixels (built-in model's cards) every pixel is seen: no loss at all.
LOSSLESS_PIXELS = 40_000
# What is left of a blurred picture: this many patches of colour on its longer side.
BLUR_PATCHES = 8


def sharp_widths(native_width: int) -> tuple[int, ...]:
    """The widths made for a picture, ascending; never more than its own."""
    smaller = tuple(width for width in WIDTHS if width < native_width)
    return (*smaller, native_width) if native_width <= WIDTHS[-1] else smaller


def blurred_width(native_width: int) -> int:
    return min(BLURRED_WIDTH, native_width)


def best_width(native_width: int, wanted: int) -> int:
    """The smallest made width that fills ``wanted`` pixels, else the largest made."""
    made = sharp_widths(native_width)
    return next((width for width in made if width >= wanted), made[-1])


def name(sha256: str, key: str, width: int) -> str:
    """The file's name in the storage."""
    return f"thumbnails/{sha256[:2]}/{key}-{width}.webp"


def url(key: str, width: int) -> str:
    """The address under which gallery.media_views serves the file."""
    return reverse("gallery:rendition", args=[key, width])


@dataclass(frozen=True)
class Rendered:
    """Everything derived from a picture's pixels.

    sharp, blurred: width → WebP file. placeholder: the thumbhash in base64.
    """

    sharp: dict[int, bytes]
    blurred: dict[int, bytes]
    phash: int | None
    placeholder: str


def render(decoded: DecodedImage) -> Rendered:
    """Make all files and hashes. decoded.picture is at least as wide as the widest rendition."""
    sharp: dict[int, bytes] = {}
    picture = decoded.picture
    # From large to small, each from the one before: halving twice costs less than quartering.
    for width in reversed(sharp_widths(decoded.width)):
        picture = scaled(picture, rendition_size(decoded.width, decoded.height, width))
        lossless = width == decoded.width and picture.width * picture.height <= LOSSLESS_PIXELS
        sharp[width] = webp(picture, lossless=lossless)
    small = on_white(picture)
    width = blurred_width(decoded.width)
    blurred = _blurred(small, rendition_size(decoded.width, decoded.height, width))
    return Rendered(
        sharp=sharp,
        blurred={width: webp(blurred)},
        phash=fingerprint.phash(small),
        placeholder=_placeholder(picture),
    )


def rendition_size(native_width: int, native_height: int, width: int) -> tuple[int, int]:
    """Pixels of the rendition called ``width``; narrower than that only for very tall pictures."""
    return fit(native_width, native_height, width, width * MAX_HEIGHT_FACTOR)


def webp(picture: Picture.Image, lossless: bool = False) -> bytes:
    """A WebP file without any metadata."""
    file = io.BytesIO()
    picture.save(file, "WEBP", lossless=lossless, quality=QUALITY, method=METHOD)
    return file.getvalue()


def _blurred(picture: Picture.Image, size: tuple[int, int]) -> Picture.Image:
    """A few soft patches of colour: what cannot be recognised here cannot be recovered either."""
    patches = picture.resize(fit(*picture.size, BLUR_PATCHES, BLUR_PATCHES), Picture.Resampling.BOX)
    soft = patches.resize(size, Picture.Resampling.BICUBIC)
    return soft.filter(ImageFilter.GaussianBlur(max(size) / BLUR_PATCHES / 2))


def _placeholder(picture: Picture.Image) -> str:
    side = thumbhash.MAX_SIDE
    small = scaled(picture, fit(*picture.size, side, side)).convert("RGBA")
    return base64.b64encode(thumbhash.encode(np.asarray(small))).decode()


def files(
    rendered: Rendered, sha256: str, sharp_key: str, blurred_key: str
) -> list[tuple[str, bytes]]:
    """(name in the storage, bytes) of every file."""
    return [
        (name(sha256, key, width), data)
        for key, made in ((sharp_key, rendered.sharp), (blurred_key, rendered.blurred))
        for width, data in made.items()
    ]


def copy(before: str, after: str) -> None:
    """Give a file a second name. Raises FileNotFoundError."""
    link = getattr(default_storage, "link", None)
    if link is not None:
        link(before, after)
        return
    with default_storage.open(before) as file:
        default_storage.save(after, file)


def names_of(sha256: str, native_width: int, sharp_key: str, blurred_key: str) -> list[str]:
    """The names of all the files that belong to an image."""
    sharp = [name(sha256, sharp_key, width) for width in sharp_widths(native_width)]
    return [*sharp, name(sha256, blurred_key, blurred_width(native_width))]
