"""How fast pictures come in: add_image beside a bare loop of the same work, on both cores.

    python -m benchmarks.ingest [--rounds 30] [--pictures 20000]

Two processes add to one new SQLite gallery; two others only decode, scale, hash and encode, with
Pillow or pyvips, whichever is faster for the format. All four are given the same pictures, and the
pairs work in turn, so that whatever else the machine does meets both alike. The bare loop keeps
nothing: no file, no row. Then two new processes add small pictures, and their memory is watched.

Each picture differs from all others by a number in its metadata. Writes var/bench/ingest.json.
FULL=0 takes 1 000 small pictures and few rounds.
"""

import argparse
import hashlib
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageFilter

from gallery.tests.photographs import NUMBER, numbered, photograph

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "var" / "bench" / "ingest.json"
RATIO = (
    "add_image end to end (decode, verify, hashes, four thumbnails, rows) on both cores at 0.8 or "
    "more of a bare loop that does the same decoding, resizing, hashing and WebP encoding at equal "
    "settings (quality 85) with the faster of Pillow (`draft`) and pyvips per format"
)
RATES = "rates on 12 MP pictures"
FLAT = "memory flat over 20 000 pictures of 0.3 MP"
FORMATS = ("jpeg", "png", "webp")
LARGE, SMALL = (4000, 3000), (640, 480)
MEGAPIXELS = {LARGE: "12 MP", SMALL: "0.3 MP"}
# How many different pictures there are, and how many one process is given at a time.
DRAWN = {LARGE: 2, SMALL: 8}
BATCH = {LARGE: 2, SMALL: 10}
MEMORY_BATCH = 50
# Until then caches fill and the allocator finds its size.
WARM_UP = 0.1
FLAT_WITHIN = 1.03


# --- Pictures ------------------------------------------------------------------------------------


def write_pictures(folder: Path) -> None:
    for size, count in DRAWN.items():
        for seed in range(count):
            drawn = photograph(seed, size)
            for kind, options in (
                ("jpeg", {"quality": 90}),
                ("png", {}),
                ("webp", {"quality": 85, "method": 2, "xmp": NUMBER}),
            ):
                drawn.save(folder / f"{size[0]}-{seed}.{kind}", kind.upper(), **options)


def pictures(folder: Path, size: tuple[int, int], kind: str, numbers: range) -> list[bytes]:
    paths = sorted(folder.glob(f"{size[0]}-*.{kind}"))
    return [numbered(paths[number % len(paths)].read_bytes(), kind, number) for number in numbers]


# --- The bare loop -------------------------------------------------------------------------------


def scaled_by_pillow(data: bytes) -> Iterator[Picture.Image]:
    """An upright RGB picture in the sizes of its renditions, the largest first."""
    from gallery import renditions

    opened = Picture.open(io.BytesIO(data))
    width, height = opened.size
    sizes = [
        renditions.rendition_size(width, height, each)
        for each in reversed(renditions.sharp_widths(width))
    ]
    opened.draft("RGB", sizes[0])
    opened.load()
    picture: Picture.Image = opened
    for size in sizes:
        if picture.size != size:
            picture = picture.resize(size, Picture.Resampling.LANCZOS, reducing_gap=3.0)
        yield picture


def scaled_by_pyvips(data: bytes) -> Iterator[Picture.Image]:
    """The same. Lines are computed in this thread: handing them over costs more on few cores."""
    import pyvips

    from gallery import renditions

    widest = renditions.WIDTHS[-1]
    found = pyvips.Image.thumbnail_buffer(
        data, widest, height=widest * renditions.MAX_HEIGHT_FACTOR, size="down", fail_on="warning"
    )
    for width in reversed(renditions.sharp_widths(found.width)):
        if found.width != width:
            found = found.resize(width / found.width)
        region = pyvips.Region.new(found)
        lines = [
            region.fetch(0, top, width, min(64, found.height - top))
            for top in range(0, found.height, 64)
        ]
        pixels = b"".join(lines)
        yield Picture.frombytes("RGB", (width, found.height), pixels)
        found = pyvips.Image.new_from_memory(pixels, width, found.height, 3, "uchar")


SCALED = {"pillow": scaled_by_pillow, "pyvips": scaled_by_pyvips}


