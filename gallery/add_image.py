"""The only way an image enters the gallery.

    bytes ─► sha256 known? ─► yes: that image, added to the album
                  │
                  no: decode ─► files (temporary name, flush, name) ─► row and album entry in one
                                                                        short transaction

The row comes last, so whatever a kill leaves behind are files without a row, which
``manage.py sweep_files`` removes. Two processes with the same bytes write files under different
names; the database lets one row in, and the loser removes its files.
"""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from gallery import (
    albums,
    embedded_texts,
    foreign_metadata,
    image_files,
    image_index,
    renditions,
    trash,
)
from gallery.daily_sweep import submit_when_due
from gallery.image_files import DecodedImage, ImageRefused
from gallery.models import Album, Image, Label, Rating, random_key
from gallery.renditions import Rendered
from gallery.storage import save_together

# The folders of the storage that hold pictures; sweeping keeps to these.
ROOTS = ("batches", "uploads", "scraped", "imported")
_DEFAULT_PREFIX = {
    Image.Source.UPLOAD: "uploads",
    Image.Source.GENERATED: "batches",
    Image.Source.SCRAPED: "scraped",
    Image.Source.IMPORTED: "imported",
}
_PREFIX = re.compile(rf"(?:{'|'.join(ROOTS)})(?:/[a-z0-9][a-z0-9_-]{{0,99}}){{0,4}}")
# Files older than an hour may be swept, so a row is never given to files half that old (a process
# that was stopped for that long writes them again).
_FRESH_SECONDS = 1800
_ATTEMPTS = 5


@dataclass(frozen=True)
class Prepared:
    """A file's bytes with all that is computed of them, before anything is written."""

    data: bytes = field(repr=False)
    sha256: str
    decoded: DecodedImage
    rendered: Rendered = field(repr=False)


Source = bytes | Path | IO[bytes]


@dataclass(frozen=True)
class AddedImage:
    """created: False where the gallery had these very bytes already."""

    image: Image
    created: bool


def add_image(
    source: Source | Prepared,
    *,
    source_type: str,
    original_name: str = "",
    prompt: str = "",
    negative_prompt: str = "",
    generation_params: Mapping[str, Any] | None = None,
    rating: str = Rating.UNRATED,
    imported_rating: str = Rating.UNRATED,
    is_public: bool = True,
    album: Album | None = None,
    position: int | None = None,
    created_by: Any = None,
    path_prefix: str = "",
    sidecar: Mapping[str, Any] | None = None,
) -> AddedImage:
    """Take in one picture: the file's bytes, its path, an open binary file, or what is prepared.

    The same bytes are the same Image: a second call changes nothing of it, but adds it to the
    album, and takes it out of the trash. Without prompt and generation_params, those that another
    tool kept in the file are taken. rating: decided on by an admin; imported_rating: what came with
    the file says, which is kept as a label and counts until one decides. position: the place in the
    album, at the end if None. path_prefix: the folder, for example "batches/12"; a default by
    source_type. sidecar: kept beside the file as JSON.

    Raises ImageRefused with a sentence for a file that is no picture we take, ValueError for
    arguments that are wrong, and OSError where source cannot be read or the storage not written.
    Safe to call again after any failure, and from many processes at once. Do not call it inside
    a transaction unless the source is prepared: decoding takes long, and writers would wait.
    """
    data = source.data if isinstance(source, Prepared) else _read(source)
    facts = _Facts(
        source_type=Image.Source(source_type).value,
        original_name=_clean_name(original_name or _name_of(source)),
        prompt=_clean(prompt),
        negative_prompt=_clean(negative_prompt),
        generation_params=dict(generation_params or {}),
        rating=Rating(rating).value,
        imported_rating=Rating(imported_rating).value,
        is_public=is_public,
        created_by=created_by if getattr(created_by, "pk", None) else None,
    )
    prefix = path_prefix.strip("/") or _DEFAULT_PREFIX[Image.Source(source_type)]
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{path_prefix!r} is not a folder for pictures, for example uploads/12.")
    sha256 = source.sha256 if isinstance(source, Prepared) else hashlib.sha256(data).hexdigest()
    place = _Place(album, position, facts.created_by)
    for attempt in range(_ATTEMPTS):
        # Who prepared it has most likely looked.
        is_new = attempt == 0 and isinstance(source, Prepared)
        known = None if is_new else _place_known(sha256, place)
        if known is not None:
            return AddedImage(known, created=False)
        source = source if isinstance(source, Prepared) else prepare(data, sha256)
        added = _add_new(source, facts, place, prefix, sidecar)
        if added is not None:
            return AddedImage(added, created=True)
    raise OSError("The picture could not be written: it was added and deleted again and again.")


