"""The demonstration in the terminal: `make demo`."""

import logging
import os
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from imagineer.jobs import startup
from imagineer.jobs.management.commands.start import programs
from imagineer.jobs.models import Job, Status
from imagineer.jobs.supervisor import SupervisorEnded, supervise
from training import demo
from training.progress_bars import JobBars

NEEDED = ("redis", "worker-default", "worker-gpu")


class Command(BaseCommand):
    help = "Draw, learn a style, draw with it: the whole loop with progress bars."

    def handle(self, *args: Any, **options: Any) -> None:
        # The queue server starts after the jobs are written; they are enqueued once it answers.
        logging.getLogger("imagineer.jobs.queues").setLevel(logging.ERROR)
        try:
            lock = startup.lock_data_folder()
        except CommandError:
            self.stdout.write("Imagineer is running; its workers do this.")
            self._watch()
        else:
            try:
                self._run_here()
            except KeyboardInterrupt:
                # Before `supervise`, which heeds it by itself.
                self.stdout.write("Stopped before anything was drawn.")
            os.close(lock)

    def _watch(self) -> None:
        """The workers of a running platform do it, and go on when this command ends."""
        jobs = _submit()
        try:
            with JobBars(jobs) as bars:
                while not bars.update(_fresh(jobs)):
                    time.sleep(0.25)
        except KeyboardInterrupt:
            self.stdout.write("The jobs go on without this window.")
        else:
            self._conclude(jobs)

    def _run_here(self) -> None:
        """With a queue server and workers of our own, which end with this command."""
        startup.migrate()
        jobs = _submit()
        quiet = {"LOG_LEVEL": "ERROR", "TRANSFORMERS_VERBOSITY": "error"}
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **quiet}
        needed = [program for program in programs() if program.name in NEEDED]
        connections.close_all()
        with JobBars(jobs) as bars:
            try:
                supervise(
                    needed,
                    settings.DATA_DIR / "run",
                    environment,
                    lambda: bars.update(_fresh(jobs)),
                    quiet=True,
                )
            except SupervisorEnded as error:
                raise CommandError(str(error)) from None
        self._conclude(jobs)

    def _conclude(self, jobs: list[Job]) -> None:
        ended = _fresh(jobs)
        for job in ended:
            if job.error:
                self.stderr.write(f"{job}: {job.error}")
        if any(job.status in (Status.FAILED, Status.CANCELLED) for job in ended):
            raise CommandError("The demonstration did not succeed.")
        if not all(job.has_ended for job in ended):
            self.stdout.write("Not finished; make run or make demo goes on where this stopped.")
        elif any(job.status == Status.PARTIAL for job in ended):
            self.stdout.write("Done in part: make run, and retry the job in the console.")
        else:
            self.stdout.write("Done. Look at the pictures: make run")


def _submit() -> list[Job]:
    """The jobs of a demonstration that has not ended yet, or of a new one."""
    known = demo.newest_demo()
    if any(not job.has_ended for job in known):
        return known
    return demo.submit_demo()


def _fresh(jobs: list[Job]) -> list[Job]:
    found = Job.objects.in_bulk([job.pk for job in jobs])
    return [found[job.pk] for job in jobs if job.pk in found]
