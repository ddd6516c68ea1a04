"""A small gallery in any state.

Each picture, album, tag, LoRA, run, job and so on bears a word of its own, so that whatever
tells of it is noticed.
"""

from dataclasses import dataclass, field
from pathlib import Path

from django.core.files.storage import default_storage

from gallery import image_index, renditions, tag_names
from gallery.models import Album, AlbumImage, Image, Label
from gallery.models import is_veiled as veiled_by
from gallery.tests.factories import make_image
from generation.models import (
    BatchTemplate,
    GenerationItem,
    GenerationRun,
    ImageModel,
    ModelVersion,
)
from generation.tests.factories import make_lora, make_template
from imagineer.jobs.models import Job, JobLog, Status
from imagineer.tests.rows import make_row
from scraping.models import CrawlTarget, ScrapedImage, ScrapeJob, Source
from training.models import DatasetItem, DatasetVersion, TrainingRun

PICTURES = 5
SHELVES = 2


@dataclass(frozen=True)
class State:
    """What chance decides of one picture. shelves: the albums it is in."""

    rating: str
    is_public: bool = True
    source_type: str = "upload"
    trashed: bool = False
    shelves: tuple[int, ...] = ()
    lora: bool = False

    @property
    def is_hidden(self) -> bool:
        return self.trashed or not self.is_public

    @property
    def is_veiled(self) -> bool:
        return veiled_by(self.rating, self.source_type)


@dataclass(frozen=True)
class World:
    """public_run: whether the batch that drew all the pictures into the first album is."""

    pictures: tuple[State, ...]
    public_shelves: tuple[bool, ...]
    public_lora: bool
    public_base: bool = True
    public_run: bool = True
    public_training: bool = True

    @property
    def tells_of_run(self) -> bool:
        return self.public_run and self.public_shelves[0]

    @property
    def tells_of_training(self) -> bool:
        return self.public_training and self.public_lora


@dataclass
class Rows:
    images: list[Image]
    albums: list[Album]
    base: ModelVersion
    lora: ModelVersion
    template: BatchTemplate
    run: GenerationRun
    crawl: ScrapeJob
    training: TrainingRun
    files: dict[int, set[bytes]] = field(default_factory=dict)


# One of each kind: open, veiled by rating, veiled for want of one, private, in the trash.
EVERY_KIND = World(
    pictures=(
        State("SAFE", shelves=(0, 1), lora=True),
        State("EXPLICIT", shelves=(0, 1), lora=True),
        State("UNRATED", source_type="scraped", shelves=(0,)),
        State("SAFE", is_public=False, shelves=(0,), lora=True),
        State("SAFE", trashed=True, shelves=(0,), lora=True),
    ),
    public_shelves=(True, False),
    public_lora=False,
    public_base=False,
    public_run=False,
    public_training=False,
)
# The same pictures where all that holds them is public, but for the model below the LoRA.
ALL_SHELVES = World(EVERY_KIND.pictures, (True, True), public_lora=True, public_base=False)


def make_rows(media: Path) -> Rows:
    """The pictures with their files and all that is said of them; states come later."""
    albums = [Album.objects.create(name=f"shelfname{number}") for number in range(SHELVES)]
    base = ModelVersion.objects.create(name="basename", type="base", repository="builtin")
    lora = make_lora(name="loraname", base_model=base)
    (media / "lora").mkdir(exist_ok=True)
    (media / "lora" / "loraname.safetensors").write_bytes(b"weights")
    template = make_template(loras=[{"model": lora.pk, "weight": 0.5}])
    job = _job("generation.run")
    run = GenerationRun.objects.create(
        job=job, template=template, album=albums[0], album_name="runalbumname", is_batch=True,
        user_theme="themeword", base_model=base,
    )  # fmt: skip
    crawl = make_row(
        ScrapeJob, job=_job("scraping.run"), url="https://site.example/crawlpath",
        album_name="crawlalbum", album=albums[1], options={"include": ["*/crawlpattern/*"]},
    )  # fmt: skip
    CrawlTarget.objects.create(
        scrape_job=crawl, url="https://site.example/targetpath", ended_because="targetend",
        options={"exclude": ["*/crawlpattern/*"]},
        source=make_row(Source, name="sourcename", base_url="https://site.example/sourcepath"),
    )  # fmt: skip
    dataset = make_row(DatasetVersion, name="datasetname")
    dataset.albums.set(albums)
    training = TrainingRun.objects.create(
        job=_job("training.run"), name="trainname", dataset=dataset, base_model=base, steps=7,
        output_model=lora,
    )  # fmt: skip
    training.albums.set(albums)
    rows = Rows([], albums, base, lora, template, run, crawl, training)
    for number in range(PICTURES):
        _add_picture(rows, number, dataset)
    rows.files = {image.pk: _sharp_files(image) for image in rows.images}
    return rows


