"""What a picture is drawn with: names, ranges and defaults, checked in one place.

Names and ranges are those of diffusers' pipelines; sampler names are those that AUTOMATIC1111's
web UI writes into pictures, so that other tools read ours.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagineer import texts
from imagineer.problems import invalid

MAX_SEED = 2**31 - 1
PROMPT_LENGTH = (1, 2000)
STEPS = (1, 150)
GUIDANCE = (1.0, 30.0)
SIDE = (64, 2048)
SIDE_STEP = 8
LORA_WEIGHT = (-2.0, 2.0)
COUNT = (1, 100)


@dataclass(frozen=True)
class Scheduler:
    """A sampler: our name, its label and schedule in A1111's words, and its diffusers class."""

    name: str
    sampler: str
    schedule: str
    diffusers_class: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.sampler} {self.schedule}".removesuffix(" Automatic")


SCHEDULERS = {
    known.name: known
    for known in (
        Scheduler("dpmpp_2m", "DPM++ 2M", "Automatic", "DPMSolverMultistepScheduler"),
        Scheduler(
            "dpmpp_2m_karras",
            "DPM++ 2M",
            "Karras",
            "DPMSolverMultistepScheduler",
            {"use_karras_sigmas": True},
        ),
        Scheduler(
            "dpmpp_2m_sde",
            "DPM++ 2M SDE",
            "Automatic",
            "DPMSolverMultistepScheduler",
            {"algorithm_type": "sde-dpmsolver++"},
        ),
        Scheduler("euler", "Euler", "Automatic", "EulerDiscreteScheduler"),
        Scheduler("euler_a", "Euler a", "Automatic", "EulerAncestralDiscreteScheduler"),
        Scheduler("ddim", "DDIM", "Automatic", "DDIMScheduler"),
        Scheduler("unipc", "UniPC", "Automatic", "UniPCMultistepScheduler"),
    )
}
DEFAULT_SCHEDULER = "dpmpp_2m"


@dataclass(frozen=True)
class ModelDefaults:
    """What a base model draws best with; sizes in pixels."""

    steps: int = 20
    guidance_scale: float = 4.0
    width: int = 64
    height: int = 96
    lora_weight: float = 1.0
    scheduler: str = DEFAULT_SCHEDULER


@dataclass(frozen=True)
class LoraWeight:
    """A LoRA (its ModelVersion's id) and how strongly it is applied, -2 to 2."""

    model: int
    weight: float


@dataclass(frozen=True)
class Adapter:
    """A LoRA's file, ready to load. name: letters, digits, underscores; changes with the bytes."""

    name: str
    path: Path
    weight: float


@dataclass(frozen=True)
class Wanted:
    """One picture to draw."""

    prompt: str
    negative_prompt: str
    seed: int


@dataclass(frozen=True)
class Settings:
    """Everything but the words and the seed; shared by all pictures of a run."""

    steps: int
    guidance_scale: float
    width: int
    height: int
    scheduler: str
    loras: tuple[LoraWeight, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "guidance_scale": self.guidance_scale,
            "width": self.width,
            "height": self.height,
            "scheduler": self.scheduler,
            "loras": [{"model": lora.model, "weight": lora.weight} for lora in self.loras],
        }


def checked_settings(
    values: Mapping[str, Any], defaults: ModelDefaults, *, max_loras: int
) -> Settings:
    """The values, completed by the defaults; raises Problem 422 that names the field.

    A missing value and None both mean the default. Unknown keys are the caller's business.
    """
    scheduler = values.get("scheduler")
    if scheduler is None:
        scheduler = defaults.scheduler
    if not isinstance(scheduler, str) or scheduler not in SCHEDULERS:
        raise invalid("scheduler", f"Choose a scheduler: {', '.join(SCHEDULERS)}.")
    return Settings(
        steps=whole_number("steps", values.get("steps"), *STEPS, default=defaults.steps),
        guidance_scale=decimal_number(
            "guidance_scale",
            values.get("guidance_scale"),
            *GUIDANCE,
            default=defaults.guidance_scale,
        ),
        width=_side("width", values.get("width"), defaults.width),
        height=_side("height", values.get("height"), defaults.height),
        scheduler=scheduler,
        loras=_loras(values.get("loras"), defaults.lora_weight, max_loras),
    )


def checked_prompt(value: Any, name: str = "prompt") -> str:
    """A prompt of 1 to 2000 characters without surrounding white space."""
    text = _text(name, value)
    low, high = PROMPT_LENGTH
    if not low <= len(text) <= high:
        raise invalid(name, f"Write {low} to {high} characters; these are {len(text)}.")
    return text


def checked_negative_prompt(value: Any, name: str = "negative_prompt") -> str:
    """A negative prompt of at most 2000 characters; None is the empty one."""
    text = _text(name, "" if value is None else value)
    if len(text) > PROMPT_LENGTH[1]:
        raise invalid(name, f"Write at most {PROMPT_LENGTH[1]} characters; these are {len(text)}.")
    return text


def distinct_seeds(first: Any, count: int) -> list[int]:
    """One seed a picture: counted up from `first` (and around), or all random without one."""
    if first is None:
        return random.sample(range(MAX_SEED + 1), count)
    start = whole_number("seed", first, 0, MAX_SEED)
    return [(start + index) % (MAX_SEED + 1) for index in range(count)]


def whole_number(name: str, value: Any, low: int, high: int, default: int | None = None) -> int:
    """value as an int within low..high; booleans, texts and fractions are refused."""
    if value is None and default is not None:
        return default
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise invalid(name, f"Choose a whole number from {low} to {high}.")
    return value


def decimal_number(
    name: str, value: Any, low: float, high: float, default: float | None = None
) -> float:
    """value as a finite float within low..high; booleans and texts are refused."""
    if value is None and default is not None:
        return default
    wrong = invalid(name, f"Choose a number from {low:g} to {high:g}.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong
    if not low <= value <= high or not math.isfinite(value):
        raise wrong
    return float(value)


def _side(name: str, value: Any, default: int) -> int:
    low, high = SIDE
    pixels = whole_number(name, value, low, high, default)
    if pixels % SIDE_STEP:
        near = round(pixels / SIDE_STEP) * SIDE_STEP
        raise invalid(name, f"Choose pixels divisible by {SIDE_STEP}, for example {near}.")
    return pixels


def _loras(value: Any, default_weight: float, max_loras: int) -> tuple[LoraWeight, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise invalid("loras", 'Write a list such as [{"model": 3, "weight": 0.8}].')
    if len(value) > max_loras:
        raise invalid("loras", f"Choose at most {max_loras} LoRAs; these are {len(value)}.")
    loras = tuple(_lora(index, entry, default_weight) for index, entry in enumerate(value))
    if len({lora.model for lora in loras}) < len(loras):
        raise invalid("loras", "Each LoRA can be chosen once.")
    return loras


def _lora(index: int, entry: Any, default_weight: float) -> LoraWeight:
    place = f"loras.{index}"
    if not isinstance(entry, Mapping) or not set(entry) <= {"model", "weight"}:
        raise invalid(place, 'Write it as {"model": 3, "weight": 0.8}.')
    model = whole_number(f"{place}.model", entry.get("model"), 1, 2**63 - 1)
    weight = entry.get("weight")
    return LoraWeight(
        model, decimal_number(f"{place}.weight", weight, *LORA_WEIGHT, default=default_weight)
    )


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid(name, "Write a text.")
    text = texts.unified(value).strip()
    if texts.has_control(text):
        raise invalid(name, texts.CONTROL)
    return text
