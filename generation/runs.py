"""Asking for pictures: a run, its items with prompts and seeds, and its job, in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from gallery.albums import checked_name
from gallery.infotext import LORA_TAG
from gallery.models import Album, Rating
from generation import prompts
from generation.base_model import defaults_of, ensure_base_model
from generation.loras import check_loras, newest_lora
from generation.models import BatchTemplate, GenerationItem, GenerationRun, ModelVersion
from generation.parameters import (
    COUNT,
    Settings,
    checked_negative_prompt,
    checked_prompt,
    checked_settings,
    distinct_seeds,
    whole_number,
)
from imagineer.jobs.models import ENDED, Job
from imagineer.jobs.submit import submit
from imagineer.problems import invalid

KIND = "generation.run"
# Somebody waits in front of the form; a batch fills an album meanwhile.
SINGLE_PRIORITY = 10


@dataclass(frozen=True)
class Planned:
    """One item of a run before it is written."""

    name: str
    prompt: str
    negative_prompt: str
    seed: int


def create_single_run(
    values: Mapping[str, Any], *, user: Any = None, after: Iterable[Job] = ()
) -> GenerationRun:
    """Ask for `count` pictures of one prompt, with seeds counted up from `seed`.

    values: prompt, negative_prompt, seed, count, steps, guidance_scale, width, height, scheduler,
    loras, model, album (ids), is_public, rating; all but the prompt have defaults. LoRAs may also
    stand in the prompt as ``<lora:name:weight>``. Raises Problem that names the field.
    """
    base_model = _base_model(values.get("model"))
    prompt, tagged = take_lora_tags(checked_prompt(values.get("prompt")))
    chosen = _checked(values, base_model, [*(values.get("loras") or ()), *tagged])
    negative = checked_negative_prompt(values.get("negative_prompt"))
    count = whole_number("count", values.get("count"), *COUNT, default=1)
    planned = [
        Planned("", prompt, negative, seed) for seed in distinct_seeds(values.get("seed"), count)
    ]
    fields = {
        "base_model": base_model,
        "album": _album(values.get("album")),
        "overrides": chosen.as_json(),
        **_visibility(values),
    }
    short = prompt if len(prompt) <= 80 else f"{prompt[:79]}…"
    title = f"Draw “{short}”" if count == 1 else f"Draw “{short}” {count} times"
    return _write(fields, planned, title, user, after, SINGLE_PRIORITY)


def create_batch_run(
    template: BatchTemplate,
    values: Mapping[str, Any],
    *,
    user: Any = None,
    after: Iterable[Job] = (),
    later_loras: Mapping[str, float] | None = None,
) -> GenerationRun:
    """Ask for one picture of every row of the template.

    values: album_name, theme, and the optional overrides negative_prompt, seed, steps,
    guidance_scale, width, height, scheduler, loras, model, is_public, rating. later_loras: names
    and weights of LoRAs that the jobs in `after` will make; they are looked up when the run starts.
    Raises Problem 409 for an album name that is taken, else 422, with the field.
    """
    base_model = _base_model(values.get("model"))
    album_name = checked_name(_text(values.get("album_name")))
    loras = values.get("loras")
    chosen = _checked(
        {
            **values,
            # 0 is a number that is refused, not one that is missing.
            "width": template.width if values.get("width") is None else values["width"],
            "height": template.height if values.get("height") is None else values["height"],
        },
        base_model,
        template.loras if loras is None else loras,
    )
    theme = _theme(values.get("theme"))
    negative = values.get("negative_prompt")
    negative = checked_negative_prompt(template.negative_prompt if negative is None else negative)
    rows = expanded(template, theme)
    seeds = distinct_seeds(values.get("seed"), len(rows))
    planned = [
        Planned(name, prompt, negative, seed)
        for (name, prompt), seed in zip(rows, seeds, strict=True)
    ]
    overrides = chosen.as_json()
    if later_loras:
        overrides["later_loras"] = [
            {"name": name, "weight": weight} for name, weight in later_loras.items()
        ]
    fields = {
        "template": template,
        "base_model": base_model,
        "album_name": album_name,
        "user_theme": theme,
        "overrides": overrides,
        "is_batch": True,
        **_visibility(values),
    }
    title = f"Draw {len(planned)} × {template.name}: {album_name}"
    return _write(fields, planned, title, user, after, priority=0)


def expanded(template: BatchTemplate, theme: str) -> list[tuple[str, str]]:
    """(name, prompt) of every row; raises Problem 422 for a table, template or theme that is wrong.

    The theme is to blame where the template's prompts are right without it.
    """
    try:
        rows = prompts.parse_rows(template.csv)
    except ValueError as error:
        raise invalid("csv", str(error)) from None
    try:
        return _prompts(template, rows, theme)
    except ValueError as error:
        field = "theme" if theme and _is_right_alone(template, rows) else "prompt_template"
        raise invalid(field, str(error)) from None


def _prompts(
    template: BatchTemplate, rows: Sequence[prompts.Row], theme: str
) -> list[tuple[str, str]]:
    """(name, prompt) of these rows; ValueError says what is wrong."""
    base, pattern, suffix = template.base_prompt, template.prompt_template, template.style_suffix
    return [
        (row[prompts.NAME], prompts.expand_prompt(base, pattern, row, theme, suffix))
        for row in rows
    ]


def _is_right_alone(template: BatchTemplate, rows: Sequence[prompts.Row]) -> bool:
    try:
        _prompts(template, rows, "")
    except ValueError:
        return False
    return True


def take_lora_tags(prompt: str) -> tuple[str, list[dict[str, Any]]]:
    """The prompt without its ``<lora:name:weight>`` tags, and the LoRAs that they name."""
    loras = []
    for name, weight in LORA_TAG.findall(prompt):
        version = newest_lora(name)
        if version is None:
            raise invalid("prompt", f"There is no LoRA named “{name}”.")
        loras.append({"model": version.pk, "weight": float(weight) if weight else None})
    rest = LORA_TAG.sub("", prompt).strip()
    if not rest:
        raise invalid("prompt", "Write something beside the LoRA.")
    return rest, loras


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def is_promised(album_name: str) -> bool:
    """Whether a run that has not ended will open an album of this name."""
    waiting = GenerationRun.objects.filter(album_name=album_name, album=None)
    return waiting.exclude(job__status__in=ENDED).exists()


def _checked(values: Mapping[str, Any], base_model: ModelVersion, loras: Any) -> Settings:
    chosen = checked_settings(
        {**values, "loras": _with_own_weights(loras)},
        defaults_of(base_model),
        max_loras=settings.MAX_LORAS,
    )
    check_loras(chosen.loras, base_model)
    return chosen


def _with_own_weights(loras: Any) -> Any:
    """Entries without a weight get their LoRA's own default; what is malformed stays as it is."""
    if not isinstance(loras, Sequence) or isinstance(loras, str | bytes):
        return loras
    missing = [
        entry["model"]
        for entry in loras
        if isinstance(entry, Mapping)
        and entry.get("weight") is None
        and isinstance(entry.get("model"), int)
        and abs(entry["model"]) < 2**63
    ]
    if not missing:
        return loras
    own = dict(ModelVersion.objects.filter(pk__in=missing).values_list("pk", "default_weight"))
    return [
        {**entry, "weight": own[entry["model"]]}
        if isinstance(entry, Mapping) and entry.get("weight") is None and entry.get("model") in own
        else entry
        for entry in loras
    ]


