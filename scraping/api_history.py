"""A source's crawls, and what each saw otherwise than the one before, in the JSON API."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from imagineer.accounts.permissions import ADMIN
from imagineer.keyset import paginate
from imagineer.problems import Problem, not_found
from scraping import history
from scraping.api_schemas import CountsOut
from scraping.models import COUNTS, CrawlTarget, Source

router = Router(tags=["scraping"])


class BeforeOut(Schema):
    id: int
    created_at: datetime


class PictureOut(Schema):
    """reason: why it was not taken, empty if it was; image_id: what it became or repeats."""

    image_url: str
    page_url: str
    image_id: int | None
    reason: str


class KindOut(Schema):
    """pictures: the first 50 of them."""

    number: int
    pictures: list[PictureOut]


class ComparedOut(Schema):
    """before: the crawl that this one is compared with; null if there was none, or too long ago.

    is_whole, was_whole: whether this crawl and the one before have seen all pages. Else some of
    what is gone may be there still, and some of what is new may have been there.
    """

    source_id: int | None
    url: str
    before: BeforeOut | None
    is_whole: bool
    was_whole: bool
    new: KindOut
    changed: KindOut
    gone: KindOut
    same: int


class DifferenceOut(Schema):
    items: list[ComparedOut]


class PastCrawlOut(CountsOut):
    """A source's part in one of its crawls, with the counts of that part."""

    crawl_id: int
    status: str
    url: str
    state: str
    ended_because: str
    album_id: int | None
    created_at: datetime
    finished_at: datetime | None


class PastCrawlsOut(Schema):
    items: list[PastCrawlOut]
    next: str | None


@router.get("/scraping/jobs/{scrape_id}/difference", auth=ADMIN, response=DifferenceOut)
def scraping_difference(request: HttpRequest, scrape_id: int) -> Any:
    """What an ended crawl saw otherwise than the last one of the same source that was finished."""
    scrape = history.find_crawl(scrape_id)
    if not scrape.job.has_ended:
        raise Problem(409, "running", "This crawl has not ended yet.")
    return {"items": [_compared_out(one) for one in history.compare(scrape)]}


@router.get("/scraping/sources/{source_id}/crawls", auth=ADMIN, response=PastCrawlsOut)
def source_crawls(request: HttpRequest, source_id: int, cursor: str | None = None) -> Any:
    """All crawls of a source, the newest first."""
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        raise not_found("source")
    page = paginate(history.crawls_of(source), cursor, order=("-id",))
    return {"items": [_past_out(target) for target in page.items], "next": page.next}


def _compared_out(one: history.Compared) -> dict[str, Any]:
    told: dict[str, Any] = {
        "source_id": one.source.pk if one.source else None,
        "url": one.url,
        "before": one.before,
        "is_whole": one.is_whole,
        "was_whole": one.was_whole,
        "same": one.difference.same,
    }
    for code, _, number, pictures in one.kinds:
        told[code] = {"number": number, "pictures": [vars(picture) for picture in pictures]}
    return told


def _past_out(target: CrawlTarget) -> dict[str, Any]:
    scrape = target.scrape_job
    return {name: getattr(target, name) for name in ("url", "state", "ended_because", *COUNTS)} | {
        "crawl_id": scrape.pk,
        "status": scrape.job.status,
        "album_id": scrape.album_id,
        "created_at": scrape.created_at,
        "finished_at": scrape.job.finished_at,
    }