@dataclass(frozen=True)
class _Facts:
    """The columns that the caller knows."""

    source_type: str
    original_name: str
    prompt: str
    negative_prompt: str
    generation_params: dict[str, Any]
    rating: str
    imported_rating: str
    is_public: bool
    created_by: Any

    def columns(self) -> dict[str, Any]:
        columns = dict(vars(self))
        imported = columns.pop("imported_rating")
        if self.rating == Rating.UNRATED:
            return columns | {"rating": imported}
        decided = {"rating_decided_at": timezone.now(), "rating_decided_by": self.created_by}
        return columns | decided


@dataclass(frozen=True)
class _Place:
    """Where in which album, and who put it there."""

    album: Album | None
    position: int | None
    added_by: Any

    def put(self, image: Image) -> bool:
        """Put it there; False where no album is asked for."""
        if self.album is None:
            return False
        albums.put(self.album, image, position=self.position, added_by=self.added_by)
        return True


@dataclass
class _Written:
    """The files of one attempt, the original first."""

    sharp_key: str = field(default_factory=random_key)
    blurred_key: str = field(default_factory=random_key)
    names: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)

    @property
    def is_fresh(self) -> bool:
        return time.time() - self.began < _FRESH_SECONDS

    def save(self, files: Sequence[tuple[str, bytes]]) -> None:
        self.names = save_together(files)

    def remove(self) -> None:
        for name in self.names:
            default_storage.delete(name)


def _place_known(sha256: str, place: _Place) -> Image | None:
    """The image with this hash, put into the album; None if there is none (any more)."""
    known = Image.everything.filter(sha256=sha256).first()
    if known is None:
        return None
    if known.deleted_at is not None:
        trash.restore([known.pk])
        known.refresh_from_db()
    if place.album is None:
        return known
    try:
        with transaction.atomic():
            place.put(known)
    except IntegrityError:
        if Image.everything.filter(sha256=sha256).exists():
            raise
        return None
    return known


def _add_new(
    prepared: Prepared,
    facts: _Facts,
    place: _Place,
    prefix: str,
    sidecar: Mapping[str, Any] | None,
) -> Image | None:
    """Write the files, then the row; None if another process was first."""
    data, sha256 = prepared.data, prepared.sha256
    decoded, rendered = prepared.decoded, prepared.rendered
    facts = _with_embedded(facts, data, decoded.format)
    written = _Written()
    written.save(
        [
            *_originals(data, decoded.format, facts.original_name, prefix, sidecar),
            *renditions.files(rendered, sha256, written.sharp_key, written.blurred_key),
        ]
    )
    image = Image(
        file=written.names[0],
        sha256=sha256,
        phash=rendered.phash,
        placeholder=rendered.placeholder,
        width=decoded.width,
        height=decoded.height,
        bytes=len(data),
        format=decoded.format,
        sharp_key=written.sharp_key,
        blurred_key=written.blurred_key,
        **facts.columns(),
    )
    try:
        if written.is_fresh and _insert(image, place, facts.imported_rating):
            return image
    except (IntegrityError, Album.DoesNotExist):
        written.remove()
        raise
    # After any other error the row may or may not be there: then the files are left to the sweep.
    written.remove()
    return None


