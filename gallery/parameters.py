"""A picture's generation parameters as people read them."""

from collections.abc import Mapping
from typing import Any

from gallery import infotext

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


def as_infotext(
    prompt: str, negative_prompt: str, params: Mapping[str, Any], loras: Mapping[str, float]
) -> str:
    """Prompt and parameters in one text that other tools of the field read. loras: by name."""
    return infotext.write(
        infotext.Infotext(
            prompt=prompt,
            negative_prompt=negative_prompt,
            steps=_whole(params.get("steps")),
            sampler=_text(params.get("sampler") or params.get("scheduler")),
            guidance_scale=_number(params.get("guidance_scale")),
            seed=_whole(params.get("seed")),
            width=_whole(params.get("width")),
            height=_whole(params.get("height")),
            model=_text(params.get("model") or params.get("base_model")),
            loras={infotext.tag_name(name): weight for name, weight in loras.items()},
        )
    )


def _number(value: Any) -> float | None:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_one else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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
