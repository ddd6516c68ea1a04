"""A gallery image as a labeler gets it, made ready in threads ahead of its turn."""

import io
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from gallery import image_files
from gallery.models import Album, Image, Label
from labeling.labeler import JPEG_QUALITY, LONGEST_SIDE, Found, Picture
from labeling.models import LabelingItem, LabelingRun
from labeling.prompts import instructions

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

    run: with its prompt and album, since threads ask no database.
    """
    texts = page_texts([item.image_id for item in chunk]) if run.include_context else {}
    return [
        (item, threads.submit(picture_of, item.image, run, texts.get(item.image_id, ())))
        for item in chunk
    ]


def picture_of(image: Image, run: LabelingRun, texts: tuple[str, ...] = ()) -> Picture:
    """The image as the run asks about it. texts: those of page_texts().

    Raises OSError if the file is not there, ImageRefused if it cannot be decoded.
    """
    with image.file.open("rb") as file:
        data = file.read()
    asked = instructions(run.prompt.text, run.trigger_word)
    return Picture(_jpeg(data), asked, _found(image, run, texts))


def words_of(album: Album) -> str:
    """What is told of the album that a picture is labelled with."""
    return " · ".join(filter(None, (album.name, album.description)))


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


def _found(image: Image, run: LabelingRun, texts: tuple[str, ...]) -> Found:
    if not run.include_context:
        return Found(prompt=image.prompt)
    return Found(
        prompt=image.prompt, page_texts=texts, album=words_of(run.album) if run.album else ""
    )
