"""Telling Redis about jobs: the only module besides the worker that knows RQ.

A queue holds job ids and nothing else, in the order in which they should start. Whatever Redis
loses or refuses, recovery (:mod:`imagineer.jobs.orphans`) tells it again, so nothing here raises
when the server is away.
"""

import logging
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import redis
import rq
from django.conf import settings
from django.utils import timezone
from django_rq import get_queue
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from imagineer.jobs.models import Job, Status

if TYPE_CHECKING:
    Redis = redis.Redis[bytes]
else:
    Redis = redis.Redis

logger = logging.getLogger(__name__)

RUN = "imagineer.jobs.runner.execute"


@cache
def connection(*, patient: bool = False) -> Redis:
    """A pool of connections to the queue server.

    patient: for a worker, which outlives a restart of the server: every command is tried again for
    about half a minute. Otherwise a command fails at once, so that no request waits for it.
    """
    retry = Retry(ExponentialBackoff(cap=1, base=0.05), 30) if patient else Retry(NoBackoff(), 1)
    # RQ raises the socket timeout of a pool that it blocks on, so workers have one of their own.
    options: dict[str, Any] = {
        "retry": retry,
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
    }
    if settings.REDIS_URL:
        return redis.Redis.from_url(settings.REDIS_URL, **options)
    return redis.Redis(unix_socket_path=str(settings.REDIS_SOCKET), **options)


def queue(name: str, *, patient: bool = False) -> rq.Queue:
    """The queue as RQ_QUEUES describes it, over a connection of ours (see connection())."""
    return get_queue(name, connection=connection(patient=patient))


def enqueue(job_id: UUID) -> bool:
    """Put a queued job's id where its priority belongs. False: not queued any more, or no server.

    Putting it in twice is harmless: only one of the two is able to claim the row.
    """
    job = Job.objects.filter(pk=job_id, status=Status.QUEUED).first()
    if job is None:
        return False
    try:
        _push(job)
    except redis.RedisError as error:
        logger.warning(
            "The queue server does not answer (%s); job %s is queued once it does.", error, job_id
        )
        return False
    Job.objects.filter(pk=job_id, status=Status.QUEUED).update(enqueued_at=timezone.now())
    return True


def _push(job: Job) -> None:
    target = queue(job.queue)
    message = target.create_job(
        RUN, args=(str(job.pk),), job_id=str(job.pk), description=job.kind, timeout=-1
    )
    follower = _first_of_lower_priority(job, target)
    if follower is None:
        target.enqueue_job(message)
        return
    message.origin = target.name
    message.save()
    if target.connection.linsert(target.key, "BEFORE", follower, str(job.pk)) < 1:
        # The one it should stand before was taken in the meantime.
        target.push_job_id(str(job.pk), at_front=True)


def _first_of_lower_priority(job: Job, target: rq.Queue) -> str | None:
    """The first id in the queue whose job should start later than this one."""
    lower = Job.objects.filter(queue=job.queue, status=Status.QUEUED, priority__lt=job.priority)
    known = {str(pk) for pk in lower.values_list("pk", flat=True)}
    if not known:
        return None
    return next((waiting for waiting in target.get_job_ids() if waiting in known), None)


def forget(job_id: UUID, queue_name: str) -> None:
    """Take a job out of its queue; an id that stays there is harmless."""
    try:
        connection().lrem(queue(queue_name).key, 0, str(job_id))
    except redis.RedisError as error:
        logger.info("The queue server does not answer (%s); job %s ends anyway.", error, job_id)


def known_ids(name: str) -> set[str]:
    """The job ids that a queue holds and can deliver. Raises redis.RedisError."""
    target = queue(name)
    waiting = target.get_job_ids()
    if not waiting:
        return set()
    with target.connection.pipeline(transaction=False) as pipeline:
        for job_id in waiting:
            pipeline.exists(rq.job.Job.key_for(job_id))
        existing = pipeline.execute()
    return {job_id for job_id, exists in zip(waiting, existing, strict=True) if exists}
