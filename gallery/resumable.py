"""Files that come in parts, and go on after a lost connection where they had come to.

The parts are put one behind the other into a file below the data folder; its length is how much
has come, so a killed process leaves at worst a part that is repeated. A lock on that file lets one
request at a time write or finish.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from gallery.models import ResumableUpload
from imagineer.problems import Problem
from imagineer.words import size

KEPT = timedelta(days=7)
ARCHIVE = ".zip"
_CHUNK = 1024 * 1024
# What must stay free on the disk besides the file: the pictures in it are written once more.
_SPARE_BYTES = 500_000_000


class Stream(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


def begin(name: str, length: int, options: dict[str, Any], created_by: Any) -> ResumableUpload:
    """Make ready for a file of so many bytes. Raises Problem if it would be too large."""
    most = settings.MAX_ARCHIVE_BYTES if is_archive(name) else settings.MAX_IMAGE_BYTES
    if length > most:
        kind = "An archive" if is_archive(name) else "A picture"
        raise Problem(413, "too_large", f"{kind} may have at most {size(most)}.", "Upload-Length")
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if length + _SPARE_BYTES > free:
        raise Problem(
            507, "disk_full", f"The server's disk has only {size(free)} left. Make room there."
        )
    upload = ResumableUpload.objects.create(
        name=name, bytes=length, options=options, created_by=created_by
    )
    path(upload).touch()
    return upload


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVE)


def path(upload: ResumableUpload) -> Path:
    """Where the parts lie."""
    return _folder() / f"{upload.pk}.part"


def offset(upload: ResumableUpload) -> int:
    """How many bytes have come. Raises Problem 410 if they are gone."""
    if upload.answer is not None:
        return upload.bytes
    try:
        return path(upload).stat().st_size
    except FileNotFoundError:
        raise _gone() from None


def append(upload: ResumableUpload, at: int, stream: Stream) -> int:
    """Put a part behind what has come; the new offset.

    Raises Problem: 409 if the part does not begin there, 413 if it goes past the end (nothing of it
    is kept then), 410 if the upload is gone.
    """
    with _locked(upload) as file:
        here = file.seek(0, os.SEEK_END)
        if at != here:
            raise Problem(
                409, "offset", f"{here} bytes have come; go on from there.", "Upload-Offset"
            )
        end = here
        while part := stream.read(_CHUNK):
            end += len(part)
            if end > upload.bytes:
                file.truncate(here)
                message = f"The file was announced with {upload.bytes} bytes, and more came."
                raise Problem(413, "too_large", message, "Upload-Length")
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return end


@contextmanager
def whole(upload: ResumableUpload) -> Iterator[Path]:
    """The path of the file once all of it has come, for one request at a time.

    Raises Problem: 409 if some is missing, 410 if it is gone.
    """
    with _locked(upload) as file:
        here = file.seek(0, os.SEEK_END)
        if here != upload.bytes:
            message = f"{here} of {upload.bytes} bytes have come; send the rest first."
            raise Problem(409, "incomplete", message, "Upload-Offset")
        yield path(upload)


def settle(upload: ResumableUpload, answer: dict[str, Any]) -> None:
    """Note what became of the file, for whoever asks again, and remove the parts."""
    upload.answer = answer
    upload.save(update_fields=["answer"])
    path(upload).unlink(missing_ok=True)


def discard(upload: ResumableUpload) -> None:
    parts = path(upload)
    upload.delete()
    parts.unlink(missing_ok=True)


def find(pk: UUID) -> ResumableUpload:
    """Raises Problem 404."""
    found = ResumableUpload.objects.filter(pk=pk).first()
    if found is None:
        raise Problem(404, "not_found", "There is no such upload (any more); begin anew.")
    return found


def remove_old() -> int:
    """Remove what was begun more than KEPT ago, and parts without a row; how many rows."""
    old = list(ResumableUpload.objects.filter(created_at__lt=timezone.now() - KEPT))
    for upload in old:
        discard(upload)
    before = (timezone.now() - KEPT).timestamp()
    for part in _folder().glob("*.part"):
        if part.stat().st_mtime < before:
            part.unlink(missing_ok=True)
    return len(old)


@contextmanager
def _locked(upload: ResumableUpload) -> Iterator[IO[bytes]]:
    try:
        file = path(upload).open("r+b")
    except FileNotFoundError:
        raise _gone() from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not path(upload).exists():
            # Settled or taken back by the request that held the lock.
            raise _gone()
        yield file


def _gone() -> Problem:
    return Problem(410, "gone", "What had come of this upload is gone; begin anew.")


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "spool" / "uploads"
