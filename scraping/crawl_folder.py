"""A crawl's folder in the spool: pictures on their way, frontiers, and how long it has run.

It outlives every attempt and goes with the job's end.
"""

import shutil
import time
from pathlib import Path

from django.conf import settings

from imagineer.jobs.models import ENDED
from scraping.models import ScrapeJob

_NAME = "scrape-"
_WRITE_EVERY_S = 2.0


def path_of(scrape_id: int) -> Path:
    return Path(settings.DATA_DIR) / "spool" / f"{_NAME}{scrape_id}"


def remove(scrape_id: int) -> None:
    shutil.rmtree(path_of(scrape_id), ignore_errors=True)


def sweep() -> None:
    """Remove every folder whose crawl has ended or is gone."""
    there = (Path(settings.DATA_DIR) / "spool").glob(f"{_NAME}*")
    found = {path.name.removeprefix(_NAME): path for path in there}
    numbers = [int(number) for number in found if number.isdecimal()]
    if not numbers:
        return
    going_on = ScrapeJob.objects.filter(pk__in=numbers).exclude(job__status__in=ENDED)
    for number in set(numbers) - set(going_on.values_list("pk", flat=True)):
        remove(number)


class Clock:
    """Seconds that a crawl has run, over all its attempts; kept in its folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "seconds"
        self._began = time.monotonic()
        self._written = 0.0
        try:
            self._before = float(self._file.read_text())
        except (OSError, ValueError):
            self._before = 0.0

    def seconds(self) -> float:
        now = self._before + time.monotonic() - self._began
        if now - self._written >= _WRITE_EVERY_S:
            self._written = now
            unfinished = self._file.with_suffix(".part")
            unfinished.write_text(f"{now:.1f}")
            unfinished.rename(self._file)
        return now
