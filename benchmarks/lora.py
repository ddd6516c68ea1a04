"""Trains the demonstration's LoRA and writes what it does to var/bench/lora.json.

    python -m benchmarks.lora [--steps N] [--out FILE] [--grid FILE]

The LoRA learns the example album with the settings of the demonstration. Twenty cards are drawn
with fixed seeds, on prompts as the demonstration words them, with the LoRA at weight 1, without it
and at weight 0. Every metric is always in the file, with its target word for word.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from generation import diffusion_pipeline
from generation.builtin import judge
from generation.builtin.example_style import TRIGGER, style_distance
from generation.builtin.subjects import Subject, card_subjects
from generation.parameters import Adapter, Settings, Wanted
from generation.prompts import expand_prompt
from training.config import TrainingConfig, preset
from training.lora_trainer import Task, train

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "generation" / "builtin_model"
ALBUM = ROOT / "training" / "example_album"
TEMPLATE = ROOT / "generation" / "batch_templates" / "playing_cards.json"
OUT = ROOT / "var" / "bench" / "lora.json"
SEEDS = range(20)
READABLE = 0.8


@dataclass(frozen=True)
class Drawn:
    """The same twenty wishes drawn three times: without the LoRA, with it, and at weight 0."""

    subjects: list[Subject]
    without: list[Image.Image]
    styled: list[Image.Image]
    off: list[Image.Image]

    @property
    def distance_without(self) -> float:
        return float(np.mean([style_distance(picture) for picture in self.without]))

    @property
    def distance_with(self) -> float:
        return float(np.mean([style_distance(picture) for picture in self.styled]))

    @property
    def readable(self) -> float:
        """Share of the styled cards whose rank and suit the judge reads as they were asked for."""
        read = [judge.read_symbols(picture, "card") for picture in self.styled]
        return float(np.mean([a == b for a, b in zip(read, self.subjects, strict=True)]))

    @property
    def is_identical_at_zero(self) -> bool:
        pairs = zip(self.without, self.off, strict=True)
        return all(first.tobytes() == second.tobytes() for first, second in pairs)


def train_demo_lora(folder: Path, config: TrainingConfig) -> tuple[Path, float]:
    """Train on the example album; the LoRA's file and how many seconds it took."""
    output = folder / "nightdeck.safetensors"
    task = Task(
        base_model=str(MODEL),
        pictures=str(ALBUM),
        work=str(folder / "work"),
        output=str(output),
        title="Nightdeck",
        base_model_name="Built-in",
        trigger_word=TRIGGER,
        config=config,
    )
    began = time.monotonic()
    train(task, _print)
    return output, time.monotonic() - began


def _print(event: str, **values: object) -> None:
    step = values.get("step")
    if event == "step" and isinstance(step, int) and step % 50 == 0:
        print(f"  step {step}, loss {values['loss']}", flush=True)


def wishes() -> list[tuple[Subject, Wanted]]:
    """Twenty cards, spread over the deck, with their prompts and seeds."""
    about = json.loads(TEMPLATE.read_text("utf-8"))
    deck = [subject for subject in card_subjects() if " of " in subject.name]
    chosen = [deck[(7 * index) % len(deck)] for index in SEEDS]
    return [
        (
            subject,
            Wanted(
                expand_prompt(
                    about["base_prompt"], "{name}", {"name": subject.name}, TRIGGER,
                    about["style_suffix"],
                ),
                about["negative_prompt"],
                seed,
            ),
        )
        for seed, subject in zip(SEEDS, chosen, strict=True)
    ]  # fmt: skip


def draw_all(lora: Path) -> Drawn:
    """Draw the wishes three times with the engine that also draws for the gallery."""
    asked = wishes()
    about = json.loads((MODEL / "imagineer.json").read_text("utf-8"))
    settings = Settings(
        steps=about["steps"],
        guidance_scale=about["guidance"],
        width=about["width"],
        height=about["height"],
        scheduler="dpmpp_2m",
    )

    def draw(adapters: Sequence[Adapter]) -> list[Image.Image]:
        pictures: list[Image.Image] = []
        for start in range(0, len(asked), 10):
            wanted = [one for _, one in asked[start : start + 10]]
            drawn = diffusion_pipeline.draw(str(MODEL), wanted, settings, adapters)
            pictures += [picture for picture in drawn if picture is not None]
        return pictures

    without = draw([])
    styled = draw([Adapter("nightdeck", lora, 1.0)])
    off = draw([Adapter("nightdeck", lora, 0.0)])
    return Drawn([subject for subject, _ in asked], without, styled, off)


def metrics(drawn: Drawn, seconds: float) -> dict[str, dict[str, object]]:
    ratio = drawn.distance_with / drawn.distance_without
    return {
        "style_distance_ratio": {
            "value": round(ratio, 4),
            "target": "over 20 fixed seeds the mean distance to the style with the demo's LoRA "
            "at weight 1 is at most half of that without",
            "ok": ratio <= 0.5,
            "with": round(drawn.distance_with, 4),
            "without": round(drawn.distance_without, 4),
        },
        "readable": {
            "value": round(drawn.readable, 4),
            "target": "the judge still reads rank and suit",
            "ok": drawn.readable >= READABLE,
            "at_least": READABLE,
        },
        "identical_at_weight_0": {
            "value": drawn.is_identical_at_zero,
            "target": "at weight 0 the picture is bit-identical to the base model's",
            "ok": drawn.is_identical_at_zero,
        },
        "training_seconds": {"value": round(seconds, 1), "target": None, "ok": True},
    }


def save_grid(drawn: Drawn, path: Path) -> None:
    """Without above, with the LoRA below, at twice the size."""
    width, height = drawn.without[0].size
    grid = Image.new("RGB", (width * len(drawn.without), 2 * height))
    for column, (plain, styled) in enumerate(zip(drawn.without, drawn.styled, strict=True)):
        grid.paste(plain, (column * width, 0))
        grid.paste(styled, (column * width, height))
    path.parent.mkdir(parents=True, exist_ok=True)
    grid.save(path)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, help="instead of the demonstration's")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--grid", type=Path, help="also write the pictures here")
    chosen = options.parse_args()
    config = preset("builtin")
    if chosen.steps:
        config = replace(config, steps=chosen.steps)
    with tempfile.TemporaryDirectory() as folder:
        lora, seconds = train_demo_lora(Path(folder), config)
        drawn = draw_all(lora)
    found = metrics(drawn, seconds)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    if chosen.grid:
        save_grid(drawn, chosen.grid)
    for name, metric in found.items():
        print(f"{'ok  ' if metric['ok'] else 'MISS'} {name}: {metric['value']}")


if __name__ == "__main__":
    main()
