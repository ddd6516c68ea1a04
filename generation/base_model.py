"""The base models: which one is set, where its files are, what it draws best with."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings

from generation.lora_file import WIDTHS
from generation.models import ModelVersion
from generation.parameters import ModelDefaults

BUILTIN = "builtin"
BUILTIN_FOLDER = Path(__file__).resolve().parent / "builtin_model"


def ensure_base_model() -> ModelVersion:
    """The row of the model that BASE_MODEL names; made on first use."""
    return base_model_row(settings.BASE_MODEL or BUILTIN)


def base_model_row(repository: str) -> ModelVersion:
    """The row of a base model, made if there is none: builtin, repository id, folder or file."""
    found = ModelVersion.objects.filter(type=ModelVersion.Type.BASE, repository=repository).first()
    if found is not None:
        return found
    name = _name(repository)
    taken = ModelVersion.objects.filter(type=ModelVersion.Type.BASE, name=name).count()
    row, _ = ModelVersion.objects.get_or_create(
        type=ModelVersion.Type.BASE,
        name=name,
        version=taken + 1,
        defaults={
            "repository": repository,
            "architecture": architecture_of(repository),
            "description": BUILTIN_DESCRIPTION if repository == BUILTIN else "",
        },
    )
    return row


BUILTIN_DESCRIPTION = (
    "A tiny Stable Diffusion that comes with Imagineer: playing cards, zodiac signs and tarot "
    "cards in chosen inks and papers."
)


def model_source(version: ModelVersion) -> str:
    """What the pipeline loads: a folder, a .safetensors file, or a Hugging Face repository id."""
    return str(BUILTIN_FOLDER) if version.repository == BUILTIN else version.repository


def defaults_of(version: ModelVersion) -> ModelDefaults:
    """Steps, guidance, size and LoRA weight that suit this base model."""
    if version.architecture == BUILTIN:
        return builtin_defaults()
    figures: dict[str, Any] = dict(
        settings.GENERATION_DEFAULTS.get(version.architecture)
        or settings.GENERATION_DEFAULTS["sd15"]
    )
    return ModelDefaults(**figures)


def builtin_defaults() -> ModelDefaults:
    """The figures in the built-in model's imagineer.json, written when it was trained."""
    try:
        about = json.loads((BUILTIN_FOLDER / "imagineer.json").read_text("utf-8"))
    except FileNotFoundError:
        return ModelDefaults()
    return ModelDefaults(
        steps=about["steps"],
        guidance_scale=float(about["guidance"]),
        width=about["width"],
        height=about["height"],
        lora_weight=1.0,
    )


def architecture_of(repository: str) -> str:
    """builtin, sd15, sd2 or sdxl: from a folder's own configuration, else from the name."""
    if repository == BUILTIN:
        return BUILTIN
    config = Path(repository) / "unet" / "config.json"
    if config.is_file():
        width = json.loads(config.read_text("utf-8")).get("cross_attention_dim")
        return WIDTHS.get(width, "") if isinstance(width, int) else ""
    name = repository.lower()
    if "xl" in name:
        return "sdxl"
    if "stable-diffusion-2" in name or "sd2" in name:
        return "sd2"
    return "sd15"


def _name(repository: str) -> str:
    if repository == BUILTIN:
        return "Built-in"
    return (Path(repository).stem if Path(repository).exists() else repository)[:100]
