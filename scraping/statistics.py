"""What crawls have given, in numbers: by reason, by source, by day. Every look is bounded."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery, Sum
from django.utils import timezone

from imagineer.counted import counted_to
from scraping.models import COUNTS, CrawlTarget, RefusedImage, ScrapeJob, Source

# Of crawls and of addresses, the newest; of refusals, for each reason.
COUNTED_AT_MOST = 10_000
DAYS = 30


def refusals(scrape: ScrapeJob) -> dict[str, int]:
    """Reason → pictures that a crawl refused for it, counted up to COUNTED_AT_MOST. One query.

    With those that were unchanged and are not listed any more (CrawlTarget.forgotten).
    """
    refused = RefusedImage.objects.filter(scrape_job=OuterRef("pk"))
    numbers = {
        value: counted_to(refused.filter(reason=value), COUNTED_AT_MOST)
        for value in RefusedImage.Reason.values
    }
    names = {value: f"refused_{value}" for value in numbers}
    found = (
        ScrapeJob.objects.filter(pk=scrape.pk)
        .annotate(**{names[value]: number for value, number in numbers.items()})
        .annotate(forgotten=_forgotten())
        .values(*names.values(), "forgotten")
        .first()
    )
    counted = found or {}
    if counted.get("forgotten"):
        counted[names[RefusedImage.Reason.UNCHANGED]] += counted["forgotten"]
    return {value: counted[name] for value, name in names.items() if counted.get(name)}


def _forgotten() -> Subquery:
    targets = CrawlTarget.objects.filter(scrape_job=OuterRef("pk")).order_by()
    sums = targets.values("scrape_job").annotate(sum=Sum("forgotten"))
    return Subquery(sums.values("sum"))


@dataclass(frozen=True)
class Statistics:
    """All of the newest COUNTED_AT_MOST crawls and addresses; is_all: whether there are no more.

    totals: crawls and their counts. by_source: source (None: none) → the same of its addresses.
    by_day: the last DAYS days, the newest first, days without a crawl too.
    """

    is_all: bool
    totals: dict[str, int]
    by_source: list[tuple[Source | None, dict[str, int]]]
    by_day: list[tuple[date, dict[str, int]]]


def statistics() -> Statistics:
    """Four queries, whatever there is."""
    newest = ScrapeJob.objects.order_by("-created_at", "-id")
    totals = newest[:COUNTED_AT_MOST].aggregate(**{name: Sum(name) for name in COUNTS})
    today = timezone.localdate()
    first = today - timedelta(days=DAYS - 1)
    rows = newest.values_list("created_at", *COUNTS)[: COUNTED_AT_MOST + 1]
    days: dict[date, Counter[str]] = {}
    number = 0
    for created_at, *counts in rows:
        number += 1
        day = timezone.localdate(created_at)
        if day >= first and number <= COUNTED_AT_MOST:
            _add(days.setdefault(day, Counter()), counts)
    known = [today - timedelta(days=back) for back in range(DAYS)]
    return Statistics(
        is_all=number <= COUNTED_AT_MOST,
        totals={"crawls": min(number, COUNTED_AT_MOST)}
        | {name: totals[name] or 0 for name in COUNTS},
        by_source=_by_source(),
        by_day=[(day, _told(days.get(day, Counter()))) for day in known],
    )


def _by_source() -> list[tuple[Source | None, dict[str, int]]]:
    """Those that gave most first."""
    found: dict[int | None, Counter[str]] = {}
    rows = CrawlTarget.objects.order_by("-id").values_list("source_id", *COUNTS)[:COUNTED_AT_MOST]
    for source, *counts in rows:
        _add(found.setdefault(source, Counter()), counts)
    sources = Source.objects.in_bulk([pk for pk in found if pk is not None])
    told = [
        (sources.get(pk) if pk is not None else None, _told(counts)) for pk, counts in found.items()
    ]
    return sorted(told, key=lambda one: -one[1]["imported"])


def _add(to: "Counter[str]", counts: Iterable[int]) -> None:
    to.update({"crawls": 1, **dict(zip(COUNTS, counts, strict=True))})


def _told(counts: "Counter[str]") -> dict[str, int]:
    return {name: counts[name] for name in ("crawls", *COUNTS)}


def last_crawls() -> dict[str, Any]:
    """For ``annotate`` of sources: number and time of the newest crawl of each."""
    newest = CrawlTarget.objects.filter(source=OuterRef("pk")).order_by("-id")
    return {
        "last_crawl_id": Subquery(newest.values("scrape_job_id")[:1]),
        "last_crawl_at": Subquery(newest.values("scrape_job__created_at")[:1]),
    }
