"""Writing the trained parts as one diffusers folder, and loading it again."""

import copy
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.builtin.captions import vocabulary
from generation.builtin.drawing import HEIGHT, WIDTH
from generation.builtin.networks import new_scheduler
from generation.builtin.tokenizer import write_tokenizer

GUIDANCE = 2.0
STEPS = 20


def make_tokenizer(folder: Path) -> CLIPTokenizer:
    """Write the tokenizer's files into `folder` and load them."""
    write_tokenizer(folder, vocabulary())
    return CLIPTokenizer.from_pretrained(folder)


def make_pipeline(
    vae: AutoencoderKL,
    tokenizer: CLIPTokenizer,
    text_encoder: CLIPTextModel,
    unet: UNet2DConditionModel,
) -> StableDiffusionPipeline:
    """The parts as a pipeline, without a safety checker."""
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def export(
    folder: Path,
    vae: AutoencoderKL,
    tokenizer_folder: Path,
    text_encoder: CLIPTextModel,
    unet: UNet2DConditionModel,
    trained_with: dict[str, object],
) -> None:
    """Write the model folder in fp16, replacing an older one in a single rename."""
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    parts = [copy.deepcopy(part).half() for part in (vae, text_encoder, unet)]
    pipeline = make_pipeline(parts[0], tokenizer, parts[1], parts[2])
    fresh = folder.with_name(folder.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    pipeline.save_pretrained(fresh, safe_serialization=True)
    shutil.rmtree(fresh / "tokenizer")
    shutil.copytree(tokenizer_folder, fresh / "tokenizer")
    _ask_for_float32(fresh / "text_encoder" / "config.json")
    _forget_origin(fresh)
    about = {
        "steps": STEPS,
        "guidance": GUIDANCE,
        "width": WIDTH,
        "height": HEIGHT,
        "license": "MIT",
        "trained_with": trained_with,
    }
    (fresh / "imagineer.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    for file in fresh.rglob("*.safetensors"):
        file.chmod(0o644)
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _ask_for_float32(config_file: Path) -> None:
    """Let a plain load give float32: transformers would keep the stored fp16, diffusers not."""
    config = json.loads(config_file.read_text("utf-8"))
    config.pop("torch_dtype", None)
    config["dtype"] = "float32"
    config_file.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def _forget_origin(folder: Path) -> None:
    """Remove the folder name that diffusers notes in every configuration."""
    for file in folder.rglob("*.json"):
        config = json.loads(file.read_text("utf-8"))
        if isinstance(config, dict) and config.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def load(folder: Path) -> StableDiffusionPipeline:
    """The exported model in float32, ready to draw."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
