"""Sources over HTTP, for admins alone. An API key goes in and never comes out."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Status

from imagineer.accounts.permissions import ADMIN
from imagineer.keyset import paginate
from imagineer.problems import invalid, not_found
from scraping import sources
from scraping.api_schemas import SourceChange, SourceIn, SourceOut, SourcesOut
from scraping.models import Source
from scraping.source_presets import SOURCE_PRESETS
from scraping.statistics import last_crawls

router = Router(tags=["scraping"], auth=ADMIN)


@router.get("/scraping/sources", response=SourcesOut)
def list_sources(request: HttpRequest, cursor: str | None = None) -> Any:
    """All sources by name."""
    return paginate(_sources(), cursor, order=("name",))


@router.post("/scraping/sources", response={201: SourceOut})
def create_source(request: HttpRequest, payload: SourceIn) -> Any:
    """A new source; nothing is crawled yet."""
    given = payload.dict(exclude_unset=True)
    given.pop("preset", None)
    if payload.preset:
        if payload.preset not in SOURCE_PRESETS:
            raise invalid("preset", f"Choose one of {', '.join(SOURCE_PRESETS)}.")
        given = SOURCE_PRESETS[payload.preset].columns | given
    made = sources.create(given, created_by=request.user)
    return Status(201, find(made.pk))


@router.get("/scraping/sources/{source_id}", response=SourceOut)
def get_source(request: HttpRequest, source_id: int) -> Any:
    return find(source_id)


@router.patch("/scraping/sources/{source_id}", response=SourceOut)
def change_source(request: HttpRequest, source_id: int, payload: SourceChange) -> Any:
    """Crawls that were started before go on as they were told to."""
    sources.change(find(source_id), payload.dict(exclude_unset=True))
    return find(source_id)


@router.delete("/scraping/sources/{source_id}", response={204: None})
def delete_source(request: HttpRequest, source_id: int) -> Any:
    """What was taken from it stays, and so do its crawls, all of which must have ended."""
    sources.delete(find(source_id))
    return Status(204, None)


def _sources() -> QuerySet[Source]:
    return Source.objects.annotate(**last_crawls())


def find(source_id: int) -> Source:
    source = _sources().filter(pk=source_id).first()
    if source is None:
        raise not_found("source")
    return source
