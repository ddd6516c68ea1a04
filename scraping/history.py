"""A source's crawls one after the other, and what each saw otherwise than the one before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from imagineer.jobs.models import ENDED
from imagineer.problems import not_found
from scraping.difference import Difference, difference
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage, ScrapeJob, Source

_REASONS = {code: str(label) for code, label in RefusedImage.Reason.choices}
# Of each kind, so many pictures are listed; all are counted.
LISTED = 50


@dataclass(frozen=True)
class Listed:
    """A picture as one of the two crawls saw it. reason: why it was not taken, else empty.

    image_id: the image that it became, or that it repeats; None if it was deleted for good.
    """

    image_url: str
    page_url: str
    image_id: int | None
    reason: str

    @property
    def told(self) -> str:
        if self.reason:
            return _REASONS.get(self.reason, self.reason)
        return "Taken, and deleted since" if self.image_id is None else "Taken"


@dataclass
class Compared:
    """What a crawl saw of one source, or of one address that belongs to none, and the crawl before.

    addresses: digests of those that it began at. now, then: numbers of the targets that are
    compared. before: None if there was no crawl before, or if it is too long ago: what was
    unchanged is forgotten then. is_whole, was_whole: whether this crawl and the one before have
    seen all pages, as far as they know: the one that met more errors has not. errors: of this
    crawl.
    """

    source: Source | None
    url: str
    addresses: frozenset[str]
    now: tuple[int, ...]
    then: tuple[int, ...] = ()
    before: ScrapeJob | None = None
    is_whole: bool = True
    was_whole: bool = True
    errors: int = 0
    difference: Difference = field(default_factory=Difference)
    new: list[Listed] = field(default_factory=list)
    gone: list[Listed] = field(default_factory=list)
    changed: list[Listed] = field(default_factory=list)

    @property
    def kinds(self) -> list[tuple[str, str, int, list[Listed]]]:
        """Code, label, how many, and the first of them."""
        found = self.difference
        return [
            ("new", "New", len(found.new), self.new),
            ("changed", "Changed", len(found.changed), self.changed),
            ("gone", "Gone", len(found.gone), self.gone),
        ]


def find_crawl(scrape_id: int) -> ScrapeJob:
    """Raises Problem 404."""
    scrape = ScrapeJob.objects.select_related("job", "album").filter(pk=scrape_id).first()
    if scrape is None:
        raise not_found("crawl")
    return scrape


def crawls_of(source: Source) -> QuerySet[CrawlTarget]:
    """The source's part in each of its crawls, the newest first."""
    return (
        CrawlTarget.objects.filter(source=source)
        .select_related("scrape_job__job", "scrape_job__album")
        .order_by("-pk")
    )


def compare(scrape: ScrapeJob) -> list[Compared]:
    """The crawl beside the last ones before it that came to an end, by source or address.

    Of a source the crawl of the same address counts before one of another address of it. Four
    queries, whatever the number of addresses.
    """
    found = list(_groups(scrape))
    _put_before(found)
    seen = _seen(number for one in found for number in (*one.now, *one.then))
    for one in found:
        if one.before is not None:
            one.difference = difference(_joined(seen, one.now), _joined(seen, one.then))
    _list(found)
    return found


def _groups(scrape: ScrapeJob) -> Iterator[Compared]:
    """before: as yet with its number alone."""
    groups: dict[tuple[str, Any], list[Any]] = {}
    for target in scrape.targets.select_related("source").annotate(before_id=_before()):
        key = ("source", target.source_id) if target.source_id else ("address", target.url)
        groups.setdefault(key, []).append(target)
    for targets in groups.values():
        numbers = [row.before_id for row in targets if row.before_id]
        before_id = None if any(row.forgotten for row in targets) else max(numbers, default=None)
        yield Compared(
            source=targets[0].source,
            url=targets[0].url,
            addresses=frozenset(row.address_digest for row in targets),
            now=tuple(row.pk for row in targets),
            before=ScrapeJob(pk=before_id) if before_id else None,
            is_whole=all(map(_is_whole, targets)),
            errors=sum(row.errors for row in targets),
        )


