"""The runner of ``generation.run``: draws a run's pictures that are not drawn yet.

Killed at any moment it is run again and goes on: an item is done only together with its picture.
Items that failed stay so, with a sentence; a retry of the job draws them and no others.
"""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings

from gallery.image_files import ImageRefused
from generation import kept
from generation.base_model import ensure_base_model, model_source
from generation.kept import Plan
from generation.lora_file import LoraFileError
from generation.loras import adapters_for, newest_lora
from generation.models import GenerationItem, GenerationRun, ModelVersion
from generation.parameters import LORA_WEIGHT, Adapter, LoraWeight, Settings, Wanted
from imagineer.jobs.registry import JobCancelled, JobContext, JobFailed, Partial, Result

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

logger = logging.getLogger(__name__)
NOT_NUMBERS = (
    "The model returned numbers that are no picture (NaN). Try another seed, a lower guidance or "
    "a LoRA weight nearer to 0."
)


def run(context: JobContext) -> Result:
    """Draw what is pending or failed; the result counts what became of the run's items."""
    wanted = GenerationRun.objects.select_related(
        "template", "base_model", "created_by", "job"
    ).get(job=context.job)
    plan = plan_of(wanted)
    try:
        adapters = adapters_for(plan.settings.loras, context.check_cancelled)
    except LoraFileError as error:
        raise JobFailed(str(error)) from error
    adopted = kept.adopt_orphans(plan)
    if adopted:
        context.log(f"Found {adopted} pictures that an earlier attempt had drawn.")
    items = list(wanted.items.exclude(status=GenerationItem.Status.DONE).order_by("index"))
    _Drawing(context, plan, adapters).draw_all(items)
    return _outcome(wanted)


def plan_of(wanted: GenerationRun) -> Plan:
    """The run's base model, settings and LoRAs; raises JobFailed for a LoRA that is not there."""
    base_model = wanted.base_model or ensure_base_model()
    overrides = dict(wanted.overrides)
    later = overrides.pop("later_loras", [])
    if later:
        overrides["loras"] = [*overrides.get("loras", []), *map(_now_there, later)]
        # Written down, so that a second attempt draws with the same versions.
        wanted.overrides = overrides
        wanted.save(update_fields=["overrides"])
    loras = tuple(LoraWeight(**entry) for entry in overrides.get("loras", []))
    versions = ModelVersion.objects.in_bulk([lora.model for lora in loras])
    return Plan(
        run=wanted,
        base_model=base_model,
        settings=Settings(**{**overrides, "loras": loras}),
        loras=tuple(
            (versions[lora.model], lora.weight)
            for lora in loras
            if lora.weight != 0 and lora.model in versions
        ),
    )


def _now_there(entry: dict[str, Any]) -> dict[str, Any]:
    version = newest_lora(entry["name"])
    if version is None:
        raise JobFailed(f"There is no LoRA named “{entry['name']}” yet.")
    low, high = LORA_WEIGHT
    return {"model": version.pk, "weight": min(max(float(entry["weight"]), low), high)}


class _Drawing:
    """One attempt: draws items in groups, smaller ones where a group fails."""

    def __init__(self, context: JobContext, plan: Plan, adapters: Sequence[Adapter]) -> None:
        self.context = context
        self.plan = plan
        self.adapters = adapters
        self.total = plan.run.items.count()
        self.done = self.total

    def draw_all(self, items: Sequence[GenerationItem]) -> None:
        """Draw them; raises JobCancelled, and JobFailed where nothing can be drawn at all."""
        # The web processes import this module; torch is for the one that draws. It takes seconds.
        self.context.check_cancelled()
        from generation import diffusion_pipeline as engine

        self.done = self.total - len(items)
        self.context.progress(self.done, self.total, self._said())
        if not items:
            return
        chosen = self.plan.settings
        try:
            size = engine.batch_size(chosen.width, chosen.height, settings.DEVICE)
            for start in range(0, len(items), size):
                self._draw_group(engine, items[start : start + size])
        except (engine.ModelLoadError, engine.AdapterError) as error:
            raise JobFailed(str(error)) from error

    def _draw_group(self, engine: Any, group: Sequence[GenerationItem]) -> None:
        self.context.check_cancelled()
        began = time.monotonic()
        try:
            pictures = self._forward(engine, group)
        except (JobCancelled, engine.ModelLoadError, engine.AdapterError):
            raise
        except Exception as error:
            if len(group) == 1:
                self._fail(group[0], error)
                return
            # One picture, or too many at once, spoiled the group: each gets its own chance.
            logger.warning("A group of %s pictures failed", len(group), exc_info=True)
            self.context.log(f"{len(group)} together failed ({error}); one by one now.", "warning")
            for item in group:
                self._draw_group(engine, [item])
            return
        seconds = (time.monotonic() - began) / len(group)
        # The whole group before the next look at a cancel: what is drawn is kept.
        for item, picture in zip(group, pictures, strict=True):
            self._keep(item, picture, seconds)
        self.context.log(f"{self._said()}, {seconds:.2f} s a picture")
        if self.total > 1:
            self.context.progress(self.done, self.total, self._said())

    def _forward(self, engine: Any, group: Sequence[GenerationItem]) -> "list[Picture | None]":
        pictures: list[Picture | None] = engine.draw(
            model_source(self.plan.base_model),
            [Wanted(item.prompt, item.negative_prompt, item.seed) for item in group],
            self.plan.settings,
            self.adapters,
            device=settings.DEVICE,
            report=self._report,
        )
        return pictures

    def _report(self, step: int, total: int, message: str) -> None:
        if self.total == 1 and total:
            # One picture alone: the bar follows its steps.
            self.context.progress(step, total, message)
        else:
            self.context.progress(self.done, self.total, f"{self._said()}, {message}")

    def _keep(self, item: GenerationItem, picture: "Picture | None", seconds: float) -> None:
        if picture is None:
            self._fail(item, NOT_NUMBERS)
            return
        try:
            kept.keep(self.plan, item, picture, seconds)
        except (ImageRefused, OSError) as error:
            self._fail(item, f"The picture could not be saved: {error}")
            return
        self.done += 1

    def _fail(self, item: GenerationItem, cause: Exception | str) -> None:
        sentence = str(cause).strip() or type(cause).__name__
        logger.warning("Item %s failed: %s", item.pk, sentence)
        kept.fail(item, sentence)
        self.context.log(f"{item.name or f'Picture {item.index + 1}'}: {sentence}", "error")

    def _said(self) -> str:
        return f"{self.done} of {self.total} drawn"


def _outcome(wanted: GenerationRun) -> Result:
    counted: Any = GenerationRun.objects.with_counts().get(pk=wanted.pk)
    result = {
        "run": wanted.pk,
        "album": counted.album_id,
        "drawn": counted.items_done,
        "failed": counted.items_failed,
    }
    if not counted.items_failed:
        return result
    first = wanted.items.filter(status=GenerationItem.Status.FAILED).order_by("index")[0]
    if not counted.items_done:
        raise JobFailed(first.error)
    noun = "picture" if counted.items_failed == 1 else "pictures"
    return Partial(result, f"{counted.items_failed} {noun} failed; the first: {first.error}")
