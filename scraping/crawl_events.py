"""What a crawl's process tells becomes rows: pictures, counts, how each target ends."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from django.db import transaction

from gallery import image_index, similar
from imagineer.jobs.registry import JobContext
from scraping import later_words, spool
from scraping.addresses import site_of
from scraping.crawl_child import Event
from scraping.crawl_config import Sighting
from scraping.crawl_folder import Clock
from scraping.earlier_crawls import Earlier, refuse_unchanged
from scraping.examining import Examining, Waiting
from scraping.models import CrawlTarget, RefusedImage, ScrapeJob
from scraping.options import CrawlOptions
from scraping.page_words import rank_of
from scraping.take_picture import add_counts, refuse, take, taken_together

State = CrawlTarget.State
_LIMITS = {
    "images": "Stopped at the number of pictures asked for.",
    "pages": "Stopped at the number of pages asked for.",
    "bytes": "Stopped because the crawl has fetched as much as one may.",
    "minutes": "Stopped because the crawl's time is up.",
    "downloads": "Stopped because too few of the many pictures fetched could be taken.",
}
# Pictures that are written in one transaction: other writers wait no longer than for these.
_TOGETHER = 8
_SAME_FILE = "Its server sent the same file again."


@dataclass
class Work:
    """A crawl while it runs. folder: its own. targets: by number."""

    context: JobContext
    scrape: ScrapeJob
    chosen: CrawlOptions
    folder: Path
    targets: dict[int, CrawlTarget]
    clock: Clock
    examining: Examining = field(default_factory=Examining)
    # The path of the one that pages are opened in; empty if none are.
    browser: str = ""
    # What the crawls before saw, by target and picture address.
    earlier: dict[int, dict[str, Earlier]] = field(default_factory=dict)
    # Words of later pages for pictures that are still on their way, by target and each address.
    heard: dict[tuple[int, str], Sighting] = field(default_factory=dict)
    # What was wrong with a target's start, by target.
    start_trouble: dict[int, str] = field(default_factory=dict)
    # Tells the child that a target has enough: number, reason.
    stop_target: Callable[[int, str], None] = lambda number, reason: None

    def open_targets(self) -> Iterator[CrawlTarget]:
        return (target for target in self.targets.values() if target.state in CrawlTarget.OPEN)

    def most_images(self, target: CrawlTarget) -> int:
        """How many pictures may be taken from there."""
        of_source = target.source.max_images if target.source else None
        limits = (self.chosen.max_images, target.max_images, of_source)
        return min(limit for limit in limits if limit is not None)

    def earlier_of(self, target: CrawlTarget, image_url: str) -> Earlier | None:
        return self.earlier.get(target.pk, {}).get(image_url)

    def best_told(self, target: CrawlTarget, found: Sighting) -> Sighting:
        """The picture with the best words that were heard of it before it came."""
        heard = self.heard.pop((target.pk, found.image_url), None)
        if heard is None or rank_of(heard.texts) >= rank_of(found.texts):
            return found
        return found.told_by(heard)

    def seconds_left(self) -> float:
        return self.chosen.max_minutes * 60 - self.clock.seconds()

    def report(self) -> None:
        """Progress in words; raises JobCancelled if the crawl is to stop."""
        scrape = self.scrape
        settled = scrape.imported + scrape.duplicate + scrape.filtered
        pages = f"{scrape.pages} page{'' if scrape.pages == 1 else 's'} read"
        running = [row for row in self.targets.values() if row.state == State.RUNNING]
        where = ""
        if running and len(self.targets) > 1:
            others = f" and {len(running) - 1} more" if len(running) > 1 else ""
            where = f"{site_of(running[0].url)}{others}: "
        self.context.progress(
            settled,
            max(settled, scrape.discovered),
            f"{where}{pages}, {scrape.imported} pictures taken",
        )


def is_over(work: Work) -> bool:
    """Whether nothing more is to come; ends the targets if the crawl has all its pictures."""
    if work.scrape.imported >= work.chosen.max_images:
        end_all(work, "images")
    return not any(work.open_targets())


def end_all(work: Work, reason: str) -> None:
    for target in work.open_targets():
        _end(work, target, reason)


def settle_spool(work: Work) -> None:
    """Take or refuse the pictures that a killed attempt has left in the spool."""
    files = list(spool.waiting(work.folder))
    if not files:
        return
    settled = {
        target.pk: {
            *target.scraped_images.values_list("image_url", flat=True),
            *target.refused_images.values_list("image_url", flat=True),
        }
        for target in work.targets.values()
    }
    for path in files:
        work.report()
        held = spool.read(path)
        target = work.targets.get(held[0]["target"]) if held else None
        if held and target and held[0]["image_url"] not in settled[target.pk]:
            work.examining.add(target, path)
            settle(work)
        else:
            path.unlink(missing_ok=True)
    settle(work, to_the_last=True)


def settle(work: Work, *, fewer: bool = False, to_the_last: bool = False) -> None:
    """Take or refuse the pictures that are examined by now, a few together, or all that wait.

    fewer: also where a few are not there yet. Those that share a transaction are indexed at its
    end; they have been waited for before, so that nobody else waits for the database meanwhile.
    """
    while together := work.examining.first(_TOGETHER, fewer=fewer, wait=to_the_last):
        try:
            with transaction.atomic(), image_index.once(), taken_together():
                taken = [waiting.event["image_url"] for waiting in together if _take(work, waiting)]
        except BaseException:
            # What this process knows of pictures may tell of some that are gone with this.
            similar.forget()
            raise
        for waiting in together:
            waiting.path.unlink(missing_ok=True)
        if taken:
            others = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
            work.context.log(f"Took {taken[0]}{others}")


def handle(work: Work, event: Event) -> None:
    """Write down what one event tells."""
    target = work.targets[event["target"]]
    match event["event"]:
        case "picture":
            work.examining.add(target, work.folder / Path(event["file"]).name)
        case "refused":
            _refuse(work, target, event)
        case "words":
            _hear(work, target, event)
        case "page":
            _raise_to(target, pages=event["number"])
        case "found":
            _raise_to(target, discovered=event["number"])
        case "trouble":
            _trouble(work, target, event)
        case "note":
            work.context.log(event["text"], event["level"])
        case "target_start":
            _set_state(target, State.RUNNING)
        case "resumed":
            _raise_to(
                target, pages=event["pages"], discovered=event["found"], errors=event["errors"]
            )
            work.start_trouble[target.pk] = event["trouble"]
        case "target_end" if target.state in CrawlTarget.OPEN:
            settle(work, to_the_last=True)
            if target.state in CrawlTarget.OPEN:
                _end(work, target, event["reason"])


def sighting(event: Event) -> Sighting:
    """What an event tells of a picture."""
    return Sighting(**{column.name: event[column.name] for column in fields(Sighting)})


def _hear(work: Work, target: CrawlTarget, event: Event) -> None:
    """Words for a picture that is taken already, or for when it is."""
    found, urls = sighting(event), event["urls"]
    if not later_words.give(target, found, urls) and not later_words.is_refused(target, urls):
        work.heard |= {(target.pk, url): found for url in urls}


def _take(work: Work, waiting: Waiting) -> bool:
    """Whether the picture is taken."""
    target, found = waiting.target, sighting(waiting.event)
    if _has_enough(work, target):
        return False
    earlier = work.earlier_of(target, found.image_url)
    if earlier is not None and earlier.has(waiting.body):
        refuse_unchanged(target, found, _SAME_FILE, earlier, is_fetched=True)
        return False
    image = take(target, work.best_told(target, found), waiting.examined())
    if image is None:
        return False
    if target.state in CrawlTarget.OPEN and _has_enough(work, target):
        work.stop_target(target.pk, "images")
        _end(work, target, "images")
    return True


def _refuse(work: Work, target: CrawlTarget, event: Event) -> None:
    found, reason, detail = sighting(event), event["reason"], event["detail"]
    earlier = work.earlier_of(target, found.image_url)
    if reason == RefusedImage.Reason.UNCHANGED and earlier is not None:
        refuse_unchanged(target, found, detail, earlier)
    else:
        refuse(target, found, reason, detail)


def _has_enough(work: Work, target: CrawlTarget) -> bool:
    return (
        target.imported >= work.most_images(target)
        or work.scrape.imported >= work.chosen.max_images
    )


def _trouble(work: Work, target: CrawlTarget, event: Event) -> None:
    if event["is_start"]:
        work.start_trouble[target.pk] = event["detail"]
    _raise_to(target, errors=event["number"])
    work.context.log(f"{event['url']}: {event['detail']}", "warning")


def _end(work: Work, target: CrawlTarget, reason: str) -> None:
    trouble = work.start_trouble.get(target.pk, "")
    if reason == "stopped":
        # A cancel, which the job's end tells of, or a worker that is stopped and goes on later.
        return
    if reason != "finished" and reason not in _LIMITS:
        _set_state(target, State.FAILED, reason)
        work.context.log(f"{site_of(target.url)}: {reason}", "warning")
    elif trouble and not target.pages:
        _set_state(target, State.FAILED, trouble)
    elif reason == "finished":
        _set_state(target, State.FINISHED)
    else:
        _set_state(target, State.FINISHED, _LIMITS[reason])
        work.context.log(f"{site_of(target.url)}: {_LIMITS[reason]}")


def _set_state(target: CrawlTarget, state: str, because: str = "") -> None:
    if (target.state, target.ended_because) != (state, because):
        target.state, target.ended_because = state, because[:500]
        target.save(update_fields=["state", "ended_because"])


def _raise_to(target: CrawlTarget, **counts: int) -> None:
    """Write counts that a repeated crawl counts anew: they never fall."""
    missing = {name: number - getattr(target, name) for name, number in counts.items()}
    rising = {name: number for name, number in missing.items() if number > 0}
    if rising:
        add_counts(target, **rising)
