"""How quick the jobs system is: real queue server, real workers, SQLite, a folder of its own.

    python -m benchmarks.jobs [--rounds 10]

Measures the slowest and the median of: submit to start, cancel to end, kill to second attempt, and
writes var/bench/jobs.json. A target holds for the slowest.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ["IMAGINEER_DATA"] = tempfile.mkdtemp(prefix="imagineer-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "imagineer.jobs.tests.process_settings"
os.environ["DATABASE_URL"] = os.environ["REDIS_URL"] = ""

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from imagineer.jobs import states  # noqa: E402
from imagineer.jobs.models import Job, Status  # noqa: E402
from imagineer.jobs.tests.platform import WORKERS, Platform, use, wait_until  # noqa: E402

OUT = Path(__file__).resolve().parent.parent / "var" / "bench" / "jobs.json"
CANCEL = ("cancel takes effect within two seconds in every kind", 2.0)
RECOVERY = ("recovery takes at most 15 seconds", 15.0)
START = ("at most 2 s", 2.0)


class Figures:
    """What was measured, printed as it comes; every metric stays missing until it has a value."""

    def __init__(self, names: dict[str, tuple[str, float]]) -> None:
        self.bounds = {name: bound for name, (_, bound) in names.items()}
        self.metrics: dict[str, dict[str, object]] = {
            name: {"value": None, "target": target, "ok": False}
            for name, (target, _) in names.items()
        }

    def measure(self, name: str, rounds: int, once: Callable[[], float]) -> None:
        values = [once() for _ in range(rounds)]
        slowest = max(values)
        print(f"{name:<44} {statistics.median(values):7.3f} s   slowest {slowest:7.3f} s")
        self.metrics[name] |= {
            "value": round(slowest, 3),
            "median": round(statistics.median(values), 3),
            "ok": slowest <= self.bounds[name],
        }

    def write(self) -> bool:
        """Whether every metric is there and holds."""
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(self.metrics, indent=2) + "\n", "utf-8")
        return all(metric["ok"] for metric in self.metrics.values())


def start_delay(platform: Platform, queue: str) -> float:
    """From submit() to running."""
    job = platform.submit(f"{queue}.count")
    platform.wait_for(job, Status.COMPLETED)
    assert job.started_at
    return (job.started_at - job.created_at).total_seconds()


def cancel_delay(platform: Platform, queue: str, verb: str) -> float:
    """From cancel() to the row's end."""
    job = platform.submit(f"{queue}.{verb}")
    platform.wait_started(job)
    asked = time.monotonic()
    states.cancel(job)
    platform.wait_for(job, Status.CANCELLED)
    return time.monotonic() - asked


def recovery_delay(platform: Platform, queue: str, strike: Callable[[], object]) -> float:
    """From a kill (and the restart of what is dead) to the second attempt."""
    job = platform.submit(f"{queue}.items", items=100_000, seconds=0.02)
    wait_until(lambda: Job.objects.filter(pk=job.pk, progress_done__gt=0).exists(), "progress")
    strike()
    killed = time.monotonic()
    wait_until(lambda: Job.objects.filter(pk=job.pk, attempts=2).exists(), "a second attempt")
    taken = time.monotonic() - killed
    states.cancel(job)
    platform.wait_for(job, Status.CANCELLED)
    return taken


def restart(platform: Platform, *names: str) -> None:
    platform.kill(*names)
    platform.start(*names)


def strikes(platform: Platform) -> dict[str, tuple[str, Callable[[], object]]]:
    """What is killed: a name, the queue whose job it hits, and how."""
    return {
        "a forked child": ("default", lambda: platform.kill_horse("default")),
        "the warm child": ("gpu", lambda: platform.kill_horse("gpu")),
        "a worker": ("default", lambda: restart(platform, "default")),
        "the gpu worker": ("gpu", lambda: restart(platform, "gpu")),
        "everything": ("gpu", lambda: restart(platform, "redis", *WORKERS)),
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    call_command("migrate", verbosity=0)
    platform = Platform(Path(settings.DATA_DIR))
    use(platform, settings)
    stuck = ("default", "gpu")
    figures = Figures(
        {f"submit to start, {queue}": START for queue in WORKERS}
        | {f"cancel, asked at every step, {queue}": CANCEL for queue in WORKERS}
        | {f"cancel, stuck in a C loop, {queue}": CANCEL for queue in stuck}
        | {f"kill of {name} to second attempt": RECOVERY for name in strikes(platform)}
    )
    platform.start("redis", *WORKERS)
    try:
        for queue in WORKERS:
            start_delay(platform, queue)
            once = partial(start_delay, platform, queue)
            figures.measure(f"submit to start, {queue}", rounds, once)
        for queue in WORKERS:
            once = partial(cancel_delay, platform, queue, "polite")
            figures.measure(f"cancel, asked at every step, {queue}", rounds, once)
        for queue in stuck:
            once = partial(cancel_delay, platform, queue, "deaf")
            figures.measure(f"cancel, stuck in a C loop, {queue}", max(2, rounds // 3), once)
        for name, (queue, strike) in strikes(platform).items():
            once = partial(recovery_delay, platform, queue, strike)
            figures.measure(f"kill of {name} to second attempt", max(2, rounds // 2), once)
    finally:
        platform.stop()
        fine = figures.write()
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
