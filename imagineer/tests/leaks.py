"""What visitors learn of a gallery at every address there is, and what of that they should not.

Each picture, album, tag, LoRA, run, job and so on bears a word of its own, so that whatever tells
of it is noticed; picture files are compared with the sharp ones. Used by test_nothing_leaks.py.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.test import Client

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
from imagineer.tests.addresses import EVERYWHERE, filled
from imagineer.tests.rows import make_row
from scraping.models import CrawlTarget, ScrapedImage, ScrapeJob, Source
from training.models import DatasetItem, DatasetVersion, TrainingRun

PICTURES = 5
SHELVES = 2
WORDS = (
    "prompt", "negative", "caption", "tag", "other", "implied", "name", "alt", "param", "item",
)  # fmt: skip
# What only admins ever read, of whatever picture or run.
SECRETS = re.compile(
    r"job(?:title|param|message|error|result|log)word|crawlpath|crawlalbum|crawlpattern|targetpath|"
    r"targetend|sourcename|sourcepath|frozenword|itempromptword"
)


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


# --- The walk ------------------------------------------------------------------------------------

# Not walked: what only an admin gets, what writes, and what is the same for all.
_NOT_PUBLIC = re.compile(r"^/(admin|accounts|static)/|^/preferences/|/reveal$")
_ADDRESS = re.compile(
    r"""(?:href|src|action|content)="(/[^"]*|http://testserver/[^"]*)"|"(/(?:api|i|images|albums)/[^"\s]*)"|"""
    r"""<(?:loc|image:loc|id)>http://testserver(/[^<]*)<|(/i/[0-9a-f]+-\d+\.webp)"""
)


def places(rows: Rows) -> dict[str, list[object]]:
    """What placeholders of addresses stand for: every row there is, given out or not."""
    keys = [
        f"{key}-{width}"
        for image in rows.images
        for key in (image.sharp_key, image.blurred_key)
        for width in (*renditions.sharp_widths(image.width), 300)
    ]
    return {
        "image": [image.pk for image in rows.images],
        "album": [album.pk for album in rows.albums],
        "slug": [album.slug for album in rows.albums],
        "label": [image.labels.order_by("pk")[0].pk for image in rows.images],
        "tag": [
            "commontag",
            *(f"{word}pic{number}" for word in ("tag", "other") for number in range(PICTURES)),
        ],
        "lora": [rows.lora.pk],
        "template": [rows.template.pk],
        "template_slug": [rows.template.slug],
        "run": [rows.run.pk],
        "job": list(Job.objects.values_list("pk", flat=True)),
        "crawl": [rows.crawl.pk],
        "training": [rows.training.pk],
        "rendition": list(dict.fromkeys(keys)),
        "query": ["common", "-nothing"],
    }


def addresses_of(name: str, rows: Rows) -> Iterator[str]:
    """Every address of a page or an operation of the API that there could be."""
    for template in EVERYWHERE[name]:
        yield from filled(template, places(rows))
    searched = {
        "gallery:search": "/search/?q=",
        "/api/search": "/api/search?q=",
        "/api/tags": "/api/tags?q=",
        "/api/tags/complete": "/api/tags/complete?q=",
    }.get(name)
    if searched:
        asked = [f"{word}pic{number}" for word in WORDS for number in range(PICTURES)]
        asked += [f"shelfname{number}" for number in range(SHELVES)]
        asked += [f"album:shelfname{number}" for number in range(SHELVES)]
        asked += ["shelfname*", "album:shelfname*", "lora:loranam*"]
        asked += ["lora:loraname", "loraname", "tag:commontag", "rating:adult", "source:scraped"]
        yield from (f"{searched}{text}" for text in asked)


@dataclass(frozen=True)
class Answer:
    """told: the text of headers and body; body: its bytes alone; found: status 200."""

    told: str
    body: bytes
    found: bool


