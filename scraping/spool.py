"""Pictures on their way from the crawl's process to the gallery: one file each, whole or not there.

A file holds what is told of the picture, as one line of JSON, and then the picture's own bytes. It
stays until the gallery's side has settled it, so that neither side's death loses it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# A crawl asks for no more while so much lies there.
MOST_BYTES = 500_000_000
_ENDING = ".picture"
_UNFINISHED = ".part"


def write(folder: Path, name: str, event: dict[str, Any], body: bytes) -> Path:
    """Write a picture that nobody sees yet; :func:`publish` gives it its name."""
    path = folder / f"{name}{_UNFINISHED}"
    with path.open("wb") as file:
        file.write(json.dumps(event | {"bytes": len(body)}).encode() + b"\n")
        file.write(body)
    return path


def publish(unfinished: Path) -> Path:
    """From now on it lies in the spool, as the path that is returned."""
    final = unfinished.with_suffix(_ENDING)
    unfinished.rename(final)
    return final


class Spooled:
    """How much a crawl's process has put into the spool that nobody has settled yet."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._sizes: dict[Path, int] = {}
        self._bytes = 0

    def add(self, path: Path) -> None:
        self._sizes[path] = size = _size(path)
        self._bytes += size

    def is_full(self) -> bool:
        if self._bytes > self.most_bytes:
            # Settled files are gone.
            self._sizes = {path: size for path in self._sizes if (size := _size(path))}
            self._bytes = sum(self._sizes.values())
        return self._bytes > self.most_bytes


def _size(path: Path) -> int:
    """In bytes; 0 for a file that is gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def read(path: Path) -> tuple[dict[str, Any], bytes] | None:
    """(event, picture); None if there is no such file, or it is not whole (power failed)."""
    try:
        with path.open("rb") as file:
            event, body = json.loads(file.readline()), file.read()
    except (OSError, ValueError):
        return None
    return (event, body) if event.get("bytes") == len(body) else None


def waiting(folder: Path) -> Iterator[Path]:
    """What nobody has settled yet, oldest names first; half-written files are removed."""
    for path in folder.glob(f"*{_UNFINISHED}"):
        path.unlink(missing_ok=True)
    yield from sorted(folder.glob(f"*{_ENDING}"))
