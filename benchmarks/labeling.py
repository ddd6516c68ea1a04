"""How labeling fares: concurrency, memory and kills, against a server with Anthropic's wire format.

    python -m benchmarks.labeling [--images 200] [--rounds 3] [--kills 10]

A real worker, a real queue server, SQLite and pictures in a folder of their own; the server that
answers after 300 ms is a process of its own. "Sequential" is the same run at concurrency 1. Writes
var/bench/labeling.json. FULL=0 measures once instead of three times, and kills 3 times.
"""

import argparse
import hashlib
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "var" / "bench" / "labeling.json"
LATENCY_S = 0.3
AT_ONCE = 8
KEY = "sk-ant-test"
SPEED = "200 images at concurrency 8 in at most 1/7 of the sequential time"
MEMORY = "memory flat"
REPEATED = (
    "after kill -9 at a random moment and a restart, only requests in flight at the kill are "
    "repeated"
)
TWICE = "no image ends with two labels of one run"
# More than what allocators keep back, less than a single decoded picture more a second.
FLAT_MB = 12.0


# --- The server's process ------------------------------------------------------------------------


def serve() -> None:
    """Answer requests; on every line read, print what was asked since the last one.

    A caption is the digest of its picture as sent, so labels tell which requests they answer.
    """
    from labeling.tests.anthropic_server import AnthropicServer, Reply, good_text

    asked: deque[str] = deque()

    def answer(body: dict[str, Any]) -> Reply:
        data = body["messages"][0]["content"][0]["source"]["data"]
        digest = hashlib.sha256(data.encode()).hexdigest()
        asked.append(digest)
        return Reply(text=good_text(caption=digest), delay_s=LATENCY_S)

    with AnthropicServer() as server:
        server.answer = answer
        # Bodies of 300 kB each are not kept.
        server.requests = deque(maxlen=1)  # type: ignore[assignment]
        print(json.dumps({"url": server.url}), flush=True)
        for _ in sys.stdin:
            since = [asked.popleft() for _ in range(len(asked))]
            said = {"asked": since, "violations": server.violations, "most": server.most_in_flight}
            server.most_in_flight = 0
            print(json.dumps(said), flush=True)


class Server:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.labeling", "--serve"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.url = str(self._read()["url"])
        self.most = 0

    def asked(self) -> list[str]:
        """Which pictures were asked about since the last time, as digests of what was sent."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        said = self._read()
        assert said["violations"] == [], said["violations"]
        self.most = said["most"]
        return [str(digest) for digest in said["asked"]]

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said


# --- Pictures and runs ---------------------------------------------------------------------------


def picture_file(seed: int) -> bytes:
    """1216 × 832 pixels of soft noise and shapes: every other one a PNG, else a JPEG."""
    import numpy as np
    from PIL import Image

    from gallery.tests.factories import picture

    grain = np.random.default_rng(seed).integers(0, 255, (104, 152, 3), dtype=np.uint8)
    noise = Image.fromarray(grain).resize((1216, 832), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    mixed = Image.blend(picture(seed, 1216, 832), noise, 0.3)
    mixed.save(file, "PNG") if seed % 2 else mixed.save(file, "JPEG", quality=92)
    return file.getvalue()


class Bench:
    def __init__(self, images: int, rounds: int, kills: int) -> None:
        from django.conf import settings

        from gallery.add_image import add_image
        from gallery.tests.factories import make_album
        from gallery.tests.workers import Workers
        from imagineer.jobs.tests.platform import use

        self.server = Server()
        self.images, self.rounds, self.kills = images, rounds, kills
        self.platform = Workers(Path(settings.DATA_DIR))
        use(self.platform, settings)
        began = time.perf_counter()
        rows = [
            add_image(picture_file(seed), source_type="upload", original_name=f"{seed}.png").image
            for seed in range(images)
        ]
        self.album = make_album("Benchmark", rows)
        print(f"{images} pictures made in {time.perf_counter() - began:.1f} s", flush=True)

    def worker(self, at_once: int) -> None:
        """Start the worker anew."""
        if "default" in self.platform.processes:
            self.platform.kill("default")
        self.platform.more = {
            "ANTHROPIC_BASE_URL": self.server.url,
            "LABELING_CONCURRENCY": str(at_once),
            "LOG_LEVEL": "WARNING",
        }
        self.platform.start("default")

    def begin(self) -> Any:
        """A run over the whole album, whose pictures are as if nobody had looked at them."""
        from gallery.models import Image, Label
        from gallery.ratings import change_rating
        from labeling.runs import start_run

        Label.objects.all().delete()
        change_rating(Image.objects.all(), "UNRATED")
        self.server.asked()
        return start_run(album=self.album, force=True)

    def ended(self, run: Any) -> Any:
        job = self.platform.ended(run.job)
        assert job.result is not None
        assert job.result["labelled"] == self.images, job.result
        return job

    # --- What is measured ---

    def seconds(self, at_once: int) -> tuple[float, list[float]]:
        """From the job's start to its end, and the memory (MB) of its process meanwhile."""
        self.worker(at_once)
        run = self.begin()
        memory: list[float] = []

        while not run.job.has_ended:
            time.sleep(0.1)
            memory.extend(self.memory())
            run.job.refresh_from_db()
        job = self.ended(run)
        assert len(self.server.asked()) == self.images
        assert self.server.most == at_once, self.server.most
        return (job.finished_at - job.started_at).total_seconds(), memory

    def memory(self) -> list[float]:
        """Resident MB of the worker's child; empty while there is none."""
        import psutil

        try:
            parent = psutil.Process(self.platform.processes["default"].pid)
            return [child.memory_info().rss / 1e6 for child in parent.children()]
        except psutil.NoSuchProcess:
            return []

    def kill(self, written: int, seconds: float) -> dict[str, Any]:
        """A run whose worker is killed so many seconds after so many answers were written, and that
        another worker ends.
        """
        from labeling.models import LabelingItem

        self.worker(AT_ONCE)
        run = self.begin()
        done = run.items.filter(outcome=LabelingItem.Outcome.DONE)
        self.platform.wait_for(run.job, "running")
        self.platform.until(lambda: done.count() >= written, f"{written} answers")
        time.sleep(seconds)
        self.platform.kill("default")
        answered = set(captions())
        # What was sent has arrived by then; nobody is left who could send.
        time.sleep(0.5)
        asked = Counter(self.server.asked())
        in_flight = set(asked) - answered
        self.worker(AT_ONCE)
        job = self.ended(run)
        asked.update(self.server.asked())
        repeated = {digest for digest, times in asked.items() if times > 1}
        assert len(asked) == len(set(captions())) == self.images
        return {
            "attempts": job.attempts,
            "written": len(answered),
            "in_flight": len(in_flight),
            "repeated": len(repeated),
            "repeated_but_not_in_flight": len(repeated - in_flight),
            "asked_most": max(asked.values()),
            "labels_most": labels_most(),
        }