def ask(client: Client, address: str, **headers: str) -> Answer:
    response: Any = client.get(address, headers=headers)
    assert response.status_code < 500, address
    body = body_of(response)
    # An address that is redirected to may repeat what was asked for, and so may a refusal.
    text = body.decode("utf-8", "replace") if not _is_picture(response) else ""
    told = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    return Answer(f"{told}\n{text}", body, response.status_code == 200)


def body_of(response: Any) -> bytes:
    if not response.streaming:
        return bytes(response.content)
    if not response.is_async:
        return b"".join(response)

    async def collected() -> bytes:
        return b"".join([part async for part in response])

    return asyncio.run(collected())


def _is_picture(response: HttpResponse) -> bool:
    return response.headers.get("Content-Type", "").startswith("image/")


def walk(client: Client, rows: Rows, only: str = "") -> dict[str, Answer]:
    """Every address there could be, and every one that is given out. only: of this name alone."""
    names = [only] if only else list(EVERYWHERE)
    waiting = [address for name in names for address in addresses_of(name, rows)]
    seen: dict[str, Answer] = {}
    while waiting:
        address = waiting.pop()
        if address in seen or _NOT_PUBLIC.search(address):
            continue
        seen[address] = ask(client, address)
        is_page = not address.startswith(("/api/", "/i/")) and not address.endswith("/original")
        if is_page:
            seen[f"{address} [htmx]"] = ask(client, address, **{"HX-Request": "true"})
        if not only:
            waiting += _given_out(seen[address].told)
    return seen


def _given_out(text: str) -> Iterator[str]:
    for groups in _ADDRESS.findall(text):
        address = next(group for group in groups if group)
        plain = address.removeprefix("http://testserver").replace("&amp;", "&")
        # Searches lead to ever narrower ones; the first addresses have one of each kind.
        if "?q=" not in plain and "&q=" not in plain:
            yield plain.partition("#")[0]


# --- What should not have been told --------------------------------------------------------------


def leaks(client: Client, rows: Rows, world: World, choice: str, only: str = "") -> list[str]:
    """What this visitor should not have learned, each with where; empty if all is well."""
    client.cookies["nsfw"] = choice
    found = []
    for address, answer in walk(client, rows, only).items():
        found += [
            f"{address}: {leak}" for leak in _of_pictures(address, answer, rows, world, choice)
        ]
        found += [f"{address}: {leak}" for leak in _of_others(address, answer, world)]
    found += probes(client, rows, world, choice)
    return found if only else found + wrong_counts(client, rows, world, choice)


def _of_pictures(
    address: str, answer: Answer, rows: Rows, world: World, choice: str
) -> Iterator[str]:
    asked = address.lower()
    for number, (image, state) in enumerate(zip(rows.images, world.pictures, strict=True)):
        hidden = state.is_hidden
        if not hidden and not (state.is_veiled and choice != "show"):
            continue
        own = re.search(rf"/images/{image.pk}(/|\b)", address) is not None
        page = re.search(rf"/images/{image.pk}\b", answer.told) is not None
        if answer.body in rows.files[image.pk]:
            yield f"the file of {state}"
        words = re.findall(rf"\w*pic{number}\b", answer.told)
        if told := [word for word in words if word.lower() not in asked]:
            yield f"{told[0]} of {state}"
        if image.sharp_key in answer.told and image.sharp_key not in address:
            yield f"the sharp address of {state}"
        if image.sha256 in answer.told:
            yield f"the hash of {state}"
        searched = asked.startswith(("/search/", "/api/search", "/tags/", "/api/images?"))
        by_word = searched and re.search(rf"[a-z]pic{number}(/|$)", asked.removesuffix(" [htmx]"))
        # A list that words made, of which this is the next.
        beside = re.search(rf"/images/{image.pk}/\?(tag=|q=common)", answer.told)
        if not own and (beside or (by_word and page)):
            yield f"that a word finds {state}"
        if (hidden or choice == "hide") and page and not own:
            yield f"that there is {state}"
        if hidden and image.blurred_key in answer.told and image.blurred_key not in address:
            yield f"the blurred address of {state}"
        if hidden and own and answer.found:
            yield f"anything at all of {state}"


