"""The job row: the one truth about every piece of slow work, and its log lines.

    queued ──► running ──► completed | partial | failed | cancelled
       │          │
       │          └──► queued      its worker died or was stopped; taken up again
       └──► cancelled | failed     cancelled while waiting, or what it waited for failed

    partial | failed | cancelled ──► queued      an admin retries it

A row changes state only through :mod:`imagineer.jobs.states`.
"""

import uuid

from django.conf import settings
from django.db import models


class Queue(models.TextChoices):
    DEFAULT = "default", "default"
    CRAWL = "crawl", "crawl"
    GPU = "gpu", "gpu"


class Status(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    PARTIAL = "partial", "Partly failed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ENDED = (Status.COMPLETED, Status.PARTIAL, Status.FAILED, Status.CANCELLED)


class JobQuerySet(models.QuerySet["Job"]):
    def ended(self) -> "JobQuerySet":
        return self.filter(status__in=ENDED)

    def unended(self) -> "JobQuerySet":
        return self.exclude(status__in=ENDED)


class Job(models.Model):
    """One piece of slow work. The id is also the RQ job's id; RQ is told nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    title = models.CharField(max_length=200, help_text="What an admin reads in lists.")
    queue = models.CharField(max_length=16, choices=Queue.choices)
    params = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    priority = models.SmallIntegerField(default=0, help_text="Higher starts earlier.")
    after = models.ManyToManyField(
        "self",
        symmetrical=False,
        related_name="followers",
        blank=True,
        help_text="Starts when all of these have completed.",
    )
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True, help_text="Who runs it, for people.")
    claim = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        help_text="Token of the running attempt: whoever holds another one must stop.",
    )
    enqueued_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When Redis was last told of it."
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="jobs",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="job_newest"),
            *(
                models.Index(fields=(name, "-created_at", "-id"), name=f"job_{name}_newest")
                for name in ("status", "kind", "queue")
            ),
            models.Index(fields=("status", "-finished_at", "-id"), name="job_status_finished"),
        )

    def __str__(self) -> str:
        return self.title or f"{self.kind} {self.id}"

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


class JobLog(models.Model):
    """One log line of a job; rows, so that a kill loses none."""

    class Level(models.TextChoices):
        INFO = "info", "info"
        WARNING = "warning", "warning"
        ERROR = "error", "error"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_lines")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    text = models.TextField()

    class Meta:
        ordering = ("seq",)
        constraints = (models.UniqueConstraint(fields=("job", "seq"), name="job_log_seq"),)

    def __str__(self) -> str:
        return self.text
