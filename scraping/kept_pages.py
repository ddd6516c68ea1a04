"""Where pages are kept between two crawls of a source, and how they are kept few."""

import shutil
import time
from pathlib import Path

from django.conf import settings

from scraping.models import CrawlTarget, Source

# Of one source.
MOST_BYTES = 200 * 10**6
KEPT_S = 60 * 24 * 3600.0
_OF_SOURCE, _OF_ADDRESS = "source-", "address-"


def _top() -> Path:
    return Path(settings.DATA_DIR) / "pages"


def folder_of(target: CrawlTarget) -> Path:
    """Of the target's source, or of its address if it belongs to none."""
    if target.source_id is not None:
        return _top() / f"{_OF_SOURCE}{target.source_id}"
    return _top() / f"{_OF_ADDRESS}{target.address_digest[:32]}"


def prune(folder: Path, most_bytes: int = MOST_BYTES) -> int:
    """Remove pages that were not asked for lately, and the oldest of too many; how many."""
    oldest = time.time() - KEPT_S
    kept = removed = 0
    for age, size, path in sorted(_pages(folder), reverse=True):
        if age < oldest or kept + size > most_bytes:
            path.unlink(missing_ok=True)
            removed += 1
        else:
            kept += size
    return removed


def _pages(folder: Path) -> list[tuple[float, int, Path]]:
    """Time of the last answer, bytes, path."""
    found = []
    for path in folder.glob("*"):
        try:
            about = path.stat()
        except FileNotFoundError:
            continue
        found.append((about.st_mtime, about.st_size, path))
    return found


def sweep() -> None:
    """Remove folders of sources that are gone, and those not used for long."""
    there = list(_top().glob("*"))
    numbers = [path.name.removeprefix(_OF_SOURCE) for path in there]
    asked = [int(number) for number in numbers if number.isdecimal()]
    if not there:
        return
    sources = Source.objects.filter(pk__in=asked).values_list("pk", flat=True)
    known = {f"{_OF_SOURCE}{pk}" for pk in sources}
    for path in there:
        is_of_nobody = path.name.startswith(_OF_SOURCE) and path.name not in known
        if is_of_nobody or _is_old(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    try:
        return folder.stat().st_mtime < time.time() - KEPT_S
    except FileNotFoundError:
        return False
