"""How other tools say what they drew."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.foreign_metadata import Drawn, parse

A1111 = """a red fox <lora:inks:0.8>, (snow:1.2)
Negative prompt: blurry, low quality
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 42, Size: 512x768, \
Model hash: abc, Model: dreamer, Clip skip: 2, Version: v1.9.0"""


@pytest.mark.parametrize("place", ["parameters", "UserComment", "comment", "ImageDescription"])
def test_automatic1111(place: str) -> None:
    found = parse({place: A1111})
    assert found == Drawn(
        "AUTOMATIC1111",
        "a red fox , (snow:1.2)",
        "blurry, low quality",
        {
            "seed": 42, "steps": 20, "guidance_scale": 7.5, "width": 512, "height": 768,
            "sampler": "DPM++ 2M Karras", "model": "dreamer", "clip_skip": 2,
            "loras": [{"name": "inks", "weight": 0.8}],
        },
    )  # fmt: skip


def graph(**changes: Any) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 7, "steps": 25, "cfg": 6.5, "sampler_name": "euler",
                "scheduler": "karras", "denoise": 1.0, "model": ["10", 0],
                "positive": ["11", 0], "negative": ["7", 0], "latent_image": ["5", 0],
            },
        },
        "4": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "sub/dreamer.safetensors"},
        },
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 832, "height": 1216}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["10", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["10", 1]}},
        "10": {
            "class_type": "LoraLoader",
            "inputs": {
                "lora_name": "inks.safetensors", "strength_model": 0.7, "model": ["4", 0],
                "clip": ["4", 1],
            },
        },
        "11": {"class_type": "ConditioningSetArea", "inputs": {"conditioning": ["6", 0]}},
    }  # fmt: skip
    return nodes | changes


EXPECTED = Drawn(
    "ComfyUI",
    "a red fox",
    "blurry",
    {
        "seed": 7, "steps": 25, "guidance_scale": 6.5, "width": 832, "height": 1216,
        "sampler": "euler", "scheduler": "karras", "model": "dreamer",
        "loras": [{"name": "inks", "weight": 0.7}],
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("place", "before"), [("prompt", ""), ("Make", "prompt:"), ("Model", "Prompt:")]
)
def test_comfyui(place: str, before: str) -> None:
    assert parse({place: before + json.dumps(graph())}) == EXPECTED


def editor_node(number: int, kind: str, values: list[Any], **links: int) -> dict[str, Any]:
    """A node as ComfyUI's editor saves it. links: input → number of the link that leads there."""
    inputs = [{"name": name, "type": "*", "link": link} for name, link in links.items()]
    return {"id": number, "type": kind, "mode": 0, "inputs": inputs, "widgets_values": values}


def workflow() -> dict[str, Any]:
    """What the editor shows of graph()."""
    return {
        "nodes": [
            editor_node(
                3, "KSampler", [7, "randomize", 25, 6.5, "euler", "karras", 1],
                model=1, positive=2, negative=3, latent_image=4,
            ),
            editor_node(4, "CheckpointLoaderSimple", ["sub/dreamer.safetensors"]),
            editor_node(5, "EmptyLatentImage", [832, 1216, 1]),
            editor_node(6, "CLIPTextEncode", ["a red fox"], clip=5),
            editor_node(7, "CLIPTextEncode", ["blurry"], clip=5),
            editor_node(10, "LoraLoader", ["inks.safetensors", 0.7, 1], model=6, clip=7),
            editor_node(11, "ConditioningSetArea", [64, 64, 0, 0, 1], conditioning=8),
            {"id": 12, "type": "Note", "widgets_values": ["remember"]},
        ],
        "links": [
            [1, 10, 0, 3, 0, "MODEL"], [2, 11, 0, 3, 1, "CONDITIONING"],
            [3, 7, 0, 3, 2, "CONDITIONING"], [4, 5, 0, 3, 3, "LATENT"], [5, 10, 1, 6, 0, "CLIP"],
            [6, 4, 0, 10, 0, "MODEL"], [7, 4, 1, 10, 1, "CLIP"],
            {"id": 8, "origin_id": 6, "origin_slot": 0, "target_id": 11, "target_slot": 0},
        ],
        "version": 0.4,
    }  # fmt: skip


@pytest.mark.parametrize(
    "texts",
    [
        {"workflow": json.dumps(workflow())},
        {"Make": "workflow:" + json.dumps(workflow())},
        {"prompt": "no graph", "workflow": json.dumps(workflow())},
        {"prompt": json.dumps(workflow())},
        {"prompt": json.dumps(graph()), "workflow": json.dumps({"nodes": []})},
    ],
    ids=["alone", "in WebP", "beside a broken prompt", "in its place", "of something else"],
)
def test_comfyui_by_its_workflow(texts: dict[str, str]) -> None:
    assert parse(texts) == EXPECTED


