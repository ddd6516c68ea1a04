"""What admins upload: pictures with the sidecars beside them at once, archives by a job."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Protocol

from django.conf import settings

from gallery import albums, sidecars
from gallery.add_image import ImageRefused, Source
from gallery.add_with_sidecar import add_with_sidecar
from gallery.album_sources import SourceRefused, open_archive
from gallery.models import Album, Image, Rating
from gallery.sidecars import SidecarRefused

ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")


class File(Protocol):
    """As Django's UploadedFile."""

    name: str | None

    def read(self, num_bytes: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class Options:
    """What all pictures of an upload share. album: its name; empty for none."""

    album: str = ""
    is_public: bool = True
    rating: str = Rating.UNRATED
    created_by: Any = None


@dataclass(frozen=True)
class Outcome:
    """What became of one file. image: the new one, or the one that has the same bytes.

    code and error say why a file was refused.
    """

    name: str
    image: Image | None = None
    created: bool = False
    code: str = ""
    error: str = ""


class Taker:
    """Takes in pictures one by one; the album is made with the first, if there is none."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.album: Album | None = None

    def take(self, name: str, source: Source, beside: Iterable[tuple[str, bytes]]) -> Outcome:
        """beside: names and contents of the sidecars. Raises OSError."""
        outcome = _added(name, source, beside, self.options)
        if outcome.image is not None and self.options.album:
            by = self.options.created_by
            self.album = self.album or albums.named(self.options.album, created_by=by)
            albums.put(self.album, outcome.image, added_by=by)
        return outcome


def _added(
    name: str, source: Source, beside: Iterable[tuple[str, bytes]], options: Options
) -> Outcome:
    try:
        added = add_with_sidecar(
            source,
            sidecars.read(beside),
            source_type=Image.Source.UPLOAD,
            original_name=name,
            is_public=options.is_public,
            rating=options.rating,
            created_by=options.created_by,
        )
    except ImageRefused as refused:
        return Outcome(name, code=refused.code, error=refused.sentence)
    except SidecarRefused as refused:
        return Outcome(name, code="sidecar", error=str(refused))
    return Outcome(name, added.image, added.created)


def take_files(files: Sequence[File], options: Options) -> tuple[list[Outcome], Album | None]:
    """Take in pictures in their order, each on its own; some may be refused. Raises OSError.

    Captions and metadata belong to the picture of the same name among the files.
    """
    taker = Taker(options)
    outcomes = []
    for file, beside in paired(files):
        if beside is None:
            outcomes.append(Outcome(file.name or "file", code="no_picture", error=NO_PICTURE))
        else:
            data = file.read(settings.MAX_IMAGE_BYTES + 1)
            outcomes.append(taker.take(file.name or "file", data, contents(beside)))
    return outcomes, taker.album


def contents(files: Iterable[File]) -> list[tuple[str, bytes]]:
    """Names and contents of sidecars, as far as they are read."""
    return [(file.name or "", file.read(sidecars.MOST_JSON_BYTES + 1)) for file in files]


NO_PICTURE = "No picture of this name came with it: a caption or metadata describes a picture."


def paired(files: Sequence[File]) -> Iterator[tuple[File, list[File] | None]]:
    """Pictures with their sidecars, in the order of the pictures; sidecars alone with None."""
    told = {file.name: file for file in files if sidecars.is_sidecar(file.name or "")}
    pictures = [file for file in files if not sidecars.is_sidecar(file.name or "")]
    used = set()
    for picture in pictures:
        names = [name for name in sidecars.names_beside(picture.name or "") if name in told]
        used.update(names)
        yield picture, [told[name] for name in names]
    for name, file in told.items():
        if name not in used:
            yield file, None


def is_archive(first_bytes: bytes) -> bool:
    """Whether a file begins as a ZIP archive does."""
    return first_bytes.startswith(ZIP_SIGNATURES)


def check_archive(name: str, file: IO[bytes]) -> int:
    """How many pictures are in an archive. Raises SourceRefused for one that is not imported."""
    with open_archive(file, name) as source:
        if not source.entries:
            raise SourceRefused(f"There are no pictures in {name}.")
        return len(source.entries)


def album_name(archive: str) -> str:
    """The name that an archive gives to an album: without folders and ending."""
    return PurePosixPath(archive.replace("\\", "/")).stem[:200].strip()