def captions() -> list[str]:
    from gallery.models import Label

    return list(Label.objects.filter(kind=Label.Kind.CAPTION).values_list("text", flat=True))


def labels_most() -> int:
    """The most captions, ratings, or tags of one text that any image has."""
    from gallery.models import Label

    labels = Label.objects.values_list("image_id", "kind", "text")
    return max(
        Counter((image, text if kind == "tag" else kind) for image, kind, text in labels).values()
    )


# --- The measurement -----------------------------------------------------------------------------


def measure(bench: Bench, metrics: dict[str, dict[str, Any]]) -> None:
    bench.platform.start("redis")
    bench.platform.until(bench.platform.redis_answers, "the queue server")
    sequential, _ = bench.seconds(1)
    print(f"concurrency 1  {sequential:6.1f} s", flush=True)
    runs = [bench.seconds(AT_ONCE) for _ in range(bench.rounds)]
    for seconds, memory in runs:
        print(f"concurrency {AT_ONCE}  {seconds:6.1f} s  {max(memory):.0f} MB at most", flush=True)
    concurrent = statistics.median(seconds for seconds, _ in runs)
    metrics["speed"] |= {
        "value": round(concurrent / sequential, 4),
        "sequential_s": round(sequential, 2),
        "concurrent_s": [round(seconds, 2) for seconds, _ in runs],
        "ok": concurrent <= sequential / 7,
    }
    growth = [grown(memory) for _, memory in runs]
    metrics["memory"] |= {
        "value": round(max(growth), 1),
        "unit": "MB more in the last quarter of a run than in the second",
        "peak_mb": round(max(max(memory) for _, memory in runs)),
        "ok": max(growth) <= FLAT_MB,
    }
    chance = random.Random(4)
    kills = []
    for _ in range(bench.kills):
        kills.append(bench.kill(chance.randrange(bench.images), chance.uniform(0, LATENCY_S)))
        print(kills[-1], flush=True)
    metrics["repeated"] |= {
        "value": [kill["repeated"] for kill in kills],
        "kills": kills,
        "ok": all(
            kill["in_flight"] <= AT_ONCE
            and kill["repeated_but_not_in_flight"] == 0
            and kill["asked_most"] <= 2
            for kill in kills
        ),
    }
    most = max(kill["labels_most"] for kill in kills)
    metrics["twice"] |= {"value": most, "unit": "labels of one kind", "ok": most == 1}


def grown(memory: list[float]) -> float:
    quarter = len(memory) // 4
    return statistics.median(memory[-quarter:]) - statistics.median(memory[quarter : 2 * quarter])


def main() -> int:
    if sys.argv[1:] == ["--serve"]:
        serve()
        return 0
    full = os.environ.get("FULL", "1") != "0"
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3 if full else 1)
    parser.add_argument("--kills", type=int, default=10 if full else 3)
    told = parser.parse_args()
    targets = {"speed": SPEED, "memory": MEMORY, "repeated": REPEATED, "twice": TWICE}
    metrics: dict[str, dict[str, Any]] = {
        name: {"value": None, "target": target, "ok": False} for name, target in targets.items()
    }
    with tempfile.TemporaryDirectory(prefix="imagineer-bench-") as folder:
        os.environ.update(
            IMAGINEER_DATA=folder, DJANGO_SETTINGS_MODULE="imagineer.settings", DATABASE_URL="",
            REDIS_URL="", LOG_LEVEL="WARNING", ANTHROPIC_API_KEY=KEY,
        )  # fmt: skip
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        bench = Bench(told.images, told.rounds, told.kills)
        try:
            measure(bench, metrics)
        finally:
            bench.platform.stop()
            bench.server.process.kill()
            OUT.parent.mkdir(parents=True, exist_ok=True)
            OUT.write_text(json.dumps(metrics, indent=2) + "\n", "utf-8")
    for name, metric in metrics.items():
        print(f"{name:<9} {'ok  ' if metric['ok'] else 'MISS'} {metric['value']}")
    return 0 if all(metric["ok"] for metric in metrics.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
