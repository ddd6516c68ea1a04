"""A gallery image as a labeler gets it."""

import io

from gallery import image_files
from gallery.models import Album, Image, Label
from labeling.labeler import JPEG_QUALITY, LONGEST_SIDE, Found, Picture


def picture_of(image: Image, instructions: str, album: Album | None) -> Picture:
    """album: the one that the run is about.

    Raises OSError if the file is not there, ImageRefused if it cannot be decoded.
    """
    with image.file.open("rb") as file:
        data = file.read()
    return Picture(_jpeg(data), instructions, _found(image, album))


def _jpeg(data: bytes) -> bytes:
    """Upright, at most LONGEST_SIDE pixels on its long side."""
    decoded = image_files.decode(data, max_width=LONGEST_SIDE, max_height=LONGEST_SIDE)
    jpeg = io.BytesIO()
    image_files.on_white(decoded.picture).save(jpeg, "JPEG", quality=JPEG_QUALITY)
    return jpeg.getvalue()


def _found(image: Image, album: Album | None) -> Found:
    texts = image.labels.filter(source=Label.Source.SCRAPER, kind=Label.Kind.CAPTION)
    return Found(
        prompt=image.prompt,
        page_texts=tuple(texts.values_list("text", flat=True)),
        album=" · ".join(filter(None, (album.name, album.description))) if album else "",
    )
