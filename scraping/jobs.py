"""The runner of ``scraping.run``: a crawl in a child process, its pictures into the gallery.

The child only fetches; everything that lasts is written here. Run again after a kill, the crawl
starts anew but passes over every address that was settled before: taken, or refused for good.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from gallery import similar
from imagineer.jobs.registry import JobContext, JobFailed, Result
from scraping.crawl_child import CrawlChild, Event
from scraping.crawl_config import CrawlConfig
from scraping.models import ScrapeJob
from scraping.take_picture import Found, forget_passing, refuse, take

POLL_S = 0.2
# A child that dies (of memory, most often) is started again from the addresses not settled yet.
CHILD_ATTEMPTS = 3
_LIMITS = {
    "images": "Stopped at the number of pictures asked for.",
    "bytes": "Stopped because the crawl has fetched as much as one may.",
    "closespider_timeout": "Stopped after six hours.",
}


@dataclass
class _Work:
    context: JobContext
    scrape: ScrapeJob
    spool: Path
    start_trouble: str = ""
    pages: int = 0


def run(context: JobContext) -> Result:
    """Crawl, import what is wanted, and count it. Fails if the first page cannot be read."""
    scrape = ScrapeJob.objects.select_related("created_by").get(job=context.job)
    spool = settings.DATA_DIR / "spool" / f"scrape-{scrape.pk}"
    shutil.rmtree(spool, ignore_errors=True)
    spool.mkdir(parents=True)
    try:
        forget_passing(scrape)
        similar.catch_up(context.check_cancelled)
        work = _Work(context, scrape, spool)
        reason = _crawl_persistently(work)
    finally:
        shutil.rmtree(spool, ignore_errors=True)
    if work.start_trouble and not work.pages and not scrape.imported:
        raise JobFailed(work.start_trouble)
    if reason in _LIMITS:
        context.log(_LIMITS[reason])
    return _result(work)


def _crawl_persistently(work: _Work) -> str:
    """Crawl until a child comes to its end; why that was."""
    for attempt in range(1, CHILD_ATTEMPTS + 1):
        reason = _crawl(work)
        if reason:
            return reason
        if attempt < CHILD_ATTEMPTS:
            work.context.log("The crawler's process died; starting another.", "warning")
    raise JobFailed(
        f"The crawler's process died {CHILD_ATTEMPTS} times. The log has its last words; pictures "
        "taken before are kept."
    )


def _crawl(work: _Work) -> str | None:
    """One child from start to end; None if it died."""
    if work.scrape.imported >= work.scrape.max_images:
        return "images"
    with CrawlChild(_config(work), work.spool / "log") as child:
        while True:
            _report(work)
            try:
                event = child.next_event(POLL_S)
            except EOFError:
                if words := child.last_words():
                    work.context.log(words, "error")
                return None
            if event is None:
                continue
            if event["event"] == "end":
                return str(event["reason"])
            _handle(work, event)
            if work.scrape.imported >= work.scrape.max_images:
                return "images"


def _config(work: _Work) -> CrawlConfig:
    scrape = work.scrape
    known = {*scrape.scraped_images.values_list("image_url", flat=True)}
    known |= {*scrape.refused_images.values_list("image_url", flat=True)}
    return CrawlConfig(
        url=scrape.url,
        spool=str(work.spool),
        user_agent=settings.SCRAPE_USER_AGENT,
        depth=scrape.depth,
        max_pages=scrape.max_pages,
        # Many are too small or known: fetch more than are wanted, but not without end.
        max_downloads=scrape.max_images * 5 + 100,
        max_bytes=settings.MAX_IMAGE_BYTES,
        delay_s=settings.SCRAPE_DELAY,
        allowed_networks=tuple(settings.SCRAPE_ALLOWED_NETWORKS),
        known_urls=frozenset(known),
    )


def _report(work: _Work) -> None:
    scrape = work.scrape
    settled = scrape.imported + scrape.duplicate + scrape.filtered
    pages = f"{work.pages} page{'' if work.pages == 1 else 's'} read"
    work.context.progress(
        settled, max(settled, scrape.discovered), f"{pages}, {scrape.imported} pictures taken"
    )


def _handle(work: _Work, event: Event) -> None:
    match event["event"]:
        case "picture":
            _take(work, event)
        case "refused":
            found = Found(event["image_url"], event["page_url"])
            refuse(
                work.scrape,
                found,
                event["reason"],
                event["detail"],
                downloaded=event["downloaded"],
            )
        case "page":
            work.pages += 1
            _raise_to(work.scrape, pages=work.pages)
        case "found":
            _raise_to(work.scrape, discovered=event["number"])
        case "trouble":
            _trouble(work, event)


def _take(work: _Work, event: Event) -> None:
    file = work.spool / Path(event["file"]).name
    found = Found(event["image_url"], event["page_url"], event["alt"], event["caption"])
    image = take(work.scrape, found, file.read_bytes())
    file.unlink()
    if image is not None:
        work.context.log(f"Took {found.image_url}")


def _trouble(work: _Work, event: Event) -> None:
    if event["is_start"]:
        work.start_trouble = event["detail"]
    work.context.log(f"{event['url']}: {event['detail']}", "warning")


def _raise_to(scrape: ScrapeJob, **counts: int) -> None:
    """Write counts that a repeated crawl counts anew: they never fall."""
    raised = {name: number for name, number in counts.items() if number > getattr(scrape, name)}
    if raised:
        ScrapeJob.objects.filter(pk=scrape.pk).update(**raised)
        for name, number in raised.items():
            setattr(scrape, name, number)


def _result(work: _Work) -> dict[str, Any]:
    scrape = work.scrape
    scrape.refresh_from_db()
    if not scrape.imported:
        work.context.log("No picture was taken, so no album was made.", "warning")
    return {
        "album_id": scrape.album_id,
        "pages": scrape.pages,
        "discovered": scrape.discovered,
        "downloaded": scrape.downloaded,
        "filtered": scrape.filtered,
        "duplicate": scrape.duplicate,
        "imported": scrape.imported,
    }
