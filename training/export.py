"""A dataset version as a flat folder, the layout that kohya's and diffusers' trainers read."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from gallery import image_files
from gallery.caption_words import with_trigger
from gallery.models import Image
from training.models import DatasetItem, DatasetVersion

Report = Callable[[int, int], None]


class MissingPicture(Exception):
    """A frozen picture is no longer in the gallery, or no longer taken; the text names it."""


def export(
    dataset: DatasetVersion,
    folder: Path,
    trigger_word: str = "",
    report: Report = lambda done, total: None,
) -> int:
    """Write ``image_0001.png`` and ``image_0001.txt`` and so on; returns how many pictures.

    Pictures are upright, sRGB PNG; what is that already is copied byte for byte. Captions get the
    trigger word in front. The folder appears whole or not at all; one that is there is kept.
    Raises MissingPicture. report(done, total) is called for each picture; what it raises passes.
    """
    total = dataset.items.count()
    if folder.exists():
        return total
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    number = 0
    for item, image in _items(dataset):
        picture = _png(item, image)
        for _ in range(item.repeats):
            number += 1
            stem = f"image_{number:04d}"
            (part / f"{stem}.png").write_bytes(picture)
            caption = with_trigger(item.caption, trigger_word)
            (part / f"{stem}.txt").write_text(caption + "\n", "utf-8")
        report(item.index, total)
    part.rename(folder)
    return total


def _items(dataset: DatasetVersion) -> Iterator[tuple[DatasetItem, Image | None]]:
    """The items with their images: by their bytes, since one may have been deleted and added again.

    Where those are gone, the picture that it was merged into as a near-duplicate stands for it.
    """
    for item in dataset.items.select_related("image").order_by("index").iterator():
        image = item.image
        if image is None or image.sha256 != item.sha256:
            image = Image.everything.filter(sha256=item.sha256).first() or image
        yield item, image


def _png(item: DatasetItem, image: Image | None) -> bytes:
    if image is None:
        raise MissingPicture(
            f"Picture {item.index} of {item.dataset} (“{item.caption[:60]}”) was deleted from the "
            "gallery. Freeze a new version of the dataset."
        )
    try:
        with image.file.open() as file:
            data: bytes = file.read()
    except OSError as error:
        raise MissingPicture(
            f"The file of picture {item.index} of {item.dataset}, {image}, cannot be read from the "
            "media folder. Restore it, or freeze a new version of the dataset without it."
        ) from error
    try:
        return _as_png(data)
    except image_files.ImageRefused as refused:
        raise MissingPicture(
            f"Picture {item.index} of {item.dataset}, {image}, cannot be used: {refused.sentence} "
            "Freeze a new version of the dataset without it."
        ) from refused


def _as_png(data: bytes) -> bytes:
    decoded = image_files.decode(data)
    is_plain = decoded.format == "png" and decoded.frames == 1
    if is_plain and b"eXIf" not in data and b"iCCP" not in data:
        return data
    file = io.BytesIO()
    decoded.picture.save(file, "PNG")
    return file.getvalue()
