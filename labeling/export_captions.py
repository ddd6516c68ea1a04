"""An album's captions as files: texts beside pictures, kohya's folder, metadata.jsonl, CSV.

Everything is written while it is sent, so an album of any size takes no memory and no disk.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import TextChoices

from gallery.models import Album
from labeling.album_captions import Captioned, captioned
from labeling.caption_files import JSONL, Row, write_csv, write_jsonl

_CHUNK = 256 * 1024


class Format(TextChoices):
    TXT = "txt", "Texts beside the pictures (.txt)"
    KOHYA = "kohya", "Folder for kohya's trainers"
    HUGGING_FACE = "huggingface", "Hugging Face (metadata.jsonl)"
    CSV = "csv", "Table (CSV)"


class Words(TextChoices):
    """What stands in a ``.txt``."""

    CAPTION = "caption", "Caption"
    TAGS = "tags", "Tags"
    BOTH = "both", "Caption, then tags"


@dataclass(frozen=True)
class Export:
    """with_pictures: the originals too (always in kohya's folder). repeats, trigger: kohya's."""

    format: str
    words: str = Words.CAPTION
    with_pictures: bool = False
    repeats: int = 10
    trigger: str = ""


@dataclass(frozen=True)
class Sent:
    """A file as it is sent."""

    name: str
    content_type: str
    parts: Iterator[bytes]


def export(album: Album, asked: Export) -> Sent:
    """The album's file."""
    if asked.format == Format.CSV:
        parts = write_csv(map(_row, captioned(album)))
        return Sent(f"{album.slug}.csv", "text/csv; charset=utf-8", _encoded(parts, "\ufeff"))
    if asked.format == Format.HUGGING_FACE and not asked.with_pictures:
        parts = write_jsonl(map(_row, captioned(album)))
        return Sent(f"{album.slug}.jsonl", "application/jsonl; charset=utf-8", _encoded(parts))
    files = _files(album, asked)
    return Sent(f"{album.slug}.zip", "application/zip", zipped(files))


def _row(each: Captioned) -> Row:
    image = each.image
    return Row(
        name=each.name,
        caption=each.caption,
        tags=each.tags,
        rating=image.rating,
        source=each.caption_source,
        image_id=image.pk,
        sha256=image.sha256,
    )


File = tuple[str, Iterable[bytes]]


def _files(album: Album, asked: Export) -> Iterator[File]:
    """Names and contents of the archive's files."""
    folder = _kohya_folder(asked, album) if asked.format == Format.KOHYA else ""
    if asked.format == Format.HUGGING_FACE:
        lines = write_jsonl(map(_row, captioned(album)))
        yield JSONL, (line.encode() for line in lines)
    for each in captioned(album):
        if asked.with_pictures or asked.format == Format.KOHYA:
            yield f"{folder}{each.name}", _original(str(each.image.file.name))
        if asked.format != Format.HUGGING_FACE:
            yield f"{folder}{each.stem}.txt", [f"{text_of(each, asked.words)}\n".encode()]


def text_of(each: Captioned, words: str) -> str:
    """What stands in the picture's ``.txt``, on one line."""
    said = {Words.CAPTION: [each.caption], Words.TAGS: each.tags}
    parts = said.get(Words(words), [each.caption, *each.tags])
    return ", ".join(part for part in parts if part)


def _kohya_folder(asked: Export, album: Album) -> str:
    """ "10_sks cards/": how often each picture counts, and what it is of."""
    subject = re.sub(r"[^\w -]+", " ", asked.trigger or album.name).strip() or "album"
    return f"{asked.repeats}_{' '.join(subject.split())[:100]}/"


def _original(name: str) -> Iterator[bytes]:
    with default_storage.open(name) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _encoded(parts: Iterable[str], first: str = "") -> Iterator[bytes]:
    yield first.encode()
    for part in parts:
        yield part.encode()


class _Pipe:
    """What was written and not yet sent; no file that could be sought in."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        return data


def zipped(files: Iterable[File]) -> Iterator[bytes]:
    """A ZIP archive of the files, in parts; nothing is compressed, since pictures are already.

    A file that cannot be read is left out, and MISSING.txt names it.
    """
    pipe = _Pipe()
    missing = []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, parts in files:
            chunks = iter(parts)
            try:
                first = next(chunks, b"")
            except OSError:
                missing.append(name)
                continue
            with archive.open(
                zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True
            ) as member:
                member.write(first)
                for chunk in chunks:
                    member.write(chunk)
                    yield pipe.taken()
            yield pipe.taken()
        if missing:
            archive.writestr("MISSING.txt", "\n".join(missing) + "\n")
    yield pipe.taken()
