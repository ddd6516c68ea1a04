"""What the API of this room takes and gives."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from generation.base_model import defaults_of
from generation.models import BatchTemplate, GenerationItem, GenerationRun, ModelVersion
from generation.parameters import (
    COUNT,
    GUIDANCE,
    LORA_WEIGHT,
    MAX_SEED,
    SCHEDULERS,
    SIDE,
    SIDE_STEP,
    STEPS,
)
from imagineer.inputs import Flag, In
from imagineer.inputs import Whole as Id
from imagineer.texts import Text


def _number(low: float, high: float, **more: Any) -> Any:
    """A strict number; the range is told here and checked by generation.parameters."""
    return Field(strict=True, json_schema_extra={"minimum": low, "maximum": high, **more})


Seed = Annotated[int, _number(0, MAX_SEED)]
Steps = Annotated[int, _number(*STEPS)]
Guidance = Annotated[float, _number(*GUIDANCE)]
Side = Annotated[int, _number(*SIDE, multipleOf=SIDE_STEP)]
Weight = Annotated[float, _number(*LORA_WEIGHT)]
Count = Annotated[int, _number(*COUNT)]
SchedulerName = Annotated[Text, Field(json_schema_extra={"enum": list(SCHEDULERS)})]


class LoraIn(In):
    model: Id = Field(description="The LoRA's id.")
    weight: Weight | None = Field(None, description="−2 to 2; the LoRA's own default if left out.")


class DrawingIn(In):
    seed: Seed | None = Field(None, description="Counts up with every picture; random if left out.")
    steps: Steps | None = None
    guidance_scale: Guidance | None = None
    width: Side | None = None
    height: Side | None = None
    scheduler: SchedulerName | None = None
    loras: list[LoraIn] | None = None
    model: Id | None = Field(None, description="A base model's id; the one set by BASE_MODEL.")
    is_public: Flag | None = None
    rating: Text | None = None


class GenerateIn(DrawingIn):
    prompt: Text = Field(json_schema_extra={"minLength": 1, "maxLength": 2000})
    negative_prompt: Text | None = None
    count: Count | None = None
    album: Id | None = Field(None, description="An album's id: the pictures are added to it.")


class BatchIn(DrawingIn):
    album_name: Text
    theme: Text | None = Field(None, json_schema_extra={"maxLength": 300})
    negative_prompt: Text | None = None


class TemplateLora(In):
    model: Id
    weight: Weight = 1.0


class TemplateIn(In):
    name: Text
    description: Text = ""
    csv: Text = Field(description="A header line and one line an item; a column “name” is needed.")
    base_prompt: Text = ""
    prompt_template: Text = Field(description="Columns in braces, for example {rank} of {suit}.")
    style_suffix: Text = ""
    example_theme: Text = ""
    width: Side | None = Field(None, description="Left out: the model's own size.")
    height: Side | None = None
    negative_prompt: Text = ""
    loras: list[TemplateLora] = []


class JobOut(Schema):
    id: UUID
    status: str
    progress_done: int
    progress_total: int


class RunStarted(Schema):
    """A run that was asked for: its id, its job, and the seeds that were chosen."""

    id: int
    job: JobOut
    seeds: list[int]

    @staticmethod
    def resolve_seeds(run: GenerationRun) -> list[int]:
        return list(run.items.order_by("index").values_list("seed", flat=True))


class Named(Schema):
    id: int
    name: str


class Shelf(Named):
    slug: str


class BatchOut(Schema):
    """A run. Visitors are told of those that have ended, in a public album; only pictures that they
    may see count for them.
    """

    id: int
    job: JobOut
    template: Shelf | None
    album: Shelf | None
    album_name: str
    theme: str
    total: int
    done: int
    failed: int
    created_at: datetime

    @classmethod
    def of(cls, run: Any, admin: bool) -> "BatchOut":
        return cls(**cls.told(run, admin))

    @staticmethod
    def told(run: Any, admin: bool) -> dict[str, Any]:
        job = JobOut.from_orm(run.job)
        if not admin:
            # The job counts every picture, also those that visitors may not know of.
            job.progress_done, job.progress_total = run.items_done, run.items_total
        return {
            "id": run.pk,
            "job": job,
            "template": Shelf.from_orm(run.template) if run.template else None,
            "album": Shelf.from_orm(run.album) if run.album else None,
            "album_name": run.album_name,
            "theme": run.user_theme,
            "total": run.items_total,
            "done": run.items_done,
            "failed": run.items_failed,
            "created_at": run.created_at,
        }


class BatchPage(Schema):
    items: list[BatchOut]
    next: str | None


class ItemOut(Schema):
    """One picture of a run. prompt, seed and error are null for visitors, who are told of pictures
    that they may see only; name is empty while the picture is blurred.
    """

    index: int
    name: str
    status: str
    image: int | None
    prompt: str | None
    negative_prompt: str | None
    seed: int | None
    error: str | None

    @classmethod
    def of(cls, item: GenerationItem, admin: bool, told: bool) -> "ItemOut":
        return cls(
            index=item.index,
            name=item.name if told else "",
            status=item.status,
            image=item.image_id,
            prompt=item.prompt if admin else None,
            negative_prompt=item.negative_prompt if admin else None,
            seed=item.seed if admin else None,
            error=item.error if admin else None,
        )


class RunDetail(BatchOut):
    overrides: dict[str, Any] | None
    items: list[ItemOut]

    @classmethod
    def of_items(
        cls, run: Any, admin: bool, named: Callable[[GenerationItem], bool]
    ) -> "RunDetail":
        """named: whether the name of an item may be told."""
        return cls(
            **cls.told(run, admin),
            overrides=run.overrides if admin else None,
            items=[ItemOut.of(item, admin, named(item)) for item in run.items.all()],
        )


class TemplateOut(Schema):
    id: int
    slug: str
    name: str
    description: str
    rows: int
    base_prompt: str
    prompt_template: str
    style_suffix: str
    example_theme: str
    width: int | None
    height: int | None
    negative_prompt: str
    loras: list[dict[str, Any]]
    updated_at: datetime

    @staticmethod
    def resolve_rows(template: BatchTemplate) -> int:
        return len(template.rows)


class TemplateDetail(TemplateOut):
    csv: str


class TemplatePage(Schema):
    items: list[TemplateOut]
    next: str | None


class LoraOut(Schema):
    id: int
    name: str
    version: int
    architecture: str
    base_model: Named | None
    trigger_words: list[str]
    default_weight: float
    description: str
    rank: int | None
    sha256: str
    pictures: int
    is_active: bool
    is_public: bool
    created_at: datetime

    @staticmethod
    def resolve_rank(lora: ModelVersion) -> int | None:
        rank = lora.metadata.get("rank")
        return rank if isinstance(rank, int) else None


class LoraPage(Schema):
    items: list[LoraOut]
    next: str | None


class ModelOut(Schema):
    """A base model. repository (a path or a repository's id) is null for visitors."""

    id: int
    name: str
    architecture: str
    is_default: bool
    steps: int
    guidance_scale: float
    width: int
    height: int
    lora_weight: float
    repository: str | None

    @classmethod
    def of(cls, model: ModelVersion, is_default: bool, admin: bool) -> "ModelOut":
        defaults = defaults_of(model)
        return cls(
            id=model.pk,
            name=model.name,
            architecture=model.architecture,
            is_default=is_default,
            steps=defaults.steps,
            guidance_scale=defaults.guidance_scale,
            width=defaults.width,
            height=defaults.height,
            lora_weight=defaults.lora_weight,
            repository=model.repository if admin else None,
        )


class ModelList(Schema):
    items: list[ModelOut]
    next: str | None
