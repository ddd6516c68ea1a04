"""LoRA files and the state from which an interrupted training goes on.

An engine: tensors, no Django. Everything is written under a temporary name and then renamed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file

State = dict[str, Any]
RESUME = "resume.pt"


def lora_metadata(
    *,
    title: str,
    session: str,
    trigger_word: str,
    base_model: str,
    v_prediction: bool,
    pictures: int,
    dataset_digest: str,
    step: int,
    config: dict[str, Any],
) -> dict[str, str]:
    """The header of a LoRA file in the words of kohya's sd-scripts and of modelspec 1.0.

    The scaling alpha ÷ rank is part of the weights, so that readers that know no alpha apply the
    LoRA as it was trained; ss_network_alpha therefore equals ss_network_dim.
    """
    header = {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.implementation": "diffusers",
        "modelspec.title": title,
        "modelspec.prediction_type": "v" if v_prediction else "epsilon",
        "modelspec.resolution": f"{config['width']}x{config['height']}",
        "ss_output_name": title,
        "ss_session_id": session,
        "ss_network_module": "peft.lora",
        "ss_network_dim": str(config["rank"]),
        "ss_network_alpha": str(float(config["rank"])),
        "ss_base_model": base_model,
        "ss_sd_model_name": base_model,
        "ss_v2": "False",
        "ss_steps": str(step),
        "ss_max_train_steps": str(config["steps"]),
        "ss_learning_rate": str(config["learning_rate"]),
        "ss_resolution": f"({config['width']}, {config['height']})",
        "ss_batch_size_per_device": str(config["batch_size"]),
        "ss_gradient_accumulation_steps": str(config["gradient_accumulation"]),
        "ss_lr_warmup_steps": str(config["warmup_steps"]),
        "ss_min_snr_gamma": str(config["min_snr_gamma"] or None),
        "ss_caption_dropout_rate": str(config["caption_dropout"]),
        "ss_seed": str(config["seed"]),
        "ss_num_train_images": str(pictures),
        "imagineer.dataset": dataset_digest,
        "imagineer.config": json.dumps(config, sort_keys=True),
    }
    if trigger_word:
        header["modelspec.trigger_phrase"] = trigger_word
        header["ss_trigger_word"] = trigger_word
    return header


def save_lora(unet: Any, path: Path, metadata: dict[str, str]) -> None:
    """Write the UNet's LoRA in half precision, as diffusers' ``load_lora_weights`` reads it.

    Names are peft's (``unet.….lora_A.weight``). diffusers' ``convert_state_dict_to_diffusers``
    would rename the attention layers alone, and a file with both kinds of names loads without them.
    """
    layers = get_peft_model_state_dict(unet)
    adapter = next(iter(unet.peft_config.values()))
    scaling = adapter.lora_alpha / adapter.r
    layers = {
        name: (weight * scaling if ".lora_B." in name else weight)
        .detach()
        .to("cpu", torch.float16)
        .contiguous()
        for name, weight in layers.items()
    }
    part = path.with_name(path.name + ".part")
    StableDiffusionPipeline.save_lora_weights(
        path.parent,
        unet_lora_layers=layers,
        weight_name=part.name,
        save_function=lambda weights, name: save_file(weights, name, metadata=metadata),
    )
    part.replace(path)


def trainable(unet: Any) -> dict[str, torch.nn.Parameter]:
    """The LoRA's parameters by name."""
    return {name: weight for name, weight in unet.named_parameters() if weight.requires_grad}


def save_state(folder: Path, state: State) -> None:
    part = folder / (RESUME + ".part")
    torch.save(state, part)
    part.replace(folder / RESUME)


def load_state(folder: Path, fingerprint: str) -> State | None:
    """The state saved by an interrupted training of the same task; None if there is none.

    A file that cannot be read counts as none: the training then starts anew.
    """
    path = folder / RESUME
    if not path.exists():
        return None
    try:
        state: State = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        return None
    return state if state.get("fingerprint") == fingerprint else None


def fingerprint(parts: dict[str, Any]) -> str:
    """A digest of what must be equal for a saved state to be gone on from."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
