"""What a worker does before it takes jobs."""

from typing import Any

from imagineer.jobs.models import Queue
from imagineer.jobs.tests.factories import job_kind
from imagineer.jobs.worker import warm_up


def test_a_worker_warms_up_for_the_kinds_of_its_own_queue() -> None:
    warmed: list[str] = []
    with (
        job_kind(name="test.here", warm_up=lambda: warmed.append("here")),
        job_kind(name="test.there", queue=Queue.CRAWL, warm_up=lambda: warmed.append("there")),
    ):
        warm_up("default")
    assert "here" in warmed
    assert "there" not in warmed


def test_a_kind_that_cannot_warm_up_keeps_no_worker_from_working(caplog: Any) -> None:
    def fail() -> None:
        raise ImportError("no such module")

    with job_kind(warm_up=fail):
        warm_up("default")
    assert "could not warm up for test.run jobs" in caplog.text
