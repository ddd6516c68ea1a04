"""Measures the built-in model and writes var/bench/builtin_model.json.

    python -m benchmarks.builtin_model [--quick] [--out FILE]

Every card is drawn in three pairs of colours, on prompts as the batch templates word them, with
fixed seeds at 20 steps, and read by the judge. All metrics are always in the file; one that could
not be measured has the value null and is not ok.
"""

import argparse
import importlib.util
import json
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from generation.builtin import export, judge, textures
from generation.builtin.drawing import HEIGHT, PAPERS, WIDTH
from generation.builtin.paint import generate
from generation.builtin.subjects import (
    Subject,
    card_subjects,
    draw,
    sign_subjects,
    tarot_subjects,
)
from generation.builtin.train_vae import picture_array, psnr
from generation.prompts import expand_prompt, parse_rows

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "generation" / "builtin_model"
TEMPLATES = ROOT / "generation" / "batch_templates"
ALBUM = ROOT / "training" / "example_album"
OUT = ROOT / "var" / "bench" / "builtin_model.json"
COLOURS = (("crimson", "ivory"), ("navy", "sky"), ("violet", "mint"))
UNKNOWN_THEMES = ("art nouveau, moonlit", "a stormy sea at dawn", "by an old master, baroque")
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")

Metric = dict[str, object]
Check = Callable[[float], bool]


@dataclass(frozen=True)
class Wish:
    """One picture to generate: what it must show, and the words that ask for it."""

    subject: Subject
    prompt: str
    negative_prompt: str
    ink: str | None = None
    paper: str | None = None


def metric(value: float | None, target: str, check: Check) -> Metric:
    return {
        "value": None if value is None else round(value, 4),
        "target": target,
        "ok": value is not None and check(value),
    }


def at_least(bound: float) -> Check:
    return lambda value: value >= bound


def at_most(bound: float) -> Check:
    return lambda value: value <= bound


def wishes(template: str, subjects: Sequence[Subject], quick: bool) -> list[Wish]:
    """Every subject in every pair of colours, worded by a batch template."""
    about = json.loads((TEMPLATES / f"{template}.json").read_text("utf-8"))
    table = parse_rows((TEMPLATES / f"{template}.csv").read_text("utf-8"))
    rows = {row["name"].lower(): row for row in table}
    result = []
    for ink, paper in COLOURS:
        for subject in subjects[:: 6 if quick else 1]:
            prompt = expand_prompt(
                about["base_prompt"],
                about["prompt_template"],
                rows[subject.name],
                f"{ink} ink on {paper} paper",
                about["style_suffix"],
            )
            result.append(Wish(subject, prompt, about["negative_prompt"], ink, paper))
    return result


def share_right(
    pipeline: StableDiffusionPipeline, asked: Sequence[Wish], guidance: float, keep: Path | None
) -> float:
    """Share of the wishes that came true, by the judge; colours count where they were asked."""
    right = 0
    pictures = generate(
        pipeline,
        [wish.prompt for wish in asked],
        range(1000, 1000 + len(asked)),
        guidance=guidance,
        negative_prompt=asked[0].negative_prompt,
    )
    for wish, picture in zip(asked, pictures, strict=True):
        reading = judge.read(picture)
        good = reading.subject == wish.subject
        good = good and wish.ink in (None, reading.ink) and wish.paper in (None, reading.paper)
        right += good
        if not good:
            print(f"  wrong: {wish.prompt!r} read as {reading}")
    if keep:
        save_grid(pictures, keep)
    return right / len(asked)