def _base_model(value: Any) -> ModelVersion:
    if value is None:
        return ensure_base_model()
    pk = whole_number("model", value, 1, 2**63 - 1)
    found = ModelVersion.objects.filter(pk=pk, type=ModelVersion.Type.BASE, is_active=True).first()
    if found is None:
        raise invalid("model", f"There is no base model with the id {pk}.")
    return found


def _album(value: Any) -> Album | None:
    if value is None:
        return None
    pk = whole_number("album", value, 1, 2**63 - 1)
    found = Album.objects.filter(pk=pk).first()
    if found is None:
        raise invalid("album", f"There is no album with the id {pk}.")
    return found


def _theme(value: Any) -> str:
    theme = checked_negative_prompt(value, "theme")
    if len(theme) > 300:
        raise invalid("theme", f"Write at most 300 characters; these are {len(theme)}.")
    if LORA_TAG.search(theme):
        raise invalid("theme", "Choose LoRAs in their own field, not in the theme.")
    return theme


def _visibility(values: Mapping[str, Any]) -> dict[str, Any]:
    is_public = values.get("is_public")
    rating = values.get("rating")
    if is_public is not None and not isinstance(is_public, bool):
        raise invalid("is_public", "Write true or false.")
    if rating is not None and rating not in Rating.values:
        raise invalid("rating", f"Choose a rating: {', '.join(Rating.values)}.")
    return {
        "is_public": True if is_public is None else is_public,
        "rating": rating or Rating.UNRATED,
    }


def _write(
    fields: Mapping[str, Any],
    planned: Sequence[Planned],
    title: str,
    user: Any,
    after: Iterable[Job],
    priority: int,
) -> GenerationRun:
    creator = user if getattr(user, "pk", None) else None
    with transaction.atomic():
        job = submit(KIND, title=title, after=after, priority=priority, created_by=creator)
        run = GenerationRun.objects.create(job=job, created_by=creator, **fields)
        GenerationItem.objects.bulk_create(
            GenerationItem(run=run, index=index, **vars(one)) for index, one in enumerate(planned)
        )
    return run
