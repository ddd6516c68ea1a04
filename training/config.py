"""What a LoRA training is asked to do: every number checked before anything starts."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

TARGETS: dict[str, tuple[str, ...]] = {
    "attention": ("to_q", "to_k", "to_v", "to_out.0"),
    "attention_ff": (
        *("to_q", "to_k", "to_v", "to_out.0"),
        *("ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"),
    ),
    "all": (
        *("to_q", "to_k", "to_v", "to_out.0"),
        *("ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"),
        *("conv1", "conv2", "conv_shortcut", "time_emb_proj"),
        *("downsamplers.0.conv", "upsamplers.0.conv"),
    ),
}
"""UNet modules that get a LoRA, by preset; names as diffusers gives them."""
TARGET_LABELS = {
    "attention": "Attention only: people and objects",
    "attention_ff": "Attention and feed-forward",
    "all": "Attention, feed-forward and convolutions: styles",
}
PRECISIONS = ("no", "fp16", "bf16")


class ConfigError(ValueError):
    """A value that cannot be trained with; field names it, the text is for people."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class TrainingConfig:
    """A frozen training configuration. Sizes in pixels; rates and dropout as fractions."""

    rank: int = 16
    alpha: float = 16.0
    targets: str = "attention"
    learning_rate: float = 1e-4
    steps: int = 1500
    warmup_steps: int = 100
    batch_size: int = 1
    gradient_accumulation: int = 1
    width: int = 512
    height: int = 512
    random_flip: bool = False
    caption_dropout: float = 0.05
    min_snr_gamma: float = 0.0
    mixed_precision: str = "no"
    checkpoint_every: int = 250
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


RANGES: dict[str, tuple[float, float]] = {
    "rank": (1, 128),
    "alpha": (0.1, 512),
    "learning_rate": (1e-7, 0.1),
    "steps": (1, 100_000),
    "warmup_steps": (0, 10_000),
    "batch_size": (1, 64),
    "gradient_accumulation": (1, 64),
    "width": (64, 2048),
    "height": (64, 2048),
    "caption_dropout": (0, 0.9),
    "min_snr_gamma": (0, 20),
    "checkpoint_every": (1, 10_000),
    "seed": (0, 2**31 - 1),
}
"""Lowest and highest value of every number, both allowed."""
_CHOICES = {"targets": tuple(TARGETS), "mixed_precision": PRECISIONS}

BUILTIN = TrainingConfig(
    rank=16,
    alpha=16.0,
    targets="all",
    learning_rate=5e-3,
    steps=800,
    warmup_steps=20,
    batch_size=4,
    width=64,
    height=96,
    caption_dropout=0.1,
    checkpoint_every=50,
)
"""Measured on the example album (docs/training.md); larger models break at such a rate."""
SD15 = TrainingConfig(mixed_precision="fp16", min_snr_gamma=5.0)
PRESETS: dict[str, dict[str, TrainingConfig]] = {
    "builtin": {
        "quick": replace(BUILTIN, steps=300),
        "standard": BUILTIN,
        "thorough": replace(BUILTIN, steps=2000),
    },
    "sd15": {
        "quick": replace(SD15, steps=500, warmup_steps=50),
        "standard": SD15,
        "thorough": replace(SD15, steps=4000, rank=32, alpha=32.0, targets="attention_ff"),
    },
}
"""Starting points by kind of base model and by name."""
PRESET_NAMES = ("quick", "standard", "thorough")


def preset(base_model: str, name: str = "standard") -> TrainingConfig:
    """The starting point for a base model ("builtin" or anything else); ConfigError if unknown."""
    presets = PRESETS["builtin" if base_model == "builtin" else "sd15"]
    if name not in presets:
        raise ConfigError("preset", f"Choose a preset: {', '.join(presets)}.")
    return presets[name]


def validated(values: Mapping[str, Any], start: TrainingConfig) -> TrainingConfig:
    """The starting point with these values instead; raises ConfigError naming the first bad field.

    Text is read as numbers, so that a form's and an API's values are treated alike; None and
    empty text keep the starting point's value.
    """
    known = {field.name: field.type for field in fields(TrainingConfig)}
    changed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(name, f"There is no setting named “{name}”.")
        if value is None or value == "":
            continue
        changed[name] = _read(name, known[name], value)
    config = replace(start, **changed)
    if config.warmup_steps > config.steps:
        if "warmup_steps" in changed:
            raise ConfigError(
                "warmup_steps", f"Warm-up must not be longer than the {config.steps} steps."
            )
        config = replace(config, warmup_steps=config.steps // 10)
    return config


def _read(name: str, kind: Any, value: Any) -> Any:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ConfigError(name, f"Choose one of: {', '.join(_CHOICES[name])}.")
        return value
    if kind is bool:
        return _flag(name, value)
    number = _number(name, kind, value)
    low, high = RANGES[name]
    if not low <= number <= high:
        raise ConfigError(name, f"Must be between {low:g} and {high:g}.")
    if name in ("width", "height") and number % 8:
        raise ConfigError(name, "Must be divisible by 8.")
    return number


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("1", "true", "on", "yes"):
        return True
    if str(value).lower() in ("0", "false", "off", "no"):
        return False
    raise ConfigError(name, "Must be true or false.")


def _number(name: str, kind: Any, value: Any) -> Any:
    if isinstance(value, bool):
        raise ConfigError(name, "Must be a number.")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(name, "Must be a number.") from None
    if not math.isfinite(number):
        raise ConfigError(name, "Must be a finite number.")
    if kind is int:
        if number != int(number):
            raise ConfigError(name, "Must be a whole number.")
        return int(number)
    return number
