"""The batch templates that come with the project."""

import hashlib
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.migrations import Migration

from generation.base_model import builtin_defaults
from generation.models import BatchTemplate

FOLDER = Path(__file__).resolve().parent / "batch_templates"
_FIELDS = (
    "description", "csv", "base_prompt", "prompt_template", "style_suffix", "example_theme",
    "negative_prompt", "width", "height",
)  # fmt: skip
_EMPTY = {"width": None, "height": None}


def seed_new_database(plan: Iterable[tuple[Migration, bool]] = (), **signal: Any) -> None:
    """After the migration that makes the templates' table, and never again.

    So every installation begins with them, and one that an admin deletes does not come back.
    """
    made = ("generation", "0001_initial")
    if any((step.app_label, step.name) == made and not undone for step, undone in plan):
        seed_templates()


def seed_templates(only: Collection[str] = ()) -> list[BatchTemplate]:
    """Write the shipped templates that are missing; the ones that were written or renewed.

    A template that an admin has edited, renamed or whose name an admin uses is left alone; one as
    it was seeded follows the shipped files. only: slugs; without any it is all of them.
    """
    changed = []
    for file in sorted(FOLDER.glob("*.json")):
        slug = file.stem.replace("_", "-")
        template = _seed(file, slug) if not only or slug in only else None
        if template is not None:
            changed.append(template)
    return changed


def _seed(file: Path, slug: str) -> BatchTemplate | None:
    about = json.loads(file.read_text("utf-8"))
    about["csv"] = file.with_suffix(".csv").read_text("utf-8")
    about = _without_builtin_size(about)
    values = {name: about.get(name, _EMPTY.get(name, "")) for name in _FIELDS}
    digest = _digest(values)
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
