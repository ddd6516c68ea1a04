"""The JSON API of this room: pictures and batches to ask for, templates, LoRAs, base models."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from ninja import Router, Status

from gallery import nsfw
from generation.api_schemas import (
    BatchIn,
    BatchOut,
    BatchPage,
    GenerateIn,
    LoraOut,
    LoraPage,
    ModelList,
    ModelOut,
    RunDetail,
    RunStarted,
    TemplateDetail,
    TemplateIn,
    TemplatePage,
)
from generation.base_model import ensure_base_model
from generation.models import BatchTemplate, GenerationRun, ModelVersion
from generation.runs import create_batch_run, create_single_run
from generation.shown import (
    leave_out_private_bases,
    leave_out_private_loras,
    names_item,
    shown_items,
    shown_runs,
)
from imagineer.accounts.permissions import ADMIN, is_admin_request
from imagineer.keyset import paginate
from imagineer.problems import Problem, not_found

router = Router(tags=["generation"])


# --- Asking for pictures ------------------------------------------------------------------------


@router.post("/generate", auth=ADMIN, response={201: RunStarted}, summary="Draw pictures")
def generate(request: HttpRequest, payload: GenerateIn) -> Status[GenerationRun]:
    """Draw `count` pictures of one prompt. Follow the job; the run's items tell the images."""
    run = create_single_run(payload.model_dump(exclude_unset=True), user=request.user)
    return Status(201, run)


@router.post(
    "/batch-templates/{template_id}/generate",
    auth=ADMIN,
    response={201: RunStarted},
    summary="Draw a batch",
)
def generate_batch(
    request: HttpRequest, template_id: int, payload: BatchIn
) -> Status[GenerationRun]:
    """Draw one picture of every row of the template into a new album."""
    template = _template(template_id)
    run = create_batch_run(template, payload.model_dump(exclude_unset=True), user=request.user)
    return Status(201, run)


# --- Batches ------------------------------------------------------------------------------------


@router.get("/batches", response=BatchPage, summary="Batches, newest first")
def batches(request: HttpRequest, cursor: str | None = None) -> dict[str, Any]:
    return _run_page(request, GenerationRun.objects.batches(), cursor)


@router.get("/batches/{run_id}", response=RunDetail, summary="A batch and its items")
def batch(request: HttpRequest, run_id: int) -> RunDetail:
    """Prompts, seeds and errors are told to admins; visitors see the public pictures."""
    admin = is_admin_request(request)
    runs = _runs(request, GenerationRun.objects.all())
    items = Prefetch("items", queryset=shown_items(request))
    run = runs.prefetch_related(items).filter(pk=run_id).first()
    if run is None:
        raise not_found("batch")
    return RunDetail.of_items(run, admin, lambda item: names_item(request, item))


@router.get(
    "/batch-templates/{template_id}/runs", response=BatchPage, summary="A template's batches"
)
def template_runs(
    request: HttpRequest, template_id: int, cursor: str | None = None
) -> dict[str, Any]:
    runs = GenerationRun.objects.filter(template=_template(template_id))
    return _run_page(request, runs, cursor)


def _runs(request: HttpRequest, runs: QuerySet[GenerationRun]) -> QuerySet[GenerationRun]:
    """Those that this reader may know of, with all that a BatchOut needs."""
    told = runs.filter(shown_runs(request)).with_counts(shown_items(request))  # type: ignore[attr-defined]
    return told.select_related("job", "album", "template")  # type: ignore[no-any-return]


def _run_page(
    request: HttpRequest, runs: QuerySet[GenerationRun], cursor: str | None
) -> dict[str, Any]:
    admin = is_admin_request(request)
    page = paginate(_runs(request, runs), cursor)
    return {"items": [BatchOut.of(run, admin) for run in page.items], "next": page.next}


# --- Templates ----------------------------------------------------------------------------------


@router.get("/batch-templates", response=TemplatePage, summary="Batch templates by name")
def templates(request: HttpRequest, cursor: str | None = None) -> dict[str, Any]:
    page = paginate(BatchTemplate.objects.all(), cursor, order=("name",))
    leave_out_private_loras(request, page.items)
    return {"items": page.items, "next": page.next}


@router.get("/batch-templates/{template_id}", response=TemplateDetail, summary="A batch template")
def template(request: HttpRequest, template_id: int) -> BatchTemplate:
    found = _template(template_id)
    leave_out_private_loras(request, [found])
    return found


@router.post(
    "/batch-templates", auth=ADMIN, response={201: TemplateDetail}, summary="Add a template"
)
def add_template(request: HttpRequest, payload: TemplateIn) -> Status[BatchTemplate]:
    return Status(201, _saved(BatchTemplate(), payload))


@router.put(
    "/batch-templates/{template_id}",
    auth=ADMIN,
    response=TemplateDetail,
    summary="Replace a template",
)
def replace_template(request: HttpRequest, template_id: int, payload: TemplateIn) -> BatchTemplate:
    """Fields that are left out take their default. Runs that were asked for stay as they are."""
    return _saved(_template(template_id), payload)


@router.delete(
    "/batch-templates/{template_id}", auth=ADMIN, response={204: None}, summary="Delete a template"
)
def delete_template(request: HttpRequest, template_id: int) -> Status[None]:
    """Its runs and albums stay."""
    _template(template_id).delete()
    return Status(204, None)


def _template(template_id: int) -> BatchTemplate:
    found = BatchTemplate.objects.filter(pk=template_id).first()
    if found is None:
        raise not_found("batch template")
    return found


def _saved(template: BatchTemplate, payload: TemplateIn) -> BatchTemplate:
    for name, value in payload.model_dump().items():
        setattr(template, name, value)
    try:
        template.full_clean(exclude=["slug"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        if field == "name" and BatchTemplate.objects.filter(name=template.name).exists():
            raise Problem(
                409, "name_taken", f"A template named “{template.name}” exists already.", "name"
            ) from None
        raise Problem(422, "invalid", messages[0], field) from None
    template.save()
    return template


# --- Models -------------------------------------------------------------------------------------


@router.get("/loras", response=LoraPage, summary="LoRAs, newest first")
def loras(request: HttpRequest, cursor: str | None = None) -> dict[str, Any]:
    page = paginate(_loras(request), cursor)
    leave_out_private_bases(request, page.items)
    return {"items": page.items, "next": page.next}


@router.get("/loras/{lora_id}", response=LoraOut, summary="A LoRA")
def lora(request: HttpRequest, lora_id: int) -> ModelVersion:
    found = _loras(request).filter(pk=lora_id).first()
    if found is None:
        raise not_found("LoRA")
    leave_out_private_bases(request, [found])
    return found


def _loras(request: HttpRequest) -> QuerySet[ModelVersion]:
    rows = ModelVersion.objects.filter(type=ModelVersion.Type.LORA).select_related("base_model")
    if not is_admin_request(request):
        rows = rows.filter(is_public=True)
    return rows.annotate(pictures=nsfw.count(request))


@router.get("/models", response=ModelList, summary="Base models")
def models(request: HttpRequest) -> dict[str, Any]:
    """The base models that can draw, with the defaults that suit them."""
    admin = is_admin_request(request)
    current = ensure_base_model()
    rows = ModelVersion.objects.filter(type=ModelVersion.Type.BASE, is_active=True).order_by("pk")
    if not admin:
        rows = rows.filter(is_public=True)
    return {"items": [ModelOut.of(row, row.pk == current.pk, admin) for row in rows], "next": None}
