"""Asking for a crawl: from the API, the console and whatever comes later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from gallery.albums import LONGEST_NAME, checked_name
from imagineer.jobs.models import ENDED
from imagineer.jobs.submit import submit
from imagineer.problems import Problem, invalid
from scraping.addresses import (
    AddressRefused,
    Reach,
    check_url,
    digest_of,
    reach_from,
    same_site,
    site_of,
)
from scraping.lookups import address_of
from scraping.models import CrawlTarget, ScrapeJob, Source
from scraping.options import CrawlOptions

MOST_TARGETS = 20


@dataclass(frozen=True)
class Asked:
    """One address of a crawl; of a source, also its own (no url), or what a name finds there.

    max_images: taken from here at most, beside the crawl's limit.
    """

    url: str = ""
    source: Source | None = None
    max_images: int | None = None
    name: str = ""


def reach() -> Reach:
    """Where crawls may connect to. Raises ValueError for a setting that cannot be read."""
    return reach_from(
        settings.SCRAPE_ALLOWED_NETWORKS,
        settings.SCRAPE_ALLOWED_HOSTS,
        settings.SCRAPE_ALLOWED_PORTS,
    )


def checked_address(url: str, field: str = "url") -> str:
    """The address as it is crawled. Raises Problem 422 with a sentence."""
    try:
        return check_url(url, reach())
    except AddressRefused as refused:
        raise invalid(field, str(refused)) from refused


def is_promised(album_name: str) -> bool:
    """Whether a crawl that has not ended will make an album of this name."""
    waiting = ScrapeJob.objects.filter(album_name=album_name, album=None)
    return waiting.exclude(job__status__in=ENDED).exists()


def free_album_name(url: str) -> str:
    """A name that nobody has, for who gave none: "Scraped example.org"."""
    stem = f"Scraped {site_of(url)}"[: LONGEST_NAME - 10]
    number = 1
    while True:
        name = stem if number == 1 else f"{stem} ({number})"
        try:
            return checked_name(name)
        except Problem:
            number += 1


def source_of(url: str) -> Source | None:
    """The enabled source whose site an address lies on: that with the longest address in common.

    An API and a sitemap are only meant where the address is their own: a page of their site is read
    as a page.
    """
    found = [
        source
        for source in Source.objects.filter(enabled=True)
        if same_site(url, [site_of(source.base_url)])
        and (source.kind == Source.Kind.PAGES or source.base_url == url)
    ]
    return max(found, key=lambda source: _in_common(source.base_url, url), default=None)


def _in_common(one: str, other: str) -> tuple[int, int]:
    """How well two addresses agree: the host's length, then path segments from the left."""
    pairs = zip(urlsplit(one).path.split("/"), urlsplit(other).path.split("/"), strict=False)
    agreeing = 0
    for mine, theirs in pairs:
        if mine != theirs:
            break
        agreeing += 1
    return len(site_of(one)), agreeing


def start_crawl(
    asked: Sequence[Asked],
    album_name: str = "",
    options: CrawlOptions | None = None,
    created_by: Any = None,
) -> ScrapeJob:
    """Write the crawl, its targets and its job, and enqueue it.

    Raises Problem: 422 for an address that is not crawled, 409 for an album name that is taken.
    """
    if not asked:
        raise invalid("url", "Say where to start.")
    if len(asked) > MOST_TARGETS:
        raise invalid("url", f"A crawl has at most {MOST_TARGETS} addresses.")
    urls = [checked_address(_url_of(one)) for one in asked]
    with transaction.atomic():
        name = checked_name(album_name) if album_name.strip() else free_album_name(urls[0])
        job = submit("scraping.run", title=_title(urls), created_by=created_by)
        scrape = ScrapeJob.objects.create(
            job=job,
            url=urls[0],
            album_name=name,
            options=(options or CrawlOptions()).as_json(),
            created_by=job.created_by,
        )
        CrawlTarget.objects.bulk_create(
            CrawlTarget(
                scrape_job=scrape,
                position=position,
                source=one.source or source_of(url),
                url=url,
                address_digest=digest_of(url),
                max_images=one.max_images,
            )
            for position, (one, url) in enumerate(zip(asked, urls, strict=True))
        )
    return scrape


def _url_of(asked: Asked) -> str:
    if asked.source is None:
        return asked.url
    return address_of(asked.source, asked.url, asked.name)


def _title(urls: Sequence[str]) -> str:
    others = len(urls) - 1
    more = f" and {others} more" if others else ""
    return f"Scrape {site_of(urls[0])}{more}"
