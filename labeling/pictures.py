"""A gallery image as a labeler gets it."""

import io

from gallery import image_files
from gallery.models import Album, Image, Label
from labeling import embedded_keywords
from labeling.labeler import JPEG_QUALITY, LONGEST_SIDE, Found, Picture


def picture_of(
    image: Image, instructions: str, album: Album | None, longest_side: int = LONGEST_SIDE
) -> Picture:
    """album: the one that the run is about. longest_side: pixels that it is scaled down to.

    Raises OSError if the file is not there, ImageRefused if it cannot be decoded.
    """
    with image.file.open("rb") as file:
        data = file.read()
    return Picture(_jpeg(data, longest_side), instructions, _found(image, data, album))


def _jpeg(data: bytes, longest_side: int) -> bytes:
    """Upright, at most longest_side pixels on its long side."""
    decoded = image_files.decode(data, max_width=longest_side, max_height=longest_side)
    jpeg = io.BytesIO()
    image_files.on_white(decoded.picture).save(jpeg, "JPEG", quality=JPEG_QUALITY)
    return jpeg.getvalue()


def _found(image: Image, data: bytes, album: Album | None) -> Found:
    texts = image.labels.filter(source=Label.Source.SCRAPER, kind=Label.Kind.CAPTION)
    return Found(
        prompt=image.prompt,
        page_texts=tuple(texts.values_list("text", flat=True)),
        keywords=embedded_keywords.read(data, image.format),
        album=" · ".join(filter(None, (album.name, album.description))) if album else "",
    )
