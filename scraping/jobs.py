"""The runner of ``scraping.run``: a crawl in a child process, its pictures into the gallery.

The child only fetches; everything that lasts is written here. Run again after a kill, the crawl
starts anew but passes over every address that was settled before: taken, or refused for good.
"""

import shutil
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from django.conf import settings

from gallery import similar
from imagineer.jobs.registry import JobContext, JobFailed, Result
from scraping.addresses import site_of
from scraping.crawl_child import CrawlChild, Event
from scraping.crawl_config import CrawlConfig, Sighting, TargetConfig
from scraping.models import COUNTS, CrawlTarget, ScrapeJob
from scraping.options import CrawlOptions
from scraping.take_picture import add_counts, forget_passing, refuse, take

POLL_S = 0.2
# A child that dies (of memory, most often) is started again from the addresses not settled yet.
CHILD_ATTEMPTS = 3
State = CrawlTarget.State
_LIMITS = {
    "images": "Stopped at the number of pictures asked for.",
    "pages": "Stopped at the number of pages asked for.",
    "bytes": "Stopped because the crawl has fetched as much as one may.",
    "minutes": "Stopped because the crawl's time is up.",
}


@dataclass
class _Work:
    context: JobContext
    scrape: ScrapeJob
    chosen: CrawlOptions
    spool: Path
    targets: dict[int, CrawlTarget]
    # Of this attempt, by target.
    pages: dict[int, int] = field(default_factory=dict)
    start_trouble: dict[int, str] = field(default_factory=dict)


def run(context: JobContext) -> Result:
    """Crawl, import what is wanted, and count it. Fails if no first page can be read."""
    scrape = ScrapeJob.objects.select_related("created_by").get(job=context.job)
    spool = settings.DATA_DIR / "spool" / f"scrape-{scrape.pk}"
    shutil.rmtree(spool, ignore_errors=True)
    spool.mkdir(parents=True)
    try:
        forget_passing(scrape)
        similar.catch_up(context.check_cancelled)
        work = _Work(context, scrape, scrape.chosen, spool, _targets(scrape))
        _crawl_persistently(work)
    finally:
        shutil.rmtree(spool, ignore_errors=True)
    if not scrape.imported and not sum(work.pages.values()) and work.start_trouble:
        raise JobFailed(" ".join(dict.fromkeys(work.start_trouble.values())))
    return _result(work)


def _targets(scrape: ScrapeJob) -> dict[int, CrawlTarget]:
    """The crawl's targets by number, each of which knows this very crawl."""
    found = {target.pk: target for target in scrape.targets.select_related("source")}
    for target in found.values():
        target.scrape_job = scrape
    return found


def _crawl_persistently(work: _Work) -> None:
    """Crawl until a child comes to its end."""
    for attempt in range(1, CHILD_ATTEMPTS + 1):
        if _crawl(work):
            return
        if attempt < CHILD_ATTEMPTS:
            work.context.log("The crawler's process died; starting another.", "warning")
    raise JobFailed(
        f"The crawler's process died {CHILD_ATTEMPTS} times. The log has its last words; pictures "
        "taken before are kept."
    )


def _crawl(work: _Work) -> bool:
    """One child from start to end; False if it died."""
    if _has_all(work):
        return True
    with CrawlChild(_config(work), work.spool / "log") as child:
        while True:
            _report(work)
            try:
                event = child.next_event(POLL_S)
            except EOFError:
                if words := child.last_words():
                    work.context.log(words, "error")
                return False
            if event is None:
                continue
            if event["event"] == "end":
                return True
            _handle(work, event)
            if _has_all(work):
                work.context.log(_LIMITS["images"])
                return True


def _has_all(work: _Work) -> bool:
    return work.scrape.imported >= work.chosen.max_images


def _config(work: _Work) -> CrawlConfig:
    return CrawlConfig(
        spool=str(work.spool),
        user_agent=settings.SCRAPE_USER_AGENT,
        targets=tuple(_target_config(work, target) for target in work.targets.values()),
        options=work.chosen,
        max_bytes=settings.MAX_IMAGE_BYTES,
        delay_s=settings.SCRAPE_DELAY,
        allowed_networks=tuple(settings.SCRAPE_ALLOWED_NETWORKS),
    )


