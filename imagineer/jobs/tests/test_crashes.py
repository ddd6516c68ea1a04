"""SIGKILL at random moments: afterwards rows and files are what they should be.

A platform of real processes works through batches of jobs while its processes are killed at seeded
random moments and started again. Then every job must have ended in a state that says why, every
item must exist exactly once, and no job may ever have run twice at the same time.

Normally all kinds of process are killed in turn in one session, a few times each. CRASH_ROUNDS=50
(`make test-crash`) gives every kind a session of its own with so many kills. CRASH_SEED: another
series of moments.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from django.db import connection

from imagineer.jobs import attend, orphans, states
from imagineer.jobs.models import ENDED, Job, Status
from imagineer.jobs.tests.platform import WORKERS, Platform, wait_until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1800),
]

LONG = "CRASH_ROUNDS" in os.environ
ROUNDS = int(os.environ.get("CRASH_ROUNDS") or "6")
SEED = int(os.environ.get("CRASH_SEED", "1"))
ITEMS = 4
SECONDS = 0.05
# The longest time from work to kill; a job takes ITEMS * SECONDS.
LONGEST_PEACE = 0.6
# More jobs are added while fewer than these wait in a queue.
BUSY = 3
TARGETS = (
    "default", "crawl", "gpu", "default-horse", "crawl-horse", "gpu-horse", "redis", "everything",
)  # fmt: skip


class Killer:
    """Kills some kinds of process again and again under load, and keeps the load going."""

    def __init__(self, platform: Platform, targets: Sequence[str]) -> None:
        self.platform = platform
        self.random = random.Random(f"{targets} {SEED}")
        self.jobs: list[Job] = []
        self.left = [target for target in targets for _ in range(ROUNDS)]

    def run(self) -> None:
        self.random.shuffle(self.left)
        self.platform.start("redis", *WORKERS)
        self.add_jobs(2)
        wait_until(lambda: Job.objects.filter(status__in=ENDED).exists(), "the first job")
        while self.left:
            self.add_jobs_while_few()
            target = self.left[-1]
            # Now and then while it still starts, otherwise in the midst of its work.
            if self.random.random() < 0.8:
                wait_until(partial(self.works, target), f"{target} to work")
            time.sleep(self.random.uniform(0, LONGEST_PEACE))
            if self.strike(target):
                self.left.pop()
        self.check()

    def works(self, target: str) -> bool:
        """Whether the target has started and is busy."""
        self.add_jobs_while_few()
        if target == "redis":
            return self.platform.redis_answers()
        queue = "gpu" if target == "everything" else target.removesuffix("-horse")
        worker = self.platform.processes[queue].pid
        return Job.objects.filter(status=Status.RUNNING, worker__endswith=f":{worker}").exists()

    def add_jobs_while_few(self) -> None:
        for queue in WORKERS:
            if Job.objects.unended().filter(queue=queue).count() < BUSY:
                self.add_jobs()
                return

    def add_jobs(self, count: int = 1) -> None:
        """Jobs for every queue, some of which wait for one of another queue."""
        for queue in WORKERS:
            for _ in range(count):
                before = self.random.choice([[], self.jobs[-1:]])
                self.jobs.append(
                    self.platform.submit(
                        f"{queue}.items", items=ITEMS, seconds=SECONDS,
                        after=[job for job in before if not self.has_failed(job)],
                        partial=self.random.random() < 0.1,
                    )
                )  # fmt: skip

    def has_failed(self, job: Job) -> bool:
        return Job.objects.filter(pk=job.pk, status=Status.FAILED).exists()

    def strike(self, target: str) -> bool:
        """Kill it; what is dead is started again as the supervisor does. Whether it was there."""
        if target.endswith("-horse"):
            return self.platform.kill_horse(target.removesuffix("-horse"))
        names = ("redis", *WORKERS) if target == "everything" else (target,)
        self.platform.kill(*names)
        if "redis" in names and self.random.random() < 0.4:
            self.platform.lose_queue()
        self.platform.start(*names)
        return True

    def check(self) -> None:
        wait_until(
            lambda: not Job.objects.unended().exists(),
            "every job to end",
            seconds=60 + len(self.jobs) * 2,
        )
        for job in Job.objects.all():
            self.check_job(job)

    def check_job(self, job: Job) -> None:
        folder = Path(job.params["folder"])
        files = {path.name for path in folder.iterdir() if path.name.startswith("item-")}
        with connection.cursor() as cursor:
            cursor.execute("SELECT number FROM sample_item WHERE job = %s", [str(job.pk)])
            rows = {f"item-{number}" for (number,) in cursor.fetchall()}
        wanted = {f"item-{number}" for number in range(ITEMS)}
        assert not list(folder.glob("overlap-*")), f"{job.pk} ran twice at the same time"
        assert job.claim == ""
        assert job.finished_at
        if job.status == Status.FAILED:
            assert job.error == states.DIED or job.error.startswith("This needed"), job.error
            assert rows <= wanted
        else:
            assert job.status == (Status.PARTIAL if job.params["partial"] else Status.COMPLETED)
            assert rows == wanted
            assert files == wanted
            assert job.result == {"items": ITEMS}
        assert rows <= files


@pytest.mark.parametrize(
    "targets", [(target,) for target in TARGETS] if LONG else [TARGETS], ids="+".join
)
def test_kills_at_random_moments(platform: Platform, targets: Sequence[str]) -> None:
    Killer(platform, targets).run()


def test_recovery_is_quick_enough_by_design() -> None:
    stale = orphans.STALE_AFTER.total_seconds()
    assert stale > 3 * attend.BEAT_EVERY
    # Another machine looks, and tells Redis, within two rounds.
    assert stale + orphans.EVERY + orphans.DELIVERY.total_seconds() / 2 < 15


@pytest.mark.parametrize("target", ["default", "gpu-horse", "everything"])
def test_a_job_is_taken_up_again(
    platform: Platform, target: str, record_property: Callable[[str, object], None]
) -> None:
    platform.start("redis", *WORKERS)
    queue = target.removesuffix("-horse") if target != "everything" else "gpu"
    job = platform.submit(f"{queue}.items", items=1000, seconds=0.05)
    wait_until(lambda: Job.objects.filter(pk=job.pk, progress_done__gt=0).exists(), "progress")
    if target.endswith("-horse"):
        assert platform.kill_horse(queue)
    else:
        names = ("redis", *WORKERS) if target == "everything" else (target,)
        platform.kill(*names)
        platform.start(*names)
    killed = time.monotonic()
    wait_until(lambda: Job.objects.filter(pk=job.pk, attempts=2).exists(), "a second attempt")
    record_property("seconds", round(time.monotonic() - killed, 2))
    states.cancel(job)
    platform.wait_for(job, Status.CANCELLED)


def test_nothing_queued_is_lost_when_redis_loses_everything(platform: Platform) -> None:
    platform.start("redis")
    jobs = [platform.submit("default.items", items=1, seconds=0) for _ in range(20)]
    platform.kill("redis")
    platform.lose_queue()
    platform.start("redis", "default")
    for job in jobs:
        platform.wait_for(job, Status.COMPLETED)
