"""The worker: RQ delivers job ids, the database decides, a horse does the work.

RQ's own books (started, finished and failed registries) stay empty: a delivered id is taken out
of Redis before the job starts, so Redis may vanish or forget everything while a job runs, and
nothing there can become a zombie. What is left of RQ is what it does well: the queue, blocking
delivery, and the list of workers.
"""

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any
from uuid import UUID

import redis
import rq
from django.db import DatabaseError, InterfaceError, close_old_connections
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus
from rq.worker_registration import clean_worker_registry, register

from imagineer.jobs import orphans, queues, registry
from imagineer.jobs.attend import Attendance
from imagineer.jobs.horses import ForkedHorse, WarmHorse
from imagineer.jobs.models import Queue
from imagineer.jobs.queues import Redis

logger = logging.getLogger(__name__)

# RQ blocks for worker_ttl - 15 seconds at a time; recovery happens in between.
WORKER_TTL = 18


def run_worker(queue_name: str) -> None:
    """Work on a queue until SIGTERM or SIGINT; a running job is laid down within seconds then."""
    name = f"{queue_name}@{socket.gethostname()}:{os.getpid()}"
    horse = WarmHorse(name) if queue_name == Queue.GPU else ForkedHorse(name)
    warm_up(queue_name)
    stop = Stop()
    while not stop.requested:
        # RQ's loop ends when the server is away for longer than its patience; ours does not.
        try:
            JobsWorker(queue_name, name, horse, stop).work()
        except redis.RedisError as error:
            logger.warning("The queue server does not answer (%s); trying again", error)
            time.sleep(1)
    horse.close()


def warm_up(queue_name: str) -> None:
    """Import what the queue's kinds want to be there in every child."""
    for kind in registry.kinds():
        if kind.queue == queue_name and kind.warm_up is not None:
            try:
                kind.warm_up()
            except Exception:
                # Its jobs will say so themselves; those of other kinds need not suffer.
                logger.exception("The worker could not warm up for %s jobs", kind.name)


class Stop:
    """Whether SIGTERM or SIGINT came; it outlives any one RQ worker of this process."""

    requested = False


class JobsWorker(rq.Worker):  # type: ignore[misc]
    """An RQ worker whose truth is the database."""

    # RQ waits up to a minute before it looks for a server that was away.
    max_connection_wait_time = 2.0

    def __init__(self, queue_name: str, name: str, horse: ForkedHorse, stop: Stop) -> None:
        queue = queues.queue(queue_name, patient=True)
        self.horse = horse
        self.stop = stop
        self._interruptible = False
        self._recovered = float("-inf")
        super().__init__(
            [queue],
            # A restarted container has the same host name and process id.
            name=f"{name}:{secrets.token_hex(4)}",
            connection=queue.connection,
            worker_ttl=WORKER_TTL,
            maintenance_interval=int(orphans.EVERY),
            serializer=JSONSerializer,
            log_job_description=False,
        )

    # --- Start and end ---

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        """Say hello. RQ's thread that listens for commands is left out: we fork."""
        self.register_birth()
        self.set_state(WorkerStatus.STARTED)
        logger.info("Worker for %s jobs is ready", self.queues[0].name)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """SIGTERM, SIGINT: stop now when idle, otherwise as soon as the job is laid down."""
        self.stop.requested = self._stop_requested = True
        if self._interruptible:
            raise StopRequested

    def teardown(self) -> None:
        self._quietly(lambda quick: self._say_goodbye(quick))

    def _say_goodbye(self, quick: Redis) -> None:
        quick.srem(self.redis_workers_keys, self.key)
        quick.srem(f"rq:workers:{self.queues[0].name}", self.key)
        quick.delete(self.key)

    # --- Waiting ---

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> Any:
        """Wait for a delivery; a signal may interrupt here and nowhere else."""
        self._interruptible = True
        try:
            if self.stop.requested:
                raise StopRequested
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        finally:
            self._interruptible = False

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """For RQ's list of workers only, so a server that is away does not matter."""
        try:
            super().heartbeat(timeout, pipeline)
        except redis.RedisError as error:
            logger.debug("The queue server does not answer: %s", error)

    @property
    def should_run_maintenance_tasks(self) -> bool:
        return time.monotonic() - self._recovered >= orphans.EVERY

    def run_maintenance_tasks(self) -> None:
        """Recovery, upkeep, and Redis tidied of dead workers and of deliveries cut short."""
        self.recover()
        self._quietly(self._tidy)

    def recover(self) -> None:
        if not self.should_run_maintenance_tasks:
            return
        self._recovered = time.monotonic()
        try:
            orphans.recover()
            if self.queues[0].name == Queue.DEFAULT:
                registry.upkeep()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database does not answer the worker: %s", error)
        finally:
            close_old_connections()

    def _tidy(self, quick: Redis) -> None:
        queue = queues.queue(self.queues[0].name)
        quick.delete(queue.intermediate_queue_key)
        with quick.pipeline() as pipeline:
            # Redis may have lost that we are here.
            register(self, pipeline)
            pipeline.hset(self.key, mapping=self.serialize())
            pipeline.expire(self.key, WORKER_TTL + 60)
            pipeline.execute()
        clean_worker_registry(queue)

    # --- Working ---

    def execute_job(self, job: Any, queue: Any) -> None:
        """Take the delivery out of Redis and let the horse run it."""
        self._quietly(lambda quick: self._accept(job, queue, quick))
        attendance = Attendance(self.horse, UUID(job.id), lambda: self.stop.requested)
        attendance.run(self._between)

    def _accept(self, job: Any, queue: Any, quick: Redis) -> None:
        with quick.pipeline() as pipeline:
            pipeline.lrem(queue.intermediate_queue_key, 0, job.id)
            pipeline.delete(job.key)
            pipeline.hset(self.key, mapping={"state": WorkerStatus.BUSY, "current_job": job.id})
            pipeline.expire(self.key, WORKER_TTL + 60)
            pipeline.execute()

    def _between(self) -> None:
        """While a job runs: recovery, and a sign of life for RQ's list of workers."""
        if self.should_run_maintenance_tasks:
            self.recover()
            self._quietly(lambda quick: quick.expire(self.key, WORKER_TTL + 60))

    def _quietly(self, call: Callable[[Redis], Any]) -> None:
        """Bookkeeping in Redis that nothing depends on: one quick try."""
        try:
            call(queues.connection())
        except redis.RedisError as error:
            logger.debug("The queue server does not answer: %s", error)
