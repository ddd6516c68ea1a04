"""Datasets and trainings in the console."""

from pathlib import Path
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gallery.caption_words import one_line
from imagineer import words
from imagineer.console_start import ReadOnlyAdmin, RunAdmin, StartForm
from imagineer.jobs import states
from imagineer.jobs.models import Job
from imagineer.jobs.templatetags.job_words import ago
from training.config import TARGET_LABELS
from training.datasets import freeze
from training.forms import SOURCE_LABELS, FreezeForm, TrainForm
from training.models import DatasetVersion, TrainingRun
from training.start import start_training

ITEMS_A_PAGE = 60


@admin.register(DatasetVersion)
class DatasetVersionAdmin(ReadOnlyAdmin):
    start_form = FreezeForm
    start_name = "training_freeze"
    start_title = "Freeze a dataset"
    change_form_template = "admin/training/datasetversion/change_form.html"
    list_display = ("shown_name", "shown_pictures", "shown_sources", "shown_age")
    list_display_links = ("shown_name",)
    search_fields = ("name",)

    def start(self, request: HttpRequest, form: StartForm) -> DatasetVersion:
        asked = form.cleaned_data
        return freeze(one_line(asked["name"]), list(asked["albums"]), request.user)

    def started(self, request: HttpRequest, job: Any) -> HttpResponse:
        messages.success(request, f"{job} holds {words.thin(job.stats['pictures'])} pictures.")
        return HttpResponseRedirect(reverse("admin:training_datasetversion_change", args=[job.pk]))

    @admin.display(description="Dataset", ordering="name")
    def shown_name(self, dataset: DatasetVersion) -> str:
        return str(dataset)

    @admin.display(description="Pictures")
    def shown_pictures(self, dataset: DatasetVersion) -> str:
        left_out = dataset.stats.get("left_out")
        text = words.thin(dataset.stats.get("pictures", 0))
        return f"{text}, {words.thin(left_out)} left out" if left_out else text

    @admin.display(description="Captions")
    def shown_sources(self, dataset: DatasetVersion) -> str:
        sources = dataset.stats.get("sources", {})
        return ", ".join(f"{n} {SOURCE_LABELS.get(name, name)}" for name, n in sources.items())

    @admin.display(description="Frozen", ordering="created_at")
    def shown_age(self, dataset: DatasetVersion) -> str | SafeString:
        return ago(dataset.created_at)

    def page_context(self, request: HttpRequest, row: DatasetVersion) -> dict[str, Any]:
        items = row.items.select_related("image")
        stats = row.stats
        return {
            "dataset": row,
            "albums": row.albums.all(),
            "runs": row.training_runs.select_related("job", "output_model"),
            "sources": [
                (SOURCE_LABELS.get(name, name), count)
                for name, count in stats.get("sources", {}).items()
            ],
            "page": Paginator(items, ITEMS_A_PAGE).get_page(request.GET.get("p")),
        }


@admin.register(TrainingRun)
class TrainingRunAdmin(RunAdmin):
    start_form = TrainForm
    start_name = "training_start"
    start_title = "Train a LoRA"
    change_form_template = "admin/training/trainingrun/change_form.html"
    list_display = (
        "name", "shown_state", "shown_steps", "shown_loss", "shown_lora", "shown_age",
    )  # fmt: skip
    list_select_related = ("job", "output_model", "base_model")
    search_fields = ("name", "trigger_word")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrainingRun]:
        runs: QuerySet[TrainingRun] = super().get_queryset(request)
        return runs.select_related("job", "output_model", "base_model", "dataset", "created_by")

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        assert isinstance(form, TrainForm)
        asked = form.cleaned_data
        return start_training(
            name=asked["name"],
            albums=list(asked["albums"]),
            dataset=asked["dataset"],
            trigger_word=asked["trigger_word"],
            base_model=asked["base_model"],
            preset_name=asked["preset"],
            values=form.values(),
            is_public=asked["is_public"],
            created_by=request.user,
        ).job

    @admin.display(description="Steps")
    def shown_steps(self, run: TrainingRun) -> str:
        done = run.loss_history[-1][0] if run.loss_history else 0
        steps = words.thin(run.steps)
        return steps if done >= run.steps else f"{words.thin(int(done))} of {steps}"

    @admin.display(description="Loss")
    def shown_loss(self, run: TrainingRun) -> str:
        return f"{run.loss_history[-1][1]:.4f}" if run.loss_history else ""

    @admin.display(description="LoRA")
    def shown_lora(self, run: TrainingRun) -> str | SafeString:
        if run.output_model is None:
            return ""
        url = reverse("admin:generation_modelversion_change", args=[run.output_model.pk])
        return format_html('<a href="{}">{}</a>', url, run.output_model)

    def page_context(self, request: HttpRequest, row: TrainingRun) -> dict[str, Any]:
        lora = row.output_model
        made = lora.image_uses.select_related("image").order_by("-image_id")[:24] if lora else []
        return {
            "run": row,
            "config": _settings(row.config),
            "albums": row.albums.all(),
            "checkpoints": [
                (checkpoint.step, Path(checkpoint.file).name)
                for checkpoint in row.checkpoints.all()
            ],
            "pictures": [use.image for use in made],
            "can_retry": row.job.status in states.RETRIABLE,
        }


def _settings(config: dict[str, Any]) -> list[tuple[str, Any]]:
    """A configuration as people read it."""
    labels = {"min_snr_gamma": "Min-SNR γ", "warmup_steps": "Warm-up steps", "targets": "Layers"}
    shown = {
        "targets": TARGET_LABELS.get(config.get("targets", "")),
        "random_flip": "yes" if config.get("random_flip") else "no",
        "min_snr_gamma": config.get("min_snr_gamma") or "off",
    }
    return [
        (labels.get(name, name.replace("_", " ").capitalize()), shown.get(name) or value)
        for name, value in config.items()
    ]