def work_barely(data: bytes, library: str) -> list[bytes]:
    """Three hashes and four WebP files, of which nothing is kept."""
    from gallery import fingerprint, renditions, thumbhash

    hashlib.sha256(data).digest()
    files = []
    for picture in SCALED[library](data):
        files.append(_webp(picture))
    fingerprint.phash(picture)
    tiny = picture.copy()
    tiny.thumbnail((thumbhash.MAX_SIDE, thumbhash.MAX_SIDE), Picture.Resampling.LANCZOS)
    thumbhash.encode(np.asarray(tiny.convert("RGBA")))
    few = renditions.BLUR_PATCHES
    patches = picture.resize((few, few * picture.height // picture.width), Picture.Resampling.BOX)
    soft = patches.resize(picture.size, Picture.Resampling.BICUBIC)
    files.append(_webp(soft.filter(ImageFilter.GaussianBlur(max(picture.size) / few / 2))))
    return files


def _webp(picture: Picture.Image) -> bytes:
    from gallery import renditions

    file = io.BytesIO()
    picture.save(file, "WEBP", quality=renditions.QUALITY, method=renditions.METHOD)
    return file.getvalue()


# --- The processes -------------------------------------------------------------------------------


def work(role: str, folder: Path) -> None:
    """Answer one JSON line for each line read. role: "add" or "bare".

    "prepare WIDTH FORMAT START STOP" makes pictures ready, "go LIBRARY" works on them and says how
    much CPU time that took, "forget" removes the files written, "memory" says what is resident.
    """
    import django

    django.setup()
    if role == "bare":
        import pyvips

        pyvips.cache_set_max(0)
        pyvips.concurrency_set(1)
    ready: list[bytes] = []
    added: list[Any] = []
    for line in sys.stdin:
        told, *rest = line.split()
        answer: dict[str, Any] = {}
        if told == "prepare":
            width, kind, start, stop = rest
            size = LARGE if int(width) == LARGE[0] else SMALL
            ready = pictures(folder, size, kind, range(int(start), int(stop)))
        elif told == "go":
            began = time.process_time()
            if role == "add":
                added += _add(ready)
            else:
                for data in ready:
                    work_barely(data, rest[0])
            answer["cpu_seconds"] = time.process_time() - began
            ready = []
        elif told == "forget":
            _forget(added)
            added = []
        elif told == "memory":
            import psutil

            answer["rss_mb"] = psutil.Process().memory_info().rss / 1e6
        print(json.dumps(answer), flush=True)


def _add(ready: list[bytes]) -> list[Any]:
    from gallery.add_image import add_image

    done = [add_image(data, source_type="upload", original_name="photo.jpg") for data in ready]
    assert all(each.created for each in done)
    return [each.image for each in done]


def _forget(images: list[Any]) -> None:
    """Remove files, not rows: twenty thousand pictures would fill ten gigabytes."""
    from django.core.files.storage import default_storage

    from gallery import renditions

    for image in images:
        keys = image.sharp_key, image.blurred_key
        for name in (image.file.name, *renditions.names_of(image.sha256, image.width, *keys)):
            default_storage.delete(name)


class Pair:
    """Two processes of one role, one for each core."""

    def __init__(self, role: str, folder: Path) -> None:
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ingest", "--work", role, str(folder)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for _ in range(2)
        ]  # fmt: skip

    def ask(self, *lines: str) -> list[dict[str, Any]]:
        """What both answer; one line for each, or one for both."""
        asked = lines * 2 if len(lines) == 1 else lines
        for process, line in zip(self.processes, asked, strict=True):
            assert process.stdin is not None
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        answers = []
        for process in self.processes:
            assert process.stdout is not None
            answers.append(json.loads(process.stdout.readline()))
        return answers

    def prepare(self, size: tuple[int, int], kind: str, first: int, count: int) -> None:
        """Make ``count`` pictures ready in each process, numbered from ``first`` on."""
        middle = first + count
        self.ask(
            f"prepare {size[0]} {kind} {first} {middle}",
            f"prepare {size[0]} {kind} {middle} {middle + count}",
        )

    def go(self, library: str = "") -> tuple[float, float]:
        """Work on what is ready: seconds until the later one is done, CPU seconds of both."""
        began = time.perf_counter()
        answers = self.ask(f"go {library}")
        return time.perf_counter() - began, sum(each["cpu_seconds"] for each in answers)

    def end(self) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


# --- The measurement -----------------------------------------------------------------------------


def faster_library(bare: Pair, size: tuple[int, int], kind: str) -> tuple[str, dict[str, float]]:
    """Which library the bare loop takes, and how many pictures a second each does."""
    times: dict[str, list[float]] = {library: [] for library in SCALED}
    for number in range(9):
        for library in SCALED:
            bare.prepare(size, kind, 0, BATCH[size])
            seconds, _ = bare.go(library)
            if number:
                times[library].append(seconds)
    rates = {
        library: round(2 * BATCH[size] / statistics.median(spent), 2)
        for library, spent in times.items()
    }
    return max(rates, key=lambda library: rates[library]), rates


def compare(
    add: Pair, bare: Pair, size: tuple[int, int], kind: str, rounds: int, numbers: Iterator[int]
) -> dict[str, Any]:
    """Pictures a second of both pairs, and the median of the rounds' ratios."""
    library, rates = faster_library(bare, size, kind)
    wall: dict[str, list[float]] = {"add": [], "bare": []}
    cpu: dict[str, list[float]] = {"add": [], "bare": []}
    for number in range(rounds + 1):
        first = next(numbers) * 2 * BATCH[size]
        for role, pair in (("add", add), ("bare", bare))[:: 1 if number % 2 else -1]:
            pair.prepare(size, kind, first, BATCH[size])
            seconds, cpu_seconds = pair.go(library)
            # The first round loads libraries.
            if number:
                wall[role].append(seconds)
                cpu[role].append(cpu_seconds)
        add.ask("forget")
    figures = {
        "add_image": round(2 * BATCH[size] / statistics.median(wall["add"]), 2),
        "bare": round(2 * BATCH[size] / statistics.median(wall["bare"]), 2),
        "ratio": _ratio(wall),
        "ratio_of_cpu_time": _ratio(cpu),
        "bare_loop_with": library,
        "bare_rates": rates,
    }
    print(
        f"{MEGAPIXELS[size]:<7}{kind:<5} add_image {figures['add_image']:7.2f}/s  "
        f"bare {figures['bare']:7.2f}/s ({library})  ratio {figures['ratio']}  "
        f"of CPU time {figures['ratio_of_cpu_time']}",
        flush=True,
    )
    return figures


def _ratio(spent: dict[str, list[float]]) -> float:
    pairs = zip(spent["add"], spent["bare"], strict=True)
    return round(statistics.median(bare / add for add, bare in pairs), 3)


def watch_memory(folder: Path, pictures: int) -> dict[str, Any]:
    """Add small pictures of all formats in two new processes and follow what is resident."""
    add = Pair("add", folder)
    resident: list[list[float]] = [[], []]
    kinds = itertools.cycle(FORMATS)
    began = time.perf_counter()
    # Numbers that the rounds before have not had.
    for first in range(10**9, 10**9 + pictures, 2 * MEMORY_BATCH):
        add.prepare(SMALL, next(kinds), first, MEMORY_BATCH)
        add.go()
        add.ask("forget")
        for own, answer in zip(resident, add.ask("memory"), strict=True):
            own.append(answer["rss_mb"])
        if len(resident[0]) % 20 == 0:
            done = first + 2 * MEMORY_BATCH - 10**9
            print(f"{done:>6} pictures  {[round(own[-1]) for own in resident]} MB", flush=True)
    taken = time.perf_counter() - began
    add.end()
    grown = []
    for own in resident:
        warm = own[int(len(own) * WARM_UP) :]
        quarter = len(warm) // 4
        grown.append(statistics.median(warm[-quarter:]) / statistics.median(warm[:quarter]))
    return {
        "defined": (
            "resident memory of two processes that share the pictures, read every "
            f"{MEMORY_BATCH} pictures; after the first tenth, the median of the last quarter "
            f"is at most {FLAT_WITHIN} times that of the first"
        ),
        "pictures": 2 * MEMORY_BATCH * len(resident[0]),
        "last_quarter_to_first": [round(each, 4) for each in grown],
        "median_mb": [round(statistics.median(own), 1) for own in resident],
        "most_mb": [round(max(own), 1) for own in resident],
        "minutes": round(taken / 60, 1),
    }


def measure(metrics: dict[str, dict[str, Any]], rounds: int, pictures: int, folder: Path) -> None:
    """Fill in the metrics, each as soon as it is known."""
    (folder / "data").mkdir()
    write_pictures(folder)
    os.environ.update(
        IMAGINEER_DATA=str(folder / "data"), DJANGO_SETTINGS_MODULE="imagineer.settings",
        DATABASE_URL="", REDIS_URL="", LOG_LEVEL="ERROR",
    )  # fmt: skip
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
    numbers = itertools.count(1)
    add, bare = Pair("add", folder), Pair("bare", folder)
    figures = {
        MEGAPIXELS[size]: {
            kind: compare(add, bare, size, kind, rounds, numbers) for kind in FORMATS
        }
        for size in (LARGE, SMALL)
    }
    add.end()
    bare.end()
    ratios = {
        size: {kind: row["ratio"] for kind, row in rows.items()} for size, rows in figures.items()
    }
    lowest = min(min(rows.values()) for rows in ratios.values())
    metrics["ratio"] |= {"value": ratios, "ok": lowest >= 0.8}
    metrics["rates"] |= {"value": figures, "ok": True}
    memory = watch_memory(folder, pictures)
    grown = max(memory["last_quarter_to_first"])
    metrics["memory"] |= {"value": memory, "ok": grown <= FLAT_WITHIN}


def main() -> int:
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], Path(sys.argv[3]))
        return 0
    full = os.environ.get("FULL", "1") != "0"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30 if full else 5)
    parser.add_argument("--pictures", type=int, default=20_000 if full else 1_000)
    told = parser.parse_args()
    metrics: dict[str, dict[str, Any]] = {
        name: {"value": None, "target": target, "ok": False}
        for name, target in (("ratio", RATIO), ("rates", RATES), ("memory", FLAT))
    }
    try:
        with tempfile.TemporaryDirectory(prefix="imagineer-bench-") as temporary:
            measure(metrics, told.rounds, told.pictures, Path(temporary))
    finally:
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(metrics, indent=2) + "\n")
    for name, metric in metrics.items():
        if name != "rates":
            print(f"{name:<8} {'ok  ' if metric['ok'] else 'MISS'} {metric['value']}")
    return 0 if all(metric["ok"] for metric in metrics.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
