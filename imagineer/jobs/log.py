"""Appending to a job's log: rows, numbered without gaps, capped per job."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from imagineer.jobs.models import JobLog

MAX_LINES = 2000
MAX_TEXT = 20_000
CAPPED = f"This log is full ({MAX_LINES} lines); only what ends the job is still written."


def append(job_id: UUID, text: str, level: str = "info", *, always: bool = False) -> None:
    """Append a line, visible at once (or when the surrounding transaction is committed).

    Numbers are given in the order of commits, so a reader that has seen number n has seen all
    before it. Past MAX_LINES only lines with ``always`` are written. level: info, warning, error.
    """
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 1] + "…"
    for _ in range(20):
        try:
            with transaction.atomic():
                _insert(job_id, text, level, always)
            return
        except IntegrityError:
            # PostgreSQL: another process took this number at the same moment.
            continue


def _insert(job_id: UUID, text: str, level: str, always: bool) -> None:
    lines = JobLog.objects.filter(job_id=job_id)
    seq = (lines.aggregate(last=Max("seq"))["last"] or 0) + 1
    if seq > MAX_LINES and not always:
        return
    if seq == MAX_LINES and not always:
        text, level = CAPPED, JobLog.Level.WARNING
    if level not in JobLog.Level.values:
        level = JobLog.Level.INFO
    JobLog.objects.create(job_id=job_id, seq=seq, text=text, level=level)
