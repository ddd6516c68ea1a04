"""Captions from files become labels of an album's pictures; what was said before stays.

Taken are the files that labeling.export_captions writes and what others write alike: CSV,
``metadata.jsonl``, ``.txt`` and ``.json`` named as the pictures, and ZIP archives of these, with
the pictures or without.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.db import transaction

from gallery import captions, image_index, image_tags, labels, sidecars
from gallery.album_sources import Source, SourceRefused, UnreadableFile, sidecar_of
from gallery.models import Album, AlbumImage, Image, Label
from gallery.ratings import said_by_labelers, settle_rating
from gallery.sidecars import Sidecar, SidecarRefused
from gallery.tags import normalised
from labeling.album_captions import file_names
from labeling.caption_files import CaptionFileRefused, Row, read_csv, read_jsonl

MOST_BYTES = 50_000_000
_TABLES: dict[str, Callable[[str], list[Row]]] = {
    ".csv": read_csv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
}
ENDINGS = (*_TABLES, *sidecars.TEXT_EXTENSIONS, sidecars.JSON_EXTENSION, ".zip")
_PART = 200
Report = Callable[[int, int, str], None]


@dataclass
class Imported:
    """How many pictures were named, and what was new. unmatched: names that no picture has."""

    matched: int = 0
    captions: int = 0
    tags: int = 0
    ratings: int = 0
    unmatched: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def import_captions(
    sources: Sequence[Source],
    album: Album,
    *,
    choose: bool = True,
    created_by: Any = None,
    report: Report = lambda done, total, message: None,
) -> Imported:
    """Write what the sources say of the album's pictures as labels of the source "imported".

    choose: the captions count from now on, before all others. A picture is found by its bytes, its
    number, or its file's name (gallery name or as exported, with or without its ending). Raises
    CaptionFileRefused for a table that cannot be read, before anything is written. report may raise
    to stop; what was written stays, and the same call made again does the rest.
    """
    outcome = Imported()
    rows = [row for source in sources for row in read_rows(source, outcome)]
    pictures = _Pictures(album)
    matched: list[tuple[int, Row]] = []
    for row in rows:
        found = pictures.find(row)
        if found is None:
            outcome.unmatched.append(row.name or row.sha256 or f"image {row.image_id}")
        else:
            matched.append((found, row))
    outcome.matched = len({pk for pk, _ in matched})
    for start in range(0, len(matched), _PART):
        report(start, len(matched), f"{start} of {len(matched)} captions")
        _write(matched[start : start + _PART], outcome, choose, created_by)
    report(len(matched), len(matched), "")
    return outcome


# --- Reading -------------------------------------------------------------------------------------


def read_rows(source: Source, outcome: Imported) -> Iterator[Row]:
    """Raises CaptionFileRefused; single sidecars that cannot be read are noted in the outcome."""
    used: set[str] = set()
    for entry in source.entries:
        if not entry.beside:
            continue
        used.update(entry.beside)
        try:
            sidecar = sidecar_of(source, entry)
            data = source.read(entry.name, settings.MAX_IMAGE_BYTES + 1)
        except (SidecarRefused, UnreadableFile) as refused:
            outcome.refused.append(str(refused))
            continue
        yield _of_sidecar(entry.name, sidecar, hashlib.sha256(data).hexdigest())
    for name in source.names:
        ending = PurePosixPath(name).suffix.lower()
        if ending in _TABLES:
            yield from _TABLES[ending](_table(source, name))
        elif sidecars.is_sidecar(name) and name not in used:
            try:
                data = source.read(name, sidecars.MOST_JSON_BYTES + 1)
                yield _of_sidecar(name[: -len(ending)], sidecars.read([(name, data)]), "")
            except (SidecarRefused, UnreadableFile) as refused:
                outcome.refused.append(str(refused))


def _of_sidecar(name: str, sidecar: Sidecar, sha256: str) -> Row:
    return Row(
        name=name,
        caption=sidecar.caption,
        tags=sidecar.tags,
        rating=sidecar.rating,
        sha256=sha256,
    )


def _table(source: Source, name: str) -> str:
    try:
        data = source.read(name, MOST_BYTES + 1)
    except UnreadableFile as error:
        raise CaptionFileRefused(str(error)) from error
    if len(data) > MOST_BYTES:
        raise CaptionFileRefused(f"{name} is larger than {MOST_BYTES // 1_000_000} MB; split it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CaptionFileRefused(f"{name} is not written in UTF-8; save it so.") from None


def check(sources: Iterable[Source]) -> None:
    """Whether there is anything to read. Raises CaptionFileRefused, SourceRefused."""
    outcome = Imported()
    if not any(True for source in sources for _ in read_rows(source, outcome)):
        why = f" {outcome.refused[0]}" if outcome.refused else ""
        raise SourceRefused(f"There are no captions in these files.{why}")


class _Pictures:
    """The album's pictures, by all that a file may call them."""

    def __init__(self, album: Album) -> None:
        entries = AlbumImage.objects.filter(album=album).order_by("position", "id")
        ids = list(entries.values_list("image_id", flat=True))
        self.ids = set(ids)
        self.by_bytes = dict(Image.objects.filter(entries__album=album).values_list("sha256", "pk"))
        originals = Image.objects.filter(entries__album=album).values_list("pk", "original_name")
        # What an export called them counts before what they were called once.
        self.by_name = [_called(file_names(ids).items()), _called(originals)]

    def find(self, row: Row) -> int | None:
        if row.sha256 in self.by_bytes:
            return self.by_bytes[row.sha256]
        if row.image_id in self.ids:
            return row.image_id
        last = row.name.replace("\\", "/").rpartition("/")[2]
        for called in self.by_name:
            for name in (last.casefold(), _stem(last)):
                found = called.get(name, set()) if name else set()
                if len(found) == 1:
                    return next(iter(found))
        return None


