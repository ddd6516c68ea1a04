"""The batch templates that come with the project."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.db import transaction

from generation.base_model import builtin_defaults
from generation.models import BatchTemplate

FOLDER = Path(__file__).resolve().parent / "batch_templates"
_FIELDS = (
    "description", "csv", "base_prompt", "prompt_template", "style_suffix", "example_theme",
    "negative_prompt", "width", "height",
)  # fmt: skip
_EMPTY = {"width": None, "height": None}


def seed_templates() -> list[BatchTemplate]:
    """Write the shipped templates that are missing; the ones that were written or renewed.

    Safe to call at every start. A template that an admin has edited, renamed or whose name an
    admin uses is left alone; one as it was seeded follows the shipped files.
    """
    changed = []
    for file in sorted(FOLDER.glob("*.json")):
        template = _seed(file)
        if template is not None:
            changed.append(template)
    return changed


def _seed(file: Path) -> BatchTemplate | None:
    about = json.loads(file.read_text("utf-8"))
    about["csv"] = file.with_suffix(".csv").read_text("utf-8")
    about = _without_builtin_size(about)
    values = {name: about.get(name, _EMPTY.get(name, "")) for name in _FIELDS}
    digest = _digest(values)
    slug = file.stem.replace("_", "-")
    with transaction.atomic():
        known = BatchTemplate.objects.filter(slug=slug).first()
        if known is None:
            if BatchTemplate.objects.filter(name=about["name"]).exists():
                return None
            return BatchTemplate.objects.create(
                name=about["name"], slug=slug, seeded_digest=digest, **values
            )
        untouched = _digest({name: getattr(known, name) for name in values}) == known.seeded_digest
        if not untouched or digest == known.seeded_digest:
            return None
        for name, value in values.items():
            setattr(known, name, value)
        known.seeded_digest = digest
        known.save()
        return known


def _without_builtin_size(about: dict[str, Any]) -> dict[str, Any]:
    """The built-in model's own size becomes "the model's size", so that any model draws its own."""
    own = builtin_defaults()
    if (about.get("width"), about.get("height")) == (own.width, own.height):
        return {**about, "width": None, "height": None}
    return about


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
