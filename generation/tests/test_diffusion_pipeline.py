"""Drawing for real, with a tiny model of random weights."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from generation import diffusion_pipeline as engine
from generation.long_prompts import blocks_needed, encode_blocks
from generation.parameters import SCHEDULERS, Adapter, Settings, Wanted
from generation.tests.tiny_model import save_single_file, save_tiny_lora, save_tiny_model

pytestmark = pytest.mark.model
SETTINGS = Settings(steps=3, guidance_scale=4.0, width=64, height=64, scheduler="dpmpp_2m")
WANTED = Wanted("red card", "blue", 7)


@pytest.fixture(autouse=True)
def _one_pipeline() -> Iterator[None]:
    yield
    engine.release()


def draw(
    folder: Path,
    *pictures: Wanted,
    adapters: Sequence[Adapter] = (),
    settings: Settings = SETTINGS,
) -> list[Image.Image]:
    drawn = engine.draw(str(folder), pictures or (WANTED,), settings, adapters, device="cpu")
    return [picture for picture in drawn if picture is not None]


def bits(folder: Path, adapters: Sequence[Adapter] = (), settings: Settings = SETTINGS) -> bytes:
    return draw(folder, adapters=adapters, settings=settings)[0].tobytes()


def adapter(path: Path, weight: float = 1.0) -> Adapter:
    return Adapter(path.stem, path, weight)


def test_a_seed_gives_the_same_picture_in_another_process(tiny_folder: Path) -> None:
    here = bits(tiny_folder)
    code = (
        "import sys, hashlib\n"
        "from generation import diffusion_pipeline as engine\n"
        "from generation.parameters import Settings, Wanted\n"
        "s = Settings(3, 4.0, 64, 64, 'dpmpp_2m')\n"
        "p = engine.draw(sys.argv[1], [Wanted('red card', 'blue', 7)], s, device='cpu')[0]\n"
        "sys.stdout.buffer.write(p.tobytes())\n"
    )
    root = Path(__file__).resolve().parents[2]
    there = subprocess.run(
        [sys.executable, "-c", code, str(tiny_folder)],
        capture_output=True, check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert there.stdout == here
    assert "django" not in there.stderr.decode().lower()


def test_another_seed_prompt_or_step_count_gives_another_picture(tiny_folder: Path) -> None:
    first = bits(tiny_folder)
    for other in (replace(WANTED, seed=8), replace(WANTED, prompt="ace of blue")):
        assert draw(tiny_folder, other)[0].tobytes() != first
    assert bits(tiny_folder, settings=replace(SETTINGS, steps=4)) != first


def test_a_picture_does_not_depend_on_what_is_drawn_beside_it(tiny_folder: Path) -> None:
    alone = np.asarray(draw(tiny_folder)[0]).astype(int)
    others = [Wanted("blue card", "", seed) for seed in range(20, 23)]
    beside = np.asarray(draw(tiny_folder, others[0], WANTED, *others[1:])[1]).astype(int)
    # A larger batch sums in another order, which may change the rounding of a few values by one.
    assert np.abs(alone - beside).max() <= 1
    assert (alone != beside).mean() < 0.01


def test_equal_batches_are_bit_identical(tiny_folder: Path) -> None:
    wanted = [WANTED, Wanted("ace", "", 1)]
    first = [picture.tobytes() for picture in draw(tiny_folder, *wanted)]
    assert first == [picture.tobytes() for picture in draw(tiny_folder, *wanted)]


def test_the_pipeline_is_loaded_once_and_again_when_its_files_change(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "model", seed=1)
    draw(folder)
    loaded = engine.load(str(folder), "cpu")
    draw(folder)
    assert engine.load(str(folder), "cpu") is loaded
    os.utime(folder / "model_index.json", (1, 1))
    assert engine.load(str(folder), "cpu") is not loaded


def test_a_lora_at_weight_0_leaves_the_picture_bit_identical(
    tiny_folder: Path, lora_file: Path
) -> None:
    base = bits(tiny_folder)
    assert bits(tiny_folder, [adapter(lora_file, 0.0)]) == base
    assert bits(tiny_folder, [adapter(lora_file, 0.5)]) != base
    # Also once the LoRA has been loaded.
    assert bits(tiny_folder, [adapter(lora_file, 0.0)]) == base
    assert bits(tiny_folder) == base


def test_loras_are_swapped_in_place_and_back(tiny_folder: Path, tmp_path: Path) -> None:
    one = adapter(save_tiny_lora(tmp_path / "one.safetensors", seed=1))
    two = adapter(save_tiny_lora(tmp_path / "two.safetensors", seed=2))
    with_one = bits(tiny_folder, [one])
    with_two = bits(tiny_folder, [two])
    with_both = bits(tiny_folder, [one, two])
    assert len({with_one, with_two, with_both}) == 3
    assert bits(tiny_folder, [one]) == with_one
    assert bits(tiny_folder, [replace(one, weight=-1.0)]) not in (with_one, bits(tiny_folder))
    engine.release()
    assert bits(tiny_folder, [two]) == with_two


def test_fifty_loras_one_after_another_take_no_more_memory(
    tiny_folder: Path, tmp_path: Path
) -> None:
    quick = replace(SETTINGS, steps=1)

    def swap(start: int, count: int) -> int:
        for number in range(start, start + count):
            path = save_tiny_lora(tmp_path / f"lora{number}.safetensors", seed=number)
            draw(tiny_folder, adapters=[adapter(path)], settings=quick)
        rss: int = psutil.Process().memory_info().rss
        return rss

    before = swap(0, 10)
    assert swap(10, 50) - before < 30_000_000
    unet = engine.load(str(tiny_folder), "cpu").pipeline.get_list_adapters()["unet"]
    assert len(unet) == engine.KEPT_ADAPTERS


def test_a_lora_for_another_model_is_refused_and_leaves_no_trace(
    tiny_folder: Path, lora_file: Path, tmp_path: Path
) -> None:
    base, styled = bits(tiny_folder), bits(tiny_folder, [adapter(lora_file)])
    wide = save_tiny_lora(tmp_path / "wide.safetensors", width=48)
    with pytest.raises(engine.AdapterError, match="wide does not fit this base model"):
        bits(tiny_folder, [adapter(wide)])
    assert bits(tiny_folder) == base
    assert bits(tiny_folder, [adapter(lora_file)]) == styled


class StopError(Exception):
    pass


def test_it_can_be_stopped_at_any_step_and_draws_on_unharmed(
    tiny_folder: Path, lora_file: Path
) -> None:
    base = bits(tiny_folder)
    for stop_at in range(4):

        def report(step: int, total: int, message: str, stop_at: int = stop_at) -> None:
            if total and step == stop_at:
                raise StopError

        with pytest.raises(StopError):
            engine.draw(
                str(tiny_folder), [WANTED], SETTINGS, [adapter(lora_file)],
                device="cpu", report=report,
            )  # fmt: skip
        assert bits(tiny_folder) == base


def test_it_can_be_stopped_before_each_lora_that_it_loads(
    tiny_folder: Path, lora_file: Path
) -> None:
    base = bits(tiny_folder)
    told: list[str] = []

    def report(step: int, total: int, message: str) -> None:
        told.append(message)
        if message == "Loading the LoRA inks":
            raise StopError

    with pytest.raises(StopError):
        engine.draw(
            str(tiny_folder), [WANTED], SETTINGS, [Adapter("stopped", lora_file, 1.0)],
            device="cpu", report=report,
        )  # fmt: skip
    assert told == ["Loading the LoRA inks"]
    assert bits(tiny_folder) == base


def test_it_reports_every_step(tiny_folder: Path) -> None:
    told: list[tuple[int, int, str]] = []
    engine.release()
    engine.draw(
        str(tiny_folder), [WANTED], SETTINGS, device="cpu", report=lambda *args: told.append(args)
    )
    assert told[0] == (0, 0, "Loading the model")
    assert [step for step, total, _ in told[1:]] == [0, 1, 2, 3]
    assert told[2] == (1, 3, "step 2 of 3")


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_sampler_draws_in_one_step_and_in_many(tiny_folder: Path, name: str) -> None:
    for steps in (1, 2, 12):
        settings = replace(SETTINGS, scheduler=name, steps=steps)
        assert len(draw(tiny_folder, settings=settings)) == 1


def test_samplers_do_not_leave_traces_in_each_other(tiny_folder: Path) -> None:
    base = bits(tiny_folder)
    for name in SCHEDULERS:
        bits(tiny_folder, settings=replace(SETTINGS, scheduler=name))
    assert bits(tiny_folder) == base


@pytest.mark.parametrize(("width", "height"), [(64, 128), (136, 64), (72, 104)])
def test_pictures_have_the_size_that_was_asked_for(
    tiny_folder: Path, width: int, height: int
) -> None:
    settings = replace(SETTINGS, width=width, height=height, steps=1)
    assert draw(tiny_folder, settings=settings)[0].size == (width, height)


def test_words_beyond_77_tokens_still_count(tiny_folder: Path) -> None:
    long = "red card, " * 60
    one, other = draw(
        tiny_folder, replace(WANTED, prompt=long + "ace"), replace(WANTED, prompt=long + "blue")
    )
    assert one.tobytes() != other.tobytes()


def test_a_long_prompt_beside_a_short_one_changes_nothing(tiny_folder: Path) -> None:
    alone = bits(tiny_folder)
    long = Wanted("red card, " * 60, "", 3)
    assert draw(tiny_folder, long, WANTED)[1].tobytes() == alone


def test_one_block_is_what_the_pipeline_itself_encodes(tiny_folder: Path) -> None:
    pipeline = engine.load(str(tiny_folder), "cpu").pipeline
    assert blocks_needed(pipeline.tokenizer, "", "red card") == 1
    theirs, _ = pipeline.encode_prompt("red card", "cpu", 1, False)
    with torch.inference_mode():
        ours = encode_blocks(pipeline, ["red card"], 1)
    assert torch.equal(ours, theirs)


def test_numbers_that_are_no_picture_are_told_apart(tiny_folder: Path) -> None:
    pipeline = engine.load(str(tiny_folder), "cpu").pipeline
    with torch.no_grad():
        next(pipeline.vae.parameters()).fill_(float("nan"))
        pipeline.vae.post_quant_conv.weight.fill_(float("nan"))
    assert engine.draw(str(tiny_folder), [WANTED], SETTINGS, device="cpu") == [None]


@pytest.mark.parametrize("source", ["/nowhere/at-all", "/nowhere/model.safetensors"])
def test_a_model_that_is_not_there_is_named(source: str) -> None:
    with pytest.raises(engine.ModelLoadError, match=r"nowhere.*BASE_MODEL"):
        engine.draw(source, [WANTED], SETTINGS, device="cpu")


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "model")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"damaged")
    with pytest.raises(engine.ModelLoadError, match="cannot be loaded"):
        engine.draw(str(folder), [WANTED], SETTINGS, device="cpu")


def test_a_single_file_draws_what_its_folder_draws(tiny_folder: Path, tmp_path: Path) -> None:
    file = save_single_file(tiny_folder, tmp_path / "deck.safetensors")
    # The folder of the file's name holds the configuration, so that no network is needed.
    shutil.copytree(tiny_folder, tmp_path / "deck")
    for weights in (tmp_path / "deck").rglob("*.safetensors"):
        weights.unlink()
    assert bits(file) == bits(tiny_folder)


def test_pickled_weights_are_never_read(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "model")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({}, folder / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(engine.ModelLoadError):
        engine.draw(str(folder), [WANTED], SETTINGS, device="cpu")


def test_too_large_a_picture_is_a_sentence(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*args: object) -> None:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"
        )

    monkeypatch.setattr(engine, "_forward", out_of_memory)
    with pytest.raises(engine.OutOfMemoryError, match="Choose a smaller size"):
        draw(tiny_folder)


def test_other_errors_pass_as_they_are(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(engine, "_forward", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        draw(tiny_folder)


def test_small_pictures_are_drawn_together_and_large_ones_alone() -> None:
    assert engine.batch_size(64, 96, "cpu") == 12
    assert engine.batch_size(128, 192, "cpu") == 3
    assert engine.batch_size(512, 512, "cpu") == 1


def test_a_device_that_does_not_exist_is_a_sentence(tiny_folder: Path) -> None:
    with pytest.raises(engine.ModelLoadError, match="DEVICE"):
        engine.draw(str(tiny_folder), [WANTED], SETTINGS, device="toaster")