def _is_whole(target: CrawlTarget) -> bool:
    """Whether it came to its end: it was not stopped and reached no limit."""
    return target.state == CrawlTarget.State.FINISHED and not target.ended_because


def _before() -> Coalesce:
    """The newest finished crawl before, of a target's address or else of its source."""

    def newest(**same: Any) -> Subquery:
        earlier = CrawlTarget.objects.filter(
            **same,
            pk__lt=OuterRef("pk"),
            state=CrawlTarget.State.FINISHED,
            forgotten=0,
            scrape_job__job__status__in=ENDED,
        )
        others = earlier.exclude(scrape_job=OuterRef("scrape_job"))
        return Subquery(others.order_by("-pk").values("scrape_job_id")[:1])

    return Coalesce(
        newest(address_digest=OuterRef("address_digest")), newest(source=OuterRef("source"))
    )


def _put_before(found: list[Compared]) -> None:
    """The crawls before, and which of their targets are compared."""
    numbers = {one.before.pk for one in found if one.before is not None}
    if not numbers:
        return
    rows = list(CrawlTarget.objects.filter(scrape_job__in=numbers).select_related("scrape_job"))
    for one in found:
        theirs = [row for row in rows if one.before and row.scrape_job_id == one.before.pk]
        same = [row for row in theirs if row.address_digest in one.addresses]
        if not same and one.source is not None:
            same = [row for row in theirs if row.source_id == one.source.pk]
        one.then = tuple(row.pk for row in same)
        one.before = same[0].scrape_job if same else None
        errors = sum(row.errors for row in same)
        one.is_whole = one.is_whole and one.errors <= errors
        one.was_whole = all(map(_is_whole, same)) and errors <= one.errors


def _seen(numbers: Iterable[int]) -> dict[int, dict[str, str]]:
    """Of each target: address digest → SHA-256, in the order of finding."""
    targets = set(numbers)
    columns = ("target_id", "address_digest", "sha256", "pk")
    taken = ScrapedImage.objects.filter(target__in=targets).order_by().values_list(*columns)
    refused = RefusedImage.objects.filter(target__in=targets).order_by().values_list(*columns)
    rows = taken.union(refused, all=True)
    seen: dict[int, dict[str, str]] = {}
    for target, digest, sha256, _ in sorted(rows, key=lambda row: row[3]):
        seen.setdefault(target, {})[digest] = sha256
    return seen


def _joined(seen: dict[int, dict[str, str]], targets: Iterable[int]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for target in targets:
        joined |= seen.get(target, {})
    return joined


def _list(found: list[Compared]) -> None:
    """Put in the first pictures of each kind."""
    digests: set[str] = set()
    for one in found:
        for kind in (one.difference.new, one.difference.gone, one.difference.changed):
            digests.update(kind[:LISTED])
    if not digests:
        return
    rows = _rows({number for one in found for number in (*one.now, *one.then)}, digests)

    def listed(targets: tuple[int, ...], kind: tuple[str, ...]) -> list[Listed]:
        named = ((target, digest) for digest in kind[:LISTED] for target in targets)
        return [rows[place] for place in named if place in rows]

    for one in found:
        one.new = listed(one.now, one.difference.new)
        one.gone = listed(one.then, one.difference.gone)
        one.changed = listed(one.now, one.difference.changed)


def _rows(targets: set[int], digests: set[str]) -> dict[tuple[int, str], Listed]:
    place = ("target_id", "address_digest", "image_url", "page_url")
    which = Q(target__in=targets, address_digest__in=digests)
    refused = RefusedImage.objects.filter(which).order_by()
    taken = ScrapedImage.objects.filter(which).order_by()
    rows = refused.values_list(*place, F("same_as_id"), F("reason")).union(
        taken.values_list(*place, F("image_id"), Value("")), all=True
    )
    found = {}
    for target, digest, image_url, page_url, image_id, reason in rows:
        if (target, digest) not in found or not reason:
            found[target, digest] = Listed(image_url, page_url, image_id, reason)
    return found
