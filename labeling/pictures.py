"""A gallery image as a labeler gets it, made ready in threads ahead of its turn."""

import io
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from gallery import image_files
from gallery.models import Album, Image, Label
from labeling.labeler import JPEG_QUALITY, LONGEST_SIDE, Found, Picture
from labeling.models import LabelingItem, LabelingRun

# Pictures decoded at the same time: each may take as much memory as the largest that is let in.
PREPARERS = 2
# Pictures that are ready, or nearly so, before it is their turn.
AHEAD = 4
# Pictures that are begun at once: their rows are read together.
CHUNK = 4

Preparing = Future[Picture]


def preparers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(PREPARERS, thread_name_prefix="pictures")


def prepare(
    threads: ThreadPoolExecutor, run: LabelingRun, chunk: Sequence[LabelingItem]
) -> list[tuple[LabelingItem, Preparing]]:
    """Start on the pictures of these items, in their order. Their futures yield a Picture, or raise
    OSError for a file that is not there, ImageRefused for one that cannot be decoded.
    """
    texts = page_texts([item.image_id for item in chunk])
    return [
        (
            item,
            threads.submit(
                picture_of, item.image, run.prompt.text, run.album, texts.get(item.image_id, ())
            ),
        )
        for item in chunk
    ]


def picture_of(
    image: Image, instructions: str, album: Album | None, texts: tuple[str, ...] = ()
) -> Picture:
    """album: the one that the run is about. texts: those of page_texts(). Asks no database.

    Raises OSError if the file is not there, ImageRefused if it cannot be decoded.
    """
    with image.file.open("rb") as file:
        data = file.read()
    return Picture(_jpeg(data), instructions, _found(image, album, texts))


def page_texts(image_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Image → the words of the web page that it came from, the closest first."""
    scraped = Label.objects.filter(source=Label.Source.SCRAPER, kind=Label.Kind.CAPTION)
    found: dict[int, tuple[str, ...]] = {}
    for image_id, text in scraped.filter(image__in=image_ids).values_list("image_id", "text"):
        found[image_id] = (*found.get(image_id, ()), text)
    return found


def _jpeg(data: bytes) -> bytes:
    """Upright, at most LONGEST_SIDE pixels on its long side."""
    decoded = image_files.decode(data, max_width=LONGEST_SIDE, max_height=LONGEST_SIDE)
    jpeg = io.BytesIO()
    image_files.on_white(decoded.picture).save(jpeg, "JPEG", quality=JPEG_QUALITY)
    return jpeg.getvalue()


def _found(image: Image, album: Album | None, texts: tuple[str, ...]) -> Found:
    return Found(
        prompt=image.prompt,
        page_texts=texts,
        album=" · ".join(filter(None, (album.name, album.description))) if album else "",
    )