def _of_others(address: str, answer: Answer, world: World) -> Iterator[str]:
    asked = address.lower()
    if secret := SECRETS.search(answer.told):
        yield f"{secret[0]}, which is the admins'"
    private = {
        f"shelfname{number}": public for number, public in enumerate(world.public_shelves)
    } | {
        "loraname": world.public_lora,
        "basename": world.public_base,
        "themeword": world.tells_of_run,
        "runalbumname": world.tells_of_run,
        "trainname": world.tells_of_training,
        "datasetname": world.tells_of_training and all(world.public_shelves),
    }
    searched = asked.startswith(("/search/", "/api/search"))
    finds = searched and re.search(r"/images/\d+", answer.told) is not None
    begun = tuple(re.findall(r"(\w+)\*", asked))
    named = [word for word in private if word in asked or (begun and word.startswith(begun))]
    # The words stand in the question; that pictures answer to them tells that they are names.
    if finds and named and not any(private[word] for word in named):
        yield f"that {named[0]}, which is private, finds pictures"
    for word, public in private.items():
        if not public and word in answer.told and word not in asked:
            yield f"{word}, which is private"


def probes(client: Client, rows: Rows, world: World, choice: str) -> list[str]:
    """What files that must not be had say to a HEAD, a range, and to whoever knows their ETag."""
    found = []
    for image, state in zip(rows.images, world.pictures, strict=True):
        if not state.is_hidden and not (state.is_veiled and choice != "show"):
            continue
        width = renditions.sharp_widths(image.width)[-1]
        files = {
            f"/images/{image.pk}/original": f'"{image.sha256}"',
            f"/i/{image.sharp_key}-{width}.webp": f'"{image.sharp_key}-{width}"',
        }
        if state.is_hidden:
            files[f"/api/images/{image.pk}/thumbnail"] = f'"{image.sharp_key}-{width}"'
            blurred = f"{image.blurred_key}-{renditions.blurred_width(image.width)}"
            files[f"/i/{blurred}.webp"] = f'"{blurred}"'
        for address, etag in files.items():
            answers = {
                "HEAD": client.head(address),
                "If-None-Match": client.get(address, headers={"If-None-Match": etag}),
                "any ETag": client.get(address, headers={"If-None-Match": "*"}),
                "Range": client.get(address, headers={"Range": "bytes=0-0"}),
            }
            found += [
                f"{address}: answers {response.status_code} to {how} of {state}"
                for how, response in answers.items()
                if response.status_code not in (404, 405)
                or {"ETag", "Last-Modified"} & set(response.headers)
            ]
        revealed = _anew(client).post(f"/images/{image.pk}/reveal", headers=_AS_SCRIPT)
        if state.is_hidden and revealed.status_code != 404:
            found.append(f"/images/{image.pk}/reveal: answers {revealed.status_code} of {state}")
    return found


def _anew(client: Client) -> Client:
    """The client before its first answer: what it is shown from here on does not stay with it."""
    fresh = copy(client)
    fresh.cookies = SimpleCookie()
    return fresh


_AS_SCRIPT: Mapping[str, str] = {"Accept": "application/json"}


# --- Counts --------------------------------------------------------------------------------------


