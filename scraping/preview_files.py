"""What a preview found, in a folder of its own for an hour: a JSON file and small pictures."""

import json
import shutil
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from gallery.image_files import DecodedImage, fit, on_white, scaled

KEPT_S = 3600.0
_SIDE = 240
_TOLD = "preview.json"


def _top() -> Path:
    return Path(settings.DATA_DIR) / "previews"


def folder_of(job_id: UUID) -> Path:
    return _top() / str(job_id)


def write(job_id: UUID, told: dict[str, Any]) -> None:
    """What is known so far, whole or not at all."""
    unfinished = folder_of(job_id) / f".{_TOLD}"
    unfinished.write_text(json.dumps(told))
    unfinished.replace(folder_of(job_id) / _TOLD)


def read(job_id: UUID) -> dict[str, Any] | None:
    """None if nothing is known yet, or no more."""
    try:
        told: dict[str, Any] = json.loads((folder_of(job_id) / _TOLD).read_text())
    except (OSError, ValueError):
        return None
    return told


def thumbnail_path(job_id: UUID, number: int) -> Path:
    return folder_of(job_id) / f"{number}.webp"


def write_thumbnail(job_id: UUID, number: int, decoded: DecodedImage) -> None:
    """At most 240 pixels a side."""
    picture = on_white(decoded.picture)
    small = scaled(picture, fit(*picture.size, _SIDE, _SIDE))
    small.save(thumbnail_path(job_id, number), "WEBP", quality=70, method=2)


def sweep() -> None:
    """Remove previews of an hour ago."""
    for folder in _top().glob("*"):
        try:
            is_old = folder.stat().st_mtime < time.time() - KEPT_S
        except FileNotFoundError:
            continue
        if is_old:
            shutil.rmtree(folder, ignore_errors=True)
