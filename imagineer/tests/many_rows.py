"""A gallery of any number of rows, for tests of what pages cost."""

import itertools
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils import timezone

from gallery import image_index, search_names
from gallery.models import (
    Album,
    AlbumImage,
    Image,
    Label,
    NearDuplicate,
    Rating,
    SearchName,
    random_key,
)
from generation.models import (
    BatchTemplate,
    GenerationItem,
    GenerationRun,
    ImageModel,
    ModelVersion,
)
from imagineer.jobs.models import Job, JobLog, Status
from imagineer.tests.rows import make_row
from labeling.models import LabelingItem, LabelingRun
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage, ScrapeJob, Source
from training.models import DatasetItem, DatasetVersion, TrainingRun

_numbers = itertools.count(1)


class Gallery:
    """Rows of everything that grows. Each call of :meth:`grow` adds as many to each table.

    What is made first is what addresses name: one image in few places, and one album, tag, LoRA,
    template, crawl and dataset that hold all the others. LoRAs and templates are as many as people
    make, trainings too.
    """

    def __init__(self) -> None:
        self.image = _image()
        self.image.save()
        self.album = Album.objects.create(name="Deck")
        self.lora = ModelVersion.objects.create(name="inks", type="lora", file="x")
        self.template = make_row(
            BatchTemplate, name="Suits", csv="name\nAce\n", prompt_template="x"
        )
        self.job = _job()
        self.job.save()
        kinds = ("generation.run", "scraping.run", "labeling.run", "training.run")
        jobs = [_job(kind) for kind in kinds]
        Job.objects.bulk_create(jobs)
        self.run = GenerationRun.objects.create(
            job=jobs[0], template=self.template, album=self.album, is_batch=True
        )
        self.crawl = make_row(ScrapeJob, job=jobs[1], album=self.album)
        self.source = make_row(Source)
        make_row(CrawlTarget, scrape_job=self.crawl, source=self.source)
        self.labeling = make_row(LabelingRun, job=jobs[2])
        self.training = make_row(TrainingRun, job=jobs[3], is_public=True, output_model=self.lora)
        self.dataset = make_row(DatasetVersion)
        GenerationItem.objects.create(
            run=self.run, index=0, prompt="x", seed=1, status="done", image=self.image
        )
        self._fill([self.image])
        image_index.refresh([self.image.pk])

    def grow(self, number: int, *, public: bool = True) -> None:
        """public: whether visitors may see what is added."""
        images = [_image(is_public=public) for _ in range(number)]
        images = Image.everything.bulk_create(images)
        self._fill(images)
        _trashed(number)
        numbers = [next(_numbers) for _ in range(number)]
        albums = Album.objects.bulk_create(
            Album(name=f"Shelf {n}", slug=f"shelf-{n}", is_public=public) for n in numbers
        )
        _place(AlbumImage, ({"album": a, "image": i} for a, i in zip(albums, images, strict=True)))
        _labels(images, [f"rare {n}" for n in numbers])
        marks = ("", search_names.bearer("album"), *([search_names.PUBLIC] if public else []))
        SearchName.objects.bulk_create(
            SearchName(key="album", owner_id=row.pk, words=row.name.lower() + " ".join(marks))
            for row in albums
        )
        image_index.refresh(image.pk for image in images)
        self._runs(images, albums, public)

    def _fill(self, images: list[Image]) -> None:
        """Put images into everything that holds all."""
        _place(AlbumImage, ({"album": self.album, "image": i, "position": i.pk} for i in images))
        _place(ImageModel, ({"model_version": self.lora, "image": i} for i in images))
        _labels(images, ["common"] * len(images))
        ScrapedImage.objects.bulk_create(
            ScrapedImage(image=i, scrape_job=self.crawl, page_url="https://a.example/")
            for i in images
        )
        RefusedImage.objects.bulk_create(
            RefusedImage(scrape_job=self.crawl, reason="small", address_digest=f"{i.pk:064}")
            for i in images
        )
        LabelingItem.objects.bulk_create(
            LabelingItem(run=self.labeling, image=i, outcome="done") for i in images
        )
        DatasetItem.objects.bulk_create(
            DatasetItem(dataset=self.dataset, index=i.pk, image=i, sha256=i.sha256, caption="x")
            for i in images
        )
        JobLog.objects.bulk_create(JobLog(job=self.job, seq=i.pk, text="x") for i in images)
        NearDuplicate.objects.bulk_create(
            NearDuplicate(first=self.image, second=i, distance=1) for i in images if i != self.image
        )

    def _runs(self, images: list[Image], albums: list[Album], public: bool) -> None:
        kinds = ("generation.run", "scraping.run", "labeling.run")
        status = Status.COMPLETED if public else Status.FAILED
        jobs = {kind: [_job(kind, status) for _ in albums] for kind in kinds}
        for made in jobs.values():
            Job.objects.bulk_create(made)
        runs = GenerationRun.objects.bulk_create(
            GenerationRun(
                job=job, template=self.template, album=album, is_batch=True, is_public=public
            )
            for job, album in zip(jobs["generation.run"], albums, strict=True)
        )
        GenerationItem.objects.bulk_create(
            GenerationItem(run=run, index=0, prompt="x", seed=1, status="done", image=image)
            for run, image in zip(runs, images, strict=True)
        )
        crawls = ScrapeJob.objects.bulk_create(
            ScrapeJob(job=job, album=album, url="https://a.example/")
            for job, album in zip(jobs["scraping.run"], albums, strict=True)
        )
        CrawlTarget.objects.bulk_create(
            CrawlTarget(scrape_job=crawl, url="https://a.example/", source=self.source)
            for crawl in crawls
        )
        LabelingRun.objects.bulk_create(
            LabelingRun(job=job, prompt=self.labeling.prompt) for job in jobs["labeling.run"]
        )
        DatasetVersion.objects.bulk_create(
            DatasetVersion(name="d", number=next(_numbers)) for _ in albums
        )

    def values(self) -> dict[str, list[object]]:
        """What placeholders of addresses stand for."""
        return {
            "image": [self.image.pk],
            "label": [self.image.labels.order_by("pk")[0].pk],
            "album": [self.album.pk],
            "slug": [self.album.slug],
            "tag": ["common"],
            "lora": [self.lora.pk],
            "template": [self.template.pk],
            "template_slug": [self.template.slug],
            "run": [self.run.pk],
            "job": [self.job.pk],
            "crawl": [self.crawl.pk],
            "training": [self.training.pk],
            "rendition": [f"{self.image.sharp_key}-300"],
            "query": [
                "common",
                "-common",
                "tag:common",
                "album:deck",
                "lora:inks",
                "shelf",
                "wolf",
            ],
        }


def _image(**columns: Any) -> Image:
    number = next(_numbers)
    return Image(
        file=f"uploads/{number}.png", original_name=f"{number}.png", sha256=f"c{number:063}",
        phash=number * 7919, width=640, height=480, bytes=1, format="png", source_type="upload",
        rating=Rating.SAFE, sharp_key=random_key(), blurred_key=random_key(), **columns,
    )  # fmt: skip


def _trashed(number: int) -> None:
    now = timezone.now()
    Image.everything.bulk_create(_image(deleted_at=now) for _ in range(number))


def _job(kind: str = "gallery.import_album", status: Status = Status.COMPLETED) -> Job:
    return Job(kind=kind, title=f"Job {next(_numbers)}", queue="default", status=status)


def _place(model: type[models.Model], rows: Iterable[dict[str, Any]]) -> None:
    model._base_manager.bulk_create(model(**row) for row in rows)


def _labels(images: list[Image], tags: list[str]) -> None:
    Label.objects.bulk_create(
        Label(image=image, kind=kind, text=text, source="claude")
        for image, tag in zip(images, tags, strict=True)
        for kind, text in (("tag", tag), ("caption", "a round thing"))
    )
