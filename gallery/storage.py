"""The local media folder, written so that a file is either there whole or not at all."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

PARTIAL_SUFFIX = ".part"


class DurableFileSystemStorage(FileSystemStorage):
    """Writes under a temporary name, flushes to the disk, then gives the file its name."""

    def _save(self, name: str, content: "File[Any]") -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{secrets.token_hex(8)}{PARTIAL_SUFFIX}")
        try:
            with partial.open("xb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                if self.file_permissions_mode is not None:
                    os.fchmod(file.fileno(), self.file_permissions_mode)
                file.flush()
                os.fsync(file.fileno())
            name = self._link(partial, name)
        finally:
            partial.unlink(missing_ok=True)
        _fsync_folder(target.parent)
        return name

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

    def _link(self, partial: Path, name: str) -> str:
        """Give the finished file its name; a link, because a rename would replace another's."""
        while True:
            try:
                os.link(partial, self.path(name))
            except FileExistsError:
                name = self.get_available_name(name)
            else:
                return name.replace("\\", "/")


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
