"""Building the built-in model: tokenizer, autoencoder, denoiser, export.

Every part saves its state in `work` and goes on from there when asked to, so a build may be
stopped at any moment.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.builtin import export, judge
from generation.builtin.drawing import INKS, PAPERS
from generation.builtin.paint import generate
from generation.builtin.subjects import Subject, card_subjects, sign_subjects, tarot_subjects
from generation.builtin.train_diffusion import DiffusionConfig, train_diffusion
from generation.builtin.train_loop import Report, Schedule
from generation.builtin.train_vae import (
    VaeConfig,
    normalise_latents,
    train_vae,
    training_pictures,
    tune_decoder,
)

PREFIX = {"card": "playing card", "sign": "zodiac sign", "tarot": "tarot card"}


@dataclass(frozen=True)
class BuildConfig:
    """Where a build works, where it writes the model, and how its parts are trained."""

    work: Path
    out: Path
    resume: bool = True
    threads: int = 2
    vae: VaeConfig = field(default_factory=VaeConfig)
    diffusion: DiffusionConfig = field(default_factory=DiffusionConfig)


def build(config: BuildConfig, report: Report) -> Path:
    """Train what is not trained yet and write the model folder; returns it."""
    torch.set_num_threads(config.threads)
    if not config.resume:
        shutil.rmtree(config.work, ignore_errors=True)
    config.work.mkdir(parents=True, exist_ok=True)
    tokenizer_folder = config.work / "tokenizer"
    tokenizer = export.make_tokenizer(tokenizer_folder)
    vae = finished_vae(config, report)

    def score(text_encoder: CLIPTextModel, unet: UNet2DConditionModel) -> str:
        return quick_score(vae, tokenizer, text_encoder, unet)

    state = config.work / "denoiser.pt"
    model = train_diffusion(config.diffusion, vae, tokenizer, state, report, score)
    about: dict[str, object] = {"vae": asdict(config.vae), "diffusion": asdict(config.diffusion)}
    export.export(config.out, vae, tokenizer_folder, model.text_encoder, model.unet, about)
    return config.out


def finished_vae(config: BuildConfig, report: Report) -> AutoencoderKL:
    """The trained autoencoder with normalised latents.

    The result is kept, since a denoiser only understands the latents it was trained on.
    """
    kept = config.work / "vae"
    if kept.exists():
        return AutoencoderKL.from_pretrained(kept).eval()
    vae = train_vae(config.vae, config.work / "vae.pt", report)
    normalise_latents(vae, training_pictures(1024, config.vae.seed + 1)[::2])
    vae = tune_decoder(vae, config.vae, report)
    vae.save_pretrained(kept)
    return vae


def sample_wishes(count: int) -> list[tuple[Subject, str, str, str]]:
    """A fixed mix of (subject, ink, paper, prompt), spread over all kinds."""
    subjects = [
        part
        for trio in zip(
            card_subjects()[::5], tarot_subjects()[::7], sign_subjects()[:11], strict=False
        )
        for part in trio
    ]
    inks, papers = list(INKS), list(PAPERS)
    wishes = []
    for index in range(count):
        subject = subjects[index % len(subjects)]
        ink, paper = inks[index % len(inks)], papers[(index * 3 + index // 8) % len(papers)]
        prompt = f"{PREFIX[subject.kind]}, {subject.name}, {ink} ink on {paper} paper, clean print"
        wishes.append((subject, ink, paper, prompt))
    return wishes


def quick_score(
    vae: AutoencoderKL,
    tokenizer: CLIPTokenizer,
    text_encoder: CLIPTextModel,
    unet: UNet2DConditionModel,
    count: int = 24,
) -> str:
    """How many of a few generated pictures the judge finds right, as a sentence."""
    pipeline = export.make_pipeline(vae, tokenizer, text_encoder.eval(), unet.eval())
    wishes = sample_wishes(count)
    pictures = generate(pipeline, [w[3] for w in wishes], range(count), steps=12)
    readings = [judge.read(picture) for picture in pictures]
    shown = sum(r.subject == w[0] for r, w in zip(readings, wishes, strict=True))
    inked = sum(r.ink == w[1] for r, w in zip(readings, wishes, strict=True))
    papered = sum(r.paper == w[2] for r, w in zip(readings, wishes, strict=True))
    return f"of {count}: {shown} right subjects, {inked} inks, {papered} papers"


def parser() -> argparse.ArgumentParser:
    """Options shared by `python -m generation.builtin.build` and the Django command."""
    options = argparse.ArgumentParser(description="Build the built-in model.")
    add_options(options)
    return options


def add_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("--work", type=Path, default=Path("var/build/builtin"))
    options.add_argument("--out", type=Path, default=Path("generation/builtin_model"))
    options.add_argument("--resume", action="store_true", help="go on from the saved state")
    options.add_argument("--vae-steps", type=int, default=VaeConfig.schedule.steps)
    options.add_argument("--unet-steps", type=int, default=DiffusionConfig.schedule.steps)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument(
        "--bfloat16", action="store_true", help="faster where avx512_bf16, AMX or a GPU is"
    )


def config_from(values: dict[str, object]) -> BuildConfig:
    """A BuildConfig from parsed options."""
    chosen = argparse.Namespace(**values)
    vae, diffusion = VaeConfig(seed=chosen.seed), DiffusionConfig(seed=chosen.seed)

    def asked(schedule: Schedule, steps: int) -> Schedule:
        return replace(schedule, steps=steps, bfloat16=chosen.bfloat16)

    return BuildConfig(
        work=chosen.work,
        out=chosen.out,
        resume=chosen.resume,
        threads=chosen.threads,
        vae=replace(
            vae,
            schedule=asked(vae.schedule, chosen.vae_steps),
            tuning=asked(vae.tuning, vae.tuning.steps),
        ),
        diffusion=replace(diffusion, schedule=asked(diffusion.schedule, chosen.unet_steps)),
    )


def print_progress(started: float) -> Report:
    """A report callback that prints one line per call with the time since `started`."""

    def report(step: int, total: int, message: str) -> None:
        sys.stdout.write(f"{time.monotonic() - started:7.0f} s  {step}/{total}  {message}\n")
        sys.stdout.flush()

    return report


def main(arguments: Sequence[str] | None = None) -> None:
    values = vars(parser().parse_args(arguments))
    build(config_from(values), print_progress(time.monotonic()))


if __name__ == "__main__":
    main()
