"""The one function that runs and ends every job."""

import json
import logging
import os
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import InterfaceError, OperationalError, connection

from imagineer.jobs import log, registry, signals, states
from imagineer.jobs.context import ClaimLost, Context, WorkerStopped
from imagineer.jobs.models import Status
from imagineer.jobs.registry import JobCancelled, JobFailed, JobWaits, Partial

logger = logging.getLogger(__name__)

# How long the end of a job is tried again when the database is locked or away, in seconds.
END_PATIENCE = 90.0


def worker_name(queue: str) -> str:
    """Who runs it, for people: ``gpu@host:4711``."""
    return f"{queue}@{socket.gethostname()}:{os.getpid()}"


def execute(job_id: UUID | str, worker: str = "") -> Status | None:
    """Claim the job, run it in this process and write how it ended.

    The state that it has then: completed, partial, failed, cancelled, or queued when the worker is
    being stopped. None when there was nothing to do, because the job is not queued, must wait for
    another, or was taken over. Never raises for what a runner does.
    """
    job_id = UUID(str(job_id))
    signals.clear()
    job = persistently(lambda: states.claim(job_id, worker or worker_name("here")))
    if job is None:
        return None
    context = Context(job)
    began = time.monotonic()
    logger.info("%s starts: %s", job.kind, job.title)
    try:
        known = registry.kind(job.kind)
    except LookupError:
        return _end(context, Status.FAILED, error=_unknown_kind(job.kind))
    state = _run(known.run, context)
    if known.succeeded is not None and state in (Status.COMPLETED, Status.PARTIAL):
        _clean_up(known.succeeded, context)
    took = time.monotonic() - began
    logger.info("%s %s after %.1f s: %s", job.kind, state or "left", took, job.title)
    return state


def _clean_up(succeeded: registry.Ended, context: Context) -> None:
    try:
        succeeded(context.job)
    except Exception:
        # The job has ended; what is left lying about is no reason to say otherwise.
        logger.exception("What job %s no longer needs could not be removed", context.job.pk)


def _unknown_kind(kind: str) -> str:
    return f"This installation does not know the job kind “{kind}”."


def _run(run: registry.Runner, context: Context) -> Status | None:
    """Every way in which a runner can come back ends here."""
    try:
        result = run(context)
    except ClaimLost:
        logger.warning("Job %s was taken over by another worker", context.job.pk)
        return None
    except WorkerStopped:
        return _give_back(context, states.STOPPED)
    except JobWaits:
        return _give_back(context)
    except JobCancelled:
        return _end(context, Status.CANCELLED)
    except JobFailed as error:
        _log_cause(context, error)
        return _end(context, Status.FAILED, error=str(error) or "It failed without saying why.")
    except KeyboardInterrupt:
        _give_back(context, states.STOPPED)
        raise
    except (Exception, SystemExit) as error:
        logger.exception("Job %s (%s) broke", context.job.pk, context.job.kind)
        _log_line(context, traceback.format_exc(), "error")
        return _end(context, Status.FAILED, error=_sentence(error))
    if isinstance(result, Partial):
        stored = _storable(context, result.result)
        return _end(context, Status.PARTIAL, result=stored, error=result.error)
    return _end(context, Status.COMPLETED, result=_storable(context, result))


def _sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "There was not enough memory for this."
    said = str(error).strip().splitlines()
    words = f"{type(error).__name__}: {said[0][:300]}" if said else type(error).__name__
    return f"Something unexpected went wrong ({words}). The log has the details."


def _log_cause(context: Context, error: JobFailed) -> None:
    if error.__cause__ is not None:
        _log_line(context, "".join(traceback.format_exception(error.__cause__)), "error")


def _log_line(context: Context, text: str, level: str) -> None:
    persistently(lambda: log.append(context.job.pk, text, level, always=True))


def _storable(context: Context, result: Any) -> Any:
    """The result as JSON; what JSON cannot hold becomes text, because the work itself is done."""
    try:
        return json.loads(json.dumps(result, cls=DjangoJSONEncoder, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        _log_line(context, f"The result could not be stored as it is: {error}", "warning")
    try:
        words = json.loads(json.dumps(result, default=repr, skipkeys=True), parse_constant=str)
    except (TypeError, ValueError, RecursionError):
        words = None
    return words


def _end(context: Context, status: Status, *, result: Any = None, error: str = "") -> Status | None:
    ended = persistently(
        lambda: states.finish(
            context.job.pk,
            context.job.claim,
            status,
            result=result,
            error=error,
            progress=context.settled_progress(),
        )
    )
    return status if ended else None


def _give_back(context: Context, line: str = "") -> Status | None:
    progress = context.settled_progress()
    returned = persistently(
        lambda: states.give_back(context.job.pk, context.job.claim, line, progress=progress)
    )
    return Status.QUEUED if returned else None


def persistently(write: Callable[[], Any]) -> Any:
    """Do it, again with growing pauses while the database is locked or away.

    Safe for compare-and-set writes only. Raises what the database raised after END_PATIENCE.
    """
    deadline = time.monotonic() + END_PATIENCE
    pause = 0.1
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() + pause > deadline:
                raise
            logger.warning("The database does not answer (%s); trying again", error)
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
