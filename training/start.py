"""Asking for a training: one way in for the API, the console and the demonstration."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from gallery.caption_words import LONGEST_TRIGGER, one_line
from gallery.models import Album
from generation.base_model import ensure_base_model
from generation.models import ModelVersion
from imagineer.jobs.models import Job
from imagineer.jobs.submit import submit
from imagineer.problems import Problem, invalid
from imagineer.texts import NOT_A_LINE, is_line
from training.config import ConfigError, TrainingConfig, preset, validated
from training.models import DatasetVersion, TrainingRun

KIND = "training.run"


def checked_config(
    base_model: ModelVersion, preset_name: str = "standard", values: Mapping[str, Any] | None = None
) -> TrainingConfig:
    """The preset for this base model with these values instead; raises Problem 422."""
    try:
        return validated(values or {}, preset(base_model.architecture, preset_name))
    except ConfigError as error:
        raise invalid(error.field, str(error)) from error


def start_training(
    *,
    name: str,
    albums: Sequence[Album] = (),
    dataset: DatasetVersion | None = None,
    trigger_word: str = "",
    base_model: ModelVersion | None = None,
    preset_name: str = "standard",
    values: Mapping[str, Any] | None = None,
    is_public: bool = True,
    created_by: Any = None,
    after: Iterable[Job] = (),
) -> TrainingRun:
    """Submit a training on a frozen dataset, or on albums that are frozen when it starts.

    values: settings of :class:`TrainingConfig` that differ from the preset's. Raises Problem 422.
    """
    name, trigger_word = one_line(name), one_line(trigger_word)
    if not 1 <= len(name) <= 100:
        raise invalid("name", "Give the LoRA a name of 1 to 100 characters.")
    if len(trigger_word) > LONGEST_TRIGGER or "," in trigger_word:
        raise invalid(
            "trigger_word", f"Choose at most {LONGEST_TRIGGER} characters without a comma."
        )
    for field, text in (("name", name), ("trigger_word", trigger_word)):
        if not is_line(text):
            raise invalid(field, NOT_A_LINE)
    if bool(albums) == (dataset is not None):
        raise invalid("albums", "Choose albums to train on, or a frozen dataset, not both.")
    base_model = base_model or ensure_base_model()
    _check_base_model(base_model)
    config = checked_config(base_model, preset_name, values)
    with transaction.atomic():
        job = submit(KIND, title=f"Train {name}", created_by=created_by, after=after)
        run = TrainingRun.objects.create(
            job=job,
            name=name,
            dataset=dataset,
            base_model=base_model,
            trigger_word=trigger_word,
            config=config.as_dict(),
            steps=config.steps,
            is_public=is_public,
            created_by=created_by if getattr(created_by, "pk", None) else None,
        )
        run.albums.set(dataset.albums.all() if dataset else albums)
    return run


def _check_base_model(base_model: ModelVersion) -> None:
    if base_model.type != ModelVersion.Type.BASE:
        raise invalid("base_model", f"{base_model} is not a base model.")
    if base_model.architecture == "sdxl":
        raise Problem(
            422,
            "wrong_base_model",
            "LoRAs are trained for Stable Diffusion 1 and 2 and for the built-in model; "
            f"{base_model.name} is an SDXL model.",
            "base_model",
        )


def estimated_seconds(base_model: ModelVersion, config: TrainingConfig) -> float | None:
    """How long a training will take, by what the last ones took for a picture; None if unknown."""
    pictures = config.steps * config.batch_size * config.gradient_accumulation
    pace = _pace(base_model)
    if pace is None and base_model.architecture == "builtin":
        pace = BUILTIN_SECONDS_A_PICTURE
    return None if pace is None else STARTING_SECONDS + pace * pictures


STARTING_SECONDS = 15.0
BUILTIN_SECONDS_A_PICTURE = 0.06
"""Measured on two cores at the built-in model's own size."""


def _pace(base_model: ModelVersion) -> float | None:
    runs = TrainingRun.objects.filter(
        base_model=base_model, output_model__isnull=False, job__attempts=1
    ).select_related("job")
    paces = []
    for run in runs.order_by("-created_at")[:3]:
        started, finished = run.job.started_at, run.job.finished_at
        config = TrainingConfig(**run.config)
        pictures = config.steps * config.batch_size * config.gradient_accumulation
        if started and finished and pictures >= 100:
            seconds = (finished - started).total_seconds() - STARTING_SECONDS
            paces.append(max(0.0, seconds) / pictures)
    return max(paces) if paces else None
