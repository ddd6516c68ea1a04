"""Jobs over HTTP: visitors read kinds, states and counts; the rest is the admins'."""

from datetime import datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Query, Router, Schema

from imagineer import keyset
from imagineer.accounts.permissions import ADMIN, is_admin_request
from imagineer.inputs import In
from imagineer.jobs import events, states
from imagineer.jobs.describe import described
from imagineer.jobs.models import Job, Queue, Status
from imagineer.problems import Problem, not_found
from imagineer.texts import Text

router = Router(tags=["jobs"])

LOG_PAGE = 500


class JobFilters(In):
    status: Status | None = None
    queue: Queue | None = None
    kind: Text | None = None
    cursor: str | None = None


class JobSchema(Schema):
    """What visitors see of a job; admins also get the fields that have a default."""

    id: UUID
    kind: str
    label: str
    queue: str
    status: str
    progress_done: int
    progress_total: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    title: str = ""
    params: dict[str, Any] = {}
    message: str = ""
    result: Any = None
    error: str = ""
    attempts: int = 0
    priority: int = 0
    worker: str = ""
    cancel_requested_at: datetime | None = None
    created_by: str | None = None


class JobPage(Schema):
    items: list[JobSchema]
    next: str | None


class JobLogLine(Schema):
    seq: int
    at: datetime
    level: str
    text: str


class JobLogPage(Schema):
    items: list[JobLogLine]
    next: int | None


def _find(job_id: UUID) -> Job:
    job = Job.objects.select_related("created_by").filter(pk=job_id).first()
    if job is None:
        raise not_found("job")
    return job


@router.get("/jobs", response=JobPage, exclude_unset=True)
def list_jobs(request: HttpRequest, filters: Query[JobFilters]) -> dict[str, Any]:
    """Jobs, newest first; filtered by status, queue and kind."""
    jobs = Job.objects.select_related("created_by")
    if filters.status:
        jobs = jobs.filter(status=filters.status)
    if filters.queue:
        jobs = jobs.filter(queue=filters.queue)
    if filters.kind:
        jobs = jobs.filter(kind=filters.kind)
    page = keyset.paginate(jobs, filters.cursor)
    admin = is_admin_request(request)
    return {"items": [described(job, admin=admin) for job in page.items], "next": page.next}


@router.get("/jobs/{job_id}", response=JobSchema, exclude_unset=True)
def get_job(request: HttpRequest, job_id: UUID) -> dict[str, Any]:
    """One job."""
    return described(_find(job_id), admin=is_admin_request(request))


@router.get("/jobs/{job_id}/log", response=JobLogPage, auth=ADMIN)
def get_job_log(request: HttpRequest, job_id: UUID, after: int = 0) -> dict[str, Any]:
    """Log lines with a number above ``after``, oldest first; ``next`` is the next ``after``."""
    lines = list(_find(job_id).log_lines.filter(seq__gt=after)[: LOG_PAGE + 1])
    more = len(lines) > LOG_PAGE
    return {"items": lines[:LOG_PAGE], "next": lines[LOG_PAGE - 1].seq if more else None}


@router.delete("/jobs/{job_id}", response=JobSchema, auth=ADMIN, exclude_unset=True)
def cancel_job(request: HttpRequest, job_id: UUID) -> dict[str, Any]:
    """Ask for the end of a job: at once while it waits, within seconds while it runs."""
    job = _find(job_id)
    if not states.cancel(job):
        job.refresh_from_db()
        # Asking twice is no mistake.
        if job.has_ended and job.status != Status.CANCELLED:
            raise Problem(409, "ended", f"This job has ended already: {job.get_status_display()}.")
    return described(_find(job_id), admin=True)


@router.post("/jobs/{job_id}/retry", response=JobSchema, auth=ADMIN, exclude_unset=True)
def retry_job(request: HttpRequest, job_id: UUID) -> dict[str, Any]:
    """Run a failed, cancelled or partly failed job again; what it has finished is kept."""
    if not states.retry(_find(job_id)):
        state = _find(job_id).get_status_display().lower()
        raise Problem(
            409,
            "not_retriable",
            f"Only failed, partly failed or cancelled jobs can be retried; this is {state}.",
        )
    return described(_find(job_id), admin=True)


@router.get("/jobs/{job_id}/events")
async def job_events(request: HttpRequest, job_id: UUID, after: int = 0) -> HttpResponseBase:
    """Server-sent events until the job ends: ``progress``, ``log`` (admins only), ``end``.

    An event's id is the number of the last log line sent, so a browser that connects again goes on
    where it was; ``after`` does the same for a page that shows earlier lines already. 204 tells a
    browser that has seen the end to stay away; 503 that too many streams are open.
    """
    job, admin = await sync_to_async(_seen_by)(request, job_id)
    position = events.Position.parse(request.headers.get("Last-Event-ID", ""), after)
    if position.ended and job.has_ended:
        return HttpResponse(status=204)
    if events.is_full():
        raise Problem(
            503, "busy", "Too many live views are open at the moment; read the job itself instead."
        )
    return events.respond(job_id, position, admin=admin)


def _seen_by(request: HttpRequest, job_id: UUID) -> tuple[Job, bool]:
    try:
        return _find(job_id), is_admin_request(request)
    finally:
        events.close_idle_connections()
