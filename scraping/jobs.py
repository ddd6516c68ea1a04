"""The runner of ``scraping.run``: a crawl in a child process, its pictures into the gallery.

The child only fetches; everything that lasts is written here. What is on its way between the two
lies in the crawl's folder, which outlives every attempt: after a kill the spool is settled first,
and then the child goes on from its frontiers.
"""

import shutil
from typing import Any

from django.conf import settings

from gallery import similar
from imagineer.jobs.models import Job, Status
from imagineer.jobs.registry import JobContext, JobFailed, Result
from scraping import crawl_events, crawl_folder, kept_pages
from scraping.crawl_child import CrawlChild
from scraping.crawl_config import CrawlConfig, TargetConfig
from scraping.crawl_events import Work
from scraping.crawl_settings import configured, of_source, rendering_of
from scraping.earlier_crawls import earlier_pictures, forget_unchanged
from scraping.find_browser import NoBrowser, needed_browser
from scraping.models import COUNTS, CrawlTarget, ScrapeJob
from scraping.take_picture import forget_passing

POLL_S = 0.2
# A child that dies (of memory, most often) is started again and goes on from its frontiers.
CHILD_ATTEMPTS = 3
# Seconds after its time is up that a child may take to end by itself.
_OVERTIME_S = 60.0
_NO_CONTACT = (
    "SCRAPE_CONTACT is not set: sites that are crawled are not told how to reach whoever runs this."
)
State = CrawlTarget.State


def run(context: JobContext) -> Result:
    """Crawl, import what is wanted, and count it. Fails if no target can be read."""
    scrape = ScrapeJob.objects.select_related("created_by").get(job=context.job)
    targets = _targets(scrape)
    folder = crawl_folder.path_of(scrape.pk)
    if not folder.exists() or _begins_anew(targets):
        _begin_anew(scrape, targets)
    similar.catch_up(context.check_cancelled)
    clock = crawl_folder.Clock(folder)
    work = Work(context, scrape, scrape.chosen, folder, targets, clock)
    work.browser = _browser(work)
    if not settings.SCRAPE_CONTACT:
        context.log(_NO_CONTACT)
    with work.examining:
        _crawl_persistently(work)
    for target in targets.values():
        if target.chosen.only_new:
            kept_pages.prune(kept_pages.folder_of(target))
            forget_unchanged(target)
    if not scrape.imported and all(target.state == State.FAILED for target in targets.values()):
        raise JobFailed(" ".join(dict.fromkeys(row.ended_because for row in targets.values())))
    return _result(work)


def ended(job: Job) -> None:
    """In the transaction that ends a crawl's job, in whatever way."""
    scrape = ScrapeJob.objects.filter(job=job).first()
    if scrape is None:
        return
    how = "was cancelled" if job.status == Status.CANCELLED else "ended early"
    scrape.targets.filter(state__in=CrawlTarget.OPEN).update(
        state=State.STOPPED, ended_because=f"The crawl {how}."
    )
    # Should the end be undone, the next attempt reads the pages again: nothing worse.
    crawl_folder.remove(scrape.pk)


def _targets(scrape: ScrapeJob) -> dict[int, CrawlTarget]:
    """The crawl's targets by number, each of which knows this very crawl."""
    found = {target.pk: target for target in scrape.targets.select_related("source")}
    for target in found.values():
        target.scrape_job = scrape
    return found


def _begins_anew(targets: dict[int, CrawlTarget]) -> bool:
    """Whether the job had ended and is retried: its targets say so, whatever lies in the folder."""
    states = {target.state for target in targets.values()}
    return State.STOPPED in states or states == {State.FAILED}


