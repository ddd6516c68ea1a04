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
            jobs = _submit()
            with JobBars(jobs) as bars:
                self._watch(jobs, bars)
        else:
            startup.migrate()
            jobs = _submit()
            self._run_here(jobs)
            os.close(lock)
        self._conclude(jobs)

    def _watch(self, jobs: list[Job], bars: JobBars) -> None:
        try:
            while not bars.update(_fresh(jobs)):
                time.sleep(0.25)
        except KeyboardInterrupt:
            self.stdout.write("The jobs go on without this window.")

    def _run_here(self, jobs: list[Job]) -> None:
        """With a queue server and workers of our own, which end with this command."""
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

    def _conclude(self, jobs: list[Job]) -> None:
        ended = _fresh(jobs)
        for job in ended:
            if job.error:
                self.stderr.write(f"{job}: {job.error}")
        if any(job.status in (Status.FAILED, Status.CANCELLED) for job in ended):
            raise CommandError("The demonstration did not succeed.")
        if all(job.status == Status.COMPLETED for job in ended):
            self.stdout.write("Done. Look at the pictures: make run")
        else:
            self.stdout.write("Not finished; make run or make demo goes on where this stopped.")


def _submit() -> list[Job]:
    """The jobs of a demonstration that has not ended yet, or of a new one."""
    known = demo.newest_demo()
    if any(not job.has_ended for job in known):
        return known
    return demo.submit_demo()


def _fresh(jobs: list[Job]) -> list[Job]:
    found = Job.objects.in_bulk([job.pk for job in jobs])
    return [found[job.pk] for job in jobs if job.pk in found]
