"""Training of the autoencoder on drawings and varied pictures."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch.nn import functional

from generation.builtin.drawing import INKS, PAPERS
from generation.builtin.networks import new_vae
from generation.builtin.subjects import all_subjects, draw
from generation.builtin.textures import texture
from generation.builtin.train_loop import Report, Schedule, device, train


@dataclass(frozen=True)
class VaeConfig:
    """How the autoencoder is trained."""

    schedule: Schedule = Schedule(3600, 1e-3)
    batch: int = 16
    pictures: int = 12_000
    kl_weight: float = 3e-5
    edge_weight: float = 0.5
    colour_weight: float = 2.0
    tuning: Schedule = Schedule(700, 6e-4, warmup=30, average=0.99)
    """How the decoder is taught alone, afterwards."""
    tune_noise: float = 0.05
    """Deviation of the noise on latents (which have deviation 1) while the decoder is tuned."""
    tune_textures: float = 0.35
    """Weight of a varied picture against a drawing while the decoder is tuned."""
    seed: int = 0


def picture_array(picture: Image.Image) -> np.ndarray:
    """A (3, 96, 64) uint8 array of an RGB picture."""
    return np.array(picture.convert("RGB")).transpose(2, 0, 1)


def to_tensor(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 → float -1..1, same shape, where training happens."""
    return pictures.to(device()).float() / 127.5 - 1


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
    mean, logvar = posterior.mean.float(), posterior.logvar.float()
    spread = mean**2 + logvar.exp() - 1 - logvar
    total: torch.Tensor = loss + config.kl_weight * 0.5 * spread.mean()
    return total


def picture_loss(result: torch.Tensor, pictures: torch.Tensor, config: VaeConfig) -> torch.Tensor:
    """Error of pixels, edges and 4×4 mean colours.

    Without the term for mean colours the edges win and colours fade into each other.
    """
    result = result.float()
    loss = functional.l1_loss(result, pictures) + functional.mse_loss(result, pictures)
    for ours, theirs in zip(edges(result), edges(pictures), strict=True):
        loss = loss + config.edge_weight * functional.l1_loss(ours, theirs)
    means, wanted = (functional.avg_pool2d(part, 4) for part in (result, pictures))
    return loss + config.colour_weight * functional.l1_loss(means, wanted)


def train_vae(config: VaeConfig, state_file: Path, report: Report) -> AutoencoderKL:
    """Train, saving to `state_file` and going on from it; returns the averaged autoencoder."""
    torch.manual_seed(config.seed)
    vae = new_vae()
    pictures = training_pictures(config.pictures, config.seed)

    def loss(vae: AutoencoderKL) -> torch.Tensor:
        chosen = torch.randint(len(pictures), (config.batch,))
        return vae_loss(vae, to_tensor(pictures[chosen]), config)

    return train(
        vae, loss, config.schedule, config.seed, report, "autoencoder", state_file=state_file
    )


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


def tune_decoder(vae: AutoencoderKL, config: VaeConfig, report: Report) -> AutoencoderKL:
    """Teach the decoder alone, on latents with a little noise, mostly of drawings.

    A denoiser's latents are never quite clean; and since the encoder stays as it is, this may be
    done before or after the denoiser is trained. Expects normalised latents.
    """
    pictures = training_pictures(config.pictures, config.seed + 2)
    odds = torch.tensor([1.0, config.tune_textures]).repeat(len(pictures) // 2)

    def loss(vae: AutoencoderKL) -> torch.Tensor:
        wanted = to_tensor(pictures[torch.multinomial(odds, config.batch)])
        with torch.no_grad():
            latents = vae.encode(wanted).latent_dist.mean
            latents = latents + config.tune_noise * torch.randn_like(latents)
        return picture_loss(vae.decode(latents).sample, wanted, config)

    weights = [*vae.post_quant_conv.parameters(), *vae.decoder.parameters()]
    return train(vae, loss, config.tuning, config.seed + 2, report, "decoder", weights)


@torch.no_grad()
def psnr(vae: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio of the reconstruction in dB, one per picture (N,3,H,W uint8)."""
    wanted = to_tensor(pictures)
    got = vae.decode(vae.encode(wanted).latent_dist.mean).sample.clamp(-1, 1)
    error = ((got - wanted) / 2).pow(2).mean((1, 2, 3))
    return -10 * torch.log10(error.clamp_min(1e-10))
