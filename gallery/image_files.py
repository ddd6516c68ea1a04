"""The only place that decodes a picture file.

A file is what its bytes say, never what its name says. It is believed once it has been decoded
completely; before that, its size is checked, so that no small file can fill the memory.
"""

import io
import re
import zlib
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from PIL import ExifTags, Image, ImageCms

from gallery import image_headers, libvips
from imagineer.words import thin

FORMATS = {
    "jpeg": ("JPEG", "MPO"),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "gif": ("GIF",),
    "bmp": ("BMP",),
}
CONTENT_TYPES = {name: f"image/{name}" for name in FORMATS}
EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "gif": "gif", "bmp": "bmp"}
ACCEPTED = "JPEG, PNG, WebP, GIF and BMP"
MAX_FRAMES = 5_000
# A colour profile of more than this is no profile of a display or printer.
MAX_PROFILE_BYTES = 4 * 1024 * 1024
# The check below is stricter than Pillow's own, which errs only at twice this number.
Image.MAX_IMAGE_PIXELS = settings.MAX_IMAGE_PIXELS
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
# What decoders raise for files that are not what they begin as.
_DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError,
    AttributeError, NotImplementedError, RuntimeError, zlib.error,
)  # fmt: skip


class ImageRefused(Exception):
    """A file that is not taken in: a machine's code and a sentence for people.

    Codes: empty, too_large, not_an_image, too_many_pixels, damaged.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class DecodedImage:
    """A decoded picture; width and height are the file's own, upright, whatever ``picture`` is."""

    format: str
    width: int
    height: int
    frames: int
    picture: Image.Image
    """Upright, sRGB, mode RGB or RGBA; the first frame of an animation."""


def decode(
    data: bytes, max_width: int | None = None, max_height: int | None = None
) -> DecodedImage:
    """Decode a file completely. Raises ImageRefused with a sentence for anything else.

    max_width, max_height: the picture is scaled down to fit into these (never up); decoding a
    large JPEG to a small picture is several times faster than decoding it whole.
    """
    kind = _recognise(data)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS[kind]) as opened:
            return _decode(data, kind, opened, max_width, max_height)
    except Image.DecompressionBombError as error:
        # Pillow says how many, and nothing of the sides.
        told = re.search(r"\((\d+) pixels\)", str(error))
        number = f"{thin(int(told[1]) // 1_000_000)} megapixels" if told else "too many pixels"
        raise _too_many_pixels(f"The picture has {number}") from None
    except MemoryError:
        raise ImageRefused("damaged", "The picture does not fit into memory.") from None
    except _DAMAGE as error:
        raise ImageRefused(
            "damaged",
            f"The file begins as {kind.upper()} but cannot be decoded: it is cut off or damaged.",
        ) from error


def pixels(data: bytes) -> int:
    """Width × height as a file says them, without decoding it; 0 for one that is not taken."""
    kind = image_headers.sniff(data)
    if kind is None:
        return 0
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS[kind]) as opened:
            width, height = opened.size
            return width * height
    except (Image.DecompressionBombError, *_DAMAGE):
        return 0


def fit(width: int, height: int, max_width: int | None, max_height: int | None) -> tuple[int, int]:
    """The size scaled down (never up) to fit, its proportions kept, each side at least 1."""
    scale = min(1.0, (max_width or width) / width, (max_height or height) / height)
    if scale == 1.0:
        return width, height
    return max(1, round(width * scale)), max(1, round(height * scale))


def scaled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture at this size, averaged over all its pixels."""
    if picture.size == size:
        return picture
    made = libvips.scaled(picture, size)
    if made is not None:
        return made
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _recognise(data: bytes) -> str:
    """The format by content, sizes checked as far as the container's header tells them."""
    if not data:
        raise ImageRefused("empty", "The file is empty.")
    if len(data) > settings.MAX_IMAGE_BYTES:
        limit = settings.MAX_IMAGE_BYTES // 1_000_000
        raise ImageRefused(
            "too_large",
            f"The file is larger than {limit} MB, the most that is taken.",
        )
    kind = image_headers.sniff(data)
    if kind is None:
        other = image_headers.describe_other(data)
        raise ImageRefused(
            "not_an_image", f"This is {other or 'not a picture'}; {ACCEPTED} are taken."
        )
    if kind == "webp":
        canvas = image_headers.webp_canvas(data)
        if canvas is None:
            raise ImageRefused("damaged", "The WebP file's header is damaged.")
        _check_pixels(*canvas, image_headers.frames(data, kind, MAX_FRAMES))
    return kind


