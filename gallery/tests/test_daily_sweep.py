"""The sweep that is asked for by itself, and its job."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from gallery import daily_sweep, sweep, trash
from gallery.daily_sweep import KIND, submit_when_due
from gallery.models import Image
from gallery.tests.factories import make_image, make_row
from imagineer.jobs import registry, signals
from imagineer.jobs.models import Job, Queue, Status
from imagineer.jobs.runner import execute
from imagineer.jobs.submit import submit

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """As another process would ask, or this one an hour later."""

    def forget() -> None:
        monkeypatch.setattr(daily_sweep, "_asked", float("-inf"))

    forget()
    return forget


def age(rows: Any, by: timedelta) -> None:
    rows.update(created_at=timezone.now() - by)


def left_behind(media: Path, name: str, hours: float) -> Path:
    path = media / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))
    return path


def test_it_is_asked_for_once_a_day(forget: Callable[[], None]) -> None:
    make_row()
    age(Image.objects.all(), DAY * 2)
    job = submit_when_due()
    assert job is not None
    assert (job.kind, job.queue, job.created_by) == (KIND, Queue.DEFAULT, None)
    forget()
    assert submit_when_due() is None
    age(Job.objects.all(), DAY * 1.01)
    assert submit_when_due() is None
    forget()
    assert submit_when_due() is not None


def test_a_worker_asks_for_it_though_nothing_comes_in() -> None:
    make_row()
    age(Image.objects.all(), DAY * 2)
    registry.upkeep()
    assert [job.kind for job in Job.objects.all()] == [KIND]


def test_a_gallery_whose_pictures_are_all_in_the_trash_is_swept_too() -> None:
    image = make_row()
    trash.move_to_trash([image.pk])
    age(Image.everything.all(), DAY * 2)
    assert submit_when_due() is not None


def test_a_young_gallery_is_left_alone() -> None:
    make_row()
    assert submit_when_due() is None
    assert not Job.objects.exists()


def test_a_process_asks_the_database_once_an_hour(django_assert_num_queries: Any) -> None:
    submit_when_due()
    with django_assert_num_queries(0):
        submit_when_due()


def test_a_picture_that_comes_in_asks_for_it(
    media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    make_row()
    age(Image.objects.all(), DAY * 2)
    with django_capture_on_commit_callbacks(execute=True):
        make_image(1)
    assert Job.objects.get().kind == KIND


def test_a_picture_comes_in_whatever_is_wrong_with_the_sweep(
    media: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no jobs today")

    make_row()
    age(Image.objects.all(), DAY * 2)
    monkeypatch.setattr(daily_sweep, "submit", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        assert make_image(1).pk
    assert not Job.objects.exists()


def test_the_job_removes_what_is_a_day_old_and_tells(media: Path) -> None:
    image = make_image(1)
    old = left_behind(media, "uploads/old.png", 25)
    young = left_behind(media, "uploads/young.png", 23)
    job = submit(KIND, title="Sweep")
    execute(job.pk)
    job.refresh_from_db()
    assert job.status == Status.COMPLETED
    assert job.result is not None
    assert job.result["removed"] == 1
    assert (old.exists(), young.exists()) == (False, True)
    assert Path(image.file.path).exists()
    assert job.progress_done <= job.progress_total
    assert job.progress_total > 0
    assert "uploads/old.png" in job.log_lines.get().text


def test_the_job_can_be_cancelled(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = left_behind(media, "uploads/old.png", 25)
    job = submit(KIND, title="Sweep")
    folders = sweep._folders

    def cancelled_meanwhile(waiting: Any) -> Iterator[tuple[str, list[str]]]:
        signals.flags.cancelled = True
        yield from folders(waiting)

    monkeypatch.setattr(sweep, "_folders", cancelled_meanwhile)
    execute(job.pk)
    signals.flags.cancelled = False
    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert old.exists()
