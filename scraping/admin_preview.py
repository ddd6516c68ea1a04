"""The preview in the console: asked for by the form that starts a crawl, shown there or alone."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse

from imagineer.console_start import StartAdmin, StartForm
from imagineer.jobs.models import Job, Status
from imagineer.problems import Problem
from scraping import preview_files
from scraping.models import RefusedImage
from scraping.preview import KIND, MOST_PICTURES, start_preview
from scraping.runs import Asked

_MANY = (forms.MultipleChoiceField, forms.ModelMultipleChoiceField)
_TEMPLATES = "admin/scraping/preview"
_CUT_SHORT = {
    "minutes": "The page took longer than a preview waits.",
    "bytes": "The page has more than a preview fetches.",
    "downloads": f"A preview looks at the first {MOST_PICTURES} pictures.",
}


def preview_urls(own: "PreviewAdmin") -> list[URLPattern]:
    """Below the list of crawls."""

    def admins(view: Any) -> Any:
        return own.admin_site.admin_view(view)

    return [
        path("preview/", admins(own.preview_view), name="scraping_preview"),
        path("preview/<uuid:job_id>/", admins(own.preview_page), name="scraping_preview_page"),
        path("preview/<uuid:job_id>/live/", admins(preview_live), name="scraping_preview_live"),
        path(
            "preview/<uuid:job_id>/<int:number>.webp",
            admins(preview_picture),
            name="scraping_preview_picture",
        ),
    ]


class PreviewAdmin(StartAdmin):
    """A start page whose form can be tried on one page first."""

    def previewed(self, form: StartForm) -> tuple[Asked, Mapping[str, Any]]:
        """The first address of a valid form, and what it chooses over what sources want."""
        raise NotImplementedError

    def start_initial(self, request: HttpRequest) -> dict[str, Any]:
        """What was typed before a preview, where one leads back here."""
        return super().start_initial(request) | _typed_before(request, self.start_form)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a preview. With X-Preview: where it is shown, or what is wrong, as JSON."""
        if not self.has_add_permission(request):
            return HttpResponse("Only admins may do this.", status=403)
        if request.method != "POST":
            return redirect(reverse(f"admin:{self.start_name}"))
        form = self.start_form(request.POST)
        job = self._ask(request, form) if form.is_valid() else None
        if job is not None:
            if not request.headers.get("X-Preview"):
                return redirect("admin:scraping_preview_page", job.pk)
            return JsonResponse({"live": reverse("admin:scraping_preview_live", args=[job.pk])})
        if request.headers.get("X-Preview"):
            return JsonResponse({"error": _first_error(form)}, status=422)
        return self._start_page(request, form, status=422)

    def _ask(self, request: HttpRequest, form: StartForm) -> Job | None:
        try:
            asked, choices = self.previewed(form)
            typed = {name: request.POST.getlist(name) for name in form.fields}
            return start_preview(asked, choices, created_by=request.user, typed=typed)
        except Problem as problem:
            form.add_error(problem.field if problem.field in form.fields else None, problem.message)
            return None

    def preview_page(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """A preview as a page of its own, from which the crawl can be started as it was typed."""
        job = _find(job_id)
        typed: dict[str, list[str]] = job.params.get("typed", {})
        context = {
            **self.admin_site.each_context(request),
            "title": job.title,
            "opts": self.model._meta,
            "typed": [(name, value) for name, values in typed.items() for value in values],
            "start_url": reverse(f"admin:{self.start_name}"),
            **preview_context(job),
        }
        return render(request, f"{_TEMPLATES}/page.html", context)


def preview_live(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """The part that changes while the page is read. X-Ended: it changes no more."""
    job = _find(job_id)
    response = render(request, f"{_TEMPLATES}/live.html", preview_context(job))
    if job.has_ended:
        response["X-Ended"] = "1"
    return response


def preview_picture(request: HttpRequest, job_id: UUID, number: int) -> FileResponse:
    """One small picture; 404 once the preview is removed."""
    file = preview_files.thumbnail_path(job_id, number)
    if not file.is_file():
        raise Http404("This preview is not kept any more.")
    return FileResponse(
        file.open("rb"), content_type="image/webp", headers={"Cache-Control": "private, no-store"}
    )


def preview_context(job: Job) -> dict[str, Any]:
    told = preview_files.read(job.pk)
    pictures = [
        picture | {"number": number, "label": _label(picture["reason"])}
        for number, picture in enumerate(told["pictures"] if told else ())
    ]
    pictures.sort(key=lambda picture: picture["place"])
    wanted = sum(not picture["reason"] for picture in pictures)
    return {
        "job": job,
        "told": told,
        "pictures": pictures,
        "status": _status(job, told, wanted, len(pictures)),
        "cut_short": _CUT_SHORT.get(told["cut_short"], told["cut_short"]) if told else "",
    }


def _status(job: Job, told: dict[str, Any] | None, wanted: int, looked_at: int) -> str:
    """How far it is, in a sentence."""
    if told is None:
        if job.has_ended:
            return job.error or "This preview is not kept any more. Ask for a new one."
        return "The preview waits for its turn."
    if not job.has_ended:
        return f"Reading the page: {looked_at} of {max(told['found'], looked_at)} pictures seen."
    if job.status == Status.FAILED:
        return job.error
    if not looked_at:
        return "No picture was found on this page."
    more = told["found"] - looked_at
    others = f" {more} more were found and not looked at." if more > 0 else ""
    return f"{wanted} of {looked_at} pictures would be taken.{others}"


def _label(reason: str) -> str:
    if not reason:
        return "Would be taken"
    return dict(RefusedImage.Reason.choices).get(reason, reason)


def _find(job_id: UUID) -> Job:
    job = Job.objects.filter(pk=job_id, kind=KIND).first()
    if job is None:
        raise Http404("There is no such preview.")
    return job


def _first_error(form: StartForm) -> str:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        return f"{label}: {errors[0]}" if label else str(errors[0])
    return "The form is not filled in correctly."


def _typed_before(request: HttpRequest, form: type[StartForm]) -> dict[str, Any]:
    """Values of the preview that the address names; a box that was not ticked is empty."""
    try:
        job = _find(UUID(request.GET.get("preview", "")))
    except (ValueError, Http404):
        return {}
    typed: dict[str, list[str]] = job.params.get("typed", {})
    return {
        name: typed[name] if isinstance(field, _MANY) else "".join(typed[name][:1])
        for name, field in form.base_fields.items()
        if name in typed
    }
