"""Reading pictures from a folder, a ZIP archive or single files, without trusting any of them."""

import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from gallery import sidecars
from gallery.sidecars import Sidecar

PICTURE_EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp"}
    # Not taken, but named in the report instead of being passed over in silence.
    | {".tif", ".tiff", ".heic", ".heif", ".avif", ".svg"}
)
MAX_FILES = 100_000
# Pictures are compressed already; what unpacks to a hundred times its size is no album.
MAX_RATIO = 100
RATIO_FREE_BYTES = 100 * 1024 * 1024


class SourceRefused(Exception):
    """The folder or archive cannot be imported; the text is the sentence for people."""


class UnreadableFile(Exception):
    """One file cannot be read; the text says why."""


@dataclass(frozen=True)
class Entry:
    """A file that may be a picture, and the names of the sidecars beside it.

    name: its path within the source, "/" between parts.
    """

    name: str
    beside: tuple[str, ...] = ()


class Source(Protocol):
    """An open source. entries: in natural order (2 before 10); names: of all its files."""

    entries: list[Entry]
    names: list[str]

    def read(self, name: str, limit: int) -> bytes:
        """At most limit bytes of a file. Raises UnreadableFile."""


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """A folder or a ZIP archive. Raises SourceRefused."""
    if path.is_dir():
        yield _Folder(path)
        return
    if not path.exists():
        raise SourceRefused(f"There is nothing at {path}.")
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceRefused(f"{path} cannot be read ({error.strerror}).") from error
    with file, open_archive(file, path.name, "neither a folder nor a readable ZIP archive") as one:
        yield one


@contextmanager
def open_archive(
    file: IO[bytes], name: str, otherwise: str = "not a readable ZIP archive"
) -> Iterator[Source]:
    """A ZIP archive in an open, seekable file. Raises SourceRefused."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceRefused(f"{name} is {otherwise}.") from error
    with archive:
        yield _Archive(archive, file.seek(0, 2))


def loose_files(names: Iterable[str], open_file: Callable[[str], IO[bytes]]) -> Source:
    """Single files under names of their own; open_file may raise OSError."""
    return _Loose(list(names), open_file)


def sidecar_of(source: Source, entry: Entry) -> Sidecar:
    """What the files beside a picture say. Raises UnreadableFile, SidecarRefused."""
    most = sidecars.MOST_JSON_BYTES + 1
    return sidecars.read((name, source.read(name, most)) for name in entry.beside)


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        names = []
        for path in self.folder.rglob("*"):
            # A link may lead anywhere; what it leads to is imported only from within the folder.
            if path.is_file() and path.resolve().is_relative_to(self.folder):
                names.append(path.relative_to(self.folder).as_posix())
            if len(names) > MAX_FILES:
                raise SourceRefused(f"The folder holds more than {MAX_FILES:,} files.")
        self.names = names
        self.entries = _entries(names)

    def read(self, name: str, limit: int) -> bytes:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(limit)
        except OSError as error:
            raise UnreadableFile(f"{name} cannot be read ({error.strerror}).") from error


class _Loose:
    def __init__(self, names: list[str], open_file: Callable[[str], IO[bytes]]) -> None:
        self.open_file = open_file
        self.names = names
        self.entries = _entries(names)

    def read(self, name: str, limit: int) -> bytes:
        try:
            with self.open_file(name) as file:
                return file.read(limit)
        except OSError as error:
            raise UnreadableFile(f"{name} cannot be read.") from error


class _Archive:
    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self.archive = archive
        members = [info for info in archive.infolist() if not info.is_dir()]
        if len(members) > MAX_FILES:
            raise SourceRefused(f"The archive holds more than {MAX_FILES:,} files.")
        for info in members:
            if not _is_inside(info.filename):
                raise SourceRefused(
                    f"The archive has a file named “{info.filename[:100]}”, which leads outside "
                    "of it. It is not imported."
                )
        unpacked = sum(info.file_size for info in members)
        if unpacked > max(RATIO_FREE_BYTES, size * MAX_RATIO):
            raise SourceRefused(
                f"The archive unpacks to {unpacked // 1024 // 1024:,} MB, more than "
                f"{MAX_RATIO} times its size. It is not imported."
            )
        if any(info.flag_bits & 0x1 for info in members):
            raise SourceRefused("The archive is encrypted; unpack it first.")
        # The last member of a name is the one that counts, as for every unpacker.
        self.members = {info.filename: info for info in members if not _is_link(info)}
        self.names = [name for name in self.members if not _is_clutter(PurePosixPath(name))]
        self.entries = _entries(self.names)

    def read(self, name: str, limit: int) -> bytes:
        try:
            with self.archive.open(self.members[name]) as file:
                return file.read(limit)
        except (
            zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError,
        ) as error:  # fmt: skip
            raise UnreadableFile(f"{name} is damaged in the archive.") from error


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return (
        "\x00" not in name
        and not path.is_absolute()
        and ".." not in path.parts
        and not re.match(r"[A-Za-z]:", name)
    )


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _entries(names: list[str]) -> list[Entry]:
    present = set(names)
    found = []
    for name in sorted(names, key=_natural):
        path = PurePosixPath(name)
        if path.suffix.lower() not in PICTURE_EXTENSIONS or _is_clutter(path):
            continue
        beside = (each for each in sidecars.names_beside(name) if each in present)
        found.append(Entry(name, tuple(beside)))
    return found


def _is_clutter(path: PurePosixPath) -> bool:
    """What operating systems leave in folders and archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.casefold())
    return [
        (int(part) if place % 2 and len(part) < 19 else 0, part) for place, part in enumerate(parts)
    ]
