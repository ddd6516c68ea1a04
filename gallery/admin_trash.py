"""The trash in the console: taking pictures out of it, and emptying it."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from gallery import bulk, listing, trash
from gallery.bulk import Change
from gallery.models import Image
from imagineer.jobs import states
from imagineer.jobs.models import Job
from imagineer.words import number_in

SHOWN = 96
_UNDO = "gallery_undo"


def remember(request: HttpRequest, image_ids: list[int], job: Job | None = None) -> None:
    """Let the next page offer to take these out again. job: the one that deletes them."""
    request.session[_UNDO] = {
        "images": bulk.to_ranges(image_ids),
        "count": len(image_ids),
        "job": str(job.pk) if job else None,
        "offered": False,
    }


def offered(request: HttpRequest) -> int:
    """How many pictures can be taken out again with a click; 0 once it was offered."""
    last = request.session.get(_UNDO)
    if request.method != "GET" or not last or last["offered"]:
        return 0
    request.session[_UNDO] = {**last, "offered": True}
    return int(last["count"])


def view(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def page(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return _act(request)
        gone = trash.inside().select_related("deleted_by")
        context = {
            **site.each_context(request),
            "title": "Trash",
            "opts": Image._meta,
            "page": listing.page(request, gone, trash.NEWEST, SHOWN),
            "days": settings.TRASH_DAYS,
            "emptying": Job.objects.unended().filter(kind=trash.EMPTY).first(),
        }
        return TemplateResponse(request, "admin/gallery/image/trash.html", context)

    return page


def _act(request: HttpRequest) -> HttpResponse:
    """Restore or delete for good what lies in the trash; or undo, from any page that offers it."""
    if not request.user.has_perm("gallery.delete_image"):
        raise PermissionDenied
    action = request.POST.get("action")
    if action == "undo":
        _undo(request)
        return HttpResponseRedirect(reverse("admin:gallery_image_changelist"))
    if action == "empty":
        job = trash.submit_empty(created_by=request.user)
        _tell_of(request, job)
        return HttpResponseRedirect(reverse("admin:gallery_image_trash"))
    told = request.POST.getlist("image")
    chosen = [pk for text in told if (pk := number_in(text)) is not None]
    if action == "restore":
        restored = trash.restore(chosen)
        messages.success(request, f"{bulk.counted(restored)} taken out of the trash.")
    elif action == "delete":
        deleted = trash.delete_for_good(chosen)
        messages.success(request, f"{bulk.counted(deleted)} deleted for good.")
    else:
        messages.error(request, "Choose what to do with them.")
    return HttpResponseRedirect(reverse("admin:gallery_image_trash"))


def _undo(request: HttpRequest) -> None:
    last = request.session.pop(_UNDO, {"images": "", "job": None})
    chosen = bulk.from_ranges(last["images"])
    if last["job"] is None:
        restored = trash.restore(chosen)
        messages.success(request, f"{bulk.counted(restored)} taken out of the trash.")
        return
    deletion = Job.objects.filter(pk=last["job"]).first()
    if deletion is not None:
        states.cancel(deletion)
    job = bulk.submit_change(
        Change(bulk.Action.RESTORE), chosen, created_by=request.user, behind=last["job"]
    )
    _tell_of(request, job)


def _tell_of(request: HttpRequest, job: Job) -> None:
    address = reverse("admin:jobs_job_change", args=[job.pk])
    messages.success(
        request, format_html('{}: a <a href="{}">job</a> does it.', job.title, address)
    )