def _target_config(work: _Work, target: CrawlTarget) -> TargetConfig:
    source = target.source
    most = min(target.max_images or work.chosen.max_images, work.chosen.max_images)
    known = {*target.scraped_images.values_list("image_url", flat=True)}
    known |= {*target.refused_images.values_list("image_url", flat=True)}
    folder = work.spool / f"target-{target.pk}"
    folder.mkdir(exist_ok=True)
    return TargetConfig(
        number=target.pk,
        url=target.url,
        folder=str(folder),
        kind=source.kind if source else "pages",
        rate_limit=source.rate_limit if source else 0,
        # Many are too small or known: fetch more than are wanted, but not without end.
        max_downloads=most * 5 + 100,
        mapping=source.mapping if source else {},
        known_urls=frozenset(known),
    )


def _report(work: _Work) -> None:
    scrape = work.scrape
    settled = scrape.imported + scrape.duplicate + scrape.filtered
    number = sum(work.pages.values())
    pages = f"{number} page{'' if number == 1 else 's'} read"
    running = [site_of(row.url) for row in work.targets.values() if row.state == State.RUNNING]
    where = f"{running[0]}: " if running and len(work.targets) > 1 else ""
    work.context.progress(
        settled,
        max(settled, scrape.discovered),
        f"{where}{pages}, {scrape.imported} pictures taken",
    )


def _handle(work: _Work, event: Event) -> None:
    target = work.targets[event["target"]]
    match event["event"]:
        case "picture":
            _take(work, target, event)
        case "refused":
            refuse(target, sighting(event), event["reason"], event["detail"])
        case "page":
            _set_state(target, State.RUNNING)
            work.pages[target.pk] = work.pages.get(target.pk, 0) + 1
            _raise_to(target, pages=work.pages[target.pk])
        case "found":
            _raise_to(target, discovered=event["number"])
        case "trouble":
            _trouble(work, target, event)
        case "target_end":
            _end(work, target, event["reason"])


def sighting(event: Event) -> Sighting:
    """What an event tells of a picture."""
    return Sighting(**{column.name: event[column.name] for column in fields(Sighting)})


def _take(work: _Work, target: CrawlTarget, event: Event) -> None:
    file = work.spool / Path(event["file"]).name
    found = sighting(event)
    image = take(target, found, file.read_bytes())
    file.unlink()
    if image is not None:
        work.context.log(f"Took {found.image_url}")


def _trouble(work: _Work, target: CrawlTarget, event: Event) -> None:
    if event["is_start"]:
        work.start_trouble[target.pk] = event["detail"]
    work.context.log(f"{event['url']}: {event['detail']}", "warning")


def _end(work: _Work, target: CrawlTarget, reason: str) -> None:
    trouble = work.start_trouble.get(target.pk, "")
    if trouble and not work.pages.get(target.pk):
        _set_state(target, State.FAILED, trouble)
    elif reason in _LIMITS:
        _set_state(target, State.FINISHED, _LIMITS[reason])
        work.context.log(f"{site_of(target.url)}: {_LIMITS[reason]}")
    else:
        _set_state(target, State.FINISHED)


def _set_state(target: CrawlTarget, state: str, because: str = "") -> None:
    if (target.state, target.ended_because) != (state, because):
        target.state, target.ended_because = state, because[:500]
        target.save(update_fields=["state", "ended_because"])


def _raise_to(target: CrawlTarget, **counts: int) -> None:
    """Write counts that a repeated crawl counts anew: they never fall."""
    missing = {name: number - getattr(target, name) for name, number in counts.items()}
    add_counts(target, **{name: number for name, number in missing.items() if number > 0})


def _result(work: _Work) -> dict[str, Any]:
    scrape = work.scrape
    scrape.refresh_from_db()
    if not scrape.imported:
        work.context.log("No picture was taken, so no album was made.", "warning")
    return {"album_id": scrape.album_id} | {name: getattr(scrape, name) for name in COUNTS}
