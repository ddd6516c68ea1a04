"""The local media folder, written so that a file is either there whole or not at all."""

import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

PARTIAL_SUFFIX = ".part"


def save_together(files: Sequence[tuple[str, bytes]]) -> list[str]:
    """Write these files, (name, bytes), all or none; the names that they were given.

    Raises OSError, or what the storage raises, once those written before are gone again.
    """
    together = getattr(default_storage, "save_together", None)
    if together is not None:
        names: list[str] = together(files)
        return names
    names = []
    try:
        for name, data in files:
            names.append(default_storage.save(name, ContentFile(data)))
    except BaseException:
        for name in names:
            default_storage.delete(name)
        raise
    return names


class DurableFileSystemStorage(FileSystemStorage):
    """Writes under temporary names, flushes to the disk, then gives the files their names."""

    def _save(self, name: str, content: "File[Any]") -> str:
        return self._write([(name, content.chunks())])[0]

    def save_together(self, files: Sequence[tuple[str, bytes]]) -> list[str]:
        """As the function of this name; the disk is waited for once, not for each file."""
        return self._write([(name, (data,)) for name, data in files])

    def link(self, before: str, after: str) -> None:
        """A second name for a file, at once and without a copy. Raises FileNotFoundError."""
        target = Path(self.path(after))
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(self.path(before), target)
        _fsync_folder(target.parent)

    def adopt(self, path: Path, name: str) -> str:
        """Give a finished file on this machine a name here, without a copy where it is possible.

        The file keeps its old name too. Returns the name; raises OSError.
        """
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            # On another disk, or the name is taken.
            with path.open("rb") as file:
                return self.save(name, File(file))
        _fsync_folder(target.parent)
        return name

    def _write(self, files: Sequence[tuple[str, Iterable[bytes]]]) -> list[str]:
        targets = [Path(self.path(name)) for name, _ in files]
        token = secrets.token_hex(8)
        partials = [
            target.with_name(f".{token}-{number}{PARTIAL_SUFFIX}")
            for number, target in enumerate(targets)
        ]
        names: list[str] = []
        try:
            self._flush(partials, [chunks for _, chunks in files])
            for partial, (name, _) in zip(partials, files, strict=True):
                names.append(self._link(partial, name))
                partial.unlink()
            for folder in {target.parent for target in targets}:
                _fsync_folder(folder)
        except BaseException:
            for path in (*partials, *(Path(self.path(name)) for name in names)):
                path.unlink(missing_ok=True)
            raise
        return names

    def _flush(self, paths: Sequence[Path], contents: Sequence[Iterable[bytes]]) -> None:
        """Write new files and return once the disk has them."""
        with ExitStack() as opened:
            waiting = []
            for folder in {path.parent for path in paths}:
                folder.mkdir(parents=True, exist_ok=True)
            for path, chunks in zip(paths, contents, strict=True):
                file = opened.enter_context(path.open("xb"))
                for chunk in chunks:
                    file.write(chunk)
                if self.file_permissions_mode is not None:
                    os.fchmod(file.fileno(), self.file_permissions_mode)
                file.flush()
                _begin_writing(file.fileno())
                waiting.append(file.fileno())
            for descriptor in waiting:
                os.fsync(descriptor)

    def _link(self, partial: Path, name: str) -> str:
        """Give the finished file its name; a link, because a rename would replace another's."""
        while True:
            try:
                os.link(partial, self.path(name))
            except FileExistsError:
                name = self.get_available_name(name)
            else:
                return name.replace("\\", "/")


def _begin_writing(descriptor: int) -> None:
    """Have Linux start writing, so that the first file's fsync carries the others along."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
