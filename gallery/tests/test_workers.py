"""Imports in a real worker: cancelled, and killed in the middle."""

from pathlib import Path

import pytest

from gallery.jobs import submit_import
from gallery.models import AlbumImage, Image
from gallery.tests.factories import picture_file
from gallery.tests.workers import Workers, check_files

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def pictures(folder: Path, count: int) -> list[str]:
    """A folder of so many pictures; their names in order."""
    folder.mkdir()
    names = [f"{number:03d}.png" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(picture_file(number))
    return names


def test_a_cancelled_import_stops_in_time_and_keeps_what_is_there(
    workers: Workers, tmp_path: Path
) -> None:
    pictures(tmp_path / "cards", 600)
    job = submit_import(tmp_path / "cards", "Cards")
    workers.start("redis", "default")
    workers.until(lambda: AlbumImage.objects.count() > 2, "the first pictures")
    workers.cancel(job)
    assert 2 < AlbumImage.objects.count() < 600


def test_a_killed_import_goes_on_and_has_every_picture_once(
    workers: Workers, tmp_path: Path
) -> None:
    names = pictures(tmp_path / "cards", 80)
    job = submit_import(tmp_path / "cards", "Cards")
    workers.start("redis", "default")
    workers.until(lambda: AlbumImage.objects.count() >= 10, "the first pictures")
    assert workers.kill_horse("default")
    workers.ended(job)
    assert job.attempts == 2
    assert job.result is not None
    assert job.result["known"] >= 10
    assert job.result["added"] + job.result["known"] == 80
    entries = AlbumImage.objects.order_by("position").select_related("image")
    assert [entry.image.original_name for entry in entries] == names
    assert len({entry.position for entry in entries}) == Image.objects.count() == 80
    check_files("imported")