def _called(names: Iterable[tuple[int, str]]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for pk, name in names:
        found[name.casefold()].add(pk)
        found[_stem(name)].add(pk)
    return found


def _stem(name: str) -> str:
    stem, dot, _ = name.casefold().rpartition(".")
    return stem if dot else name.casefold()


# --- Writing -------------------------------------------------------------------------------------


def _write(
    rows: Sequence[tuple[int, Row]], outcome: Imported, choose: bool, created_by: Any
) -> None:
    ids = {pk for pk, _ in rows}
    said: dict[int, list[Label]] = defaultdict(list)
    images = Image.objects.in_bulk(ids)
    for pk, row in rows:
        if row.rating and pk in images:
            _write_rating(images[pk], row.rating, outcome, created_by)
    with transaction.atomic():
        for label in Label.objects.filter(image__in=ids).order_by("pk"):
            said[label.image_id].append(label)
        for pk, row in rows:
            if pk in images:
                _write_one(images[pk], row, said[pk], outcome, choose, created_by)
        image_index.refresh(ids)


def _write_one(
    image: Image, row: Row, said: list[Label], outcome: Imported, choose: bool, created_by: Any
) -> None:
    def write(kind: str, text: str) -> Label:
        label = _imported(image, kind, text, created_by)
        said.append(label)
        return label

    if row.caption:
        known = [label for label in said if label.kind == Label.Kind.CAPTION]
        label = next((each for each in known if each.text.strip() == row.caption), None)
        if label is None:
            label = write(Label.Kind.CAPTION, row.caption)
            known.append(label)
            outcome.captions += 1
        if choose and captions.choose(known) != label:
            labels.pin(label, pinned_by=created_by)
    tags = {normalised(label.text) for label in said if label.kind in image_tags.TAG_KINDS}
    for tag in row.tags:
        if normalised(tag) not in tags:
            tags.add(normalised(tag))
            write(Label.Kind.TAG, tag)
            outcome.tags += 1


def _write_rating(image: Image, rating: str, outcome: Imported, created_by: Any) -> None:
    """What a file says counts as a labeler's word, unless one has said it before."""
    written: list[Label] = []

    def write() -> None:
        written.clear()
        if rating not in said_by_labelers(image):
            written.append(_imported(image, Label.Kind.RATING, rating, created_by))

    settle_rating(image, write, expected=(rating,))
    outcome.ratings += len(written)


def _imported(image: Image, kind: str, text: str, created_by: Any) -> Label:
    return Label.objects.create(
        image=image,
        kind=kind,
        text=text,
        source=Label.Source.IMPORTED,
        created_by=created_by if getattr(created_by, "pk", None) else None,
    )
