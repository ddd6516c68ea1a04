"""What the files beside a picture say of it: captions (``.txt``) and metadata (``.json``). Pure.

Understood in JSON, as far as it is there: the sidecars that Imagineer writes beside what it draws,
those of gallery-dl and of boorus (description, tags, rating), of Civitai (``meta``), and the texts
of the tools that gallery.foreign_metadata knows. All of it is untrusted: what has another type is
passed over.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from gallery import foreign_metadata

TEXT_EXTENSIONS = (".txt", ".caption")
JSON_EXTENSION = ".json"
EXTENSIONS = frozenset((*TEXT_EXTENSIONS, JSON_EXTENSION))
MOST_BYTES = 64 * 1024
MOST_JSON_BYTES = 1024 * 1024
LONGEST_CAPTION = 10_000
MOST_TAGS = 200

_CAPTIONS = ("caption", "text", "description", "alt", "title")
_TAGS = ("tags", "tag_string", "keywords")
# Boorus say one letter; "s" is safe to some and sensitive to others, so the sterner is taken.
_RATINGS = {
    "g": "SAFE", "general": "SAFE", "safe": "SAFE", "sfw": "SAFE",
    "s": "SUGGESTIVE", "sensitive": "SUGGESTIVE", "suggestive": "SUGGESTIVE",
    "sketchy": "SUGGESTIVE",
    "q": "ADULT", "questionable": "ADULT", "adult": "ADULT", "mature": "ADULT", "nsfw": "ADULT",
    "e": "EXPLICIT", "explicit": "EXPLICIT",
}  # fmt: skip
# Our names for what tools call otherwise.
_PARAMS = {
    "seed": ("seed",),
    "steps": ("steps",),
    "guidance_scale": ("guidance_scale", "cfg_scale", "cfgScale"),
    "width": ("width",),
    "height": ("height",),
    "sampler": ("sampler", "sampler_name"),
    "model": ("model", "Model", "base_model"),
    "clip_skip": ("clip_skip", "clipSkip"),
}


class SidecarRefused(ValueError):
    """The file beside a picture cannot be read; the text is the sentence for people."""


@dataclass(frozen=True)
class Sidecar:
    """What was read; empty where nothing was said. rating: SAFE, SUGGESTIVE, ADULT or EXPLICIT."""

    caption: str = ""
    tags: tuple[str, ...] = ()
    rating: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def names_beside(picture: str) -> tuple[str, ...]:
    """The names that a picture's sidecars may have: "a/b.png" → "a/b.txt", "a/b.png.txt", …."""
    path = PurePosixPath(picture)
    return tuple(
        str(base) + extension
        for extension in (*TEXT_EXTENSIONS, JSON_EXTENSION)
        for base in (path.with_suffix(""), path)
    )


def is_sidecar(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def read(files: Iterable[tuple[str, bytes]]) -> Sidecar:
    """Names and contents of the files beside one picture, all put together; the first word counts.

    A caption in a text file counts before one in JSON. Raises SidecarRefused.
    """
    found = Sidecar()
    for name, data in sorted(files, key=lambda file: file[0].lower().endswith(JSON_EXTENSION)):
        read_one = _json if name.lower().endswith(JSON_EXTENSION) else _text
        found = _joined(found, read_one(name, data))
    return found


def _joined(first: Sidecar, second: Sidecar) -> Sidecar:
    return replace(
        first,
        **{name: value for name, value in vars(second).items() if not getattr(first, name)},
    )


def _text(name: str, data: bytes) -> Sidecar:
    if len(data) > MOST_BYTES:
        raise SidecarRefused(f"The caption {name} is longer than 64 KB.")
    text = " ".join(_decoded(data).split())
    return Sidecar(caption=text)


def _json(name: str, data: bytes) -> Sidecar:
    if len(data) > MOST_JSON_BYTES:
        raise SidecarRefused(f"The metadata {name} is longer than 1 MB.")
    try:
        told = foreign_metadata.load(_decoded(data))
    except (ValueError, RecursionError):
        raise SidecarRefused(f"The metadata {name} is not JSON.") from None
    if not isinstance(told, dict):
        raise SidecarRefused(f"The metadata {name} is not a JSON object.")
    drawn = _drawn(told)
    return Sidecar(
        caption=_caption(told),
        tags=_tags(told),
        rating=_rating(told),
        prompt=drawn.prompt,
        negative_prompt=drawn.negative_prompt,
        params=drawn.params,
    )


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig", errors="replace").replace("\x00", "")


def _caption(told: Mapping[str, Any]) -> str:
    for name in _CAPTIONS:
        value = told.get(name)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())[:LONGEST_CAPTION]
    return ""


def _tags(told: Mapping[str, Any]) -> tuple[str, ...]:
    """A list, texts between commas, or, as on boorus, words with spaces between them."""
    for name in _TAGS:
        value = told.get(name)
        if isinstance(value, str):
            value = value.split(",") if "," in value else value.split()
        if isinstance(value, list):
            texts = (" ".join(tag.split()) for tag in value if isinstance(tag, str))
            found = tuple(dict.fromkeys(text for text in texts if text))
            if found:
                return found[:MOST_TAGS]
    return ()


def _rating(told: Mapping[str, Any]) -> str:
    value = told.get("rating")
    found = rating_said(value) if isinstance(value, str) else ""
    return found or ("ADULT" if told.get("nsfw") is True else "")


def rating_said(word: str) -> str:
    """SAFE, SUGGESTIVE, ADULT or EXPLICIT, as sites and tools say it; "" for any other word."""
    return _RATINGS.get(word.strip().lower(), "")


def _drawn(told: Mapping[str, Any]) -> foreign_metadata.Drawn:
    """How the picture was drawn: as another tool's text, or under plain names."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in told.items()
        if isinstance(value, str | dict)
    }
    found = foreign_metadata.parse(texts)
    if found is not None:
        return replace(found, params={"tool": found.tool, **found.params})
    meta = told.get("meta")
    said: Mapping[str, Any] = meta if isinstance(meta, dict) else told
    params = foreign_metadata.params(
        loras=_loras(said),
        **{
            ours: next((said[name] for name in names if name in said), None)
            for ours, names in _PARAMS.items()
        },
    )
    prompt = _prompt(said, "prompt")
    return foreign_metadata.Drawn(
        "",
        prompt,
        _prompt(said, "negative_prompt") or _prompt(said, "negativePrompt"),
        # The size alone is any picture's.
        params if prompt or params.keys() - {"width", "height"} else {},
    )


def _prompt(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value.strip()[: foreign_metadata.LONGEST_PROMPT] if isinstance(value, str) else ""


def _loras(said: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    found = said.get("loras")
    rows = found if isinstance(found, list) else []
    return [(row.get("name"), row.get("weight", 1.0)) for row in rows if isinstance(row, dict)]
