"""How a worker minds one job: heartbeat, cancel, stop, and what follows a horse's death.

The horse runs the job and ends it; the parent only steps in when it cannot. Everything here is
single-threaded, so that the worker may fork at any time.
"""

import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from imagineer.jobs import claims, runner, signals, states
from imagineer.jobs.horses import ForkedHorse
from imagineer.jobs.models import Job, Status

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.4
BEAT_EVERY = 2.0
# A cancel takes effect within two seconds: seen within LOOK_EVERY, enforced after this.
CANCEL_PATIENCE = 1.4
# A job that is laid down because its worker stops may take a little longer.
STOP_PATIENCE = 3.0
# How long a child may live on after the row has ended: finally-blocks, exit handlers.
LINGER = 10.0


class Attendance:
    """One job in one horse, from start to end."""

    def __init__(self, horse: ForkedHorse, job_id: UUID, stopping: Callable[[], bool]) -> None:
        self.horse = horse
        self.job_id = job_id
        self.stopping = stopping
        self.token = ""
        self.pid = 0
        self._asked: set[int] = set()
        self._deadline: float | None = None

    def run(self, every_look: Callable[[], None]) -> None:
        """Start the job and return when it is over and its row says so.

        every_look: called two or three times a second meanwhile (recovery, bookkeeping); what it
        raises is logged.
        """
        self.horse.start(self.job_id)
        self.pid = self.horse.pid
        while not self.horse.wait(self._pause()):
            if self._deadline is None or time.monotonic() < self._deadline:
                self._guarded(self._look)
                self._guarded(every_look)
            else:
                logger.warning("Job %s does not react; its process is killed", self.job_id)
                self.horse.kill()
        runner.persistently(self._settle)
        connection.close()

    def _pause(self) -> float:
        """Seconds until the next look: no longer than until the child is to be killed."""
        if self._deadline is None:
            return LOOK_EVERY
        return min(LOOK_EVERY, max(0.0, self._deadline - time.monotonic()))

    def _guarded(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database does not answer the worker: %s", error)
            connection.close()

    def _look(self) -> None:
        if self.stopping():
            self._ask(signals.STOP, STOP_PATIENCE)
        row = self._row()
        if row is None or row["status"] != Status.RUNNING:
            if self.token:
                self._allow(LINGER)
            return
        if not self.token and claims.holder(row["claim"]) == self.pid:
            self.token = row["claim"]
        if not self.token:
            return
        if row["claim"] != self.token:
            logger.warning("Job %s was taken over by another worker", self.job_id)
            self._allow(0)
        elif row["cancel_requested_at"]:
            self._ask(signals.CANCEL, CANCEL_PATIENCE)
        if states.age(row["heartbeat_at"]) > BEAT_EVERY:
            states.heartbeat(self.job_id, self.token)

    def _row(self) -> dict[str, Any] | None:
        wanted = ("status", "claim", "cancel_requested_at", "heartbeat_at")
        row = Job.objects.filter(pk=self.job_id).values(*wanted).first()
        return dict(row) if row else None

    def _ask(self, number: Any, patience: float) -> None:
        """Signal the horse once, and kill it when it does not end in time."""
        if number not in self._asked:
            self._asked.add(number)
            self.horse.send(number)
            self._allow(patience)

    def _allow(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._deadline = min(self._deadline or deadline, deadline)

    def _settle(self) -> None:
        """After the horse: a row that it left running is ended or queued again."""
        row = self._row()
        if row is None or row["status"] != Status.RUNNING:
            return
        if claims.holder(row["claim"]) != self.pid:
            return
        if self.stopping() and not row["cancel_requested_at"]:
            states.give_back(self.job_id, row["claim"], states.STOPPED)
            return
        state = states.died(self.job_id, row["claim"], self.horse.last_end)
        logger.warning(
            "The process of job %s is gone; the job is now %s. %s",
            self.job_id,
            state,
            self.horse.last_end,
        )