def _begin_anew(scrape: ScrapeJob, targets: dict[int, CrawlTarget]) -> None:
    """Read all pages again, but for pictures that are settled."""
    folder = crawl_folder.path_of(scrape.pk)
    shutil.rmtree(folder, ignore_errors=True)
    forget_passing(scrape)
    scrape.targets.update(state=State.WAITING, ended_because="")
    for target in targets.values():
        target.refresh_from_db(fields=["state", "ended_because", *COUNTS])
    scrape.refresh_from_db(fields=COUNTS)
    # Last: where it is, all of this has been done.
    folder.mkdir(parents=True)


def _browser(work: Work) -> str:
    """The browser that pages are opened in, if any are. Raises JobFailed where there is none.

    Pages that are opened only if they show nothing otherwise can do without.
    """
    wishes = {rendering_of(work.chosen, target.source) for target in work.targets.values()}
    try:
        return needed_browser(wishes, settings.CHROMIUM)
    except NoBrowser as missing:
        if "on" in wishes:
            raise JobFailed(str(missing)) from missing
        work.context.log(str(missing), "warning")
        return ""


def _crawl_persistently(work: Work) -> None:
    """Crawl until a child comes to its end."""
    for attempt in range(1, CHILD_ATTEMPTS + 1):
        crawl_events.settle_spool(work)
        if _crawl(work):
            return
        if attempt < CHILD_ATTEMPTS:
            work.context.log("The crawler's process died; starting another.", "warning")
    raise JobFailed(
        f"The crawler's process died {CHILD_ATTEMPTS} times. The log has its last words; pictures "
        "taken before are kept."
    )


def _crawl(work: Work) -> bool:
    """One child from start to end; False if it died."""
    if crawl_events.is_over(work):
        return True
    with CrawlChild(_config(work), work.folder / "log") as child:
        work.stop_target = child.stop_target
        while True:
            work.report()
            try:
                event = child.next_event(POLL_S)
            except EOFError:
                crawl_events.settle(work, to_the_last=True)
                if words := child.last_words():
                    work.context.log(words, "error")
                return False
            if work.seconds_left() < -_OVERTIME_S:
                crawl_events.end_all(work, "minutes")
                return True
            if event is None:
                crawl_events.settle(work, fewer=True)
                continue
            if event["event"] == "end":
                return True
            crawl_events.handle(work, event)
            crawl_events.settle(work)
            if crawl_events.is_over(work):
                return True


def _config(work: Work) -> CrawlConfig:
    return configured(
        spool=str(work.folder),
        targets=tuple(_target_config(work, target) for target in work.open_targets()),
        options=work.chosen,
        seconds_left=max(0.0, work.seconds_left()),
        browser=work.browser,
    )


def _target_config(work: Work, target: CrawlTarget) -> TargetConfig:
    kept: dict[str, Any] = {}
    if target.chosen.only_new:
        earlier = work.earlier[target.pk] = earlier_pictures(target, target.chosen)
        kept["validators"] = {url: (one.etag, one.last_modified) for url, one in earlier.items()}
        kept["pages_folder"] = str(kept_pages.folder_of(target))
    known = {*target.scraped_images.values_list("image_url", flat=True)}
    known |= {*target.refused_images.values_list("image_url", flat=True)}
    folder = work.folder / f"target-{target.pk}"
    folder.mkdir(exist_ok=True)
    return TargetConfig(
        number=target.pk,
        url=target.url,
        folder=str(folder),
        # Many are too small or known: fetch more than are wanted, but not without end.
        max_downloads=work.most_images(target) * 5 + 100,
        options=target.options,
        render_javascript=rendering_of(work.chosen, target.source) if work.browser else "off",
        known_urls=frozenset(known),
        **of_source(target.source),
        **kept,
    )


def _result(work: Work) -> dict[str, Any]:
    scrape = work.scrape
    scrape.refresh_from_db()
    if not scrape.imported:
        so = "" if scrape.album_id else ", so no album was made"
        work.context.log(f"No picture was taken{so}.", "warning")
    return {"album_id": scrape.album_id} | {name: getattr(scrape, name) for name in COUNTS}
