"""Real workers that run the real kinds of job, for the tests of every room."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from gallery.models import Image
from imagineer.jobs import queues, states
from imagineer.jobs.models import Job, Status
from imagineer.jobs.tests.platform import Platform, use, wait_until

# A worker that draws loads torch first, which takes long on a busy machine.
PATIENCE = 240.0
# The product promises two seconds; the rest is room for a machine that is busy.
CANCELLED_WITHIN = 5.0


class Workers(Platform):
    """The platform with all apps. more: variables of the processes' environment."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.more: dict[str, str] = {}

    def environment(self) -> dict[str, str]:
        real = {"DJANGO_SETTINGS_MODULE": "imagineer.settings", "DEVICE": "cpu"}
        return super().environment() | real | self.more

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        return wait_until(condition, f"{what}; log in {self.folder / 'platform.log'}", PATIENCE)

    def ended(self, job: Job, state: str = Status.COMPLETED) -> Job:
        """The job's fresh row once it has ended, which must be in this state."""
        self.until(lambda: Job.objects.get(pk=job.pk).has_ended, f"the end of {job.title}")
        job.refresh_from_db()
        assert job.status == state, (job.status, job.error)
        return job

    def cancel(self, job: Job) -> None:
        """Ask for the job's end, which must come in time."""
        began = time.monotonic()
        assert states.cancel(job)
        self.ended(job, Status.CANCELLED)
        assert time.monotonic() - began < CANCELLED_WITHIN


@pytest.fixture
def workers(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[Workers]:
    """Nothing runs yet; this process and the workers share a data folder of the test's own."""
    folder = tmp_path / "data"
    folder.mkdir()
    settings.DATA_DIR = folder
    settings.MEDIA_ROOT = folder / "media"
    settings.MODELS_DIR = folder / "models"
    made = Workers(folder)
    use(made, settings)
    yield made
    made.stop()
    queues.connection.cache_clear()


def check_files(folder: str, left_over: int = 1) -> None:
    """Every image has its file, and no more files lie below the folder than a kill may leave."""
    names = {image.file.name for image in Image.objects.all()}
    assert all(default_storage.exists(str(name)) for name in names)
    root = Path(default_storage.path(folder))
    there = {path for path in root.rglob("*") if path.is_file() and path.suffix != ".json"}
    assert len(there) - len(names) in range(left_over + 1)
