"""What an admin wants to know about the queue server: is it there, who works, how much waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import redis

from imagineer.jobs import queues
from imagineer.jobs.models import Queue

_WORKERS = "rq:workers"


@dataclass(frozen=True)
class SeenWorker:
    """A worker that said hello. state: "idle", "busy", …; since: when it started."""

    name: str
    queue: str
    state: str
    since: datetime | None


@dataclass(frozen=True)
class Overview:
    """reachable: whether the queue server answers; lengths: deliveries waiting in each queue."""

    reachable: bool
    workers: tuple[SeenWorker, ...] = ()
    lengths: tuple[tuple[str, int], ...] = ()
    server: str = ""

    @property
    def unattended(self) -> list[str]:
        """The queues that no worker works on."""
        attended = {worker.queue for worker in self.workers}
        return [queue.value for queue in Queue if queue.value not in attended]


def look() -> Overview:
    """Three quick questions to the queue server; never raises for its absence."""
    try:
        server = queues.connection()
        keys = sorted(_text(key) for key in server.smembers(_WORKERS))
        with server.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hgetall(key)
            for queue in Queue:
                pipeline.llen(f"rq:queue:{queue.value}")
            answers = pipeline.execute()
        about = server.info("server")
    except redis.RedisError:
        return Overview(reachable=False)
    found = [_worker(key, fields) for key, fields in zip(keys, answers, strict=False) if fields]
    lengths = zip((queue.value for queue in Queue), answers[len(keys) :], strict=True)
    return Overview(
        reachable=True,
        workers=tuple(found),
        lengths=tuple((name, int(length)) for name, length in lengths),
        server=_server(about),
    )


def _worker(key: str, fields: dict[bytes, bytes]) -> SeenWorker:
    told = {_text(name): _text(value) for name, value in fields.items()}
    return SeenWorker(
        name=key.removeprefix("rq:worker:"),
        queue=told.get("queues", "").split(",")[0],
        state=told.get("state", "") or "unknown",
        since=_moment(told.get("birth", "")),
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _server(about: Mapping[str, object]) -> str:
    """Name and version: Valkey also tells the Redis version that it speaks like."""
    for name, key in (("Valkey", "valkey_version"), ("Redis", "redis_version")):
        if about.get(key):
            return f"{name} {about[key]}"
    return "unknown"


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
