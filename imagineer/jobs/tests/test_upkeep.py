"""What rooms ask for by themselves, through the workers."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError

from imagineer.jobs import orphans, registry
from imagineer.jobs.worker import JobsWorker

# A worker closes connections that are too old.
pytestmark = pytest.mark.django_db


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(registry, "_upkeep", {})
    monkeypatch.setattr(orphans, "recover", lambda: found.append("recovery"))
    registry.register_upkeep(lambda: found.append("upkeep"))
    return found


def worker(queue: str) -> Any:
    made = JobsWorker.__new__(JobsWorker)
    made.queues = [SimpleNamespace(name=queue)]
    made._recovered = float("-inf")
    return made


def test_a_worker_of_the_default_queue_does_it_behind_recovery(called: list[str]) -> None:
    one = worker("default")
    one.recover()
    assert called == ["recovery", "upkeep"]
    # Not again within seconds.
    one.recover()
    assert called == ["recovery", "upkeep"]


@pytest.mark.parametrize("queue", ["crawl", "gpu"])
def test_other_workers_leave_it_to_that(called: list[str], queue: str) -> None:
    worker(queue).recover()
    assert called == ["recovery"]


def test_a_database_that_is_away_ends_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(registry, "_upkeep", {fail: 0})
    monkeypatch.setattr(orphans, "recover", lambda: None)
    worker("default").recover()


def test_one_function_is_called_once_however_often_it_is_registered(called: list[str]) -> None:
    def once() -> None:
        called.append("once")

    registry.register_upkeep(once)
    registry.register_upkeep(once)
    registry.upkeep()
    assert called == ["upkeep", "once"]


def test_what_needs_it_rarely_is_left_alone_for_its_time(
    called: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    registry.register_upkeep(lambda: called.append("rare"), every_s=60)
    registry.upkeep()
    now += 59
    registry.upkeep()
    assert called == ["upkeep", "rare", "upkeep"]
    now += 1
    registry.upkeep()
    assert called == ["upkeep", "rare", "upkeep", "upkeep", "rare"]