def _with_embedded(facts: _Facts, data: bytes, kind: str) -> _Facts:
    """What the file says of how it was drawn, where the caller says nothing."""
    if facts.source_type == Image.Source.GENERATED or facts.prompt or facts.generation_params:
        return facts
    drawn = foreign_metadata.parse(embedded_texts.read(data, kind))
    if drawn is None:
        return facts
    return replace(
        facts,
        prompt=_clean(drawn.prompt),
        negative_prompt=facts.negative_prompt or _clean(drawn.negative_prompt),
        generation_params={"tool": drawn.tool, **drawn.params},
    )


def prepare(data: bytes, sha256: str = "") -> Prepared:
    """All that takes long of taking a picture in. Raises ImageRefused.

    sha256: of the data, if it is known. It reads no database and writes nothing, so that threads
    may prepare several pictures at once: most of its time is spent in libraries that let others
    compute meanwhile.
    """
    decoded = decode_for_renditions(data)
    rendered = renditions.render(decoded)
    return Prepared(data, sha256 or hashlib.sha256(data).hexdigest(), decoded, rendered)


def decode_for_renditions(data: bytes) -> DecodedImage:
    """Decode a file no larger than its widest rendition. Raises ImageRefused."""
    widest = renditions.WIDTHS[-1]
    return image_files.decode(data, widest, widest * renditions.MAX_HEIGHT_FACTOR)


def _insert(image: Image, place: _Place, imported_rating: str) -> bool:
    """Write row, imported rating and album entry; False if the hash is taken by now."""
    try:
        with transaction.atomic():
            image.save(force_insert=True)
            if imported_rating != Rating.UNRATED:
                Label.objects.create(
                    image=image,
                    kind=Label.Kind.RATING,
                    text=imported_rating,
                    source=Label.Source.IMPORTED,
                    created_by=image.created_by,
                )
            # Whatever is wrong with it: the picture is in.
            transaction.on_commit(submit_when_due, robust=True)
            # An album that takes it in writes what it is found by.
            if not place.put(image):
                image_index.add(image)
    except IntegrityError:
        if Image.everything.filter(sha256=image.sha256).exists():
            return False
        raise
    return True


def _originals(
    data: bytes,
    kind: str,
    original_name: str,
    prefix: str,
    sidecar: Mapping[str, Any] | None,
) -> Iterator[tuple[str, bytes]]:
    """The original under a readable name that no other file has, and its sidecar."""
    stem = slugify(Path(original_name).stem)[:60].strip("-_") or "picture"
    base = f"{prefix}/{stem}-{secrets.token_hex(6)}"
    yield f"{base}.{image_files.EXTENSIONS[kind]}", data
    if sidecar is not None:
        text = json.dumps(dict(sidecar), ensure_ascii=False, indent=2, sort_keys=True)
        yield f"{base}.json", text.encode()


def _read(source: Source) -> bytes:
    """The source's bytes, never more than one past the limit. Raises ImageRefused, OSError."""
    if isinstance(source, bytes):
        return source
    limit = settings.MAX_IMAGE_BYTES + 1
    if isinstance(source, Path):
        with source.open("rb") as file:
            return file.read(limit)
    if source.seekable():
        source.seek(0)
    return source.read(limit)


def _name_of(source: Source | Prepared) -> str:
    if isinstance(source, Path):
        return source.name
    name = getattr(source, "name", "")
    return Path(name).name if isinstance(name, str) else ""


def _clean_name(name: str) -> str:
    """The last part of the name without control characters, at most 255 characters."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(character for character in last if character.isprintable())[:255]


def _clean(text: str) -> str:
    # PostgreSQL cannot keep NUL.
    return text.replace("\x00", "")


__all__ = ["AddedImage", "ImageRefused", "add_image"]
