"""What the API of this room takes and gives."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from ninja import Schema
from pydantic import Field

from imagineer.inputs import Flag, In
from imagineer.inputs import RowId as Id
from imagineer.texts import Text
from training.config import PRECISIONS, PRESET_NAMES, RANGES, TARGETS
from training.models import DatasetItem, TrainingRun


def _number(name: str, description: str = "") -> Any:
    """The range is told here and checked by training.config."""
    low, high = RANGES[name]
    extra: dict[str, Any] = {"minimum": low, "maximum": high}
    return Field(None, strict=True, description=description, json_schema_extra=extra)


def _choice(choices: Any) -> Any:
    return Field(None, json_schema_extra={"enum": list(choices)})


class DatasetIn(In):
    name: Text = Field(json_schema_extra={"minLength": 1, "maxLength": 100})
    albums: list[Id] = Field(max_length=100)


class ConfigIn(In):
    """Settings that differ from the preset's."""

    rank: int | None = _number("rank")
    alpha: float | None = _number("alpha")
    targets: Text | None = _choice(TARGETS)
    learning_rate: float | None = _number("learning_rate")
    steps: int | None = _number("steps")
    warmup_steps: int | None = _number("warmup_steps")
    batch_size: int | None = _number("batch_size")
    gradient_accumulation: int | None = _number("gradient_accumulation")
    width: int | None = _number("width", "Pixels, divisible by 8.")
    height: int | None = _number("height", "Pixels, divisible by 8.")
    random_flip: Flag | None = None
    caption_dropout: float | None = _number("caption_dropout")
    min_snr_gamma: float | None = _number("min_snr_gamma", "0 switches it off.")
    mixed_precision: Text | None = _choice(PRECISIONS)
    checkpoint_every: int | None = _number("checkpoint_every", "Steps.")
    seed: int | None = _number("seed")


class TrainingIn(In):
    name: Text = Field(json_schema_extra={"minLength": 1, "maxLength": 100})
    albums: list[Id] = Field([], max_length=100, description="Frozen when the training starts.")
    dataset: Id | None = Field(None, description="Or a dataset version that is frozen already.")
    trigger_word: Text = Field("", json_schema_extra={"maxLength": 100})
    base_model: Id | None = Field(None, description="The one set by BASE_MODEL if left out.")
    preset: Text = Field("standard", json_schema_extra={"enum": list(PRESET_NAMES)})
    config: ConfigIn = ConfigIn()
    is_public: Flag = Field(True, description="Whether the LoRA will be public.")


class Named(Schema):
    id: int
    name: str


class Shelf(Named):
    slug: str


class DatasetOut(Schema):
    """A frozen dataset. digest: SHA-256 over its pictures' hashes and captions, in order."""

    id: int
    name: str
    number: int
    digest: str
    stats: dict[str, Any]
    albums: list[Shelf]
    created_at: datetime


class DatasetPage(Schema):
    items: list[DatasetOut]
    next: str | None


class ItemOut(Schema):
    """A picture of a dataset; image is null when it was deleted from the gallery."""

    index: int
    image: int | None = Field(None, alias="image_id")
    sha256: str
    caption: str
    caption_source: str
    label: int | None = Field(None, alias="label_id")
    repeats: int


class ItemPage(Schema):
    items: list[ItemOut]
    next: str | None

    @staticmethod
    def resolve_items(page: Any) -> list[DatasetItem]:
        return list(page["items"])


class JobOut(Schema):
    id: UUID
    status: str
    progress_done: int
    progress_total: int


class LoraOut(Named):
    version: int
    sha256: str
    trigger_words: list[str]


class RunOut(Schema):
    """A training. error, message and albums are told to admins, and a private base model."""

    id: int
    name: str
    job: JobOut
    base_model: Named | None
    dataset: int | None
    steps: int
    loss: float | None
    lora: LoraOut | None
    is_public: bool
    created_at: datetime
    message: str | None
    error: str | None
    albums: list[Shelf] | None

    @classmethod
    def of(cls, run: TrainingRun, admin: bool) -> Self:
        return cls(**cls.told(run, admin))

    @classmethod
    def told(cls, run: TrainingRun, admin: bool) -> dict[str, Any]:
        return {
            "id": run.pk,
            "name": run.name,
            "job": JobOut.model_validate(run.job, from_attributes=True),
            "base_model": Named.model_validate(run.base_model, from_attributes=True)
            if admin or run.base_model.is_public
            else None,
            "dataset": run.dataset_id,
            "steps": run.steps,
            "loss": run.loss_history[-1][1] if run.loss_history else None,
            "lora": LoraOut.model_validate(run.output_model, from_attributes=True)
            if run.output_model
            else None,
            "is_public": run.is_public,
            "created_at": run.created_at,
            "message": run.job.message if admin else None,
            "error": run.job.error if admin else None,
            "albums": [
                Shelf.model_validate(album, from_attributes=True) for album in run.albums.all()
            ]
            if admin
            else None,
        }


class RunPage(Schema):
    items: list[RunOut]
    next: str | None


class RunDetail(RunOut):
    """As in the list, with the settings, [[step, loss], …] and the checkpoints' steps."""

    config: dict[str, Any]
    loss_history: list[tuple[int, float]]
    checkpoints: list[int]

    @classmethod
    def told(cls, run: TrainingRun, admin: bool) -> dict[str, Any]:
        return {
            **super().told(run, admin),
            "config": run.config,
            "loss_history": run.loss_history,
            "checkpoints": [checkpoint.step for checkpoint in run.checkpoints.all()],
        }
