"""Crawls over HTTP: start one, see how far it has come, stop it; what they gave in all.

Everybody may read states and counts; addresses, names, messages and errors are the admins'.
"""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from imagineer.accounts.permissions import ADMIN, is_admin_request
from imagineer.jobs import states
from imagineer.keyset import paginate
from imagineer.problems import Problem, invalid, not_found
from scraping import api_history, api_preview, api_sources
from scraping.api_schemas import CrawlIn, CrawlOut, CrawlRow, CrawlsOut, StatsOut
from scraping.crawl_presets import CRAWL_PRESETS
from scraping.models import COUNTS, CrawlTarget, ScrapeJob, Source
from scraping.options import NAMES, PRIVATE
from scraping.runs import Asked, start_crawl
from scraping.statistics import refusals, statistics

router = Router(tags=["scraping"])
router.add_router("", api_sources.router)
router.add_router("", api_history.router)
router.add_router("", api_preview.router)


@router.post("/scraping/start", auth=ADMIN, response={202: CrawlRow})
def start_scraping(request: HttpRequest, payload: CrawlIn) -> Any:
    """Crawl sites and make an album of their pictures."""
    given = payload.dict(exclude_unset=True)
    preset = CRAWL_PRESETS[payload.preset].options if payload.preset else {}
    choices = {**preset, **{name: given[name] for name in NAMES if name in given}}
    scrape = start_crawl(
        _asked(payload), payload.album_name, created_by=request.user, choices=choices
    )
    return 202, crawl_row(scrape, is_admin=True)


def _asked(payload: CrawlIn) -> list[Asked]:
    asked = [Asked(payload.url)] if payload.url.strip() else []
    asked += [Asked(url, place=f"urls.{place}") for place, url in enumerate(payload.urls)]
    sources = Source.objects.in_bulk([one.id for one in payload.sources])
    for place, one in enumerate(payload.sources):
        source = sources.get(one.id)
        if source is None:
            raise invalid(f"sources.{place}", f"There is no source {one.id}.")
        asked.append(Asked(one.url, source, one.max_images, one.name, f"sources.{place}"))
    return asked


@router.get("/scraping/jobs", response=CrawlsOut)
def scraping_jobs(request: HttpRequest, cursor: str | None = None) -> Any:
    """All crawls, the newest first."""
    page = paginate(ScrapeJob.objects.select_related("job", "album"), cursor)
    is_admin = is_admin_request(request)
    return {"items": [crawl_row(scrape, is_admin) for scrape in page.items], "next": page.next}


@router.get("/scraping/jobs/{scrape_id}", response=CrawlOut)
def scraping_job(request: HttpRequest, scrape_id: int) -> Any:
    """One crawl with its addresses, and why pictures were refused."""
    scrape = find(scrape_id)
    is_admin = is_admin_request(request)
    targets = scrape.targets.select_related("source")
    return crawl_row(scrape, is_admin) | {
        "targets": [_target_out(target, is_admin) for target in targets],
        "refusals": refusals(scrape),
    }


@router.post("/scraping/jobs/{scrape_id}/cancel", auth=ADMIN, response={202: CrawlRow})
def cancel_scraping(request: HttpRequest, scrape_id: int) -> Any:
    """Stop a crawl; what it has taken stays."""
    scrape = find(scrape_id)
    if not states.cancel(scrape.job):
        scrape.job.refresh_from_db()
        if scrape.job.has_ended:
            raise Problem(409, "ended", "This crawl has ended already.")
    scrape.job.refresh_from_db()
    return 202, crawl_row(scrape, is_admin=True)


@router.get("/scraping/stats", auth=ADMIN, response=StatsOut)
def scraping_stats(request: HttpRequest) -> Any:
    """What crawls gave: in all, by source, and on each of the last 30 days."""
    found = statistics()
    return {
        "is_all": found.is_all,
        "totals": found.totals,
        "sources": [
            {"source_id": source.pk if source else None, "source": source and source.name} | counts
            for source, counts in found.by_source
        ],
        "days": [{"date": day} | counts for day, counts in found.by_day],
    }


def find(scrape_id: int) -> ScrapeJob:
    scrape = ScrapeJob.objects.select_related("job", "album").filter(pk=scrape_id).first()
    if scrape is None:
        raise not_found("crawl")
    return scrape


_COLUMNS = ("id", "job_id", "created_at", *COUNTS)


def crawl_row(scrape: ScrapeJob, is_admin: bool) -> dict[str, Any]:
    job, album = scrape.job, scrape.album
    shows_album = album is not None and (is_admin or album.is_public)
    return {name: getattr(scrape, name) for name in _COLUMNS} | {
        "status": job.status,
        "options": _shown_options(scrape.chosen.as_json(), is_admin),
        "url": scrape.url if is_admin else None,
        "album_name": (album.name if album else scrape.album_name) if is_admin else None,
        "album_id": album.pk if album and shows_album else None,
        "message": job.message if is_admin else None,
        "error": job.error if is_admin else None,
        "finished_at": job.finished_at,
    }


def _target_out(target: CrawlTarget, is_admin: bool) -> dict[str, Any]:
    source = target.source
    return {name: getattr(target, name) for name in COUNTS} | {
        "state": target.state,
        "max_images": target.max_images,
        "options": _shown_options(target.options, is_admin),
        "url": target.url if is_admin else None,
        "source_id": source.pk if source and is_admin else None,
        "source": source.name if source and is_admin else None,
        "ended_because": target.ended_because if is_admin else None,
    }


def _shown_options(options: dict[str, Any], is_admin: bool) -> dict[str, Any]:
    return {name: value for name, value in options.items() if is_admin or name not in PRIVATE}