def test_what_is_switched_off_in_a_workflow_does_not_count() -> None:
    told = workflow()
    for node in told["nodes"]:
        if node["type"] == "LoraLoader":
            node["mode"] = 4
    found = parse({"workflow": json.dumps(told)})
    assert found is not None
    assert found.prompt == "a red fox"
    assert found.params["model"] == "dreamer"
    assert "loras" not in found.params


def test_a_primitive_of_a_workflow_counts_where_it_leads() -> None:
    told = workflow()
    told["nodes"].append(editor_node(20, "PrimitiveNode", [99, "fixed"]))
    told["nodes"][0]["inputs"].append({"name": "seed", "widget": {"name": "seed"}, "link": 9})
    told["links"].append([9, 20, 0, 3, 4, "INT"])
    found = parse({"workflow": json.dumps(told)})
    assert found is not None
    assert found.params["seed"] == 99


def test_comfyui_with_its_parts_in_nodes_of_their_own() -> None:
    changes = {
        "3": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["20", 0], "guider": ["21", 0], "sampler": ["22", 0],
                "sigmas": ["23", 0], "latent_image": ["5", 0],
            },
        },
        "20": {"class_type": "RandomNoise", "inputs": {"noise_seed": 99}},
        "21": {
            "class_type": "BasicGuider",
            "inputs": {"model": ["10", 0], "conditioning": ["11", 0]},
        },
        "22": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "23": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 8}},
    }  # fmt: skip
    found = parse({"prompt": json.dumps(graph(**changes))})
    assert found is not None
    assert (found.prompt, found.params["seed"], found.params["steps"]) == ("a red fox", 99, 8)


def test_a_circle_in_a_graph_ends() -> None:
    loop = {"class_type": "ConditioningSetArea", "inputs": {"conditioning": ["11", 0]}}
    found = parse({"prompt": json.dumps(graph(**{"11": loop}))})
    assert found is not None
    assert (found.prompt, found.negative_prompt) == ("", "blurry")


def test_invokeai() -> None:
    told = {
        "positive_prompt": "a red fox", "negative_prompt": "blurry", "seed": 5, "steps": 30,
        "cfg_scale": 7.0, "width": 512, "height": 512, "scheduler": "euler_a",
        "model": {"key": "x", "name": "dreamer"},
        "loras": [{"model": {"name": "inks"}, "weight": 0.6}, {"lora": {"model_name": "old"}}],
    }  # fmt: skip
    assert parse({"invokeai_metadata": json.dumps(told)}) == Drawn(
        "InvokeAI",
        "a red fox",
        "blurry",
        {
            "seed": 5, "steps": 30, "guidance_scale": 7.0, "width": 512, "height": 512,
            "sampler": "euler_a", "model": "dreamer",
            "loras": [{"name": "inks", "weight": 0.6}, {"name": "old", "weight": 1.0}],
        },
    )  # fmt: skip


def test_invokeai_before_version_three() -> None:
    told = {"model_weights": "sd-1.5", "image": {"prompt": [{"prompt": "a fox"}], "seed": 3}}
    found = parse({"sd-metadata": json.dumps(told)})
    assert found == Drawn("InvokeAI", "a fox", "", {"seed": 3, "model": "sd-1.5"})


@pytest.mark.parametrize(
    "texts",
    [
        {}, {"parameters": "just words"}, {"comment": "made with love"}, {"prompt": "[1, 2]"},
        {"prompt": "{}"}, {"prompt": "{broken"}, {"invokeai_metadata": "null"},
        {"prompt": json.dumps({"3": {"class_type": "KSampler", "inputs": "none"}})},
        {"prompt": "[" * 100_000}, {"sd-metadata": json.dumps({"image": 5})},
    ],
)  # fmt: skip
def test_anything_else_is_nothing(texts: dict[str, str]) -> None:
    assert parse(texts) is None


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["KSampler", "PrimitiveNode", "3", "6"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["class_type", "inputs", "3", "6", "positive", "seed", "text", "loras", "model",
             "image", "prompt", "name", "weight", "lora_name", "guider", "nodes", "links", "type",
             "widgets_values", "id", "mode", "origin_id", "link"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@given(_json, st.sampled_from(["prompt", "workflow", "invokeai_metadata", "sd-metadata"]))
def test_no_metadata_raises(told: Any, place: str) -> None:
    found = parse({place: json.dumps(told)})
    if found is not None:
        json.dumps(found.params, allow_nan=False)


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    parse({"parameters": f"{text}\nSteps: 1, {text}"})
