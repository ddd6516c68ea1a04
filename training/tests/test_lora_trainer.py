"""The trainer itself, on a model with random weights."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline
from django.conf import settings
from safetensors import safe_open
from safetensors.torch import load_file

from gallery.tests.factories import picture
from generation.lora_file import read_lora
from generation.tests.tiny_model import save_tiny_model
from training import lora_trainer
from training.config import TARGETS, TrainingConfig
from training.lora_trainer import Task, draw_batch, learning_rate, loss_weights, train

SMALL = TrainingConfig(
    rank=2, alpha=4.0, targets="all", learning_rate=1e-2, steps=6, warmup_steps=1, batch_size=2,
    width=64, height=64, checkpoint_every=2, caption_dropout=0.3,
)  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: Any) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: Any) -> Path:
    folder: Path = tmp_path_factory.mktemp("pictures")
    for number in range(1, 4):
        picture(number, 64 + number, 96).save(folder / f"image_{number:04d}.png")
        (folder / f"image_{number:04d}.txt").write_text(f"card {number}")
    return folder


@pytest.fixture
def task(base: Any, pictures: Any, tmp_path: Any) -> Task:
    return Task(
        base_model=str(base), pictures=str(pictures), work=str(tmp_path / "work"),
        output=str(tmp_path / "out.safetensors"), title="Night", session="s1",
        base_model_name="Tiny", trigger_word="night style", device="cpu", config=SMALL,
    )  # fmt: skip


class Recorder:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **values: Any) -> None:
        self.events.append((event, values))

    def named(self, name: str) -> list[dict[str, Any]]:
        return [values for event, values in self.events if event == name]


def weights(path: str | Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = load_file(path)
    return loaded


def test_every_target_of_the_preset_gets_a_lora_that_learns(task: Any) -> None:
    assert train(task, Recorder())
    layers = weights(task.output)
    for target in TARGETS["all"]:
        assert any(f".{target}.lora_A" in name for name in layers), target
    moved = [name for name, weight in layers.items() if ".lora_B." in name and weight.any()]
    # The first attention's keys over one constant embedding may not move; nearly all others do.
    assert len(moved) > 0.9 * len(layers) / 2


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    task: Any, tmp_path: Any
) -> None:
    outputs = []
    for number, seed in enumerate((0, 0, 1)):
        output = str(tmp_path / f"{number}.safetensors")
        config = replace(SMALL, seed=seed)
        work = str(tmp_path / f"w{number}")
        train(replace(task, work=work, output=output, config=config), Recorder())
        outputs.append(weights(output))
    first, again, other = outputs
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_stopped_training_goes_on_and_ends_as_if_it_had_not_stopped(
    task: Any, tmp_path: Any
) -> None:
    output = str(tmp_path / "straight.safetensors")
    straight = replace(task, work=str(tmp_path / "w"), output=output)
    train(straight, Recorder())
    first, asked = Recorder(), iter([False] * 3 + [True])
    assert not train(task, first, lambda: next(asked))
    assert first.named("stopped") == [{"step": 3}]
    second = Recorder()
    assert train(task, second)
    assert second.named("start")[0]["step"] == 3
    assert [event["step"] for event in second.named("step")] == [4, 5, 6]
    expected, resumed = weights(straight.output), weights(task.output)
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)


def test_a_finished_training_does_no_step_again(task: Any) -> None:
    train(task, Recorder())
    before = Path(task.output).stat().st_mtime_ns
    again = Recorder()
    assert train(task, again)
    assert not again.named("step")
    assert Path(task.output).stat().st_mtime_ns == before


def test_a_damaged_or_foreign_state_is_not_gone_on_from(task: Any) -> None:
    train(task, Recorder())
    Path(task.output).unlink()
    (Path(task.work) / "resume.pt").write_bytes(b"torn")
    recorder = Recorder()
    train(task, recorder)
    assert recorder.named("start")[0]["step"] == 0
    other = replace(task, output=task.output + "2", config=replace(SMALL, learning_rate=1e-3))
    recorder = Recorder()
    train(other, recorder)
    assert recorder.named("start")[0]["step"] == 0


def test_diffusers_loads_the_file_and_it_draws_what_the_trained_unet_draws(task: Any) -> None:
    """Every layer, with the scaling alpha ÷ rank, at weight 1; nothing at weight 0."""
    trainer = lora_trainer.Trainer(task, Recorder())
    while len(trainer.losses) < SMALL.steps:
        trainer.step()
    trainer.write(Path(task.output))
    pipeline = StableDiffusionPipeline.from_pretrained(task.base_model, safety_checker=None)
    unet = pipeline.unet
    inputs = (torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(0)), 500)
    states = trainer.cache.embeddings[:1]
    with torch.no_grad():
        plain = unet(*inputs, encoder_hidden_states=states).sample
        pipeline.load_lora_weights(task.output, adapter_name="night")
        applied = unet(*inputs, encoder_hidden_states=states).sample
        pipeline.set_adapters(["night"], [0.0])
        off = unet(*inputs, encoder_hidden_states=states).sample
        trained = trainer.unet.eval()(*inputs, encoder_hidden_states=states).sample
    assert torch.equal(off, plain)
    change = (trained - plain).abs().max()
    assert change > 0.01
    # The file holds half precision.
    assert (applied - trained).abs().max() < 0.02 * change


def test_the_files_header_says_what_it_is(task: Any) -> None:
    train(task, Recorder())
    with safe_open(task.output, "pt") as file:
        header = file.metadata()
    assert header["ss_network_dim"] == "2"
    assert header["ss_network_alpha"] == "2.0"
    assert header["ss_base_model"] == "Tiny"
    assert header["modelspec.title"] == "Night"
    assert header["ss_steps"] == "6"
    info = read_lora(Path(task.output))
    assert info.rank == 2
    assert info.trigger_words == ("night style",)


def test_checkpoints_are_loras_and_nothing_half_written_stays(task: Any) -> None:
    recorder = Recorder()
    train(task, recorder)
    assert [event["step"] for event in recorder.named("checkpoint")] == [2, 4]
    names = sorted(path.name for path in Path(task.work).iterdir())
    assert names == ["resume.pt", "step-000002.safetensors", "step-000004.safetensors"]
    assert read_lora(Path(task.work) / "step-000004.safetensors").rank == 2


def test_accumulation_sees_as_many_pictures_as_a_larger_batch(task: Any) -> None:
    trainer = lora_trainer.Trainer(task, Recorder())
    parts = replace(SMALL, batch_size=1, gradient_accumulation=2)
    seen = [draw_batch(trainer.cache, parts, number, 1000).latents for number in range(2)]
    together = draw_batch(trainer.cache, SMALL, 0, 1000).latents
    assert torch.equal(torch.cat(seen), together)


def test_every_picture_comes_once_an_epoch_and_flips_only_when_asked(task: Any) -> None:
    config = replace(SMALL, batch_size=3, random_flip=True)
    trainer = lora_trainer.Trainer(replace(task, config=config), Recorder())
    cache = trainer.cache
    flipped = 0
    for number in range(8):
        batch = draw_batch(cache, config, number, 1000)
        assert cache.flipped is not None
        for own, mirrored in zip(cache.latents, cache.flipped, strict=True):
            hits = [torch.equal(latent, own) for latent in batch.latents]
            mirror_hits = [torch.equal(latent, mirrored) for latent in batch.latents]
            assert sum(hits) + sum(mirror_hits) == 1
            flipped += sum(mirror_hits)
    assert 4 <= flipped <= 20
    assert lora_trainer.Trainer(task, Recorder()).cache.flipped is None


def test_captions_are_dropped_about_as_often_as_asked(task: Any) -> None:
    trainer = lora_trainer.Trainer(task, Recorder())
    batches = [draw_batch(trainer.cache, SMALL, number, 1000) for number in range(100)]
    dropped = sum(
        torch.equal(states, trainer.cache.empty) for batch in batches for states in batch.states
    )
    assert 30 <= dropped <= 90


def test_the_learning_rate_warms_up_and_falls_as_a_cosine() -> None:
    config = TrainingConfig(learning_rate=1.0, steps=110, warmup_steps=10)
    rates = [learning_rate(step, config) for step in range(110)]
    assert rates[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert rates[10] == 1.0
    assert rates[60] == pytest.approx(0.505)
    assert rates[-1] < 0.02
    assert all(earlier >= later for earlier, later in pairwise(rates[10:]))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_min_snr_weights_follow_the_paper(prediction: Any) -> None:
    scheduler = DDPMScheduler(prediction_type=prediction, rescale_betas_zero_snr=True)
    timesteps = torch.arange(1000)
    found = loss_weights(scheduler, timesteps, 5.0)
    signal_share = scheduler.alphas_cumprod
    for step in (0, 200, 500, 900):
        snr = float(signal_share[step] / (1 - signal_share[step]))
        expected = min(snr, 5.0) / (snr if prediction == "epsilon" else snr + 1)
        assert float(found[step]) == pytest.approx(expected, rel=1e-4)
    assert torch.isfinite(found).all(), "at zero terminal SNR too"
    assert torch.equal(loss_weights(scheduler, timesteps, 0.0), torch.ones(1000))


def test_a_loss_that_is_no_number_ends_the_training_with_a_sentence(task: Any) -> None:
    trainer = lora_trainer.Trainer(task, Recorder())
    trainer.cache.latents.fill_(math.nan)
    with pytest.raises(ValueError, match="learning rate is too high"):
        trainer.step()


def start(task: Task, folder: Path) -> "subprocess.Popen[str]":
    file = folder / "task.json"
    file.write_text(json.dumps(task.as_dict()))
    return subprocess.Popen(
        [sys.executable, "-m", "training.lora_trainer", str(file)],
        cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(settings.BASE_DIR)},
    )  # fmt: skip


def test_an_interrupted_process_saves_what_it_learned_and_ends_well(
    task: Any, tmp_path: Any
) -> None:
    process = start(replace(task, config=replace(SMALL, steps=5000)), tmp_path)
    lines = []
    assert process.stdout
    assert process.stderr
    for line in process.stdout:
        lines.append(line)
        if '"step": 2,' in line:
            process.send_signal(signal.SIGINT)
            asked = time.monotonic()
    assert process.wait(60) == 0, process.stderr.read()
    assert time.monotonic() - asked < 60
    assert '"stopped"' in lines[-1]
    assert (Path(task.work) / "resume.pt").exists()
    assert all(line.startswith("{") for line in lines), "libraries print elsewhere"


def test_a_process_that_cannot_train_says_why_and_knows_no_django(task: Any, tmp_path: Any) -> None:
    file = tmp_path / "task.json"
    file.write_text(json.dumps(replace(task, pictures=str(tmp_path)).as_dict()))
    code = (
        "import sys, training.lora_trainer as trainer\n"
        "assert 'django' not in sys.modules\n"
        f"trainer.main([{str(file)!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "ValueError: There are no captioned pictures to train on." in done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last == {"event": "failed", "text": "There are no captioned pictures to train on."}