def save_grid(pictures: Sequence[Image.Image], file: Path) -> None:
    """All pictures side by side, for looking at."""
    columns = 26
    rows = -(-len(pictures) // columns)
    grid = Image.new("RGB", (columns * (WIDTH + 4), rows * (HEIGHT + 4)), (90, 90, 90))
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        grid.paste(picture, (column * (WIDTH + 4) + 2, row * (HEIGHT + 4) + 2))
    file.parent.mkdir(parents=True, exist_ok=True)
    grid.save(file)


def free_wishes(quick: bool) -> tuple[list[Wish], list[Wish]]:
    """Short prompts that only name a card, and cards in themes the model does not know."""
    deck = card_subjects()[:52][:: 6 if quick else 2]
    short = [Wish(subject, subject.name, "") for subject in deck]
    themed = [
        Wish(
            subject,
            f"playing card, {subject.name}, {UNKNOWN_THEMES[i % len(UNKNOWN_THEMES)]}, clean print",
            "blurry, smudged, noisy",
        )
        for i, subject in enumerate(deck)
    ]
    return short, themed


def judge_right(quick: bool) -> float:
    """Share of held-out drawings that the judge reads wholly right."""
    drawings = judge.held_out(288 if quick else 1440, seed=77)
    return sum(judge.is_right(*drawing) for drawing in drawings) / len(drawings)


def wrong_pictures(quick: bool) -> Iterable[Image.Image]:
    """Pictures that show no whole drawing of ours: noise, textures, halves, turned drawings."""
    rng = random.Random(5)
    generator = np.random.default_rng(5)
    makers = (textures.hatching, textures.dots, textures.natural_noise, textures.shapes)
    deck = [*card_subjects(), *sign_subjects(), *tarot_subjects()]
    for _ in range(30 if quick else 150):
        yield Image.fromarray(generator.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
        yield rng.choice(makers)(rng)
        whole = draw(rng.choice(deck), "black", "ivory")
        for box in ((0, HEIGHT // 2, WIDTH, HEIGHT), (WIDTH // 2, 0, WIDTH, HEIGHT)):
            half = whole.copy()
            half.paste(PAPERS["ivory"], box)
            yield half


def judge_rejects(quick: bool) -> float:
    """Share of wrong pictures, and of right pictures asked for as something else, refused."""
    refused = [judge.read(picture).subject is None for picture in wrong_pictures(quick)]
    rng = random.Random(6)
    everything = [*card_subjects(), *sign_subjects(), *tarot_subjects()]
    for _ in range(60 if quick else 300):
        shown, asked = rng.sample(everything, 2)
        picture = judge.worn(draw(shown, "navy", "lemon"), rng)
        refused.append(not judge.is_right(picture, asked, "navy", "lemon"))
        refused.append(not judge.is_right(picture, shown, "crimson", "lemon"))
        refused.append(not judge.is_right(picture, shown, "navy", "white"))
    return sum(refused) / len(refused)


def seconds_per_picture(pipeline: StableDiffusionPipeline, guidance: float) -> tuple[float, float]:
    """Median seconds for one picture alone, and seconds for each of twelve together."""
    prompt = "playing card, queen of hearts, crimson ink on ivory paper, clean print"
    generate(pipeline, [prompt], [0], guidance=guidance)
    alone = []
    for seed in range(5):
        started = time.perf_counter()
        generate(pipeline, [prompt], [seed], guidance=guidance)
        alone.append(time.perf_counter() - started)
    started = time.perf_counter()
    generate(pipeline, [prompt] * 12, range(12), guidance=guidance)
    return statistics.median(alone), (time.perf_counter() - started) / 12


def mean_psnr(pipeline: StableDiffusionPipeline, pictures: Sequence[Image.Image]) -> float | None:
    """Mean PSNR in dB of what the VAE gives back, or None without pictures."""
    if not pictures:
        return None
    stack = torch.from_numpy(np.stack([picture_array(picture) for picture in pictures]))
    return float(psnr(pipeline.vae, stack).mean())


def album_pictures() -> list[Image.Image]:
    return [Image.open(file).convert("RGB") for file in sorted(ALBUM.glob("*.png"))]


def photographs() -> list[Image.Image]:
    """Sample photographs that scikit-image ships, cut and scaled to the model's size."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        return []
    folder = Path(spec.submodule_search_locations[0]) / "data"
    result = []
    for name in PHOTOGRAPHS:
        if (folder / name).exists():
            photo = Image.open(folder / name).convert("RGB")
            width = min(photo.width, photo.height * WIDTH // HEIGHT)
            height = width * HEIGHT // WIDTH
            left, top = (photo.width - width) // 2, (photo.height - height) // 2
            cut = photo.crop((left, top, left + width, top + height))
            result.append(cut.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))
    return result


def folder_megabytes(folder: Path) -> float | None:
    """Size of all files in 10⁶ bytes, or None when there is no model."""
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    return sum(sizes) / 1e6 if sizes else None


def measure(quick: bool, grids: Path | None) -> dict[str, Metric]:
    """All metrics of the built-in model."""
    torch.set_num_threads(2)
    about = json.loads((MODEL / "imagineer.json").read_text("utf-8"))
    guidance = float(about["guidance"])
    pipeline = export.load(MODEL)

    def score(asked: Sequence[Wish], name: str) -> float:
        keep = grids / f"{name}.png" if grids else None
        return share_right(pipeline, asked, guidance, keep)

    short, themed = free_wishes(quick)
    alone, together = seconds_per_picture(pipeline, guidance)
    cards = wishes("playing_cards", card_subjects()[:52], quick)
    return {
        "cards all right": metric(
            score(cards, "cards"), "at least 95% all right for cards", at_least(0.95)
        ),
        "signs all right": metric(
            score(wishes("zodiac", sign_subjects(), False), "signs"),
            "at least 95% all right for signs",
            at_least(0.95),
        ),
        "tarot all right": metric(
            score(wishes("tarot", tarot_subjects(), quick), "tarot"),
            "at least 90% all right for tarot",
            at_least(0.90),
        ),
        "short prompts readable": metric(
            score(short, "short"), "at least 90% right rank and suit", at_least(0.90)
        ),
        "unknown themes readable": metric(
            score(themed, "themes"), "at least 90% right rank and suit", at_least(0.90)
        ),
        "judge on held-out drawings": metric(
            judge_right(quick),
            "the judge is at least 99% right on held-out drawings",
            at_least(0.99),
        ),
        "judge rejects": metric(
            judge_rejects(quick), "the judge rejects noise and wrong cards", at_least(0.99)
        ),
        "seconds per picture": metric(
            alone, "one picture takes at most 3 s on two cores", at_most(3.0)
        ),
        "seconds per picture of twelve": metric(together, "at most 3 s", at_most(3.0)),
        "weights": metric(folder_megabytes(MODEL), "weights under 12 MB", lambda size: size < 12),
        "album reconstruction": metric(
            mean_psnr(pipeline, album_pictures()), "at least 20 dB PSNR", at_least(20)
        ),
        "photograph reconstruction": metric(
            mean_psnr(pipeline, photographs()), "at least 15 dB PSNR", at_least(15)
        ),
        "peak memory": metric(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "at most 1500 MB in this process",
            at_most(1500),
        ),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description="Measure the built-in model.")
    options.add_argument("--quick", action="store_true", help="a sixth of the cards")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--grids", type=Path, help="folder for grids of what was drawn")
    chosen = options.parse_args(arguments)
    metrics = measure(chosen.quick, chosen.grids)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(metrics, indent=2) + "\n", "utf-8")
    for name, entry in metrics.items():
        print(f"{'ok  ' if entry['ok'] else 'FAIL'}  {name}: {entry['value']} ({entry['target']})")
    return 0 if all(entry["ok"] for entry in metrics.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
