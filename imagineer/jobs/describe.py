"""A job as JSON-able fields, for visitors and for admins."""

from typing import Any

from imagineer.jobs import registry
from imagineer.jobs.models import Job


def described(job: Job, *, admin: bool) -> dict[str, Any]:
    """A job as JSON-able fields. Titles, messages and errors may hold prompts and addresses."""
    public: dict[str, Any] = {
        "id": job.pk,
        "kind": job.kind,
        "label": _label(job.kind),
        "queue": job.queue,
        "status": job.status,
        "progress_done": job.progress_done,
        "progress_total": job.progress_total,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }
    if not admin:
        return public
    return public | {
        "title": job.title,
        "params": job.params,
        "message": job.message,
        "result": job.result,
        "error": job.error,
        "attempts": job.attempts,
        "priority": job.priority,
        "worker": job.worker,
        "cancel_requested_at": job.cancel_requested_at,
        "created_by": job.created_by.get_username() if job.created_by else None,
    }


def _label(kind: str) -> str:
    try:
        return registry.kind(kind).label
    except LookupError:
        return kind
