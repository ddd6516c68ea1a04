"""The front page: what runs, what failed, what wants attention, what is new."""

from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from gallery.models import Image
from imagineer import console_warnings
from imagineer.jobs.models import Job, Status

SHOWN = 8
NEWEST = 24
FAILURES_STAY = timedelta(days=3)


def live() -> dict[str, Any]:
    """The part that changes by itself: jobs and warnings."""
    running = list(
        Job.objects.filter(status=Status.RUNNING).order_by("started_at", "id")[: SHOWN + 1]
    )
    waiting = list(
        Job.objects.filter(status=Status.QUEUED).order_by("-priority", "created_at")[:SHOWN]
    )
    queued = dict(
        Job.objects.filter(status=Status.QUEUED)
        .values_list("queue")
        .annotate(count=Count("pk"))
        .order_by("queue")
    )
    since = timezone.now() - FAILURES_STAY
    failed = Job.objects.filter(
        status__in=(Status.FAILED, Status.PARTIAL), finished_at__gt=since
    ).order_by("-finished_at", "-id")
    return {
        "running": running[:SHOWN],
        "more_running": len(running) > SHOWN,
        "waiting": waiting,
        "queued": sum(queued.values()),
        "queued_more": max(0, sum(queued.values()) - len(waiting)),
        "failed": list(failed[:SHOWN]),
        "warnings": console_warnings.warnings(),
    }


def newest() -> dict[str, Any]:
    return {"pictures": list(Image.objects.order_by("-id")[:NEWEST])}
