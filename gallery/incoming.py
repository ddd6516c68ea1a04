"""Uploaded files that wait in the storage until a job has taken them in.

They lie in ``incoming/<token>/``, a folder for each upload, so that any worker reaches them. When
the job has taken them in they are removed; after one that failed or was cancelled they stay for
KEPT, so that it can be tried again.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils import timezone

from gallery.album_sources import Source, SourceRefused, loose_files, open_archive

FOLDER = "incoming"
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Incoming:
    """One file. name: as it was sent, distinct in its upload; file: its name in the storage."""

    name: str
    file: str
    is_archive: bool


@dataclass
class Arrival:
    """The files of one upload, kept one by one; drop() takes all of them back."""

    token: str = field(default_factory=lambda: secrets.token_hex(8))
    files: list[Incoming] = field(default_factory=list)

    def keep(self, name: str, file: "File[Any]", *, is_archive: bool) -> None:
        """Write the file to the storage. Raises OSError."""
        self._note(name, default_storage.save(self._place(), file), is_archive)

    def keep_path(self, name: str, path: Path, *, is_archive: bool) -> None:
        """As keep, without a copy where the file lies on the disk of the storage."""
        adopt = getattr(default_storage, "adopt", None)
        if adopt is None:
            with path.open("rb") as file:
                self.keep(name, File(file), is_archive=is_archive)
        else:
            self._note(name, adopt(path, self._place()), is_archive)

    def drop(self) -> None:
        discard(self.params())

    def params(self) -> list[dict[str, Any]]:
        """For a job's params; opened() reads them."""
        return [asdict(file) for file in self.files]

    def _place(self) -> str:
        return f"{FOLDER}/{self.token}/{len(self.files)}"

    def _note(self, name: str, file: str, is_archive: bool) -> None:
        taken = {known.name for known in self.files}
        distinct, number = name, 1
        while distinct in taken:
            number += 1
            distinct = f"{number}/{name}"
        self.files.append(Incoming(distinct, file, is_archive))


@contextmanager
def opened(params: Iterable[dict[str, Any]]) -> Iterator[list[Source]]:
    """Single files first, then each archive. Raises SourceRefused, for files that are gone too."""
    files = [Incoming(**each) for each in params]
    loose = {each.name: each.file for each in files if not each.is_archive}
    with ExitStack() as stack:
        sources = [loose_files(loose, lambda name: _open(loose[name]))] if loose else []
        for each in files:
            if each.is_archive:
                try:
                    file = stack.enter_context(_open(each.file))
                except OSError as error:
                    raise SourceRefused(
                        f"{each.name} is no longer here; upload it again."
                    ) from error
                sources.append(stack.enter_context(open_archive(file, each.name)))
        yield sources


def discard(params: Iterable[dict[str, Any]]) -> None:
    for each in params:
        default_storage.delete(each["file"])
        _remove_folder(each["file"].rpartition("/")[0])


def remove_old(still_wanted: Sequence[dict[str, Any]]) -> int:
    """Remove files older than KEPT, but those of jobs that are still to come; how many."""
    wanted = {each["file"] for each in still_wanted}
    before = timezone.now() - KEPT
    removed = 0
    for token in _listed(FOLDER)[0]:
        for name in _listed(f"{FOLDER}/{token}")[1]:
            file = f"{FOLDER}/{token}/{name}"
            if file not in wanted and default_storage.get_modified_time(file) < before:
                default_storage.delete(file)
                removed += 1
        _remove_folder(f"{FOLDER}/{token}")
    return removed


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _remove_folder(folder: str) -> None:
    """Storages on a disk keep empty folders, and refuse to delete others."""
    try:
        default_storage.delete(folder)
    except OSError:
        pass


def _open(file: str) -> IO[bytes]:
    opened: IO[bytes] = default_storage.open(file)
    return opened
