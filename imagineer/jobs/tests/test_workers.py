"""Real workers: what each kind does with a job, a cancel, a stop and its own death."""

from pathlib import Path

import psutil
import pytest

from imagineer.jobs import states
from imagineer.jobs.models import Status
from imagineer.jobs.tests.platform import WORKERS, Platform, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("queue", WORKERS)
def test_it_runs_a_job_to_its_end(platform: Platform, queue: str) -> None:
    platform.start("redis", queue)
    job = platform.submit(f"{queue}.items", items=3, seconds=0)
    platform.wait_for(job, Status.COMPLETED)
    assert (job.result, job.progress_done, job.attempts) == ({"items": 3}, 3, 1)
    assert job.worker.startswith(f"{queue}@")


@pytest.mark.parametrize("queue", WORKERS)
def test_it_cancels_a_job_that_asks_without_killing_its_process(
    platform: Platform, queue: str
) -> None:
    platform.start("redis", queue)
    job = platform.submit(f"{queue}.polite")
    platform.wait_started(job)
    assert states.cancel(job)
    platform.wait_for(job, Status.CANCELLED)
    assert job.log_lines.count() == 0


@pytest.mark.parametrize("queue", ["default", "gpu"])
def test_it_kills_a_job_that_never_asks_and_works_on(platform: Platform, queue: str) -> None:
    platform.start("redis", queue)
    job = platform.submit(f"{queue}.deaf")
    horse = platform.wait_started(job)
    assert states.cancel(job)
    platform.wait_for(job, Status.CANCELLED)
    assert not psutil.pid_exists(horse)
    platform.wait_for(platform.submit(f"{queue}.items", items=1, seconds=0), Status.COMPLETED)


def test_a_killed_job_takes_its_children_and_theirs_with_it(platform: Platform) -> None:
    platform.start("redis", "crawl")
    job = platform.submit("crawl.family")
    child = platform.wait_started(job)
    trace = Path(job.params["folder"]) / "grandchild"
    grandchild = int(wait_until(lambda: trace.exists() and trace.read_text(), "a grandchild"))
    states.cancel(job)
    platform.wait_for(job, Status.CANCELLED)
    wait_until(lambda: not psutil.pid_exists(child), "the child to die")
    wait_until(lambda: not psutil.pid_exists(grandchild), "the grandchild to die")


def test_a_killed_worker_takes_its_job_and_the_jobs_child_with_it(platform: Platform) -> None:
    platform.start("redis", "default")
    job = platform.submit("default.family")
    child = platform.wait_started(job)
    platform.kill("default")
    wait_until(lambda: not psutil.pid_exists(child), "the child to die")


def counted(platform: Platform) -> dict[str, int]:
    """How many jobs the gpu worker's process has run, and which process that is."""
    job = platform.wait_for(platform.submit("gpu.count"), Status.COMPLETED)
    assert job.result
    return dict(job.result)


def test_the_gpu_worker_keeps_its_process_warm_and_replaces_it_when_it_crashed(
    platform: Platform,
) -> None:
    platform.start("redis", "gpu")
    counts = [counted(platform) for _ in range(3)]
    assert [count["runs"] for count in counts] == [1, 2, 3]
    assert len({count["pid"] for count in counts}) == 1
    crash = platform.wait_for(platform.submit("gpu.crash"), Status.FAILED)
    assert crash.attempts == 3
    assert "died three times" in crash.error
    assert "SIGSEGV" in crash.log_lines.reverse()[0].text
    assert counted(platform)["runs"] == 1


def test_the_gpu_worker_stays_warm_through_a_cancel(platform: Platform) -> None:
    platform.start("redis", "gpu")
    first = counted(platform)
    job = platform.submit("gpu.polite")
    assert platform.wait_started(job) == first["pid"]
    states.cancel(job)
    platform.wait_for(job, Status.CANCELLED)
    assert counted(platform) == {"runs": 2, "pid": first["pid"]}


@pytest.mark.parametrize(
    ("queue", "verb"), [("default", "polite"), ("gpu", "polite"), ("gpu", "deaf")]
)
def test_a_stopped_worker_lays_its_job_down_and_the_next_goes_on(
    platform: Platform, queue: str, verb: str
) -> None:
    platform.start("redis", queue)
    job = platform.submit(f"{queue}.{verb}")
    platform.wait_started(job)
    assert platform.terminate(queue) == 0
    job.refresh_from_db()
    assert (job.status, job.attempts) == (Status.QUEUED, 0)
    (Path(job.params["folder"]) / "started").unlink()
    platform.start(queue)
    platform.wait_started(job)


def test_jobs_start_by_priority_and_then_by_age(platform: Platform) -> None:
    platform.start("redis")
    wanted = [(0, "c"), (5, "a"), (0, "d"), (-3, "e"), (1, "b"), (5, "a2")]
    jobs = {
        name: platform.submit("default.items", items=1, seconds=0, priority=priority)
        for priority, name in wanted
    }
    platform.start("default")
    for job in jobs.values():
        platform.wait_for(job, Status.COMPLETED)
    order = sorted(jobs, key=lambda name: jobs[name].started_at or 0)
    assert order == ["a", "a2", "b", "c", "d", "e"]


def test_a_chain_runs_in_order_across_queues_and_restarts(platform: Platform) -> None:
    platform.start("redis", "default", "gpu")
    first = platform.submit("default.items", items=2, seconds=0.3)
    second = platform.submit("gpu.items", items=2, seconds=0.1, after=[first])
    third = platform.submit("default.items", items=1, seconds=0, after=[first, second])
    platform.kill("gpu", "default", "redis")
    platform.start("redis", "default", "gpu")
    for job in (first, second, third):
        platform.wait_for(job, Status.COMPLETED)
    moments = [
        first.finished_at, second.started_at, second.finished_at, third.started_at,
    ]  # fmt: skip
    assert moments == sorted(moment for moment in moments if moment)


def test_jobs_submitted_while_redis_is_down_run_when_it_is_back(platform: Platform) -> None:
    platform.start("default")
    job = platform.submit("default.items", items=1, seconds=0)
    assert job.status == Status.QUEUED
    platform.start("redis")
    platform.wait_for(job, Status.COMPLETED)


def test_redis_may_vanish_while_a_job_runs_and_ends(platform: Platform) -> None:
    platform.start("redis", "default")
    job = platform.submit("default.items", items=4, seconds=0.2)
    platform.wait_for(job, Status.RUNNING)
    worker = platform.processes["default"]
    platform.kill("redis")
    platform.wait_for(job, Status.COMPLETED)
    platform.start("redis")
    platform.wait_for(platform.submit("default.items", items=1, seconds=0), Status.COMPLETED)
    assert worker.poll() is None
    assert job.attempts == 1
