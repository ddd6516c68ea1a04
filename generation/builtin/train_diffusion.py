"""Training of the text encoder and the UNet on latents that are encoded once."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from generation.builtin.captions import caption, empty_caption
from generation.builtin.drawing import INKS, PAPERS
from generation.builtin.networks import SCHEDULE, new_text_encoder, new_unet
from generation.builtin.subjects import Subject, all_subjects, draw
from generation.builtin.train_loop import Report, Schedule, device, train
from generation.builtin.train_text import TextConfig, prepare_text_encoder
from generation.builtin.train_vae import picture_array, to_tensor

Score = Callable[[CLIPTextModel, UNet2DConditionModel], str]

SHARES = {"card": 0.32, "sign": 0.12, "trump": 0.26, "minor": 0.30}
"""How often each group of pictures is trained on; a trump shares nothing with its neighbours."""


@dataclass(frozen=True)
class DiffusionConfig:
    """How the text encoder and the UNet are trained."""

    schedule: Schedule = Schedule(4000, 1e-3, weight_decay=1e-3, average=0.999)
    batch: int = 24
    unconditional: float = 0.1
    text: TextConfig = field(default_factory=TextConfig)
    seed: int = 0
    score_every: int = 500


@dataclass(frozen=True)
class Example:
    """One picture of the pool: what it shows and in which colours."""

    subject: Subject
    ink: str
    paper: str


class Denoiser(nn.Module):
    """Text encoder and UNet together, since they are trained as one."""

    def __init__(self, text_encoder: CLIPTextModel, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.unet = unet

    def forward(
        self, noisy: torch.Tensor, steps: torch.Tensor, tokens: torch.Tensor
    ) -> torch.Tensor:
        """Velocity (B,8,24,16) from noisy latents, timesteps (B,) and token ids (B,77)."""
        states = self.text_encoder(tokens)[0]
        result: torch.Tensor = self.unet(noisy, steps, encoder_hidden_states=states).sample
        return result


def example_pool() -> list[Example]:
    """Every subject in every pair of ink and paper."""
    return [
        Example(subject, ink, paper)
        for subject in all_subjects()
        for ink in INKS
        for paper in PAPERS
    ]


@torch.no_grad()
def encode_pool(vae: AutoencoderKL, pool: list[Example], seed: int, report: Report) -> torch.Tensor:
    """Latents (N,8,24,16) of drawings of the whole pool, with a slight play of colour."""
    rng = random.Random(seed)
    latents = []
    for start in range(0, len(pool), 64):
        arrays = [
            torch.from_numpy(picture_array(draw(e.subject, e.ink, e.paper, rng, 0.0, 3)))
            for e in pool[start : start + 64]
        ]
        pictures = to_tensor(torch.stack(arrays))
        latents.append(vae.encode(pictures).latent_dist.mean * vae.config.scaling_factor)
        if start % 1024 == 0:
            report(start, len(pool), "encoding drawings")
    return torch.cat(latents)


def kept_latents(
    vae: AutoencoderKL, pool: list[Example], seed: int, file: Path, report: Report
) -> torch.Tensor:
    """As `encode_pool`, kept in `file` for a build that goes on."""
    if file.exists():
        kept: torch.Tensor = torch.load(file, weights_only=True, map_location=device())
        if len(kept) == len(pool):
            return kept
    latents = encode_pool(vae, pool, seed, report)
    torch.save(latents, file.with_suffix(".part"))
    file.with_suffix(".part").replace(file)
    return latents


def pool_weights(pool: list[Example]) -> torch.Tensor:
    """How likely each example is to be drawn, (N,), following SHARES."""
    groups = [share_group(example.subject) for example in pool]
    counts = Counter(groups)
    return torch.tensor([SHARES[group] / counts[group] for group in groups])


def share_group(subject: Subject) -> str:
    """The group in SHARES that a subject belongs to."""
    if subject.kind != "tarot":
        return subject.kind
    return "trump" if subject.rank == "trump" else "minor"


def diffusion_loss(
    model: Denoiser, scheduler: DDPMScheduler, latents: torch.Tensor, tokens: torch.Tensor
) -> torch.Tensor:
    """Mean squared error of the predicted velocity at random timesteps, one per picture."""
    steps = torch.randint(scheduler.config.num_train_timesteps, (len(latents),)).to(latents.device)
    noise = torch.randn_like(latents)
    noisy = scheduler.add_noise(latents, noise, steps)
    target = scheduler.get_velocity(latents, noise, steps)
    return functional.mse_loss(model(noisy, steps, tokens).float(), target)


def draw_batch(
    pool: list[Example], weights: torch.Tensor, config: DiffusionConfig, rng: random.Random
) -> tuple[torch.Tensor, list[str]]:
    """Indices (B,) into the pool and a prompt for each."""
    chosen = torch.multinomial(weights, config.batch)
    prompts = []
    for index in chosen.tolist():
        example = pool[index]
        if rng.random() < config.unconditional:
            prompts.append(empty_caption(rng))
        else:
            prompts.append(caption(example.subject, example.ink, example.paper, rng))
    return chosen, prompts


def new_denoiser(tokenizer: CLIPTokenizer) -> Denoiser:
    """An untrained denoiser for the tokenizer's vocabulary."""
    return Denoiser(new_text_encoder(len(tokenizer), tokenizer.eos_token_id), new_unet())


def train_diffusion(
    config: DiffusionConfig,
    vae: AutoencoderKL,
    tokenizer: CLIPTokenizer,
    state_file: Path,
    report: Report,
    score: Score | None = None,
) -> Denoiser:
    """Train, saving to `state_file` and going on from it; returns the averaged denoiser."""
    torch.manual_seed(config.seed)
    model = new_denoiser(tokenizer)
    if not state_file.exists():
        model.text_encoder = prepare_text_encoder(
            model.text_encoder, tokenizer, config.text, report
        )
        model.train()
    pool = example_pool()
    latents_file = state_file.with_name("latents.pt")
    latents, weights = (
        kept_latents(vae.to(device()), pool, config.seed, latents_file, report),
        pool_weights(pool),
    )
    scheduler, rng = DDPMScheduler(**SCHEDULE), random.Random(config.seed)

    def loss(model: Denoiser) -> torch.Tensor:
        chosen, prompts = draw_batch(pool, weights, config, rng)
        tokens = tokenizer(
            prompts, padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids.to(device())
        return diffusion_loss(model, scheduler, latents[chosen.to(device())], tokens)

    def tell_score(done: int, average: Denoiser) -> None:
        steps = config.schedule.steps
        if score and (done % config.score_every == 0 or done == steps):
            report(done, steps, score(average.text_encoder, average.unet))

    return train(
        model,
        loss,
        config.schedule,
        config.seed,
        report,
        "denoiser",
        state_file=state_file,
        after_step=tell_score,
    )
