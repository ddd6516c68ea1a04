"""Asking for a crawl: from the API, the console and whatever comes later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from gallery.albums import LONGEST_NAME, checked_name
from gallery.models import Album
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
from scraping.options import BOUNDS, LIMITS, CrawlOptions, OptionRefused, checked, from_json
from scraping.sealed import SealBroken, unseal

MOST_TARGETS = 20


@dataclass(frozen=True)
class Asked:
    """One address of a crawl; of a source, also its own (no url), or what a name finds there.

    max_images: taken from here at most, beside the crawl's limit. place: where it stands in what
    was asked, for the error that names it.
    """

    url: str = ""
    source: Source | None = None
    max_images: int | None = None
    name: str = ""
    place: str = ""


@dataclass(frozen=True)
class _Target:
    """An address that may be crawled. options: what it does otherwise than the crawl."""

    url: str
    source: Source | None
    max_images: int | None
    options: Mapping[str, Any] = field(default_factory=dict)


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


def _album_name(asked: str, url: str) -> str:
    return checked_name(asked) if asked.strip() else free_album_name(url)


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
    """The source whose site an address lies on: that with the longest address in common.

    One that is switched off only where there is no other. An API and a sitemap are only meant where
    the address is their own: a page of their site is read as a page.
    """
    found = [
        source
        for source in Source.objects.all()
        if same_site(url, [site_of(source.base_url)])
        and (source.kind == Source.Kind.PAGES or source.base_url == url)
    ]
    return max(
        found,
        key=lambda source: (source.enabled, _in_common(source.base_url, url)),
        default=None,
    )


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
    choices: Mapping[str, Any] | None = None,
    album: Album | None = None,
) -> ScrapeJob:
    """Write the crawl, its targets and its job, and enqueue it.

    options: all that holds, whatever sources want. choices: without them, what was chosen over what
    sources want. album: one that is there already takes the pictures; it is not named then. Raises
    Problem: 422 for an address or a choice that is not possible, 409 for an album name that is
    taken and for a source that is switched off or whose key cannot be opened.
    """
    if not asked:
        raise invalid("url", "Say where to start.")
    if len(asked) > MOST_TARGETS:
        raise invalid(
            asked[MOST_TARGETS].place or "url",
            f"A crawl has at most {MOST_TARGETS} addresses and sources.",
        )
    targets = [_placed(one) for one in asked]
    if options is None:
        # Who names an album wants one, whatever a source wants.
        wanted = {"auto_create_album": True} if album_name.strip() else {}
        targets, options = _chosen(targets, {**wanted, **(choices or {})})
    urls = [target.url for target in targets]
    with transaction.atomic():
        name = album.name if album else ""
        if album is None and options.auto_create_album:
            name = _album_name(album_name, urls[0])
        job = submit("scraping.run", title=_title(urls), created_by=created_by)
        scrape = ScrapeJob.objects.create(
            job=job,
            url=urls[0],
            album_name=name,
            album=album,
            options=options.as_json(),
            created_by=job.created_by,
        )
        CrawlTarget.objects.bulk_create(
            CrawlTarget(
                scrape_job=scrape,
                position=position,
                source=target.source,
                url=target.url,
                address_digest=digest_of(target.url),
                max_images=target.max_images,
                options=dict(target.options),
            )
            for position, target in enumerate(targets)
        )
    return scrape


def tried(asked: Asked, choices: Mapping[str, Any]) -> tuple[str, Source | None, CrawlOptions]:
    """Where a crawl of this alone would begin, as which source, with which options.

    choices: what is chosen over what the source wants. Raises Problem as ``start_crawl``.
    """
    (target,), options = _chosen([_placed(asked)], choices)
    return target.url, target.source, options


def _placed(asked: Asked) -> _Target:
    place = asked.place or "url"
    url = checked_address(_url_of(asked), place)
    source = asked.source or source_of(url)
    if source is None:
        return _Target(url, None, asked.max_images)
    if not source.enabled:
        raise Problem(
            409, "source_disabled",
            f"The source “{source}” ({site_of(source.base_url)}) is switched off. Switch it on "
            "among the sources to crawl it.", place,
        )  # fmt: skip
    if source.sealed_api_key:
        _check_key(source, place)
    most = min(asked.max_images or source.max_images, source.max_images)
    return _Target(url, source, most)


def _url_of(asked: Asked) -> str:
    if asked.source is None:
        return asked.url
    try:
        return address_of(asked.source, asked.url, asked.name)
    except Problem as problem:
        problem.field = asked.place or problem.field
        raise


def _check_key(source: Source, place: str) -> None:
    try:
        unseal(source.sealed_api_key)
    except SealBroken as broken:
        raise Problem(409, "key_unreadable", f"“{source}”: {broken}", place) from broken


def _chosen(
    targets: list[_Target], choices: Mapping[str, Any]
) -> tuple[list[_Target], CrawlOptions]:
    """What was chosen over what the sources want; of several, each target has its own source's."""
    try:
        chosen = checked(choices)
        sources = {target.source.pk if target.source else None: target.source for target in targets}
        only = next(iter(sources.values())) if len(sources) == 1 else None
        if only is not None:
            chosen = checked(choices, of=from_json(only.options))
    except OptionRefused as refused:
        raise invalid(refused.field, str(refused)) from refused
    if "max_images" not in choices and None not in sources:
        most = sum(target.max_images or 0 for target in targets)
        chosen = replace(chosen, max_images=min(most, int(BOUNDS["max_images"][1])))
    if only is None:
        targets = [replace(target, options=_own(target, choices)) for target in targets]
    return targets, chosen


def _own(target: _Target, choices: Mapping[str, Any]) -> dict[str, Any]:
    """What a target's source wants and nobody chose, but for what is the whole crawl's."""
    wanted = target.source.options if target.source else {}
    of_crawl = {*LIMITS, "auto_create_album", *choices}
    return {name: value for name, value in wanted.items() if name not in of_crawl}


def _title(urls: Sequence[str]) -> str:
    others = len(urls) - 1
    more = f" and {others} more" if others else ""
    return f"Scrape {site_of(urls[0])}{more}"
