"""How a picture was drawn, as other tools keep it in the file. Pure.

Understood: AUTOMATIC1111 and Forge (the text ``parameters``), ComfyUI (the graph ``prompt``, else
the ``workflow``), and InvokeAI (``invokeai_metadata``, before version 3 ``sd-metadata``). All of it
is untrusted: wrong types are passed over, circles in a graph end, and no text raises.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gallery import comfyui_workflow, infotext

LONGEST_PROMPT = 20_000
LONGEST_NAME = 200
MOST_LORAS = 50
MOST_NODES = comfyui_workflow.MOST_NODES
DEEPEST = 60
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Drawn:
    """tool: its name; params: keys as generated pictures have them, plain values."""

    tool: str
    prompt: str
    negative_prompt: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def parse(texts: Mapping[str, str]) -> Drawn | None:
    """texts: as gallery.embedded_texts reads them. None where no tool is recognised."""
    for reader in (_invokeai, _comfyui, _automatic1111):
        try:
            found = reader(texts)
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            continue
        if found is not None and (found.prompt or found.params):
            return found
    return None


# --- AUTOMATIC1111 -------------------------------------------------------------------------------


def _automatic1111(texts: Mapping[str, str]) -> Drawn | None:
    for name in (infotext.CHUNK, "UserComment", "comment", "ImageDescription"):
        text = texts.get(name, "")
        # Without its last line a text is any text.
        if "Steps: " not in text:
            continue
        info = infotext.parse(text)
        return Drawn(
            info.version if info.version == "Imagineer" else "AUTOMATIC1111",
            info.prompt[:LONGEST_PROMPT],
            info.negative_prompt[:LONGEST_PROMPT],
            params(
                seed=info.seed,
                steps=info.steps,
                guidance_scale=info.guidance_scale,
                width=info.width,
                height=info.height,
                sampler=" ".join(filter(None, (info.sampler, info.schedule))),
                model=info.model,
                loras=list(info.loras.items()),
                clip_skip=_whole(info.others.get("Clip skip")),
            ),
        )
    return None


# --- InvokeAI ------------------------------------------------------------------------------------


def _invokeai(texts: Mapping[str, str]) -> Drawn | None:
    told = _object(texts.get("invokeai_metadata"))
    if told:
        return Drawn(
            "InvokeAI",
            _text(told.get("positive_prompt"), LONGEST_PROMPT),
            _text(told.get("negative_prompt"), LONGEST_PROMPT),
            params(
                seed=told.get("seed"),
                steps=told.get("steps"),
                guidance_scale=told.get("cfg_scale"),
                width=told.get("width"),
                height=told.get("height"),
                sampler=told.get("scheduler"),
                model=_named(told.get("model")),
                loras=[
                    (_named(lora.get("model") or lora.get("lora")), lora.get("weight"))
                    for lora in _list(told.get("loras"))
                    if isinstance(lora, dict)
                ],
                clip_skip=told.get("clip_skip"),
            ),
        )
    older = _object(texts.get("sd-metadata"))
    image = older.get("image")
    if not isinstance(image, dict):
        return None
    said = image.get("prompt")
    if isinstance(said, list) and said and isinstance(said[0], dict):
        said = said[0].get("prompt")
    return Drawn(
        "InvokeAI",
        _text(said, LONGEST_PROMPT),
        "",
        params(
            seed=image.get("seed"),
            steps=image.get("steps"),
            guidance_scale=image.get("cfg_scale"),
            width=image.get("width"),
            height=image.get("height"),
            sampler=image.get("sampler"),
            model=older.get("model_weights"),
        ),
    )


def _named(model: Any) -> Any:
    if isinstance(model, dict):
        return model.get("name") or model.get("model_name")
    return model


# --- ComfyUI -------------------------------------------------------------------------------------

_SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
_TEXTS = ("text", "text_g", "t5xxl", "clip_l", "string", "value", "positive", "prompt")
_MODEL_FILES = ("ckpt_name", "unet_name", "model_name")


def _comfyui(texts: Mapping[str, str]) -> Drawn | None:
    for graph in _comfy_graphs(texts):
        nodes = {
            str(key): node
            for key, node in list(graph.items())[:MOST_NODES]
            if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
        }
        sampler = next((node for node in nodes.values() if _kind(node) in _SAMPLERS), None)
        if sampler is not None:
            return _drawn_by(sampler, _Graph(nodes))
    return None


def _drawn_by(sampler: Mapping[str, Any], found: "_Graph") -> Drawn:
    return Drawn(
        "ComfyUI",
        found.words(sampler, "positive")[:LONGEST_PROMPT],
        found.words(sampler, "negative")[:LONGEST_PROMPT],
        params(
            seed=found.value(sampler, "seed", "noise_seed"),
            steps=found.value(sampler, "steps"),
            guidance_scale=found.value(sampler, "cfg", "guidance"),
            width=found.value(sampler, "width"),
            height=found.value(sampler, "height"),
            sampler=found.value(sampler, "sampler_name"),
            scheduler=found.value(sampler, "scheduler"),
            strength=_denoise(found.value(sampler, "denoise")),
            model=found.value(sampler, *_MODEL_FILES),
            loras=found.loras(),
        ),
    )


def _comfy_graphs(texts: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What was run; else what stood in the editor. One that cannot be read leaves the other."""
    for name in ("prompt", "workflow"):
        try:
            graph = _object(_comfy_text(texts, name))
        except (ValueError, RecursionError):
            continue
        # Some tools put the workflow where the prompt stands.
        yield comfyui_workflow.as_prompt(graph) if "nodes" in graph else graph


