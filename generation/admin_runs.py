"""Drawing in the console: the form with its results below, batches, and every run's page."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from gallery import albums
from gallery.admin_bulk import album_numbered
from gallery.models import Album, Image
from generation.forms import BatchForm, GenerateForm
from generation.models import GenerationItem, GenerationRun, ModelVersion
from generation.parameters import SCHEDULERS
from generation.runs import create_batch_run, create_single_run
from imagineer.console_rows import EitherFilter
from imagineer.console_start import RunAdmin, StartAdmin, StartForm, StateFilter
from imagineer.jobs import states
from imagineer.jobs.models import Job
from imagineer.jobs.templatetags.job_words import ago
from imagineer.problems import Problem
from imagineer.words import number_in

ITEMS_A_PAGE = 120
EARLIER = 24


class BatchStart(StartAdmin):
    """The page that draws a batch. Not registered: GenerationRunAdmin gives it an address."""

    start_form = BatchForm
    start_name = "generation_batch"
    start_title = "Draw a batch"
    start_template = "admin/generation/batch.html"

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        assert isinstance(form, BatchForm)
        try:
            template = form.cleaned_data["template"]
            return create_batch_run(template, form.values(), user=request.user).job
        except Problem as problem:
            raise form.at_field(problem) from None

    def start_context(self, request: HttpRequest, form: StartForm) -> dict[str, Any]:
        assert isinstance(form, BatchForm)
        return {"preview": form.preview()}

    def start_view(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and request.headers.get("X-Preview"):
            form = BatchForm(request.POST)
            return TemplateResponse(
                request, "admin/generation/preview.html", {"preview": form.preview()}
            )
        return super().start_view(request)


class BatchFilter(EitherFilter):
    title = "kind"
    parameter_name = "kind"
    column = "is_batch"
    if_true = ("batch", "Batches")
    if_false = ("single", "Single pictures")


@admin.register(GenerationRun)
class GenerationRunAdmin(RunAdmin):
    start_form = GenerateForm
    start_name = "generation_generate"
    start_title = "Generate"
    start_template = "admin/generation/generate.html"

    list_display = ("title", "shown_state", "drawn", "template", "album", "shown_age")
    list_filter: ClassVar[tuple[Any, ...]] = (BatchFilter, StateFilter, "template")
    search_fields = ("album_name", "user_theme", "job__title")
    list_select_related = ("job", "template", "album")
    change_form_template = "admin/generation/run.html"

    # --- Starting ---------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        batch = BatchStart(GenerationRun, self.admin_site)
        own = [
            path("batch/", wrap(batch.start_view), name="generation_batch"),
            path(
                "<int:run_id>/results/",
                wrap(require_GET(self.results_view)),
                name="generation_results",
            ),
            path(
                "items/<int:item_id>/again/",
                wrap(require_POST(self.again_view)),
                name="generation_again",
            ),
            path(
                "add-to-album/",
                wrap(require_POST(self.add_to_album_view)),
                name="generation_add_to_album",
            ),
        ]
        return own + super().get_urls()

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        assert isinstance(form, GenerateForm)
        try:
            run = create_single_run(form.values(), user=request.user)
        except Problem as problem:
            raise form.at_field(problem) from None
        request.started_run = run.pk  # type: ignore[attr-defined]
        return run.job

    def start_view(self, request: HttpRequest) -> HttpResponse:
        response = super().start_view(request)
        started = getattr(request, "started_run", None)
        return _to_results(started) if started else response

    def start_initial(self, request: HttpRequest) -> dict[str, Any]:
        """The values of the run whose results are shown; those in the address win."""
        run = _run_shown(request)
        asked = super().start_initial(request)
        return {**_values_of(run), **asked} if run else asked

    def start_context(self, request: HttpRequest, form: StartForm) -> dict[str, Any]:
        run = _run_shown(request)
        return {
            "run": run,
            "items": _items(run) if run else [],
            "earlier": _earlier(run),
            "albums": Album.objects.order_by("name"),
        }

    # --- Results ----------------------------------------------------------------------------

    def results_view(self, request: HttpRequest, run_id: int) -> JsonResponse:
        """The part of the page that changes while a run is drawn."""
        run = get_object_or_404(
            GenerationRun.objects.with_counts().select_related("job"), pk=run_id
        )
        page = {"run": run, "items": _items(run)}
        html = render_to_string("admin/generation/results.html", page, request)
        return JsonResponse({"html": html, "ended": run.job.has_ended})

    def again_view(self, request: HttpRequest, item_id: int) -> HttpResponse:
        """Draw this item's prompt once more, with a new seed."""
        item = get_object_or_404(
            GenerationItem.objects.select_related("run__base_model"), pk=item_id
        )
        values = {
            **item.run.overrides,
            "prompt": item.prompt,
            "negative_prompt": item.negative_prompt,
            "model": item.run.base_model_id,
            "is_public": item.run.is_public,
            "rating": item.run.rating,
            "count": 1,
        }
        try:
            run = create_single_run(values, user=request.user)
        except Problem as problem:
            messages.error(request, problem.message)
            return _to_results(item.run_id)
        return _to_results(run.pk)

    def add_to_album_view(self, request: HttpRequest) -> HttpResponse:
        """Put the chosen pictures (`image`, repeated, or `only`) into the album."""
        chosen = request.POST.getlist("only") or request.POST.getlist("image")
        ids = [pk for text in chosen if (pk := number_in(text)) is not None]
        there = list(Image.objects.filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
        album = album_numbered(request.POST.get("album", ""))
        if album is None:
            messages.error(request, "Choose an album.")
        elif not there:
            messages.error(request, "Choose a picture.")
        else:
            added = albums.put_many(album, there, added_by=request.user)
            words = "The picture was" if len(there) == 1 else f"{added} pictures were"
            messages.success(request, f"{words} added to {album.name}.")
        return _to_results(number_in(request.POST.get("run", "")))

    # --- The list and a run's page ------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[GenerationRun]:
        return GenerationRun.objects.with_counts().select_related("job", "template", "album")

    @admin.display(description="run", ordering="created_at")
    def title(self, run: GenerationRun) -> str:
        return run.job.title

    @admin.display(description="drawn")
    def drawn(self, run: Any) -> str:
        failed = f", {run.items_failed} failed" if run.items_failed else ""
        return f"{run.items_done} of {run.items_total}{failed}"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def page_context(self, request: HttpRequest, row: GenerationRun) -> dict[str, Any]:
        return {
            "run": row,
            "page": _items_page(request, row),
            "facts": _facts(row),
            "can_retry": row.job.status in states.RETRIABLE,
        }


def _to_results(run_id: int | None) -> HttpResponseRedirect:
    address = reverse("admin:generation_generate")
    return HttpResponseRedirect(f"{address}?run={run_id}#results" if run_id else address)


def _run_shown(request: HttpRequest) -> GenerationRun | None:
    number = number_in(request.GET.get("run", ""))
    if number is None:
        return None
    return GenerationRun.objects.with_counts().select_related("job").filter(pk=number).first()


def _items(run: GenerationRun) -> list[GenerationItem]:
    return list(run.items.select_related("image").order_by("index")[:ITEMS_A_PAGE])


def _earlier(run: GenerationRun | None) -> QuerySet[Image]:
    """Single pictures drawn before the run that is shown."""
    pictures = Image.objects.filter(generation_items__run__is_batch=False)
    if run is not None:
        pictures = pictures.exclude(generation_items__run=run)
    return pictures.order_by("-id").distinct()[:EARLIER]


def _values_of(run: GenerationRun) -> dict[str, Any]:
    """What the form asked for, so that one value can be changed and drawn again."""
    first = run.items.order_by("index").first()
    values = {
        name: run.overrides.get(name)
        for name in ("steps", "guidance_scale", "width", "height", "scheduler")
    }
    for slot, lora in enumerate(run.overrides.get("loras", []), start=1):
        values[f"lora_{slot}"] = str(lora["model"])
        values[f"lora_{slot}_weight"] = lora["weight"]
    values |= {"rating": run.rating, "is_public": run.is_public}
    if first is not None:
        values |= {"prompt": first.prompt, "negative_prompt": first.negative_prompt}
    if not run.is_batch:
        values |= {"album": run.album_id, "count": run.items.count()}
    return values


def _items_page(request: HttpRequest, run: GenerationRun) -> Any:
    items = run.items.select_related("image").order_by("index")
    return Paginator(items, ITEMS_A_PAGE).get_page(request.GET.get("page"))


def _facts(run: GenerationRun) -> list[tuple[str, Any]]:
    """(label, value) pairs about a run, as an admin reads them."""
    how = run.overrides
    scheduler = SCHEDULERS.get(how.get("scheduler", ""))
    loras = how.get("loras", [])
    versions = dict(_names_of([lora["model"] for lora in loras]))
    facts: list[tuple[str, Any]] = [
        ("Template", _link("generation_batchtemplate", run.template)),
        ("Album", _link("gallery_album", run.album)),
        ("Theme", run.user_theme),
        ("Model", run.base_model.name if run.base_model else ""),
        (
            "LoRAs",
            ", ".join(
                f"{versions.get(lora['model'], 'a deleted LoRA')} at {lora['weight']:g}"
                for lora in loras
            ),
        ),
        ("Size", f"{how.get('width')} × {how.get('height')} px"),
        ("Steps", how.get("steps")),
        ("Guidance", f"{how.get('guidance_scale', 0):g}"),
        ("Sampler", scheduler.label if scheduler else ""),
        ("Asked for", _asked(run)),
    ]
    return [(label, value) for label, value in facts if value]


def _asked(run: GenerationRun) -> SafeString:
    return format_html(
        "{}{}", ago(run.created_at), f" by {run.created_by}" if run.created_by else ""
    )


def _names_of(ids: list[int]) -> list[tuple[int, str]]:
    return [(row.pk, str(row)) for row in ModelVersion.objects.filter(pk__in=ids)]


def _link(page: str, row: Any) -> SafeString | str:
    if row is None:
        return ""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{page}_change", args=[row.pk]), row)
