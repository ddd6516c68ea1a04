"""Jobs in the console: a list to cancel and retry from, and a page that follows one job live."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from django_rq.models import Dashboard

from imagineer import words
from imagineer.console_registry import pictures_of, places_of
from imagineer.console_rows import RowAdmin
from imagineer.jobs import registry, states
from imagineer.jobs.models import Job, JobLog
from imagineer.jobs.templatetags.job_words import ago, elapsed, state

# It shows what Redis holds, and our truth is the database; its pages do not fit our CSP either.
admin.site.unregister(Dashboard)

LOG_TAIL = 500
PICTURES_SHOWN = 60


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.name, kind.label) for kind in registry.kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(RowAdmin):
    list_display = ("shown_title", "shown_state", "shown_progress", "shown_time", "shown_age")
    list_filter = ("status", KindFilter, "queue")
    list_select_related = ("created_by",)
    list_per_page = 50
    search_fields = ("title", "id", "error")
    search_help_text = "Title, id or error"
    ordering = ("-created_at", "-id")
    actions = ("cancel_selected", "retry_selected")
    change_form_template = "admin/jobs/job/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    # --- The list -------------------------------------------------------------------------------

    @admin.display(description="Job", ordering="title")
    def shown_title(self, job: Job) -> str:
        return str(job)

    @admin.display(description="State", ordering="status")
    def shown_state(self, job: Job) -> SafeString:
        return state(job)

    @admin.display(description="Progress")
    def shown_progress(self, job: Job) -> str:
        if not job.progress_total:
            return ""
        return f"{words.thin(job.progress_done)} of {words.thin(job.progress_total)}"

    @admin.display(description="Took")
    def shown_time(self, job: Job) -> str:
        seconds = elapsed(job)
        return "" if seconds is None else words.span(seconds)

    @admin.display(description="Asked for", ordering="created_at")
    def shown_age(self, job: Job) -> str:
        return format_html(
            "{}{}", ago(job.created_at), f" by {job.created_by}" if job.created_by else ""
        )

    @admin.action(description="Cancel selected jobs")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._change_all(request, queryset, states.cancel, "cancelled", "had ended already")

    @admin.action(description="Retry selected jobs")
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._change_all(request, queryset, states.retry, "queued again", "cannot be retried")

    def _change_all(
        self,
        request: HttpRequest,
        queryset: QuerySet[Job],
        change: Callable[[Job], bool],
        done: str,
        refused: str,
    ) -> None:
        outcomes = [change(job) for job in queryset]
        changed = sum(outcomes)
        if changed:
            noun = "job" if changed == 1 else "jobs"
            messages.success(request, f"{changed} {noun} {done}.")
        if changed < len(outcomes):
            messages.warning(request, f"{len(outcomes) - changed} of them {refused}.")

    # --- One job --------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "<uuid:job_id>/cancel/",
                wrap(require_POST(self.cancel_view)),
                name="jobs_job_cancel",
            ),
            path(
                "<uuid:job_id>/retry/", wrap(require_POST(self.retry_view)), name="jobs_job_retry"
            ),
            path("<uuid:job_id>/live/", wrap(self.live_view), name="jobs_job_live"),
            path("<uuid:job_id>/log.txt", wrap(self.log_view), name="jobs_job_log"),
            *super().get_urls(),
        ]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            return HttpResponse("A job is not edited; cancel or retry it.", status=405)
        return super().changeform_view(request, *args, **kwargs)

    def page_context(self, request: HttpRequest, row: Job) -> dict[str, Any]:
        return page_context(request, row)

    def get_fields(self, request: HttpRequest, obj: Job | None = None) -> tuple[str, ...]:
        return ()

    def live_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """What changes on the page, as HTML parts, and the log lines after ``?after=<seq>``."""
        job = find(job_id)
        context = {"job": job, **page_parts(request, job)}
        return JsonResponse(
            {
                "head": render_to_string("admin/jobs/job/head.html", context, request),
                "made": render_to_string("admin/jobs/job/made.html", context, request),
                "log": log_after(request, job),
                "ended": job.has_ended,
            }
        )

    def log_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        job = find(job_id)
        # Logs are capped, so a whole one fits into memory.
        text = "".join(
            f"{line.at.isoformat(timespec='seconds')} {line.level:7} {line.text}\n"
            for line in job.log_lines.iterator(chunk_size=2000)
        )
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="job-{job.pk}.txt"'
        return response

    def cancel_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        job = find(job_id)
        if not states.cancel(job):
            messages.warning(request, f"{job} had ended, or was asked to stop before.")
        return _back(request, job)

    def retry_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        job = find(job_id)
        if states.retry(job):
            messages.success(request, f"{job} is queued again.")
        else:
            messages.warning(request, f"{job} cannot be retried in its present state.")
        return _back(request, job)


def find(job_id: UUID) -> Job:
    job = Job.objects.select_related("created_by").filter(pk=job_id).first()
    if job is None:
        raise Http404("There is no such job.")
    return job


def _back(request: HttpRequest, job: Job) -> HttpResponseRedirect:
    """To the page the button was on, if it named one of ours."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = reverse("admin:jobs_job_change", args=[job.pk])
    return HttpResponseRedirect(target)


def log_line(line: JobLog) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "at": timezone.localtime(line.at).strftime("%H:%M:%S"),
        "level": line.level,
        "text": line.text,
    }


def log_after(request: HttpRequest, job: Job) -> list[dict[str, Any]]:
    """The lines that follow the one that ``?after=<seq>`` names."""
    after = words.number_in(request.GET.get("after", "")) or 0
    return [log_line(line) for line in job.log_lines.filter(seq__gt=after)[:LOG_TAIL]]


def log_context(job: Job) -> dict[str, Any]:
    """What admin/includes/job_log.html shows: the last lines."""
    newest = list(job.log_lines.order_by("-seq")[: LOG_TAIL + 1])
    lines = [log_line(line) for line in reversed(newest[:LOG_TAIL])]
    return {
        "lines": lines,
        "last_seq": lines[-1]["seq"] if lines else 0,
        "log_is_cut": len(newest) > LOG_TAIL,
    }


def page_parts(request: HttpRequest, job: Job) -> dict[str, Any]:
    """The parts of a job's page that change while it runs."""
    made = pictures_of(job)
    pictures = list(made[: PICTURES_SHOWN + 1]) if made is not None else []
    return {
        "pictures": pictures[:PICTURES_SHOWN],
        "more_pictures": len(pictures) > PICTURES_SHOWN,
        "makes_pictures": made is not None,
        "places": places_of(job),
        "can_retry": job.status in states.RETRIABLE,
        "waits_for": list(job.after.unended()) if job.status == "queued" else [],
    }


def page_context(request: HttpRequest, job: Job) -> dict[str, Any]:
    return {
        "job": job,
        "after_jobs": list(job.after.all()),
        "followers": list(job.followers.all()),
        **log_context(job),
        **page_parts(request, job),
    }
