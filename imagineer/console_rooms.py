"""What each room's jobs made, and where their pages are: the console may know all rooms."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from gallery.models import Album, Image, Tag
from gallery.tag_models import LabelChange
from imagineer.console_registry import Place, Places, register_job_kind
from imagineer.jobs.models import Job
from labeling.models import LabelingRun


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
    return Image.objects.filter(generation_items__run__job=job).order_by("-id")


def scraped(job: Job) -> QuerySet[Image]:
    return Image.objects.filter(scraped_from__scrape_job__job=job).order_by("-id")


def labelled(job: Job) -> QuerySet[Image]:
    items = Image.objects.filter(labeling_items__run__job=job, labeling_items__outcome="done")
    return items.order_by("-id")


def imported(job: Job) -> QuerySet[Image] | None:
    album = _imported_album(job)
    return album.images.order_by("-id") if album else None


def _imported_album(job: Job) -> Album | None:
    """The album that an import names in its result, or in what was asked of it."""
    told = {**(job.params or {}), **(job.result or {})}
    for key in ("album", "album_id"):
        if isinstance(told.get(key), int):
            return Album.objects.filter(pk=told[key]).first()
    name = told.get("album_name") or told.get("album") or told.get("name")
    return Album.objects.filter(name=name).first() if isinstance(name, str) else None


def run_places(relation: str, label: str = "Run", **linked: str) -> Places:
    """Links to a job's run and to what it knows. linked: labels by the run's fields."""

    def places(job: Job) -> Iterator[Place]:
        run: Any = getattr(job, relation, None)
        if run is not None:
            yield from _change(label, run)
            for field, name in linked.items():
                yield from _change(name, getattr(run, field))

    return places


def imported_places(job: Job) -> Iterator[Place]:
    yield from _change("Album", _imported_album(job))


def changed_places(job: Job) -> Iterator[Place]:
    for label, key in (("Album", "album"), ("Left", "leaving")):
        pk = (job.params or {}).get(key)
        if isinstance(pk, int):
            yield from _change(label, Album.objects.filter(pk=pk).first())


def preview_places(job: Job) -> Iterator[Place]:
    address = reverse("admin:scraping_preview_page", args=[job.pk])
    yield Place("Page", str((job.params or {}).get("url", "")), address)


def stopped_places(job: Job) -> Iterator[Place]:
    pk = (job.params or {}).get("run")
    if isinstance(pk, int):
        yield from _change("Run", LabelingRun.objects.filter(pk=pk).first())


def label_change_places(job: Job) -> Iterator[Place]:
    number = (job.params or {}).get("change")
    if isinstance(number, int):
        yield from _change("Change", LabelChange.objects.filter(pk=number).first())


def tag_places(job: Job) -> Iterator[Place]:
    for tag in Tag.objects.filter(pk__in=(job.params or {}).get("tags", ())):
        yield from _change("Tag", tag)


def fill() -> None:
    register_job_kind(
        "generation.run",
        pictures=drawn,
        places=run_places("generation_run", template="Template", album="Album"),
    )
    register_job_kind(
        "scraping.run", pictures=scraped, places=run_places("scrape_job", "Scrape", album="Album")
    )
    register_job_kind("scraping.preview", places=preview_places)
    register_job_kind(
        "labeling.run",
        pictures=labelled,
        places=run_places("labeling_run", album="Album", image="Image"),
    )
    register_job_kind("labeling.stop_batches", places=stopped_places)
    register_job_kind(
        "training.run",
        places=run_places("training_run", dataset="Dataset", output_model="LoRA"),
    )
    register_job_kind("gallery.import_album", pictures=imported, places=imported_places)
    register_job_kind("gallery.change_images", places=changed_places)
    register_job_kind("labeling.import_captions", places=imported_places)
    register_job_kind("gallery.change_labels", places=label_change_places)
    register_job_kind("gallery.derive_tags", places=tag_places)
