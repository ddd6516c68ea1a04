"""Comparing files with rows: what a killed process left behind, and what has gone missing.

A file is kept if a row names it. A row always comes after its files, so a file that no row names
is either left over or on its way in; the age decides, and it is never less than an hour.
"""

import logging
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils import timezone

from gallery import renditions
from gallery.add_image import ROOTS, decode_for_renditions
from gallery.image_files import EXTENSIONS, ImageRefused
from gallery.models import Image

logger = logging.getLogger(__name__)
FOLDERS = (*ROOTS, "thumbnails")
Report = Callable[[int, int, str], None]
MIN_AGE = timedelta(hours=1)
_CHUNK = 300
_RENDITION = re.compile(r"([0-9a-f]{32})-\d+\.webp")


@dataclass
class Swept:
    """What was found. kept: files that rows name; waiting: files too young to judge."""

    removed: list[str] = field(default_factory=list)
    kept: int = 0
    waiting: int = 0


def sweep(
    older_than: timedelta = MIN_AGE, *, dry_run: bool = False, report: Report | None = None
) -> Swept:
    """Remove the files of pictures that no row names.

    Only below the folders that add_image writes to. report(done, known, message) is told the
    folders; what it raises ends the sweep. Raises ValueError for an age below an hour.
    """
    if older_than < MIN_AGE:
        raise ValueError("Files younger than an hour may be on their way in.")
    swept = Swept()
    # The roots first: their folders are nearly all that there are.
    waiting = deque(FOLDERS)
    for done, (folder, names) in enumerate(_folders(waiting)):
        for start in range(0, len(names), _CHUNK):
            if report is not None:
                report(done, done + 1 + len(waiting), f"{len(swept.removed)} files removed")
            _sweep(folder, names[start : start + _CHUNK], older_than, dry_run, swept)
    return swept


def _sweep(
    folder: str, names: list[str], older_than: timedelta, dry_run: bool, swept: Swept
) -> None:
    # The age is asked for before the rows are: whatever gets its row meanwhile is young.
    born = timezone.now() - older_than
    old = [name for name in names if _modified_before(f"{folder}/{name}", born)]
    named = _named_by_rows(folder, old)
    orphans = [f"{folder}/{name}" for name in old if name not in named]
    if not dry_run:
        for orphan in orphans:
            default_storage.delete(orphan)
    swept.removed += orphans
    swept.kept += len(named)
    swept.waiting += len(names) - len(old)


def _modified_before(name: str, moment: datetime) -> bool:
    try:
        return bool(default_storage.get_modified_time(name) < moment)
    except FileNotFoundError:
        return False


def _named_by_rows(folder: str, names: list[str]) -> set[str]:
    if folder.partition("/")[0] == "thumbnails":
        return _named_renditions(folder, names)
    possible = {f"{folder}/{name}" for name in names}
    for name in names:
        if name.endswith(".json"):
            # A sidecar belongs to the picture whose name it shares.
            possible.update(_pictures_beside(f"{folder}/{name}"))
    known = set(Image.everything.filter(file__in=possible).values_list("file", flat=True))
    beside = {PurePosixPath(path).with_suffix(".json").name for path in known}
    return {name for name in names if f"{folder}/{name}" in known} | beside.intersection(names)


def _pictures_beside(sidecar: str) -> Iterator[str]:
    for extension in EXTENSIONS.values():
        yield str(PurePosixPath(sidecar).with_suffix(f".{extension}"))


def _named_renditions(folder: str, names: list[str]) -> set[str]:
    keys = {name: match[1] for name in names if (match := _RENDITION.fullmatch(name))}
    rows = Image.everything.filter(
        Q(sharp_key__in=keys.values()) | Q(blurred_key__in=keys.values())
    )
    expected = {
        PurePosixPath(path).name
        for image in rows.only("sha256", "width", "sharp_key", "blurred_key")
        for path in _rendition_names(image)
        if str(PurePosixPath(path).parent) == folder
    }
    return expected & set(names)


def _rendition_names(image: Image) -> list[str]:
    return renditions.names_of(image.sha256, image.width, image.sharp_key, image.blurred_key)


def _folders(waiting: "deque[str] | None" = None) -> Iterator[tuple[str, list[str]]]:
    """Every folder below the roots with the names of its files. waiting: those still to come."""
    waiting = deque(FOLDERS) if waiting is None else waiting
    while waiting:
        folder = waiting.popleft()
        try:
            folders, files = default_storage.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        waiting += [f"{folder}/{name}" for name in folders]
        yield folder, [name for name in files if name]


@dataclass(frozen=True)
class Missing:
    """A row without some of its files. original: that one is gone, nothing can be made again."""

    image: Image
    names: list[str]
    original: bool


def missing() -> Iterator[Missing]:
    """The rows whose files are not all there."""
    for image in Image.everything.order_by("pk").iterator(chunk_size=500):
        names = [str(image.file.name), *_rendition_names(image)]
        gone = [name for name in names if not default_storage.exists(name)]
        if gone:
            yield Missing(image, gone, original=names[0] in gone)


def repair(found: Missing) -> bool:
    """Make the missing renditions again from the original; False if that is gone or damaged."""
    if found.original:
        return False
    image = found.image
    with default_storage.open(str(image.file.name)) as file:
        data = file.read()
    try:
        made = renditions.render(decode_for_renditions(data))
    except ImageRefused:
        logger.warning("Image %s cannot be decoded any more", image.pk, exc_info=True)
        return False
    for key, files in ((image.sharp_key, made.sharp), (image.blurred_key, made.blurred)):
        for width, content in files.items():
            name = renditions.name(image.sha256, key, width)
            if name in found.names:
                default_storage.save(name, ContentFile(content))
    return True
