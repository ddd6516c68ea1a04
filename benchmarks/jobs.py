"""How quick the jobs system is: real queue server, real workers, SQLite, a folder of its own.

    python -m benchmarks.jobs [--rounds 10]

Prints medians (and the slowest) of: enqueue to start, cancel to end, kill to second attempt.
"""

import argparse
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


def measured(name: str, rounds: int, once: Callable[[], float]) -> None:
    values = [once() for _ in range(rounds)]
    print(f"{name:<44} {statistics.median(values):7.3f} s   slowest {max(values):7.3f} s")


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    call_command("migrate", verbosity=0)
    platform = Platform(Path(settings.DATA_DIR))
    use(platform, settings)
    platform.start("redis", *WORKERS)
    try:
        for queue in WORKERS:
            start_delay(platform, queue)
            measured(f"submit to start, {queue}", rounds, partial(start_delay, platform, queue))
        for queue in WORKERS:
            measured(
                f"cancel, asked at every step, {queue}",
                rounds,
                partial(cancel_delay, platform, queue, "polite"),
            )
        for queue in ("default", "gpu"):
            measured(
                f"cancel, stuck in a C loop, {queue}",
                max(2, rounds // 3),
                partial(cancel_delay, platform, queue, "deaf"),
            )
        strikes: dict[str, tuple[str, Callable[[], object]]] = {
            "a forked child": ("default", lambda: platform.kill_horse("default")),
            "the warm child": ("gpu", lambda: platform.kill_horse("gpu")),
            "a worker": ("default", lambda: restart(platform, "default")),
            "the gpu worker": ("gpu", lambda: restart(platform, "gpu")),
            "everything": ("gpu", lambda: restart(platform, "redis", *WORKERS)),
        }
        for name, (queue, strike) in strikes.items():
            measured(
                f"kill of {name} to second attempt",
                max(2, rounds // 2),
                partial(recovery_delay, platform, queue, strike),
            )
    finally:
        platform.stop()


if __name__ == "__main__":
    main()