def _comfy_text(texts: Mapping[str, str], name: str) -> str:
    if name in texts:
        return texts[name]
    # In WebP it stands in EXIF's Make or Model, behind its name.
    for place in ("Make", "Model", "ImageDescription", "UserComment"):
        key, colon, text = texts.get(place, "").partition(":")
        if colon and key.lower() == name:
            return text
    return ""


def _denoise(value: Any) -> Any:
    # 1 is a picture drawn from nothing, which needs no mention.
    return value if isinstance(value, float) and value < 1 else None


def _kind(node: Mapping[str, Any]) -> str:
    return str(node.get("class_type", ""))


class _Graph:
    """Nodes whose inputs are values, or [node, output] of another node."""

    def __init__(self, nodes: Mapping[str, Mapping[str, Any]]) -> None:
        self.nodes = nodes

    def _target(self, value: Any) -> Mapping[str, Any] | None:
        if isinstance(value, list) and len(value) == 2:
            return self.nodes.get(str(value[0]))
        return None

    def _upstream(self, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The node and all that flows into it, the nearest first, each once."""
        seen: dict[int, Mapping[str, Any]] = {id(node): node}
        layer = [node]
        for _ in range(DEEPEST):
            following = []
            for each in layer:
                for value in each["inputs"].values():
                    target = self._target(value)
                    if target is not None and id(target) not in seen:
                        seen[id(target)] = target
                        following.append(target)
            layer = following
        return list(seen.values())

    def value(self, node: Mapping[str, Any], *names: str) -> Any:
        """The nearest plain value of one of these inputs."""
        for each in self._upstream(node):
            for name in names:
                value = each["inputs"].get(name)
                if isinstance(value, int | float | str) and not isinstance(value, bool):
                    return value
        return None

    def words(self, sampler: Mapping[str, Any], side: str) -> str:
        """The text behind an input of the sampler, whatever nodes stand between."""
        start = self._target(sampler["inputs"].get(side))
        if start is None:
            guider = self._target(sampler["inputs"].get("guider"))
            inputs = guider["inputs"] if guider else {}
            start = self._target(
                inputs.get(side) or (side == "positive" and inputs.get("conditioning"))
            )
        if start is None:
            return ""
        for each in self._upstream(start):
            for name in _TEXTS:
                value = each["inputs"].get(name)
                if isinstance(value, str) and value.strip():
                    return value.strip()
        return ""

    def loras(self) -> list[tuple[Any, Any]]:
        return [
            (node["inputs"].get("lora_name"), node["inputs"].get("strength_model", 1.0))
            for node in self.nodes.values()
            if "lora_name" in node["inputs"]
        ]


# --- Values --------------------------------------------------------------------------------------


def params(*, loras: list[tuple[Any, Any]] | None = None, **values: Any) -> dict[str, Any]:
    """What is there and plain; names without folders and endings."""
    wholes = {"seed", "steps", "width", "height", "clip_skip"}
    found: dict[str, Any] = {}
    for name, value in values.items():
        checked: Any
        if name in wholes:
            checked = _whole(value)
        elif name in ("guidance_scale", "strength"):
            checked = _number(value)
        else:
            checked = (
                _file_stem(_text(value, LONGEST_NAME))
                if name == "model"
                else _text(value, LONGEST_NAME)
            )
        if checked not in (None, ""):
            found[name] = checked
    named = [
        {"name": _file_stem(name)[:LONGEST_NAME], "weight": _number(weight) or 1.0}
        for name, weight in (loras or [])[:MOST_LORAS]
        if isinstance(name, str) and name.strip()
    ]
    return found | ({"loras": named} if named else {})


def _file_stem(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = last.rpartition(".")
    return stem if dot and ending in ("safetensors", "ckpt", "pt", "gguf", "sft") else last


def _text(value: Any, longest: int) -> str:
    return value.replace("\x00", "").strip()[:longest] if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 25:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < 2**64 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if math.isfinite(number) and abs(number) < 1e9 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def load(text: str) -> Any:
    """JSON without what no database takes: NaN, NUL, lone surrogates.

    Raises ValueError, RecursionError.
    """
    return _storable(json.loads(text, parse_constant=lambda _: None))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("", key): _storable(each) for key, each in value.items()}
    # Numbers such as 1e999.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _object(text: str | None) -> dict[str, Any]:
    """The JSON object in a text; empty for anything else."""
    found = load(text) if text else {}
    return found if isinstance(found, dict) else {}
