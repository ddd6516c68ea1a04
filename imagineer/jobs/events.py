"""A job's life as server-sent events (HTML Living Standard, 9.2).

A viewer costs a coroutine: the rows are read by two threads that all viewers share, and the thread
that served the request's middleware is let go.
"""

import asyncio
import json
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import SyncToAsync
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, InterfaceError, connections
from django.http import StreamingHttpResponse

from imagineer.jobs.describe import described
from imagineer.jobs.models import Job, JobLog

LOOK_EVERY = 0.5
HEARTBEAT_EVERY = 15.0
MAX_STREAMS = 100
BATCH = 200
_END = "-end"
_MAX_SEQ = 2**31 - 1

_readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="job-events")
_open_streams: "weakref.WeakSet[_Ticket]" = weakref.WeakSet()


class _Ticket:
    """One stream's place. A stream that never starts takes its ticket with it."""


@dataclass(frozen=True)
class Position:
    """What a viewer has seen: the last log line's number, and whether the end."""

    seq: int
    ended: bool = False

    @classmethod
    def parse(cls, last_event_id: str, after: int = 0) -> "Position":
        """From a Last-Event-ID header; what is not one of ours counts as nothing seen."""
        number = last_event_id.removesuffix(_END)
        seen = int(number) if number.isascii() and number.isdigit() and len(number) < 11 else 0
        seq = max(0, min(max(seen, after), _MAX_SEQ))
        return cls(seq, bool(seen or number == "0") and last_event_id.endswith(_END))


def is_full() -> bool:
    """Whether as many streams are open as this process serves."""
    return len(_open_streams) >= MAX_STREAMS


def respond(job_id: UUID, position: Position, *, admin: bool) -> StreamingHttpResponse:
    """The stream from this position on. Visitors (not admin) get no log lines and no words."""
    ticket = _Ticket()
    _open_streams.add(ticket)
    response = StreamingHttpResponse(
        _stream(ticket, job_id, position, admin), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store"
    # nginx would hold events back.
    response["X-Accel-Buffering"] = "no"
    return response


async def _stream(
    ticket: _Ticket, job_id: UUID, position: Position, admin: bool
) -> AsyncIterator[str]:
    _let_thread_go()
    try:
        yield "retry: 2000\n\n"
        async for event in _events(job_id, position.seq, admin):
            yield event
    finally:
        _open_streams.discard(ticket)


async def _events(job_id: UUID, seq: int, admin: bool) -> AsyncIterator[str]:
    """Progress when it has changed, every log line once, a heartbeat in silence, the end."""
    loop = asyncio.get_running_loop()
    shown: dict[str, Any] | None = None
    quiet_since = loop.time()
    while True:
        read = await loop.run_in_executor(_readers, _read, job_id, seq, admin)
        if read is not None:
            job, lines, ended = read
            if job is None:
                return
            if job != shown:
                shown, quiet_since = job, loop.time()
                yield _event("progress", job, str(seq))
            for line in lines:
                seq, quiet_since = line["seq"], loop.time()
                yield _event("log", line, str(seq))
            if len(lines) == BATCH:
                continue
            if ended:
                yield _event("end", job, f"{seq}{_END}")
                return
        if loop.time() - quiet_since >= HEARTBEAT_EVERY:
            quiet_since = loop.time()
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY)


def _read(
    job_id: UUID, seq: int, admin: bool
) -> tuple[dict[str, Any] | None, list[dict[str, Any]], bool] | None:
    """The job, the log lines after seq, whether it has ended; None when the database is busy.

    The row is read before the lines: whatever was logged before the end is among them.
    """
    try:
        job = Job.objects.select_related("created_by").filter(pk=job_id).first()
        if job is None:
            return None, [], True
        lines: list[dict[str, Any]] = []
        if admin:
            found = JobLog.objects.filter(job=job_id, seq__gt=seq).order_by("seq")
            lines = [dict(line) for line in found.values("seq", "at", "level", "text")[:BATCH]]
        return described(job, admin=admin), lines, job.has_ended
    except (DatabaseError, InterfaceError):
        return None
    finally:
        close_idle_connections()


def close_idle_connections() -> None:
    """Close this thread's connections as a request's end does; a stream ends in hours.

    Inside a transaction (a test's) they are left alone.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _event(name: str, data: dict[str, Any], identity: str) -> str:
    # JSON has no raw line breaks, so one data line is enough.
    return f"id: {identity}\nevent: {name}\ndata: {json.dumps(data, cls=DjangoJSONEncoder)}\n\n"


def _let_thread_go() -> None:
    """End the thread in which Django ran this request's middleware; it would idle beside us.

    asgiref keeps one for every request until its response is complete, and makes a new one when
    it is needed again.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is None:
        return
    executor = SyncToAsync.context_to_thread_executor.pop(context, None)
    if executor is not None:
        executor.shutdown(wait=False)
