"""A gallery image as a labeler gets it."""

import io

from gallery import image_files
from gallery.models import Album, Image, Label
from labeling.labeler import JPEG_QUALITY, LONGEST_SIDE, Found, Picture
from labeling.models import LabelingRun
from labeling.prompts import instructions


def picture_of(image: Image, run: LabelingRun) -> Picture:
    """The image as the run asks about it.

    Raises OSError if the file is not there, ImageRefused if it cannot be decoded.
    """
    with image.file.open("rb") as file:
        data = file.read()
    asked = instructions(run.prompt.text, run.trigger_word)
    return Picture(_jpeg(data), asked, _found(image, run))


def words_of(album: Album) -> str:
    """What is told of the album that a picture is labelled with."""
    return " · ".join(filter(None, (album.name, album.description)))


def _jpeg(data: bytes) -> bytes:
    """Upright, at most LONGEST_SIDE pixels on its long side."""
    decoded = image_files.decode(data, max_width=LONGEST_SIDE, max_height=LONGEST_SIDE)
    jpeg = io.BytesIO()
    image_files.on_white(decoded.picture).save(jpeg, "JPEG", quality=JPEG_QUALITY)
    return jpeg.getvalue()


def _found(image: Image, run: LabelingRun) -> Found:
    if not run.include_context:
        return Found(prompt=image.prompt)
    texts = image.labels.filter(source=Label.Source.SCRAPER, kind=Label.Kind.CAPTION)
    return Found(
        prompt=image.prompt,
        page_texts=tuple(texts.values_list("text", flat=True)),
        album=words_of(run.album) if run.album else "",
    )
