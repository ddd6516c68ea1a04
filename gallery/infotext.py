"""The text in which AUTOMATIC1111's web UI keeps generation parameters inside a picture.

    a red fox <lora:inks:0.8>
    Negative prompt: blurry
    Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x512, …

It stands in the PNG's text chunk ``parameters``; most tools of the field read it there. Values
with a comma, a colon or a line break are quoted as JSON strings, as A1111 does.
"""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

CHUNK = "parameters"
NEGATIVE = "Negative prompt:"
LORA_TAG = re.compile(r"<lora:([^:<>]+)(?::(-?\d+(?:\.\d+)?))?>")
_PAIR = re.compile(r'\s*(\w[\w \-/]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_FEWEST_PAIRS = 3


@dataclass(frozen=True)
class Infotext:
    """What was drawn and how. loras: name → weight; others: fields that we do not know by name."""

    prompt: str
    negative_prompt: str = ""
    steps: int | None = None
    sampler: str = ""
    schedule: str = ""
    guidance_scale: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    model: str = ""
    model_hash: str = ""
    loras: Mapping[str, float] = field(default_factory=dict)
    lora_hashes: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    others: Mapping[str, str] = field(default_factory=dict)


def write(info: Infotext) -> str:
    """The text; parse(write(info)) gives info again."""
    tags = "".join(f" <lora:{name}:{weight:g}>" for name, weight in info.loras.items())
    lines = [_unambiguous(info.prompt) + tags]
    if info.negative_prompt:
        lines.append(f"{NEGATIVE} {_unambiguous(info.negative_prompt)}")
    size = f"{info.width}x{info.height}" if info.width and info.height else ""
    hashes = ", ".join(f"{name}: {digest}" for name, digest in info.lora_hashes.items())
    pairs = {
        "Steps": info.steps,
        "Sampler": info.sampler,
        "Schedule type": info.schedule,
        "CFG scale": None if info.guidance_scale is None else f"{info.guidance_scale:g}",
        "Seed": info.seed,
        "Size": size,
        "Model hash": info.model_hash,
        "Model": info.model,
        "Lora hashes": hashes,
        **info.others,
        "Version": info.version,
    }
    lines.append(
        ", ".join(
            f"{key}: {_quoted(value)}" for key, value in pairs.items() if value not in ("", None)
        )
    )
    return "\n".join(lines).rstrip("\n")


def parse(text: str) -> Infotext:
    """Read the text, ours or another tool's; what cannot be read is left at its default."""
    lines = text.strip().split("\n")
    pairs: dict[str, str] = {}
    found = _PAIR.findall(lines[-1])
    # A1111's rule: fewer than three pairs are the prompt's own words with a colon.
    if len(found) >= _FEWEST_PAIRS or lines[-1].startswith("Steps: "):
        pairs = {key.strip(): _unquoted(value.strip()) for key, value in found}
        lines = lines[:-1]
    prompt, negative = _split_prompts(lines)
    size = re.fullmatch(r"(\d{1,6})x(\d{1,6})", pairs.pop("Size", ""))
    return Infotext(
        prompt=LORA_TAG.sub("", prompt).strip(),
        negative_prompt=negative,
        steps=_whole(pairs.pop("Steps", "")),
        sampler=pairs.pop("Sampler", ""),
        schedule=pairs.pop("Schedule type", ""),
        guidance_scale=_decimal(pairs.pop("CFG scale", "")),
        seed=_whole(pairs.pop("Seed", "")),
        width=int(size[1]) if size else None,
        height=int(size[2]) if size else None,
        model=pairs.pop("Model", ""),
        model_hash=pairs.pop("Model hash", ""),
        loras={name: float(weight or 1) for name, weight in LORA_TAG.findall(prompt)},
        lora_hashes=_hashes(pairs.pop("Lora hashes", "")),
        version=pairs.pop("Version", ""),
        others=pairs,
    )


def tag_name(name: str) -> str:
    """A LoRA's name as it stands in tags and hashes."""
    return "".join("-" if character in ':<>,"' else character for character in name)


def png_with(picture: Image.Image, text: str) -> bytes:
    """The picture as a PNG with the text in its chunk; the same input gives the same bytes.

    Latin-1 texts stand in a tEXt chunk, others in an iTXt chunk (Pillow's rule and A1111's).
    """
    chunks = PngInfo()
    chunks.add_text(CHUNK, text)
    file = io.BytesIO()
    picture.save(file, format="PNG", pnginfo=chunks)
    return file.getvalue()


def read_png(data: bytes) -> str:
    """The text in a PNG's chunk, "" if there is none."""
    with Image.open(io.BytesIO(data)) as picture:
        return str(picture.info.get(CHUNK, ""))


def _unambiguous(prompt: str) -> str:
    """Lines that would be read as another part of the text join the line before."""
    first, *others = prompt.split("\n")
    text = first
    for line in others:
        text += (" " if _looks_like_a_part(line) else "\n") + line
    return text


def _looks_like_a_part(line: str) -> bool:
    return line.strip().startswith((NEGATIVE, "Steps: "))


def _split_prompts(lines: list[str]) -> tuple[str, str]:
    prompt: list[str] = []
    negative: list[str] = []
    into = prompt
    for line in lines:
        if into is prompt and line.strip().startswith(NEGATIVE):
            into = negative
            line = line.strip().removeprefix(NEGATIVE)
        into.append(line.strip() if not into else line)
    return "\n".join(prompt).strip(), "\n".join(negative).strip()


def _quoted(value: Any) -> str:
    text = str(value)
    plain = not any(character in text for character in ',\n:"') and text == text.strip()
    return text if plain else json.dumps(text, ensure_ascii=False)


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text


def _hashes(text: str) -> dict[str, str]:
    parts = (part.rpartition(":") for part in text.split(","))
    return {name.strip(): digest.strip() for name, _, digest in parts if name.strip()}


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,20}", text) else None


def _decimal(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text) else None
