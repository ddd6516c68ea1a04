"""The local labeler: how often it takes a safe picture for an unsafe one, and how quick it is.

    python -m benchmarks.local_labeler [--photos FOLDER] [--album 200] [--scores FILE]

Safe pictures are what our own code draws (cards, signs, tarot, their built-in model's drawings, the
tests' pictures) and the photographs that come with scikit-image; crops of these are counted apart,
since they resemble each other. --photos adds a folder of photographs that are known to be safe.
--scores keeps every score. An album of photographs is labelled by the real job on SQLite. Writes
var/bench/local_labeler.json.
"""

import argparse
import io
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

os.environ["IMAGINEER_DATA"] = tempfile.mkdtemp(prefix="imagineer-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "imagineer.settings"
os.environ["DATABASE_URL"] = os.environ["REDIS_URL"] = os.environ["ANTHROPIC_API_KEY"] = ""
os.environ["LOG_LEVEL"] = "CRITICAL"

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402

from gallery import albums  # noqa: E402
from gallery.add_image import add_image  # noqa: E402
from gallery.image_files import on_white  # noqa: E402
from gallery.tests.factories import picture as test_picture  # noqa: E402
from generation.builtin import export, textures  # noqa: E402
from generation.builtin.captions import caption  # noqa: E402
from generation.builtin.drawing import INKS, PAPERS  # noqa: E402
from generation.builtin.paint import generate  # noqa: E402
from generation.builtin.subjects import all_subjects, draw  # noqa: E402
from imagineer.jobs.models import Job, Status  # noqa: E402
from imagineer.jobs.runner import execute  # noqa: E402
from labeling import nsfw_levels, nsfw_score  # noqa: E402
from labeling.labelers import LOCAL  # noqa: E402
from labeling.runs import start_run  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "var" / "bench" / "local_labeler.json"
FORMATS = {".png", ".jpg", ".jpeg", ".webp", ".gif"}
DRAWN_BY_MODEL = 36
CROPS_EACH = 5
SEED = 5
TARGETS: dict[str, tuple[str, bool, float]] = {
    # name: (target, whether more is better, bound)
    "safe pictures, crops left out": ("at least 500 safe pictures", True, 500),
    "of them rated ADULT or EXPLICIT, %": ("at most 1 %", False, 1.0),
    "of them rated SUGGESTIVE, %": ("at most 5 %", False, 5.0),
    "of photographs alone rated ADULT or EXPLICIT, %": ("at most 1 %", False, 1.0),
    "of crops rated ADULT or EXPLICIT, %": ("at most 1 %", False, 1.0),
    "photographs labelled a second": ("at least 5", True, 5.0),
    "processor seconds for each": ("at most 0.2", False, 0.2),
}


# --- Safe pictures -------------------------------------------------------------------------------


def drawn_by_code() -> Iterator[tuple[str, Image.Image]]:
    """Every card, sign and tarot card in two pairs of colours, textures, the tests' pictures."""
    chance = random.Random(SEED)
    for subject in all_subjects():
        for _ in range(2):
            ink, paper = chance.choice(list(INKS)), chance.choice(list(PAPERS))
            name = f"{subject.name}, {ink} on {paper}"
            yield name, draw(subject, ink, paper, chance, jitter=1.0, colour_jitter=6)
    for file in sorted((ROOT / "training" / "example_album").glob("*.png")):
        yield f"example album {file.stem}", read(file)
    for seed in range(80):
        yield f"texture {seed}", textures.texture(random.Random(seed))
    for seed in range(60):
        yield f"test picture {seed}", test_picture(seed, 300, 200)


def drawn_by_model() -> Iterator[tuple[str, Image.Image]]:
    chance = random.Random(SEED)
    pipeline = export.load(ROOT / "generation" / "builtin_model")
    subjects = chance.sample(all_subjects(), DRAWN_BY_MODEL)
    colours = [(chance.choice(list(INKS)), chance.choice(list(PAPERS))) for _ in subjects]
    prompts = [caption(s, *pair, chance) for s, pair in zip(subjects, colours, strict=True)]
    pictures = generate(pipeline, prompts, list(range(len(prompts))))
    yield from zip((f"built-in model: {prompt}" for prompt in prompts), pictures, strict=True)


def photographs(folders: Iterable[Path]) -> Iterator[tuple[str, Image.Image]]:
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() not in FORMATS:
                continue
            try:
                picture = read(file)
            except OSError:
                continue
            if min(picture.size) >= 48:
                yield str(file.relative_to(folder)), picture


def read(file: Path) -> Image.Image:
    with Image.open(file) as opened:
        upright = ImageOps.exif_transpose(opened)
        upright.load()
    return on_white(upright.convert("RGBA"))


def crops(pictures: dict[str, Image.Image]) -> Iterator[tuple[str, Image.Image]]:
    """Mirrored cuts of 60 % of each side, at chance."""
    chance = random.Random(SEED)
    for name, picture in pictures.items():
        width, height = picture.width * 6 // 10, picture.height * 6 // 10
        if min(width, height) < 100:
            continue
        for number in range(CROPS_EACH):
            left = chance.randint(0, picture.width - width)
            top = chance.randint(0, picture.height - height)
            cut = picture.crop((left, top, left + width, top + height))
            yield f"{name} crop {number}", ImageOps.mirror(cut) if number % 2 else cut


# --- What is measured ----------------------------------------------------------------------------


def scores(pictures: Iterable[tuple[str, Image.Image]]) -> dict[str, float]:
    weights = nsfw_score.open_nsfw_weights()
    assert weights is not None, "Install requirements-weights.txt."
    model = nsfw_score.OpenNsfw(weights)
    return {name: round(model.score(picture), 4) for name, picture in pictures}


def shares(found: dict[str, float]) -> dict[str, float]:
    """In per cent, of each rating."""
    thresholds = nsfw_levels.Thresholds()
    counts = Counter(nsfw_levels.by_score(score, thresholds).rating for score in found.values())
    return {rating: 100 * counts[rating] / max(1, len(found)) for rating in counts}


def unsafe(found: dict[str, float]) -> float:
    share = shares(found)
    return share.get(nsfw_levels.ADULT, 0.0) + share.get(nsfw_levels.EXPLICIT, 0.0)


def labelled_a_second(pictures: list[Image.Image], number: int) -> tuple[float, float]:
    """Through the job, files and rows included: JPEG files of 1600 × 1200.

    (pictures a second, processor seconds for each, which others on the machine do not change)
    """
    call_command("migrate", verbosity=0)
    album = albums.create("Photographs")
    chance = random.Random(SEED)
    for index in range(number):
        file = io.BytesIO()
        source = chance.choice(pictures)
        picture = ImageOps.fit(source, (1600, 1200), centering=(chance.random(), chance.random()))
        picture.save(file, "JPEG", quality=90, comment=str(index))
        add_image(file.getvalue(), source_type="upload", album=album)
    run = start_run(album=album, labeler=LOCAL)
    began, spent = time.perf_counter(), time.process_time()
    execute(run.job_id)
    taken, spent = time.perf_counter() - began, time.process_time() - spent
    assert Job.objects.get(pk=run.job_id).status == Status.COMPLETED
    assert run.counts()["done"] == number
    return number / taken, spent / number


def main() -> int:
    import skimage

    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, nargs="*", default=[])
    parser.add_argument("--album", type=int, default=200)
    parser.add_argument("--scores", type=Path)
    asked = parser.parse_args()
    photos = dict(photographs([Path(skimage.__file__).parent / "data", *asked.photos]))
    found = {
        "drawn by code": scores(drawn_by_code()),
        "drawn by the built-in model": scores(drawn_by_model()),
        "photographs": scores(photos.items()),
    }
    cut = scores(crops(photos))
    whole = {name: score for group in found.values() for name, score in group.items()}
    for title, group in [*found.items(), ("crops", cut)]:
        worst = sorted(group, key=lambda name: -group[name])[:3]
        said = ", ".join(f"{name} {group[name]:.2f}" for name in worst)
        print(f"{title:<28} {len(group):5}   {unsafe(group):5.2f} % unsafe   highest: {said}")
    large = [picture for picture in photos.values() if min(picture.size) >= 300]
    values = dict(
        zip(
            TARGETS,
            (
                float(len(whole)), unsafe(whole), shares(whole).get(nsfw_levels.SUGGESTIVE, 0.0),
                unsafe(found["photographs"]), unsafe(cut), *labelled_a_second(large, asked.album),
            ),
            strict=True,
        )
    )  # fmt: skip
    if asked.scores:
        asked.scores.write_text(json.dumps(found | {"crops": cut}, indent=1) + "\n", "utf-8")
    metrics = {}
    for name, (target, more, bound) in TARGETS.items():
        value = values[name]
        metrics[name] = {
            "value": round(value, 2), "target": target,
            "ok": value >= bound if more else value <= bound,
        }  # fmt: skip
        print(f"{name:<52} {value:8.2f}   {target}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(metrics, indent=2) + "\n", "utf-8")
    return 0 if all(metric["ok"] for metric in metrics.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
