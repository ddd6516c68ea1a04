"""Near-duplicates in the console: pairs side by side, merged or parted by a click."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from gallery import admin_trash, near_duplicates
from gallery.models import Image, Label, NearDuplicate
from gallery.near_duplicates import KIND, NotAPair
from imagineer.jobs.models import Job
from imagineer.words import number_in, size, thin

SHOWN = 20


def view(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def page(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return _act(request)
        pairs = list(near_duplicates.open_pairs()[: SHOWN + 1])
        images = [image for pair in pairs for image in (pair.first, pair.second)]
        prefetch_related_objects(images, "labels", "albums", "tags")
        context = {
            **site.each_context(request),
            "title": "Near-duplicates",
            "opts": Image._meta,
            "pairs": [_compared(pair) for pair in pairs[:SHOWN]],
            "is_more": len(pairs) > SHOWN,
            "searching": Job.objects.unended().filter(kind=KIND).order_by("-created_at").first(),
            "compared_to": near_duplicates.compared_to(),
            "undo": admin_trash.offered(request),
        }
        return TemplateResponse(request, "admin/gallery/image/duplicates.html", context)

    return page


def _compared(pair: NearDuplicate) -> dict[str, Any]:
    """Both pictures with what is known of them; each fact is marked where it differs."""
    images = [pair.first, pair.second]
    facts = [_facts(image) for image in images]
    sides = []
    for image, own, other in zip(images, facts, reversed(facts), strict=True):
        rows = [
            {"name": name, "value": value, "differs": value != other[name]}
            for name, value in own.items()
        ]
        sides.append({"image": image, "rows": rows})
    return {"pair": pair, "sides": sides, "better": near_duplicates.better(*images)}


def _facts(image: Image) -> dict[str, str]:
    labels = list(image.labels.all())
    captions = [label for label in labels if label.kind == Label.Kind.CAPTION]
    tags = sorted(tag.name for tag in image.tags.all())
    return {
        "Size": f"{image.width} × {image.height}",
        "File": f"{image.format.upper()}, {size(image.bytes)}",
        "Source": image.get_source_type_display(),
        "Rating": image.get_rating_display(),
        "Visitors": "may see it" if image.is_public else "do not see it",
        "Albums": ", ".join(sorted(album.name for album in image.albums.all())) or "none",
        "Captions": thin(len(captions)),
        "Tags": ", ".join(tags[:12]) or "none",
        "Prompt": "yes" if image.prompt else "no",
        "Added": image.created_at.strftime("%Y-%m-%d %H:%M"),
    }


def _act(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("gallery.delete_image"):
        raise PermissionDenied
    action = request.POST.get("action", "")
    if action in ("find", "find_all"):
        job = near_duplicates.submit_find(everything=action == "find_all", created_by=request.user)
        address = reverse("admin:jobs_job_change", args=[job.pk])
        messages.success(
            request, format_html('A <a href="{}">job</a> looks for near-duplicates.', address)
        )
    else:
        _settle(request, action)
    return HttpResponseRedirect(reverse("admin:gallery_image_duplicates"))


def _settle(request: HttpRequest, action: str) -> None:
    number = number_in(request.POST.get("pair", ""))
    pair = None if number is None else near_duplicates.open_pairs().filter(pk=number).first()
    if pair is None:
        messages.error(request, "This pair was settled already, or one of the two is gone.")
        return
    if action == "dismiss":
        near_duplicates.dismiss(pair, request.user)
        messages.success(request, "Both stay.")
        return
    kept = {
        "keep_first": pair.first,
        "keep_second": pair.second,
        "keep_better": near_duplicates.better(pair.first, pair.second),
    }.get(action)
    if kept is None:
        messages.error(request, "Choose which of the two stays, or that both do.")
        return
    other = pair.second if kept == pair.first else pair.first
    try:
        near_duplicates.merge(kept, other, request.user)
    except NotAPair as refused:
        messages.error(request, str(refused))
        return
    messages.success(request, f"Image {kept.pk} stays; image {other.pk} is in the trash.")
    admin_trash.remember(request, [other.pk])
