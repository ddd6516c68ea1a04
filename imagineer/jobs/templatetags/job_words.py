"""Words for jobs and figures in templates: ``{% load job_words %}``."""

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from imagineer import words
from imagineer.jobs import registry
from imagineer.jobs.models import Job

register = template.Library()


@register.filter
def thin(number: Any) -> str:
    """1 500; empty for what is no number (a missing key of a JSON column, for example)."""
    return words.thin(number) if isinstance(number, int | float) else ""


@register.filter
def size(count: Any) -> str:
    """2.4 MB; empty for what is no number."""
    return words.size(count) if isinstance(count, int | float) else ""


@register.filter
def span(seconds: float | None) -> str:
    return "" if seconds is None else words.span(seconds)


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """ "3 min ago" with the exact moment on hover."""
    return "" if moment is None else _moment(moment, words.ago(moment, timezone.now()))


@register.filter
def ahead(moment: datetime | None) -> str | SafeString:
    """ "in 3 min" with the exact moment on hover."""
    if moment is None:
        return ""
    return _moment(moment, words.ahead(timezone.localtime(moment), timezone.now()))


def _moment(moment: datetime, told: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S"),
        told,
    )


@register.filter
def kind_label(job: Job) -> str:
    """What people call this kind of job."""
    try:
        return registry.kind(job.kind).label
    except LookupError:
        return job.kind


@register.filter
def elapsed(job: Job) -> float | None:
    """Seconds since the job started, or that it took; None before it starts."""
    if job.started_at is None:
        return None
    return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()


@register.filter
def remaining(job: Job) -> float | None:
    """Estimated seconds left, from the pace so far; None while nothing can be said."""
    taken = elapsed(job)
    if job.has_ended or not taken or not job.progress_done or not job.progress_total:
        return None
    left = max(0, job.progress_total - job.progress_done)
    return taken / job.progress_done * left


@register.filter
def own_message(job: Job) -> str:
    """The job's message, unless it only repeats the figures that stand beside it."""
    figures = f"{job.progress_done} of {job.progress_total}"
    return "" if job.progress_total and job.message.startswith(figures) else job.message


@register.simple_tag
def state(job: Job) -> SafeString:
    """The job's state as a dot and a word."""
    asked = job.cancel_requested_at is not None and not job.has_ended
    word: Any = "Stopping" if asked else job.get_status_display()
    return format_html('<span class="state state-{}">{}</span>', job.status, word)
