"""What a training reads again and again, computed once: latents and text embeddings.

An engine: tensors, no Django. Pictures come as a flat folder of PNG files, each beside its caption
in a ``.txt`` of the same name, as :func:`training.export.export` writes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

Report = Callable[[str], None]


@dataclass(frozen=True)
class Cache:
    """N pictures as latents (N, C, h, w) and their captions as embeddings (N, T, D), float32.

    flipped: the mirrored pictures' latents, or None; empty: the empty caption's embedding (T, D).
    """

    latents: torch.Tensor
    flipped: torch.Tensor | None
    embeddings: torch.Tensor
    empty: torch.Tensor

    def __len__(self) -> int:
        return len(self.latents)


def read_folder(folder: Path) -> list[tuple[Path, str]]:
    """The pictures of a folder with their captions, in the order of their names."""
    pairs = [
        (path, path.with_suffix(".txt").read_text("utf-8").strip())
        for path in sorted(folder.glob("*.png"))
    ]
    if not pairs:
        raise ValueError("There are no captioned pictures to train on.")
    return pairs


def to_tensor(path: Path, width: int, height: int) -> torch.Tensor:
    """A picture as (3, height, width) in −1..1: scaled to cover the size, its middle kept."""
    with Image.open(path) as opened:
        picture = opened.convert("RGBA")
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A"))
    scale = max(width / flat.width, height / flat.height)
    if (flat.width, flat.height) != (width, height):
        size = (max(width, round(flat.width * scale)), max(height, round(flat.height * scale)))
        flat = flat.resize(size, Image.Resampling.LANCZOS)
        left, top = (flat.width - width) // 2, (flat.height - height) // 2
        flat = flat.crop((left, top, left + width, top + height))
    pixels = torch.from_numpy(np.asarray(flat).copy()).permute(2, 0, 1)
    return pixels.float() / 127.5 - 1.0


@torch.no_grad()
def encode_pictures(vae: Any, pictures: torch.Tensor) -> torch.Tensor:
    """Scaled latents (B, C, h, w), float32 on the CPU, of pictures (B, 3, H, W) in −1..1."""
    pictures = pictures.to(vae.device, vae.dtype)
    latents = vae.encode(pictures).latent_dist.mode()
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    scaled: torch.Tensor = ((latents - shift) * vae.config.scaling_factor).float().cpu()
    return scaled


@torch.no_grad()
def embed(tokenizer: Any, text_encoder: Any, captions: list[str]) -> torch.Tensor:
    """Text states (B, T, D), float32 on the CPU."""
    tokens = tokenizer(
        captions,
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    states: torch.Tensor = text_encoder(tokens.input_ids.to(text_encoder.device))[0]
    return states.float().cpu()


def build_cache(
    pipeline: Any, folder: Path, width: int, height: int, flip: bool, report: Report
) -> Cache:
    """Encode every picture and caption of the folder with the pipeline's own parts."""
    pairs = read_folder(folder)
    latents, flipped, embeddings = [], [], []
    for start in range(0, len(pairs), 8):
        part = pairs[start : start + 8]
        pictures = torch.stack([to_tensor(path, width, height) for path, _ in part])
        latents.append(encode_pictures(pipeline.vae, pictures))
        if flip:
            flipped.append(encode_pictures(pipeline.vae, pictures.flip(-1)))
        captions = [caption for _, caption in part]
        embeddings.append(embed(pipeline.tokenizer, pipeline.text_encoder, captions))
        report(f"Encoded {start + len(part)} of {len(pairs)} pictures")
    return Cache(
        torch.cat(latents),
        torch.cat(flipped) if flip else None,
        torch.cat(embeddings),
        embed(pipeline.tokenizer, pipeline.text_encoder, [""])[0],
    )
