"""Asking for a crawl: from the API, the console and whatever comes later."""

from typing import Any

from django.conf import settings
from django.db import transaction

from gallery.albums import LONGEST_NAME, checked_name
from imagineer.jobs.models import ENDED
from imagineer.jobs.submit import submit
from imagineer.problems import Problem, invalid
from scraping.addresses import AddressRefused, check_url, networks, site_of
from scraping.models import ScrapeJob

MOST_DEPTH = 10
MOST_IMAGES = 5000
MOST_PAGES = 5000


def checked_address(url: str) -> str:
    """The address as it is crawled. Raises Problem 422 with a sentence."""
    try:
        return check_url(url, networks(settings.SCRAPE_ALLOWED_NETWORKS))
    except AddressRefused as refused:
        raise invalid("url", str(refused)) from refused


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


def start_crawl(
    url: str,
    album_name: str = "",
    *,
    depth: int = 1,
    max_images: int = 200,
    max_pages: int = 100,
    min_side: int = 200,
    created_by: Any = None,
) -> ScrapeJob:
    """Write the crawl and its job, and enqueue it.

    Raises Problem: 422 for an address that is not crawled, 409 for an album name that is taken.
    """
    url = checked_address(url)
    with transaction.atomic():
        name = checked_name(album_name) if album_name.strip() else free_album_name(url)
        job = submit("scraping.run", title=f"Scrape {site_of(url)}", created_by=created_by)
        return ScrapeJob.objects.create(
            job=job,
            url=url,
            album_name=name,
            depth=depth,
            max_images=max_images,
            max_pages=max_pages,
            min_side=min_side,
            created_by=job.created_by,
        )
