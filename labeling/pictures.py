"""A gallery image as a labeler gets it."""

import io

from gallery import image_files
from gallery.models import Album, Image, Label
from labeling.claude_client import JPEG_QUALITY, LONGEST_SIDE

_LONGEST_TEXT = 300
_MOST_TEXTS = 5


def jpeg_of(image: Image) -> bytes:
    """The picture as JPEG, upright, at most LONGEST_SIDE pixels on its long side.

    Raises OSError if the file is not there, ImageRefused if it cannot be decoded.
    """
    with image.file.open("rb") as file:
        data = file.read()
    decoded = image_files.decode(data, max_width=LONGEST_SIDE, max_height=LONGEST_SIDE)
    jpeg = io.BytesIO()
    image_files.on_white(decoded.picture).save(jpeg, "JPEG", quality=JPEG_QUALITY)
    return jpeg.getvalue()


def found_with(image: Image, album: Album | None) -> str:
    """What others wrote about the picture: its album's name, texts of the page it came from."""
    lines = []
    if album is not None:
        lines.append(f"Album: {album.name}")
        if album.description:
            lines.append(f"About the album: {album.description}")
    texts = image.labels.filter(source=Label.Source.SCRAPER, kind=Label.Kind.CAPTION)
    lines += [
        f"On its web page: {text}" for text in texts.values_list("text", flat=True)[:_MOST_TEXTS]
    ]
    return "\n".join(" ".join(line.split())[:_LONGEST_TEXT] for line in lines)