def _job(kind: str) -> Job:
    job = Job.objects.create(
        kind=kind, queue="default", status=Status.COMPLETED, title="jobtitleword",
        params={"prompt": "jobparamword"}, message="jobmessageword", error="joberrorword",
        result={"x": "jobresultword"}, progress_done=3, progress_total=3,
    )  # fmt: skip
    JobLog.objects.create(job=job, seq=1, text="joblogword")
    return job


def _add_picture(rows: Rows, number: int, dataset: DatasetVersion) -> None:
    image = make_image(
        seed=number + 1,
        width=40 + number,
        height=30,
        original_name=f"namepic{number}.png",
        prompt=f"promptpic{number} common",
        negative_prompt=f"negativepic{number}",
        generation_params={"seed": 5, "note": f"parampic{number}"},
    )
    Label.objects.create(image=image, kind="caption", text=f"captionpic{number} common")
    Label.objects.create(image=image, kind="tag", text=f"tagpic{number}")
    tag_names.add_alias(f"otherpic{number}", f"tagpic{number}")
    tag_names.add_implication(f"tagpic{number}", f"impliedpic{number}")
    Label.objects.create(image=image, kind="tag", text="commontag")
    ScrapedImage.objects.create(
        image=image,
        scrape_job=rows.crawl,
        page_url=f"https://a.example/pagepic{number}",
        image_url=f"https://a.example/filepic{number}.png",
        alt_text=f"altpic{number}",
    )
    GenerationItem.objects.create(
        run=rows.run, index=number, name=f"itempic{number}", prompt="itempromptword", seed=1,
        status=GenerationItem.Status.DONE, image=image,
    )  # fmt: skip
    DatasetItem.objects.create(
        dataset=dataset, index=number, image=image, sha256=image.sha256, caption="frozenword"
    )
    rows.images.append(image)


def _sharp_files(image: Image) -> set[bytes]:
    names = [
        renditions.name(image.sha256, image.sharp_key, width)
        for width in renditions.sharp_widths(image.width)
    ]
    found = set()
    for name in (*names, str(image.file.name)):
        with default_storage.open(name) as file:
            found.add(file.read())
    return found


def settle(rows: Rows, world: World) -> None:
    """Bring the rows into the state, as the platform's own code leaves them."""
    AlbumImage.everything.all().delete()
    ImageModel.everything.all().delete()
    for album, public in zip(rows.albums, world.public_shelves, strict=True):
        album.is_public = public
        album.save()
    for row, public in (
        (rows.lora, world.public_lora),
        (rows.base, world.public_base),
        (rows.run, world.public_run),
        (rows.training, world.public_training),
    ):
        row.is_public = public
        row.save()
    for image, state in zip(rows.images, world.pictures, strict=True):
        Image.everything.filter(pk=image.pk).update(
            rating=state.rating,
            is_nsfw=state.rating in ("ADULT", "EXPLICIT"),
            is_veiled=state.is_veiled,
            is_public=state.is_public,
            phash=image.pk % 4,  # All look alike.
            source_type=state.source_type,
            deleted_at="2026-01-01T00:00:00Z" if state.trashed else None,
        )
        for place in state.shelves:
            AlbumImage.objects.create(album=rows.albums[place], image=image)
        if state.lora:
            ImageModel.objects.create(image=image, model_version=rows.lora)
    image_index.refresh([image.pk for image in rows.images])
