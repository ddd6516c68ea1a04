"""Training of the autoencoder on drawings and varied pictures."""

import copy
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch.nn import functional

from generation.builtin import parallel
from generation.builtin.drawing import INKS, PAPERS
from generation.builtin.networks import average_into, new_vae
from generation.builtin.subjects import all_subjects, draw
from generation.builtin.textures import texture

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class VaeConfig:
    """How the autoencoder is trained."""

    steps: int = 4000
    batch: int = 8
    pictures: int = 8000
    learning_rate: float = 8e-4
    kl_weight: float = 3e-5
    edge_weight: float = 0.5
    colour_weight: float = 2.0
    tune_steps: int = 800
    tune_rate: float = 6e-4
    tune_noise: float = 0.05
    """Deviation of the noise on latents (which have deviation 1) while the decoder is tuned."""
    tune_textures: float = 0.25
    """Weight of a varied picture against a drawing while the decoder is tuned."""
    seed: int = 0
    save_every: int = 200


def picture_array(picture: Image.Image) -> np.ndarray:
    """A (3, 96, 64) uint8 array of an RGB picture."""
    return np.array(picture.convert("RGB")).transpose(2, 0, 1)


def to_tensor(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 → float -1..1, same shape."""
    return pictures.float() / 127.5 - 1


def training_pictures(count: int, seed: int) -> torch.Tensor:
    """(count, 3, 96, 64) uint8: half named-colour drawings, half varied pictures."""
    rng = random.Random(seed)
    subjects, inks, papers = all_subjects(), list(INKS), list(PAPERS)
    pictures = []
    for index in range(count):
        if index % 2:
            pictures.append(picture_array(texture(rng)))
            continue
        ink, paper = rng.choice(inks), rng.choice(papers)
        subject = rng.choice(subjects)
        pictures.append(picture_array(draw(subject, ink, paper, rng, 1.0, 6)))
    return torch.from_numpy(np.stack(pictures))


def edges(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Differences between neighbouring pixels, across and down."""
    return pictures.diff(dim=-1), pictures.diff(dim=-2)


def vae_loss(vae: AutoencoderKL, pictures: torch.Tensor, config: VaeConfig) -> torch.Tensor:
    """Error of the picture, plus a light pull of the latents to a unit Gaussian."""
    posterior = vae.encode(pictures).latent_dist
    loss = picture_loss(vae.decode(posterior.sample()).sample, pictures, config)
    spread = posterior.mean**2 + posterior.var - 1 - posterior.logvar
    total: torch.Tensor = loss + config.kl_weight * 0.5 * spread.mean()
    return total


def picture_loss(result: torch.Tensor, pictures: torch.Tensor, config: VaeConfig) -> torch.Tensor:
    """Error of pixels, edges and 4×4 mean colours.

    Without the term for mean colours the edges win and colours fade into each other.
    """
    loss = functional.l1_loss(result, pictures) + functional.mse_loss(result, pictures)
    for ours, theirs in zip(edges(result), edges(pictures), strict=True):
        loss = loss + config.edge_weight * functional.l1_loss(ours, theirs)
    means, wanted = (functional.avg_pool2d(part, 4) for part in (result, pictures))
    return loss + config.colour_weight * functional.l1_loss(means, wanted)


def learning_rate(step: int, steps: int, peak: float, warmup: int = 100) -> float:
    """Linear warm-up, then a cosine down to 1% of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def train_vae(config: VaeConfig, state_file: Path, report: Report) -> AutoencoderKL:
    """Train, saving to `state_file` and going on from it; returns the averaged autoencoder."""
    torch.manual_seed(config.seed)
    vae = new_vae()
    average = copy.deepcopy(vae)
    optimiser = torch.optim.AdamW(vae.parameters(), betas=(0.9, 0.99), weight_decay=1e-4)
    start = _restore(state_file, vae, average, optimiser)
    if start >= config.steps:
        return average.eval()
    pictures = training_pictures(config.pictures, config.seed)
    generator = torch.Generator().manual_seed(config.seed + start)
    running = 0.0
    for step in range(start, config.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, config.steps, config.learning_rate)
        chosen = torch.randint(len(pictures), (config.batch,), generator=generator)
        loss = vae_loss(vae, to_tensor(pictures[chosen]), config)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        average_into(average, vae, min(0.998, (step + 1) / (step + 10)))
        running = 0.98 * running + 0.02 * loss.item() if step > start else loss.item()
        if (step + 1) % 50 == 0:
            report(step + 1, config.steps, f"autoencoder loss {running:.4f}")
        if (step + 1) % config.save_every == 0 or step + 1 == config.steps:
            _save(state_file, step + 1, vae, average, optimiser)
    return average.eval()


def _save(
    path: Path,
    step: int,
    vae: AutoencoderKL,
    average: AutoencoderKL,
    optimiser: torch.optim.Optimizer,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"step": step, "vae": vae.state_dict(), "average": average.state_dict()}
    parts["optimiser"] = optimiser.state_dict()
    torch.save(parts, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _restore(
    path: Path, vae: AutoencoderKL, average: AutoencoderKL, optimiser: torch.optim.Optimizer
) -> int:
    """Load a saved state if there is one; returns the step to go on from."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    vae.load_state_dict(state["vae"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


@torch.no_grad()
def normalise_latents(vae: AutoencoderKL, pictures: torch.Tensor) -> None:
    """Give every latent channel mean 0 and deviation 1 over `pictures` (N,3,96,64 uint8).

    The shift and scale are folded into the 1×1 convolutions on both sides of the latents, so the
    pipeline needs no knowledge of them and `scaling_factor` is 1.
    """
    parts = torch.split(pictures, 64)
    means = torch.cat([vae.encode(to_tensor(part)).latent_dist.mean for part in parts])
    shift, scale = means.mean((0, 2, 3)), means.std((0, 2, 3))
    channels = len(shift)
    before, after = vae.quant_conv, vae.post_quant_conv
    before.weight[:channels] /= scale[:, None, None, None]
    before.bias[:channels] = (before.bias[:channels] - shift) / scale
    before.bias[channels:] -= 2 * scale.log()
    after.bias += after.weight[:, :, 0, 0] @ shift
    after.weight *= scale[None, :, None, None]


def tune_decoder(vae: AutoencoderKL, config: VaeConfig, report: Report) -> None:
    """Teach the decoder alone, on latents with a little noise, mostly of drawings.

    A denoiser's latents are never quite clean; and since the encoder stays as it is, this may be
    done before or after the denoiser is trained. Expects normalised latents.
    """
    own_seed = config.seed + 2 + 1_000_003 * parallel.rank()
    torch.manual_seed(own_seed)
    weights = [*vae.post_quant_conv.parameters(), *vae.decoder.parameters()]
    optimiser = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=1e-4)
    average = copy.deepcopy(vae)
    pictures = training_pictures(config.pictures, own_seed)
    odds = torch.tensor([1.0, config.tune_textures]).repeat(len(pictures) // 2)
    running = 0.0
    for step in range(config.tune_steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, config.tune_steps, config.tune_rate, 30)
        wanted = to_tensor(pictures[torch.multinomial(odds, config.batch)])
        with torch.no_grad():
            latents = vae.encode(wanted).latent_dist.mean
            latents = latents + config.tune_noise * torch.randn_like(latents)
        loss = picture_loss(vae.decode(latents).sample, wanted, config)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        parallel.average_gradients(vae)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        average_into(average, vae, min(0.99, (step + 1) / (step + 10)))
        running = 0.98 * running + 0.02 * loss.item() if step else loss.item()
        if (step + 1) % 50 == 0:
            report(step + 1, config.tune_steps, f"decoder loss {running:.4f}")
    vae.load_state_dict(average.state_dict())


@torch.no_grad()
def psnr(vae: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio of the reconstruction in dB, one per picture (N,3,H,W uint8)."""
    wanted = to_tensor(pictures)
    got = vae.decode(vae.encode(wanted).latent_dist.mean).sample.clamp(-1, 1)
    error = ((got - wanted) / 2).pow(2).mean((1, 2, 3))
    return -10 * torch.log10(error.clamp_min(1e-10))
