"""What each room's jobs made, and where their pages are: the console may know all rooms."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from gallery.models import Album, Image
from imagineer.console_registry import Place, register_job_kind
from imagineer.jobs.models import Job


def _change(label: str, row: Any) -> Iterator[Place]:
    """A link to the row's page in the console; nothing without a row or without a page."""
    if row is None:
        return
    names = row._meta
    try:
        url = reverse(f"admin:{names.app_label}_{names.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return
    yield Place(label, str(row), url)


def drawn(job: Job) -> QuerySet[Image]:
    return Image.objects.filter(generation_items__run__job=job).order_by("-created_at", "-id")


def scraped(job: Job) -> QuerySet[Image]:
    return Image.objects.filter(scraped_from__scrape_job__job=job).order_by("-created_at", "-id")


def labelled(job: Job) -> QuerySet[Image]:
    items = Image.objects.filter(labeling_items__run__job=job, labeling_items__outcome="done")
    return items.order_by("-id")


def imported(job: Job) -> QuerySet[Image] | None:
    album = _imported_album(job)
    return album.images.order_by("-created_at", "-id") if album else None


def _imported_album(job: Job) -> Album | None:
    """The album that an import names in its result, or in what was asked of it."""
    told = {**(job.params or {}), **(job.result or {})}
    for key in ("album", "album_id"):
        if isinstance(told.get(key), int):
            return Album.objects.filter(pk=told[key]).first()
    name = told.get("album_name") or told.get("album") or told.get("name")
    return Album.objects.filter(name=name).first() if isinstance(name, str) else None


def _run(job: Job, relation: str) -> Any:
    return getattr(job, relation, None)


def drawn_places(job: Job) -> Iterator[Place]:
    run = _run(job, "generation_run")
    if run:
        yield from _change("Run", run)
        yield from _change("Template", run.template)
        yield from _change("Album", run.album)


def scraped_places(job: Job) -> Iterator[Place]:
    run = _run(job, "scrape_job")
    if run:
        yield from _change("Scrape", run)
        yield from _change("Album", run.album)


def labelled_places(job: Job) -> Iterator[Place]:
    run = _run(job, "labeling_run")
    if run:
        yield from _change("Run", run)
        yield from _change("Album", run.album)
        yield from _change("Image", run.image)


def trained_places(job: Job) -> Iterator[Place]:
    run = _run(job, "training_run")
    if run:
        yield from _change("Run", run)
        yield from _change("Dataset", run.dataset)
        yield from _change("LoRA", run.output_model)


def imported_places(job: Job) -> Iterator[Place]:
    yield from _change("Album", _imported_album(job))


def fill() -> None:
    register_job_kind("generation.run", pictures=drawn, places=drawn_places)
    register_job_kind("scraping.run", pictures=scraped, places=scraped_places)
    register_job_kind("labeling.run", pictures=labelled, places=labelled_places)
    register_job_kind("training.run", places=trained_places)
    register_job_kind("gallery.import_album", pictures=imported, places=imported_places)
