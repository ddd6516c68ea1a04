"""Which function runs which kind of job; filled by each app's ``ready()``.

A runner takes a :class:`JobContext` and returns its result (a JSON-able dict) or None. It is
written to be run again after a crash: it skips what is finished already.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from imagineer.jobs.models import Job, Queue


class JobCancelled(Exception):
    """Raised by check_cancelled() and progress(); a runner lets it pass (it may clean up)."""


class JobWaits(JobCancelled):
    """Raised by a runner that only waits for somebody else's work, to let other jobs by.

    The job is queued again behind them, with its progress and message, and the attempt does not
    count; cancelling it then ends it at once, so what must be tidied up belongs in ``ended``.
    """


class JobFailed(Exception):
    """Ends the job as failed; the text is the sentence an admin reads."""


@dataclass(frozen=True)
class Partial:
    """Returned by a runner whose items partly failed: the job ends ``partial``."""

    result: dict[str, Any]
    error: str


Result = dict[str, Any] | Partial | None


class JobContext(Protocol):
    """What a runner may do to its job."""

    job: Job

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Report progress (writes are throttled); raises JobCancelled if a cancel is asked for."""

    def log(self, text: str, level: str = "info") -> None:
        """Append a log line, visible at once. level: info, warning or error."""

    def check_cancelled(self) -> None:
        """Raise JobCancelled if a cancel was asked for. Cheap: call it at every step."""


Runner = Callable[[JobContext], Result]
Ended = Callable[[Job], None]


@dataclass(frozen=True)
class JobKind:
    name: str
    queue: Queue
    run: Runner
    label: str
    succeeded: Ended | None = None
    ended: Ended | None = None
    warm_up: Callable[[], None] | None = None


_kinds: dict[str, JobKind] = {}
# Every how many seconds, and when this process did it last.
_upkeep: dict[Callable[[], object], float] = {}
_done_at: dict[Callable[[], object], float] = {}


def register(
    name: str,
    *,
    queue: Queue,
    run: Runner,
    label: str,
    succeeded: Ended | None = None,
    ended: Ended | None = None,
    warm_up: Callable[[], None] | None = None,
) -> None:
    """Make a kind of job known. name: "<app>.<verb>", e.g. "generation.run"; label: for people.

    succeeded: called once the job's end as completed or partial is written, to remove what it no
    longer needs; a crash between the two leaves that to a sweep.

    ended: called in the transaction that ends the job, in whatever way and process, a cancel of a
    waiting job included. It may write rows and submit jobs; what it raises undoes the end.

    warm_up: called by a worker of the queue before it takes jobs, to import what every run would
    otherwise import anew. It starts no threads and opens nothing, because the worker forks.
    """
    if name in _kinds and _kinds[name].run is not run:
        raise ValueError(f"The job kind {name} is registered twice.")
    _kinds[name] = JobKind(name, queue, run, label, succeeded, ended, warm_up)


def register_upkeep(call: Callable[[], object], *, every_s: float = 0) -> None:
    """Have it called every few seconds by a worker of the queue "default", busy or idle.

    every_s: a process leaves at least so many seconds between two calls.

    It must be cheap, since recovery waits for it, and safe to call from several processes at once:
    it asks for a job when one is due.
    """
    _upkeep[call] = every_s


def upkeep() -> None:
    """Call all that are due. What one raises passes."""
    for call, every_s in _upkeep.items():
        now = time.monotonic()
        if now - _done_at.get(call, float("-inf")) >= every_s:
            _done_at[call] = now
            call()


def kind(name: str) -> JobKind:
    """The registered kind; raises LookupError for an unknown one."""
    try:
        return _kinds[name]
    except KeyError:
        raise LookupError(f"No job kind is named {name!r}.") from None


def kinds() -> list[JobKind]:
    return sorted(_kinds.values(), key=lambda known: known.name)


def unregister(name: str) -> None:
    """Forget a kind; for tests."""
    _kinds.pop(name, None)
