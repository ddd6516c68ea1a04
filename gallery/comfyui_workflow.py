"""ComfyUI's workflow, which its editor saves, as the graph that its server is given. Pure.

A file has both, ``workflow`` and ``prompt``, or where a tool left one out, the workflow alone. It
keeps a node's values in the order of its widgets, without their names; known here are those of the
nodes that say how a picture is drawn. All of it is untrusted: what has another type is passed over.
"""

from collections.abc import Mapping
from typing import Any

MOST_NODES = 2_000
# Behind a seed stands what becomes of it afterwards.
_WIDGETS: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"),
    "SamplerCustom": ("", "noise_seed", "", "cfg"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "KarrasScheduler": ("steps",),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeSDXL": ("width", "height", "", "", "", "", "text_g", "text_l"),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "CheckpointLoader": ("", "ckpt_name"),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
}
# A value that stands for an input of another node.
_PRIMITIVE = "PrimitiveNode"
# Never run, or passed by: what flows through it does, its own values do not count.
_OFF = (2, 4)


def as_prompt(workflow: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Node's number → its class_type and inputs, each a value or [number, output] of another."""
    nodes = {
        str(node["id"]): node
        for node in _dicts(workflow.get("nodes"))[:MOST_NODES]
        if isinstance(node.get("id"), int | str) and isinstance(node.get("type"), str)
    }
    origins = _origins(workflow.get("links"))
    return {
        number: {
            "class_type": "" if node.get("mode") in _OFF else node["type"],
            "inputs": _inputs(node, nodes, origins),
        }
        for number, node in nodes.items()
        if node["type"] != _PRIMITIVE
    }


def _origins(links: Any) -> dict[str, tuple[str, Any]]:
    """A link's number → (node's number, output) that it comes from."""
    found = {}
    for link in links if isinstance(links, list) else ():
        if isinstance(link, list) and len(link) >= 3:
            found[str(link[0])] = (str(link[1]), link[2])
        elif isinstance(link, dict):  # As newer editors write them.
            found[str(link.get("id"))] = (str(link.get("origin_id")), link.get("origin_slot"))
    return found


def _inputs(
    node: Mapping[str, Any],
    nodes: Mapping[str, Mapping[str, Any]],
    origins: Mapping[str, tuple[str, Any]],
) -> dict[str, Any]:
    is_off = node.get("mode") in _OFF
    found: dict[str, Any] = {} if is_off else _values(node)
    for place in _dicts(node.get("inputs")):
        name, origin = place.get("name"), origins.get(str(place.get("link")))
        if not isinstance(name, str) or origin is None:
            continue
        source = nodes.get(origin[0], {})
        if source.get("type") == _PRIMITIVE:
            values = _list(source.get("widgets_values"))
            found |= {name: values[0]} if values and not is_off else {}
        else:
            found[name] = list(origin)
    return found


def _values(node: Mapping[str, Any]) -> dict[str, Any]:
    told = node.get("widgets_values")
    if isinstance(told, dict):
        return {name: value for name, value in told.items() if isinstance(name, str)}
    return {
        name: value
        for name, value in zip(_WIDGETS.get(node["type"], ()), _list(told), strict=False)
        if name
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]
