"""Asking for slow work."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from imagineer.jobs import registry, states
from imagineer.jobs.models import Job


def submit(
    kind: str,
    *,
    title: str,
    params: dict[str, Any] | None = None,
    after: Iterable[Job] = (),
    priority: int = 0,
    created_by: Any = None,
) -> Job:
    """Write the Job row and enqueue it once the surrounding transaction is committed.

    Call it in the same ``transaction.atomic()`` that writes the domain row. ``after``: jobs that
    must have completed (or partly completed) first; if one fails, this one fails with a sentence.
    ``priority``: higher starts earlier among jobs of one queue. Raises LookupError for a kind that
    nobody registered. A queue server that is down does not matter: recovery enqueues the job.
    """
    known = registry.kind(kind)
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind,
            title=title[:200],
            queue=known.queue,
            params=params or {},
            priority=priority,
            created_by=created_by if getattr(created_by, "pk", None) else None,
        )
        job.after.set(after)
        states.settle_waiting(job.pk)
    return job
