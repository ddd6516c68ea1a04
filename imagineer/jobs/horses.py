"""The processes that runners run in: one forked for each job, or one that stays warm.

A horse is told a job's id, runs :func:`imagineer.jobs.runner.execute` and reports the end over a
pipe. It lives in its own process group and dies with the worker that keeps it. Neither knows
Redis: the worker's bookkeeping cannot harm a running job.
"""

import logging
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Never
from uuid import UUID

from django.db import connections

from imagineer.jobs import signals
from imagineer.jobs.child_process import die_with_parent, kill_group
from imagineer.jobs.runner import execute

logger = logging.getLogger(__name__)

_DONE = b"."
_ID_BYTES = 36


class ForkedHorse:
    """A fresh child for every job: nothing of one job can leak into the next."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self.pid = 0
        # How the last child ended, for the log: "It was killed by SIGKILL."
        self.last_end = ""
        self._reports = -1

    def start(self, job_id: UUID) -> None:
        """Fork a child that runs this job."""
        self._fork(lambda reports: self._run(job_id, reports))

    def wait(self, seconds: float) -> bool:
        """Wait until the job is over, at most so long. Whether it is."""
        return self._reported(seconds) and self._ended(seconds)

    def send(self, number: signal.Signals) -> None:
        if self.pid:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the child with everything that it has started; wait() is True then."""
        if self.pid:
            kill_group(self.pid)

    def close(self) -> None:
        """End the child, if one is there, when the worker ends."""
        if self.pid:
            self.kill()
            self._reap()

    def _fork(self, child: Callable[[int], None]) -> None:
        # A SQLite connection must not cross a fork, and a PostgreSQL one cannot be shared.
        connections.close_all()
        reports, report_here = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            die_with_parent(parent)
            os.close(reports)
            _become_horse(lambda: child(report_here))
        os.close(report_here)
        os.set_blocking(reports, False)
        self.pid, self._reports = pid, reports

    def _run(self, job_id: UUID, reports: int) -> None:
        execute(job_id, self.worker)
        connections.close_all()

    def _reported(self, seconds: float) -> bool:
        """Whether the child reported the end of its job or of itself."""
        poll = select.poll()
        poll.register(self._reports, select.POLLIN | select.POLLHUP)
        if poll.poll(seconds * 1000):
            return True
        # A process that the runner left behind may hold the pipe open.
        return self._has_exited()

    def _ended(self, seconds: float) -> bool:
        """Reap the child if it exits in time: its pipe closes a moment before it is gone."""
        deadline = time.monotonic() + seconds
        while not self._has_exited():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        self._reap()
        return True

    def _has_exited(self) -> bool:
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return found is not None

    def _reap(self) -> None:
        # What it has left behind in its process group goes with it.
        kill_group(self.pid)
        _, status = os.waitpid(self.pid, 0)
        self.last_end = _how(status)
        os.close(self._reports)
        self.pid, self._reports = 0, -1


class WarmHorse(ForkedHorse):
    """One child for many jobs, so that a pipeline loaded by one is there for the next.

    It is replaced when it has died or had to be killed.
    """

    def __init__(self, worker: str) -> None:
        super().__init__(worker)
        self._orders = -1

    def start(self, job_id: UUID) -> None:
        """Give the job to the child; fork one if none is there."""
        order = str(job_id).encode()
        if self.pid and self._has_exited():
            self._reap()
        if not self.pid:
            self._fork_waiting()
        try:
            os.write(self._orders, order)
        except BrokenPipeError:
            # It died a moment ago: wait() finds that out.
            return

    def wait(self, seconds: float) -> bool:
        """Wait until the job is over, at most so long. Whether it is."""
        if not self._reported(seconds):
            return False
        try:
            if os.read(self._reports, 1) == _DONE:
                return True
        except OSError:
            # Nothing to read: the child died, but something that it started holds the pipe.
            pass
        return self._ended(seconds)

    def _fork_waiting(self) -> None:
        take, give = os.pipe()

        def work(reports: int) -> None:
            os.close(give)
            self._serve(take, reports)

        self._fork(work)
        os.close(take)
        self._orders = give

    def _serve(self, orders: int, reports: int) -> None:
        while True:
            order = os.read(orders, _ID_BYTES)
            if len(order) < _ID_BYTES:
                return
            execute(order.decode(), self.worker)
            connections.close_all()
            os.write(reports, _DONE)

    def _reap(self) -> None:
        super()._reap()
        if self._orders >= 0:
            os.close(self._orders)
            self._orders = -1


def _become_horse(work: Callable[[], None]) -> Never:
    """In the child: run, and leave without the parent's exit handlers."""
    code = 1
    try:
        signals.install()
        # The parent's handlers and flags are its own.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        work()
        code = 0
    except BaseException:
        logger.exception("A worker's child broke outside of any job")
    finally:
        logging.shutdown()
        os._exit(code)


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        try:
            name = signal.Signals(os.WTERMSIG(status)).name
        except ValueError:
            name = str(os.WTERMSIG(status))
        return f"It was killed by {name}."
    code = os.waitstatus_to_exitcode(status)
    return f"It ended with exit code {code}." if code else ""
