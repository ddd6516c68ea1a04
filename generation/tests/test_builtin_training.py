"""Training: it learns, goes on from a saved state, and normalises latents."""

from pathlib import Path

import pytest
import torch

from generation.builtin import train_diffusion
from generation.builtin.build import BuildConfig, build, config_from, parser, sample_wishes
from generation.builtin.networks import new_vae
from generation.builtin.train_diffusion import DiffusionConfig, Example, example_pool
from generation.builtin.train_loop import Schedule, rate_at
from generation.builtin.train_text import TextConfig, Wish
from generation.builtin.train_vae import (
    VaeConfig,
    normalise_latents,
    to_tensor,
    train_vae,
    training_pictures,
)


def test_the_pool_holds_everything_in_every_colour() -> None:
    assert len(example_pool()) == 144 * 64


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [rate_at(step, Schedule(1000, 1e-3)) for step in (0, 99, 100, 500, 1000)]
    assert rates[0] < rates[1] <= 1e-3
    assert rates[2] > rates[3] > rates[4]
    assert rates[4] == pytest.approx(1e-5)


def test_latents_are_normalised_without_changing_the_result() -> None:
    torch.manual_seed(0)
    vae = new_vae().eval()
    pictures = training_pictures(8, 0)
    with torch.no_grad():
        before = vae.decode(vae.encode(to_tensor(pictures)).latent_dist.mean).sample
        normalise_latents(vae, pictures)
        latents = vae.encode(to_tensor(pictures)).latent_dist.mean
        after = vae.decode(latents).sample
    assert latents.mean((0, 2, 3)).abs().max() < 1e-3
    assert (latents.std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert torch.allclose(before, after, atol=1e-3)


def test_training_the_autoencoder_goes_on_from_its_state(tmp_path: Path) -> None:
    state, seen = tmp_path / "vae.pt", []
    for steps in (2, 3):
        config = VaeConfig(Schedule(steps, 1e-3, save_every=1), batch=2, pictures=4)
        train_vae(config, state, lambda *news: seen.append(news))
        assert torch.load(state, weights_only=True)["step"] == steps


def test_a_tiny_build_writes_a_model_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import StableDiffusionPipeline

    def small_pool() -> list[Example]:
        return example_pool()[::1024]

    monkeypatch.setattr(train_diffusion, "example_pool", small_pool)
    once = Schedule(1, 1e-3)
    config = BuildConfig(
        work=tmp_path / "work",
        out=tmp_path / "model",
        vae=VaeConfig(once, batch=2, pictures=4, tuning=once),
        diffusion=DiffusionConfig(once, batch=2, score_every=100, text=TextConfig(once, batch=2)),
    )
    monkeypatch.setattr("generation.builtin.build.quick_score", lambda *_: "not scored")
    seen: list[tuple[int, int, str]] = []
    folder = build(config, lambda *news: seen.append(news))
    assert (1, 1, "not scored") in seen
    pipeline = StableDiffusionPipeline.from_pretrained(folder)
    assert {pipeline.unet.dtype, pipeline.text_encoder.dtype, pipeline.vae.dtype} == {torch.float32}
    assert not list(tmp_path.glob("model.*"))


def test_a_wish_counts_only_colours_that_were_named() -> None:
    wish = Wish()
    text = "seven of hearts, teal ink"
    seven = next(s for s in wish.subjects if s.name == "seven of hearts")
    classes = wish.classes(seven, "teal", "rose", text)
    assert classes[4] == wish.inks.index("teal") + 1
    assert classes[5] == 0
    assert all(0 <= c < size for c, size in zip(classes, wish.sizes(), strict=True))
    assert wish.classes(None, "teal", "rose", "") == [0] * 6


def test_options_become_a_configuration() -> None:
    config = config_from(vars(parser().parse_args(["--unet-steps", "7", "--resume", "--bfloat16"])))
    assert (config.diffusion.schedule.steps, config.resume) == (7, True)
    assert config.vae.tuning.bfloat16


def test_sample_wishes_repeat_and_word_their_colours() -> None:
    wishes = sample_wishes(24)
    assert wishes == sample_wishes(24)
    assert all(f"{ink} ink on {paper} paper" in prompt for _, ink, paper, prompt in wishes)
