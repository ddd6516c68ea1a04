"""A picture's generation parameters as people read them."""

from collections.abc import Mapping
from typing import Any

LABELS = {
    "seed": "Seed",
    "steps": "Steps",
    "guidance_scale": "Guidance",
    "scheduler": "Sampler",
    "sampler": "Sampler",
    "model": "Model",
    "base_model": "Model",
    "clip_skip": "Clip skip",
    "strength": "Strength",
    "tool": "Made with",
}
# Told elsewhere on the page, or not worth a line.
LEFT_OUT = {"prompt", "negative_prompt", "width", "height", "loras", "lora", "version"}
LONGEST = 200


def rows(params: Mapping[str, Any], width: int, height: int) -> list[tuple[str, str]]:
    """(label, value) pairs: what people ask for first, then whatever else is a plain value.

    The size is told only where it differs from the file's width × height in pixels.
    """
    known = [key for key in LABELS if key in params]
    others = sorted(key for key in params if key not in LABELS and key not in LEFT_OUT)
    found = [(_label(key), _text(params[key])) for key in (*known, *others)]
    asked = (params.get("width"), params.get("height"))
    if all(isinstance(side, int) for side in asked) and asked != (width, height):
        found.append(("Drawn at", f"{asked[0]} × {asked[1]}"))
    return [(label, text) for label, text in found if text]


def _label(key: str) -> str:
    return LABELS.get(key) or str(key).replace("_", " ").strip().capitalize()[:60]


def _text(value: Any) -> str:
    """Plain values as text; lists, objects and null are not for this table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int | str):
        text = str(value).strip()
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return ""
