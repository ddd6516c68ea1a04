"""Previews over HTTP: ask for one, and read what is known of it so far."""

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from ninja import Field, Router, Schema

from imagineer.accounts.permissions import ADMIN
from imagineer.inputs import RowId
from imagineer.jobs.models import Job
from imagineer.problems import invalid, not_found
from imagineer.texts import Text
from scraping import preview_files
from scraping.api_schemas import OptionsIn
from scraping.crawl_presets import CRAWL_PRESETS, PresetName
from scraping.models import Source
from scraping.options import NAMES
from scraping.preview import KIND, start_preview
from scraping.runs import Asked

router = Router(tags=["scraping"])


class PreviewIn(OptionsIn):
    url: Text = Field(default="", description="The page; http or https.")
    source: RowId | None = Field(default=None, description="A source, at its own address or url.")
    preset: Literal[PresetName, ""] = Field(default="", description="As for a crawl.")


class TriedPictureOut(Schema):
    """reason: why it would not be taken, empty if it would; same_as: the image that it repeats.

    place: among the page's pictures, from 1. bytes, width and height are null where no file came.
    """

    image_url: str
    page_url: str
    found_by: str
    place: int
    caption: str
    reason: str
    detail: str
    same_as: int | None
    bytes: int | None
    width: int | None
    height: int | None
    thumbnail: str | None


class PreviewOut(Schema):
    """found: pictures on the page; links: pages that a crawl would go on to.

    robots: what the page asks of them, such as noai. trouble: why the page could not be read.
    cut_short: the limit that a preview reached: minutes, bytes or downloads.
    """

    job_id: UUID
    status: str
    url: str
    found: int
    pictures: list[TriedPictureOut]
    links: int
    first_links: list[str]
    robots: list[str]
    trouble: str
    cut_short: str


@router.post("/scraping/preview", auth=ADMIN, response={202: PreviewOut})
def ask_for_preview(request: HttpRequest, payload: PreviewIn) -> Any:
    """What would be taken from one page; nothing is. Read it at /scraping/preview/{job_id}."""
    given = payload.dict(exclude_unset=True)
    preset = CRAWL_PRESETS[payload.preset].options if payload.preset else {}
    choices = {**preset, **{name: given[name] for name in NAMES if name in given}}
    return 202, _preview_out(start_preview(_asked(payload), choices, created_by=request.user))


def _asked(payload: PreviewIn) -> Asked:
    if payload.source is None:
        return Asked(payload.url, place="url")
    source = Source.objects.filter(pk=payload.source).first()
    if source is None:
        raise invalid("source", f"There is no source {payload.source}.")
    return Asked(payload.url, source, place="url" if payload.url.strip() else "source")


@router.get("/scraping/preview/{job_id}", auth=ADMIN, response=PreviewOut)
def read_preview(request: HttpRequest, job_id: UUID) -> Any:
    """What is known of it so far. It is kept for an hour."""
    job = Job.objects.filter(pk=job_id, kind=KIND).first()
    if job is None or (job.has_ended and preview_files.read(job.pk) is None and not job.error):
        raise not_found("preview")
    return _preview_out(job)


_NOTHING_YET: dict[str, Any] = {
    "found": 0, "pictures": [], "links": 0, "first_links": [], "robots": [], "trouble": "",
    "cut_short": "",
}  # fmt: skip


def _preview_out(job: Job) -> dict[str, Any]:
    told = _NOTHING_YET | (preview_files.read(job.pk) or {})
    pictures = [
        picture | {"thumbnail": _address(job, number) if picture["has_thumbnail"] else None}
        for number, picture in enumerate(told["pictures"])
    ]
    own = {"job_id": job.pk, "status": job.status, "url": job.params["url"], "pictures": pictures}
    return told | own | {"trouble": told["trouble"] or job.error}


def _address(job: Job, number: int) -> str:
    return reverse("admin:scraping_preview_picture", args=[job.pk, number])
