"""Public pages: LoRAs and batch templates."""

from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from gallery import listing, nsfw, share, sitemaps, walks
from generation.lora_file import LoraFileError
from generation.loras import lora_path
from generation.models import BatchTemplate, GenerationItem, GenerationRun, ImageModel, ModelVersion
from generation.prompts import Row, expand_prompt, parse_rows
from generation.shown import leave_out_private_bases, shown_runs
from imagineer.counted import counted_to
from imagineer.words import number_in

NEWEST_PICTURE = ("-image_id",)
RUNS_SHOWN = 24
# Of a template drawn more often the list says "100+".
RUNS_COUNTED = 100


@require_safe
@vary_on_cookie
def loras(request: HttpRequest) -> HttpResponse:
    cards = _cards(request).select_related("base_model")
    page = listing.page(request, cards, listing.NEWEST_ALBUM, size=24)
    listing.add_covers(request, page.items)
    leave_out_private_bases(request, page.items)
    return render(request, "generation/loras.html", {"page": page})


LORA_SITEMAP = sitemaps.Part(
    lambda: ModelVersion.objects.filter(type=ModelVersion.Type.LORA, is_public=True),
    lambda version: sitemaps.Place(version.get_absolute_url(), version.created_at),
)


def walk_with_lora(request: HttpRequest, value: str, image_id: int) -> walks.Walk | None:
    """The pictures on either side of one among those that a LoRA drew."""
    pk = number_in(value)
    if pk is None:
        return None
    uses = listing.visible_members(ImageModel.everything.all(), request)
    here = ImageModel.objects.filter(
        model_version__in=_visible(request).filter(pk=pk), image=image_id
    )
    inside = uses.filter(model_version=OuterRef("model_version"))
    found = walks.beside(here, inside, NEWEST_PICTURE, "image_id", "model_version__name")
    if found is None:
        return None
    previous, following, title = found
    url = reverse("generation:lora", args=[pk])
    return walks.Walk(previous, following, title, url, walks.query_of("lora", str(pk)))


@require_safe
@vary_on_cookie
def lora(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(_cards(request).select_related("base_model"), pk=pk)
    leave_out_private_bases(request, [shown])
    uses = ImageModel.everything.filter(model_version=shown).select_related("image")
    uses = listing.visible_members(uses, request)
    uses = uses.prefetch_related(listing.captions("image__labels"))
    versions = _visible(request).filter(name=shown.name).exclude(pk=pk).order_by("-version")
    training = _training(request, shown)
    page = listing.page(request, uses, NEWEST_PICTURE)
    context = {
        "lora": shown,
        "training": training,
        "dataset": _dataset(request, training),
        "page": page,
        "walk": walks.query_of("lora", str(pk)),
        "card": share.card(
            request,
            str(shown),
            description=shown.description,
            pictures=(use.image for use in page.items),
        ),
        "versions": versions[:20],
        "file_bytes": _file_bytes(shown),
    }
    return render(request, "generation/lora.html", context)


@require_safe
@vary_on_cookie
def lora_file(request: HttpRequest, pk: int) -> FileResponse:
    """The .safetensors of a LoRA that this visitor may see."""
    shown = get_object_or_404(_visible(request), pk=pk)
    try:
        path = lora_path(shown)
    except LoraFileError as error:
        raise Http404(str(error)) from error
    response = FileResponse(path.open("rb"), as_attachment=True, filename=path.name)
    response["Content-Type"] = "application/octet-stream"
    return response


def _visible(request: HttpRequest) -> QuerySet[ModelVersion]:
    found = ModelVersion.objects.filter(type=ModelVersion.Type.LORA)
    return found if nsfw.is_admin(request) else found.filter(is_public=True)


def _cards(request: HttpRequest) -> QuerySet[ModelVersion]:
    uses = ImageModel.everything.filter(model_version=OuterRef("pk"))
    uses = listing.visible_members(uses, request)
    counted = nsfw.count(request)
    return listing.with_pictures(_visible(request), uses, NEWEST_PICTURE, image_count=counted)


def _training(request: HttpRequest, lora: ModelVersion) -> Any:
    """The run of the room above that made the LoRA, if this request may know of it."""
    training = getattr(lora, "training_run", None)
    return training if training and (training.is_public or nsfw.is_admin(request)) else None


def _dataset(request: HttpRequest, training: Any) -> Any:
    """What it was trained on: a dataset with a private album in it is not named to visitors."""
    dataset = training.dataset if training else None
    if dataset is None or nsfw.is_admin(request):
        return dataset
    return None if dataset.albums.filter(is_public=False).exists() else dataset


def _file_bytes(lora: ModelVersion) -> int | None:
    try:
        return lora_path(lora).stat().st_size
    except (LoraFileError, OSError):
        return None


# --- Templates ---------------------------------------------------------------------------------


@require_safe
@vary_on_cookie
def templates(request: HttpRequest) -> HttpResponse:
    runs = GenerationRun.objects.filter(shown_runs(request), template=OuterRef("pk"))
    found = BatchTemplate.objects.annotate(run_count=counted_to(runs, RUNS_COUNTED + 1))
    # "run" is the order of runs, the newest first, so that no more than a few items are read.
    found = listing.with_pictures(found.order_by("name"), _drawn(request), ("run", "index"))
    templates = list(found)
    listing.add_covers(request, templates)
    shown = [(template, _rows(template)) for template in templates]
    context = {"templates": shown, "counted": RUNS_COUNTED}
    return render(request, "generation/templates.html", context)


@require_safe
@vary_on_cookie
def template(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(BatchTemplate, slug=slug)
    rows = _rows(shown)
    albums = listing.album_cards(request, with_empty=True)
    runs = (
        GenerationRun.objects.filter(shown_runs(request), template=shown)
        .select_related("job")
        .prefetch_related(Prefetch("album", queryset=albums))
        .order_by("-created_at", "-id")[:RUNS_SHOWN]
    )
    found = list(runs)
    listing.add_covers(request, [run.album for run in found if run.album])
    context = {
        "template": shown,
        "columns": [column for column in rows[0] if column != "name"] if rows else [],
        "rows": [_filled(shown, row) for row in rows],
        "runs": found,
    }
    return render(request, "generation/template.html", context)


def _drawn(request: HttpRequest) -> QuerySet[GenerationItem]:
    """The pictures of a template's runs, for its row in the list."""
    items = GenerationItem.objects.filter(
        shown_runs(request, "run__"), run__template=OuterRef("pk"), image__isnull=False
    )
    return nsfw.visible(items, request, "image__")


def _rows(template: BatchTemplate) -> list[Row]:
    """The template's rows; none if somebody broke its table by hand."""
    try:
        return parse_rows(template.csv)
    except ValueError:
        return []


def _filled(template: BatchTemplate, row: Row) -> dict[str, Any]:
    """A row with the prompt it makes under the example theme."""
    try:
        prompt = expand_prompt(
            template.base_prompt,
            template.prompt_template,
            row,
            template.example_theme,
            template.style_suffix,
        )
    except ValueError as error:
        prompt = str(error)
    values = [value for column, value in row.items() if column != "name"]
    return {"name": row["name"], "cells": values, "prompt": prompt}
