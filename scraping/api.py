"""Crawls over HTTP: start one, see how far it has come, stop it.

Everybody may read states and counts; addresses, names, messages and errors are the admins'.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from imagineer.accounts.permissions import ADMIN, is_admin_request
from imagineer.inputs import In, Whole
from imagineer.jobs import states
from imagineer.keyset import paginate
from imagineer.problems import Problem, not_found
from imagineer.texts import Text
from scraping import api_history
from scraping.models import COUNTS, ScrapeJob
from scraping.options import BOUNDS, CrawlOptions, checked
from scraping.runs import Asked, start_crawl

router = Router(tags=["scraping"])
router.add_router("", api_history.router)


def _number(name: str, told: str = "") -> Any:
    least, most = BOUNDS[name]
    return Field(default=getattr(CrawlOptions, name), ge=least, le=most, description=told)


class CrawlIn(In):
    url: Text = Field(description="Where to start; http or https.")
    album_name: Text = Field(default="", description="“Scraped <site>” if empty.")
    depth: Whole = _number("depth", "Links followed from there.")
    max_images: Whole = _number("max_images")
    max_pages: Whole = _number("max_pages")
    min_width: Whole = _number("min_width", "Pixels.")
    min_height: Whole = _number("min_height", "Pixels.")


class CrawlOut(Schema):
    """What only admins are told is null for others."""

    id: int
    job_id: UUID
    status: str
    url: str | None
    album_name: str | None
    album_id: int | None
    options: dict[str, Any]
    pages: int
    discovered: int
    downloaded: int
    filtered: int
    duplicate: int
    imported: int
    errors: int
    message: str | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class CrawlsOut(Schema):
    items: list[CrawlOut]
    next: str | None


@router.post("/scraping/start", auth=ADMIN, response={202: CrawlOut})
def start_scraping(request: HttpRequest, payload: CrawlIn) -> Any:
    """Crawl a site and make an album of its pictures."""
    given = payload.dict()
    asked, name = Asked(given.pop("url")), given.pop("album_name")
    scrape = start_crawl([asked], name, checked(given), created_by=request.user)
    return 202, crawl_out(scrape, is_admin=True)


@router.get("/scraping/jobs", response=CrawlsOut)
def scraping_jobs(request: HttpRequest, cursor: str | None = None) -> Any:
    """All crawls, the newest first."""
    page = paginate(ScrapeJob.objects.select_related("job", "album"), cursor)
    is_admin = is_admin_request(request)
    return {"items": [crawl_out(scrape, is_admin) for scrape in page.items], "next": page.next}


@router.get("/scraping/jobs/{scrape_id}", response=CrawlOut)
def scraping_job(request: HttpRequest, scrape_id: int) -> Any:
    return crawl_out(find(scrape_id), is_admin_request(request))


@router.post("/scraping/jobs/{scrape_id}/cancel", auth=ADMIN, response={202: CrawlOut})
def cancel_scraping(request: HttpRequest, scrape_id: int) -> Any:
    """Stop a crawl; what it has taken stays."""
    scrape = find(scrape_id)
    if not states.cancel(scrape.job):
        scrape.job.refresh_from_db()
        if scrape.job.has_ended:
            raise Problem(409, "ended", "This crawl has ended already.")
    scrape.job.refresh_from_db()
    return 202, crawl_out(scrape, is_admin=True)


def find(scrape_id: int) -> ScrapeJob:
    scrape = ScrapeJob.objects.select_related("job", "album").filter(pk=scrape_id).first()
    if scrape is None:
        raise not_found("crawl")
    return scrape


_COLUMNS = ("id", "job_id", "created_at", *COUNTS)


def crawl_out(scrape: ScrapeJob, is_admin: bool) -> dict[str, Any]:
    job, album = scrape.job, scrape.album
    shows_album = album is not None and (is_admin or album.is_public)
    return {name: getattr(scrape, name) for name in _COLUMNS} | {
        "status": job.status,
        "options": scrape.chosen.as_json(),
        "url": scrape.url if is_admin else None,
        "album_name": (album.name if album else scrape.album_name) if is_admin else None,
        "album_id": album.pk if album and shows_album else None,
        "message": job.message if is_admin else None,
        "error": job.error if is_admin else None,
        "finished_at": job.finished_at,
    }
