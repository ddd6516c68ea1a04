"""What a runner may do to its job: progress, log, and hearing that it should stop."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from imagineer.jobs import log, signals, states
from imagineer.jobs.models import Job, Status
from imagineer.jobs.registry import JobCancelled

logger = logging.getLogger(__name__)

WRITE_EVERY = 0.25
ASK_EVERY = 0.5
BEAT_EVERY = 2.0


class ClaimLost(JobCancelled):
    """Another worker has taken this job over: stop without a trace."""


class WorkerStopped(JobCancelled):
    """The worker is being stopped: lay the job down; it is queued again."""


class Context:
    """The JobContext of one attempt.

    Progress is written at most four times a second and the job's row read at most twice a second,
    so calling at every denoising step or item costs microseconds. A database that hiccups here
    does not end a job: the next call tries again.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.done = job.progress_done
        self.total = job.progress_total
        self.message = ""
        self._written = 0.0
        self._asked = time.monotonic()
        self._beaten = time.monotonic()
        self._unwritten = False

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Report progress; raises JobCancelled if the job should stop."""
        self.done, self.total = max(0, int(done)), max(0, int(total))
        self.message = message[:500]
        self._unwritten = True
        if time.monotonic() - self._written >= WRITE_EVERY:
            self._write()
        self.check_cancelled()

    def log(self, text: str, level: str = "info") -> None:
        """Append a log line, visible at once. level: info, warning or error."""
        self._try(lambda: log.append(self.job.pk, text, level))

    def check_cancelled(self) -> None:
        """Raise JobCancelled if a cancel was asked for, the worker stops or the claim is lost."""
        if signals.flags.cancelled:
            raise JobCancelled
        if signals.flags.stopped:
            raise WorkerStopped
        now = time.monotonic()
        if now - self._asked >= ASK_EVERY:
            self._asked = now
            self._ask()
        if self._unwritten and now - self._written >= WRITE_EVERY:
            self._write()
        elif now - max(self._beaten, self._written) >= BEAT_EVERY:
            self._beat()

    def settled_progress(self) -> tuple[int, int, str]:
        """The last progress reported, for the write that ends the job."""
        return self.done, self.total, self.message

    def _ask(self) -> None:
        row = self._try(
            lambda: (
                Job.objects.filter(pk=self.job.pk)
                .values_list("status", "claim", "cancel_requested_at")[:1]
                .get()
            )
        )
        if row is None:
            return
        status, claim, cancel_requested_at = row
        if status != Status.RUNNING or claim != self.job.claim:
            raise ClaimLost
        if cancel_requested_at:
            raise JobCancelled

    def _write(self) -> None:
        self._written = time.monotonic()
        held = self._try(
            lambda: states.report(self.job.pk, self.job.claim, self.done, self.total, self.message)
        )
        if held is False:
            raise ClaimLost
        self._unwritten = held is None

    def _beat(self) -> None:
        self._beaten = time.monotonic()
        if self._try(lambda: states.heartbeat(self.job.pk, self.job.claim)) is False:
            raise ClaimLost

    def _try(self, call: Callable[[], Any]) -> Any:
        """The call's result; None when the database is busy or away for a moment."""
        try:
            return call()
        except Job.DoesNotExist:
            raise ClaimLost from None
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            logger.warning("Job %s could not reach the database: %s", self.job.pk, error)
            connection.close()
            return None
