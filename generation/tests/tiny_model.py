"""A Stable Diffusion folder with random weights, small enough to be made in a test."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generation.builtin.tokenizer import write_tokenizer

TEXT_WIDTH = 32


def save_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write the diffusers folder; the same seed gives the same weights."""
    torch.manual_seed(seed)
    tokens = write_tokenizer(folder / "words", ["card", "red", "blue", "ace"])
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=tokens,
            hidden_size=TEXT_WIDTH,
            intermediate_size=TEXT_WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=tokens - 2,
            eos_token_id=tokens - 1,
            pad_token_id=tokens - 1,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(16, 32),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=2,
        norm_num_groups=8,
    )
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        layers_per_block=1,
        mid_block_add_attention=False,
    )
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=CLIPTokenizer.from_pretrained(folder / "words"),
        unet=unet,
        scheduler=DPMSolverMultistepScheduler(
            beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def save_tiny_lora(
    path: Path,
    seed: int = 1,
    rank: int = 4,
    scale: float = 0.5,
    width: int = 32,
    text_width: int = TEXT_WIDTH,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a LoRA with random weights for the attention of the tiny model's UNet."""
    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for attention, inner in (("attn1", width), ("attn2", text_width)):
        for layer, features in (("to_q", width), ("to_k", inner), ("to_v", inner)):
            name = f"unet.mid_block.attentions.0.transformer_blocks.0.{attention}.{layer}"
            tensors[f"{name}.lora_A.weight"] = torch.randn(rank, features, generator=random)
            tensors[f"{name}.lora_B.weight"] = torch.randn(width, rank, generator=random) * scale
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={"format": "pt", **(metadata or {})})
    return path


def save_single_file(folder: Path, file: Path) -> Path:
    """Write a tiny diffusers folder as one checkpoint in the original layout of SD 1.x."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder)
    tensors = {
        **{f"model.diffusion_model.{_unet_key(key)}": value
           for key, value in pipeline.unet.state_dict().items()},
        **{f"first_stage_model.{_vae_key(key)}": value
           for key, value in pipeline.vae.state_dict().items()},
        **{f"cond_stage_model.transformer.text_model.{key.removeprefix('text_model.')}": value
           for key, value in pipeline.text_encoder.state_dict().items()},
    }  # fmt: skip
    save_file({key: value.contiguous() for key, value in tensors.items()}, file)
    return file


_RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0",
           "conv2": "out_layers.3", "time_emb_proj": "emb_layers.1",
           "conv_shortcut": "skip_connection"}  # fmt: skip


def _unet_key(key: str) -> str:
    """A name inside diffusers' UNet (one layer a block) as the original one."""
    for ours, theirs in {"time_embedding.linear_1": "time_embed.0", "conv_in": "input_blocks.0.0",
                         "time_embedding.linear_2": "time_embed.2", "conv_norm_out": "out.0",
                         "conv_out": "out.2"}.items():  # fmt: skip
        if key.startswith(f"{ours}."):
            return key.replace(ours, theirs, 1)
    block, *path = key.split(".")
    if block == "mid_block":
        kind, number, *rest = path
        place = 1 if kind == "attentions" else 2 * int(number)
        return f"middle_block.{place}.{_inside(kind, rest)}"
    level, kind, number, *rest = path
    if block == "down_blocks":
        if kind == "downsamplers":
            return f"input_blocks.{2 * int(level) + 2}.0.op.{rest[-1]}"
        place = 2 * int(level) + 1 + int(number)
        return f"input_blocks.{place}.{int(kind == 'attentions')}.{_inside(kind, rest)}"
    if kind == "upsamplers":
        # After resnet and, in the first block, attention.
        return f"output_blocks.{2 * int(level) + 1}.2.{'.'.join(rest)}"
    place = 2 * int(level) + int(number)
    return f"output_blocks.{place}.{int(kind == 'attentions')}.{_inside(kind, rest)}"


def _inside(kind: str, rest: list[str]) -> str:
    return ".".join([_RESNET[rest[0]], *rest[1:]] if kind == "resnets" else rest)


def _vae_key(key: str) -> str:
    """A name inside diffusers' VAE with two blocks as the original one."""
    key = key.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    for number in (0, 1):
        key = key.replace(f"mid_block.resnets.{number}", f"mid.block_{number + 1}")
        key = key.replace(f"down_blocks.{number}.resnets.", f"down.{number}.block.")
        key = key.replace(f"down_blocks.{number}.downsamplers.0", f"down.{number}.downsample")
        key = key.replace(f"up_blocks.{number}.resnets.", f"up.{1 - number}.block.")
        key = key.replace(f"up_blocks.{number}.upsamplers.0", f"up.{1 - number}.upsample")
    return key
