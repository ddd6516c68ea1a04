"""Crawls that nobody asks for: of sources whose time has come, at what is new there."""

import logging
from datetime import datetime

from django.db import DatabaseError, transaction
from django.utils import timezone

from gallery.models import Album
from imagineer.jobs.models import Job, Status
from scraping.models import CrawlTarget, ScrapeJob, Source
from scraping.runs import Asked, start_crawl

logger = logging.getLogger(__name__)
# Started in one go; the next ones a few seconds later.
_AT_ONCE = 20


def start_due() -> list[ScrapeJob]:
    """Start one crawl of every source whose time has come. Several processes may call it at once.

    Whatever number of times has passed meanwhile, it is one crawl; none while an earlier one of the
    same source has not ended. What cannot be started is logged and comes again at its next time.
    """
    due = Source.objects.filter(enabled=True, next_crawl_at__lte=timezone.now())
    started = [_start(source) for source in due.order_by("next_crawl_at")[:_AT_ONCE]]
    return [scrape for scrape in started if scrape is not None]


def _start(source: Source) -> ScrapeJob | None:
    now = timezone.now()
    try:
        with transaction.atomic():
            if not _take_time(source, now):
                return None
            if _is_under_way(source):
                logger.info("“%s” is being crawled still; its time is passed over.", source)
                return None
            return crawl_again(source)
    except DatabaseError:
        raise
    except Exception as error:
        # With the crawl its time was taken back: without a next one it would be due for ever.
        _take_time(source, now)
        logger.warning("The crawl of “%s” that is due could not be started: %s", source, error)
        return None


def _take_time(source: Source, now: datetime) -> bool:
    """Put the next time in the place of the one that is due. False: another process did."""
    mine = Source.objects.filter(
        pk=source.pk, next_crawl_at=source.next_crawl_at, schedule=source.schedule, enabled=True
    )
    return bool(mine.update(next_crawl_at=source.time_after(now)))


def _is_under_way(source: Source) -> bool:
    going_on = Job.objects.filter(kind="scraping.run", status__in=(Status.QUEUED, Status.RUNNING))
    jobs = list(going_on.values_list("pk", flat=True))
    return CrawlTarget.objects.filter(scrape_job__job__in=jobs, source=source).exists()


def crawl_again(source: Source) -> ScrapeJob:
    """Crawl what is new of a source, into the album of its crawls before if it wants one.

    Raises Problem.
    """
    return start_crawl(
        [Asked(source=source)],
        created_by=source.created_by,
        choices={"only_new": True},
        album=_album_of(source) if source.options.get("auto_create_album", True) else None,
    )


def _album_of(source: Source) -> Album | None:
    """The album that its newest crawl with an album went into, if it is there still."""
    before = CrawlTarget.objects.filter(source=source, scrape_job__album__isnull=False)
    newest = before.select_related("scrape_job__album").order_by("-pk").first()
    return newest.scrape_job.album if newest else None
