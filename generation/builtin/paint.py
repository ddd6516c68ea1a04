"""Drawing with the built-in pipeline: fixed seeds in, pictures out."""

from collections.abc import Sequence

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from generation.builtin.drawing import HEIGHT, WIDTH


def generate(
    pipeline: StableDiffusionPipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    steps: int = 20,
    guidance: float = 2.0,
    negative_prompt: str = "",
    batch: int = 12,
) -> list[Image.Image]:
    """One 64×96 picture per prompt; each depends on its own seed only, not on its batch."""
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), batch):
        part = list(prompts[start : start + batch])
        noise = [torch.Generator().manual_seed(s) for s in seeds[start : start + batch]]
        result = pipeline(
            part,
            negative_prompt=[negative_prompt] * len(part),
            num_inference_steps=steps,
            guidance_scale=guidance,
            width=WIDTH,
            height=HEIGHT,
            generator=noise,
        )
        pictures.extend(result.images)
    return pictures
