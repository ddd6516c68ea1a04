"""Jobs for tests: kinds that are registered for one test only, and rows in any state."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imagineer.jobs import registry
from imagineer.jobs.models import Job, Queue, Status


@contextmanager
def job_kind(
    run: registry.Runner = lambda context: None,
    name: str = "test.run",
    queue: Queue = Queue.DEFAULT,
    **hooks: Any,
) -> Iterator[str]:
    """A kind of job that exists within the block. hooks: as registry.register takes them."""
    registry.register(name, queue=queue, run=run, label="Test", **hooks)
    try:
        yield name
    finally:
        registry.unregister(name)


def make_job(status: Status = Status.QUEUED, **values: Any) -> Job:
    values = {"kind": "test.run", "title": "A secret title", "queue": Queue.DEFAULT} | values
    return Job.objects.create(status=status, **values)