def wrong_counts(client: Client, rows: Rows, world: World, choice: str) -> list[str]:
    """Counts that tell of more, or of less, than may be listed."""
    shown = {number: state for number, state in enumerate(world.pictures) if not state.is_hidden}
    listed = [state for state in shown.values() if choice != "hide" or not state.is_veiled]
    # Words are told of sharp pictures alone.
    told_of = {
        number: state for number, state in shown.items() if choice == "show" or not state.is_veiled
    }
    found = []

    def check(address: str, told: object, expected: object) -> None:
        if told != expected:
            found.append(f"{address}: counts {told} instead of {expected}")

    for number, album in enumerate(rows.albums):
        expected = sum(number in state.shelves for state in listed)
        if world.public_shelves[number]:
            address = f"/api/albums/{album.pk}"
            check(address, client.get(address).json()["image_count"], expected)
            address = f"/albums/{album.slug}/"
            check(address, client.get(address).context["album"].image_count, expected)
    shelves = {row.pk: row.image_count for row in client.get("/albums/").context["page"].items}
    check(
        "/albums/",
        shelves,
        {
            album.pk: number
            for place, album in enumerate(rows.albums)
            if world.public_shelves[place]
            and (number := sum(place in state.shelves for state in listed))
        },
    )
    page = client.get("/tags/commontag/")
    count = page.context["tag"].image_count if page.status_code == 200 else 0
    check("/tags/commontag/", count, len(told_of))
    tags = {row.name: row.image_count for row in client.get("/tags/").context["page"].items}
    check("/tags/", tags.get("commontag", 0), len(told_of))
    # Each has a tag of its own, and one that this implies.
    check("/tags/", len(tags), 2 * len(told_of) + bool(told_of))
    found_tags = client.get("/api/tags?q=commontag").json()["items"]
    check("/api/tags", sum(row["count"] for row in found_tags), len(told_of))
    for number, album in enumerate(rows.albums):
        if world.public_shelves[number]:
            address = f"/api/albums/{album.pk}/tags"
            counts = {row["name"]: row["count"] for row in client.get(address).json()["items"]}
            expected = sum(number in state.shelves for state in told_of.values())
            check(address, counts.get("commontag", 0), expected)
    if world.public_lora:
        expected = sum(state.lora for state in listed)
        check("/api/loras", client.get("/api/loras").json()["items"][0]["pictures"], expected)
        address = f"/loras/{rows.lora.pk}/"
        check(address, client.get(address).context["lora"].image_count, expected)
    if world.tells_of_run:
        address = f"/api/batches/{rows.run.pk}"
        told = client.get(address).json()
        check(address, (told["total"], told["done"], told["failed"]), (len(listed), len(listed), 0))
        check(address, len(told["items"]), len(listed))
    batches = int(world.tells_of_run)
    check("/api/batches", len(client.get("/api/batches").json()["items"]), batches)
    templates = client.get("/templates/").context["templates"]
    check("/templates/", templates[0][0].run_count, batches)
    check("/api/search", *_facets(client, world, told_of))
    # To leave out a private name leaves out nothing.
    names = [
        ("album", rows.albums[place].name, public)
        for place, public in enumerate(world.public_shelves)
    ] + [("lora", "loraname", world.public_lora)]
    for key, name, public in names:
        if not public:
            address = f"/api/search?q=common -{key}:{name}"
            check(address, client.get(address).json()["total"], len(told_of))
    return found


def _facets(client: Client, world: World, told_of: dict[int, State]) -> tuple[object, object]:
    """(what a search for all tells of numbers, what it should)."""
    told = client.get("/api/search?q=common").json()
    facets = {
        facets["title"]: {item["term"]: item["count"] for item in facets["items"]}
        for facets in told["facets"]
    }
    expected: dict[str, dict[str, int]] = {}
    for number, state in told_of.items():
        source = expected.setdefault("Source", {})
        source[f"source:{state.source_type}"] = source.get(f"source:{state.source_type}", 0) + 1
        tags = expected.setdefault("Tags", {})
        tags["tag:commontag"] = tags.get("tag:commontag", 0) + 1
        tags[f"tag:tagpic{number}"] = tags[f"tag:impliedpic{number}"] = 1
        if state.lora and world.public_lora:
            loras = expected.setdefault("LoRA", {})
            loras["lora:loraname"] = loras.get("lora:loraname", 0) + 1
    return (told["total"], facets), (len(told_of), expected)