def _decode(
    data: bytes,
    kind: str,
    opened: Image.Image,
    max_width: int | None,
    max_height: int | None,
) -> DecodedImage:
    frames = image_headers.frames(data, kind, MAX_FRAMES)
    _check_pixels(*opened.size, frames)
    stored = opened.size

    def wanted() -> tuple[int, int]:
        """The size as it is stored: lying on its side where it must be turned."""
        orientation = _orientation(opened)
        size = fit(*_seen(stored, orientation), max_width, max_height)
        return _seen(size, orientation)

    picture = None
    if kind == "jpeg":
        opened.draft(None, wanted())
    elif frames == 1 and _is_plain(data, kind, opened):
        picture = libvips.decoded(data, kind, stored, wanted())
    if picture is None:
        opened.load()
        # A PNG may carry its EXIF behind the pixels: only now it is known.
        picture = scaled(_plain(opened), wanted())
    orientation = _orientation(opened)
    width, height = _seen(stored, orientation)
    picture = _upright(_srgb(picture, opened.info.get("icc_profile")), orientation)
    # A picture of its own: neither bound to the file nor carrying its metadata into others.
    picture = picture.copy() if picture is opened else picture
    picture.info = {}
    # An APNG may have a still picture before the frames that it announces.
    _load_others(opened, kind, getattr(opened, "n_frames", 1) if kind == "png" else frames)
    if kind == "gif" and image_headers.gif_is_cut(data):
        raise ImageRefused("damaged", f"The file is cut off behind frame {frames} of this GIF.")
    return DecodedImage(kind, width, height, frames, picture)


def _is_plain(data: bytes, kind: str, opened: Image.Image) -> bool:
    """Whether libvips reads the still picture's pixels just as Pillow does."""
    if opened.mode not in ("L", "RGB") or "transparency" in opened.info:
        return False
    if kind == "png":
        # An APNG may have a still picture before the frames that it announces.
        return getattr(opened, "n_frames", 1) == 1 and image_headers.png_is_plain(data)
    return kind == "webp"


def _load_others(opened: Image.Image, kind: str, frames: int) -> None:
    """Decode the frames after the first, one at a time. Raises ImageRefused for a damaged one."""
    for number in range(1, frames):
        try:
            opened.seek(number)
            opened.load()
        except _DAMAGE as error:
            raise ImageRefused(
                "damaged",
                f"Frame {number + 1} of this {kind.upper()} animation cannot be decoded: the file "
                "is cut off or damaged.",
            ) from error


def _seen(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """A stored size as it is seen, and the other way round: four orientations lie on their side."""
    return (size[1], size[0]) if orientation >= 5 else size


def _check_pixels(width: int, height: int, frames: int) -> None:
    if width < 1 or height < 1:
        raise ImageRefused("damaged", "The picture has no pixels.")
    if frames > MAX_FRAMES:
        raise ImageRefused(
            "too_many_pixels",
            f"The animation has more than {thin(MAX_FRAMES)} frames, the most taken.",
        )
    if width * height * frames > settings.MAX_IMAGE_PIXELS:
        size = f"{width} × {height} pixels"
        raise _too_many_pixels(
            f"The animation has {frames} frames of {size}"
            if frames > 1
            else f"The picture has {size}"
        )


def _too_many_pixels(what: str) -> ImageRefused:
    limit = settings.MAX_IMAGE_PIXELS // 1_000_000
    return ImageRefused("too_many_pixels", f"{what}; at most {limit} megapixels are taken.")


def _orientation(opened: Image.Image) -> int:
    """The EXIF orientation, 1..8; 1 where there is none or it cannot be read."""
    raw = opened.info.get("exif")
    if not isinstance(raw, bytes):
        return 1
    exif = Image.Exif()
    try:
        exif.load(raw)
        value = exif.get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Metadata is never a reason to refuse a picture, and Pillow's parser raises anything.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def _plain(opened: Image.Image) -> Image.Image:
    """The picture in a mode that can be scaled: L, RGB, RGBA or CMYK, 8 bits a channel."""
    if opened.mode.startswith("I") or opened.mode == "F":
        # Sixteen bits of grey: Pillow's own conversion would clip all above 255 to white.
        values = np.asarray(opened, dtype=np.float64)
        return Image.fromarray((values.clip(0, 65535) / 257).round().astype(np.uint8))
    if "transparency" in opened.info or opened.mode in ("PA", "La", "RGBa"):
        return opened.convert("RGBA")
    if opened.mode in ("L", "RGB", "RGBA", "CMYK"):
        return opened
    if opened.mode == "LA":
        return opened.convert("RGBA")
    return opened.convert("L" if opened.mode == "1" else "RGB")


def _srgb(picture: Image.Image, profile: object) -> Image.Image:
    """The picture in sRGB, RGB or RGBA: an embedded colour profile is applied, not dropped."""
    if isinstance(profile, bytes) and 128 < len(profile) <= MAX_PROFILE_BYTES:
        try:
            return _with_profile(picture, profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A damaged or foreign profile: the colours are then shown as they stand, which is
            # what browsers do.
            pass
    return picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")


def _with_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if "sRGB" in ImageCms.getProfileDescription(source):
        return picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture.convert("RGB") if alpha else picture
    converted = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB")
    assert converted is not None
    if alpha:
        converted.putalpha(alpha)
    return converted


def on_white(picture: Image.Image) -> Image.Image:
    """The picture in mode RGB, transparent parts white."""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture).convert("RGB")
