"""Real queue servers and workers for tests, over the test's own database and data folder."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import redis
from django.conf import settings
from django.db import connection

from imagineer.jobs import queues
from imagineer.jobs.child_process import start_child
from imagineer.jobs.embedded_redis import socket_path
from imagineer.jobs.models import Job
from imagineer.jobs.submit import submit
from imagineer.jobs.tests import sample_jobs

# Deadlines are generous: a loaded machine is slow, and only failures wait for them.
PATIENCE = 60.0
WORKERS = ("default", "crawl", "gpu")


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The condition's first true value; fails the test when it does not come."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"Waited {seconds:.0f} s in vain for: {what}")


class Platform:
    """Redis and workers as processes, each of which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = (folder / "platform.log").open("ab")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        with connection.cursor() as cursor:
            cursor.execute(sample_jobs.TABLE)

    def environment(self) -> dict[str, str]:
        name = connection.settings_dict["NAME"]
        url = os.environ.get("TEST_DATABASE_URL", "")
        database = f"{url.rsplit('/', 1)[0]}/{name}" if url else f"sqlite:///{name}"
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": "imagineer.jobs.tests.process_settings",
            "IMAGINEER_DATA": str(self.folder),
            "DATABASE_URL": database,
            "REDIS_URL": "",
        }

    def start(self, *names: str) -> None:
        """Start processes: "redis" or the name of a queue."""
        for name in names:
            if name == "redis":
                arguments = ["-m", "imagineer.jobs.embedded_redis", str(self.folder)]
            else:
                arguments = ["manage.py", "worker", name]
            self.processes[name] = start_child(
                [sys.executable, *arguments],
                cwd=settings.BASE_DIR,
                env=self.environment(),
                stdout=self.log.fileno(),
                stderr=self.log.fileno(),
            )

    def kill(self, *names: str) -> None:
        """SIGKILL, then wait until the processes are gone."""
        for name in names:
            self.processes[name].kill()
        for name in names:
            self.processes.pop(name).wait()

    def terminate(self, name: str) -> int:
        """SIGTERM, as the supervisor does; the exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE)

    def kill_horse(self, name: str) -> bool:
        """SIGKILL a worker's child. Whether there was one; it may end a moment before."""
        killed = False
        try:
            for child in psutil.Process(self.processes[name].pid).children():
                child.kill()
                killed = True
        except psutil.NoSuchProcess:
            pass
        return killed

    def redis_answers(self) -> bool:
        try:
            return bool(queues.connection().ping())
        except redis.RedisError:
            return False

    def lose_queue(self) -> None:
        """Delete everything that a queue server, which is down, has kept."""
        shutil.rmtree(self.folder / "redis", ignore_errors=True)

    def stop(self) -> None:
        self.kill(*self.processes)
        self.log.close()

    def submit(self, kind: str, **params: Any) -> Job:
        """Submit a sample job with a folder of its own."""
        folder = self.folder / f"job-{time.monotonic_ns()}"
        folder.mkdir()
        after = params.pop("after", ())
        priority = params.pop("priority", 0)
        return submit(
            kind,
            title=kind,
            after=after,
            priority=priority,
            params={"folder": str(folder), **params},
        )

    def wait_for(self, job: Job, *states: str, seconds: float = PATIENCE) -> Job:
        """Wait until the job is in one of these states; the fresh row."""
        wait_until(
            lambda: Job.objects.filter(pk=job.pk, status__in=states).exists(),
            f"{job.kind} to be {' or '.join(states)}; {self._situation(job.pk)}",
            seconds,
        )
        job.refresh_from_db()
        return job

    def wait_started(self, job: Job) -> int:
        """Wait until the sample runner says that it runs; the id that it wrote."""
        path = Path(job.params["folder"]) / "started"
        return int(wait_until(lambda: path.exists() and path.read_text(), f"{job.kind} to start"))

    def _situation(self, job_id: UUID) -> str:
        return f"log in {self.folder / 'platform.log'}, job {job_id}"


def use(platform: Platform, settings: Any) -> None:
    """Point this process at the platform's queue server and make the sample kinds known."""
    settings.REDIS_URL = ""
    settings.REDIS_SOCKET = socket_path(platform.folder)
    queues.connection.cache_clear()
    sample_jobs.register_all()
