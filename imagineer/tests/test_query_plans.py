"""How the database finds the rows of every list: along an index, without sorting a table.

The addresses are enumerated (imagineer.tests.addresses).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gallery import tag_names
from gallery.models import Rating
from gallery.tests import factories as gallery
from generation.models import GenerationItem, GenerationRun, ImageModel
from generation.tests.factories import make_lora, make_template
from imagineer import console_rows
from imagineer.jobs.models import Job, Status
from imagineer.keyset import encode_cursor
from imagineer.tests.addresses import EVERYWHERE, console_lists, filled
from imagineer.tests.plans import SMALL, faults, plan, reading
from imagineer.tests.rows import make_row
from scraping.models import CrawlTarget, RefusedImage, ScrapeJob, Source
from training.models import TrainingRun

pytestmark = pytest.mark.django_db

NOW = datetime(2100, 1, 1, tzinfo=timezone.get_default_timezone())
NEWEST_IMAGE = (10**9,)
NEWEST = (NOW, 10**9)
FIRST = (0, 0)
# The place in a list's order that its second page starts after.
PLACES: dict[str, tuple[Any, ...]] = {
    "/": NEWEST_IMAGE,
    "/albums/": NEWEST,
    "/albums/{slug}/": FIRST,
    "/albums/{slug}/?view=spread": FIRST,
    "/tags/": (5, 0),
    "/tags/{tag}/": NEWEST_IMAGE,
    "/search/?q={query}": NEWEST_IMAGE,
    "/loras/": NEWEST,
    "/loras/{lora}/": NEWEST_IMAGE,
    "/api/albums": NEWEST,
    "/api/albums?source_type=manual": NEWEST,
    "/api/albums/{album}": FIRST,
    "/api/albums/{album}/images": FIRST,
    "/api/search?q={query}": NEWEST_IMAGE,
    "/api/loras": NEWEST,
    "/api/batches": NEWEST,
    "/api/batch-templates": ("A",),
    "/api/batch-templates/{template}/runs": NEWEST,
    "/api/scraping/jobs": NEWEST,
    "/api/training/runs": NEWEST,
    "/api/jobs": (NOW, "0" * 32),
    "/api/tags": (5, 0),
    "/api/tags?q=r": ("a",),
    **dict.fromkeys(
        (address for address in EVERYWHERE["/api/images"]), NEWEST_IMAGE
    ),
}  # fmt: skip
# Pages of the console beside its lists, and what admins alone read over the API.
CONSOLE = (
    "/admin/gallery/image/?album={album}",
    "/admin/labeling/labelingrun/start/?album={album}",
    "/api/labeling/tasks",
    "/admin/labeling/review/",
    "/admin/labeling/review/?filter=unsure&album={album}&q=round&image={image}",
    "/admin/labeling/review/?filter=disputed&order=oldest",
    "/admin/labeling/review/items/?filter=changed&behind={image}",
    "/admin/labeling/review/items/?filter=open&before={image}",
    "/api/labeling/review?filter=all",
    "/api/labeling/review?filter=uncaptioned&album={album}&q=round",
    "/api/images/{image}/labels/history",
    "/api/scraping/stats",
    "/api/scraping/sources",
    "/api/scraping/sources/{source}",
    "/admin/gallery/tag/{tag_id}/change/",
    "/api/scraping/jobs/{crawl}/difference",
    "/api/scraping/sources/{source}/crawls",
)
# It counts the tags of a bounded part of one album, which no index has counted before.
COUNTING = {"/api/albums/{album}/tags"}
ADDRESSES = [
    address for addresses in EVERYWHERE.values() for address in addresses if address not in COUNTING
]
READERS = ("visitor", "visitor who hides NSFW", "visitor who sees all", "admin")


@pytest.fixture
def ids() -> dict[str, Any]:
    """A few rows of everything that is listed, and the ids that addresses name."""
    images = [gallery.make_row(rating=rating, phash=1) for rating in (Rating.SAFE, Rating.ADULT)]
    album = gallery.make_album("Deck", images)
    lora, template = make_lora(), make_template()
    job = Job.objects.create(kind="generation.run", queue="gpu", status=Status.COMPLETED)
    run = GenerationRun.objects.create(job=job, template=template, album=album, is_batch=True)
    for index, image in enumerate(images):
        gallery.make_label(image)
        gallery.make_label(image, "round", kind="tag")
        ImageModel.objects.create(image=image, model_version=lora)
        GenerationItem.objects.create(
            run=run, index=index, prompt="x", seed=1, status="done", image=image
        )
    source = make_row(Source)
    targets = [
        make_row(CrawlTarget, source=source, url="https://example.org/", state="finished")
        for _ in range(2)
    ]
    crawl = targets[1].scrape_job
    ScrapeJob.objects.filter(pk=crawl.pk).update(album=album)
    Job.objects.filter(scrape_job__targets__in=targets).update(status=Status.COMPLETED)
    make_row(RefusedImage, scrape_job=crawl, target=targets[1])
    training = make_row(TrainingRun, is_public=True)
    training.albums.add(album)
    tag = images[0].tags.get()
    tag_names.add_alias("circular", tag.name)
    tag_names.add_implication(tag.name, "shape")
    return {
        "image": images[0].pk, "album": album.pk, "slug": album.slug, "tag": "round",
        "lora": lora.pk, "template": template.pk, "template_slug": template.slug, "run": run.pk,
        "tag_id": tag.pk, "label": images[0].labels.order_by("pk")[0].pk,
        "job": job.pk, "crawl": crawl.pk, "source": source.pk, "training": training.pk,
        "rendition": f"{images[0].sharp_key}-300",
    }  # fmt: skip


@pytest.fixture
def values(ids: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: [value] for name, value in ids.items()} | {
        "query": ["round", "tag:round -square album:deck source:upload", "-square"],
    }


def reader(name: str, admin_user: Any) -> Client:
    client = Client()
    if name == "admin":
        client.force_login(admin_user)
    if name == "visitor who hides NSFW":
        client.cookies["nsfw"] = "hide"
    if name == "visitor who sees all":
        client.cookies["nsfw"] = "show"
    return client


def reading_queries(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        response = client.get(url)
        assert response.status_code in (200, 302, 404), (url, response.status_code)
        if not getattr(response, "is_async", False):
            b"".join(response) if response.streaming else response.content
    return reading(asked.captured_queries)


def pages(template: str, values: dict[str, list[Any]]) -> Iterator[str]:
    """The addresses, and the second page of those that have one."""
    for url in filled(template, values):
        yield url
        if template in PLACES:
            cursor = "cursor" if url.startswith("/api/") else "after"
            yield f"{url}{'&' if '?' in url else '?'}{cursor}={encode_cursor(PLACES[template])}"


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("template", ADDRESSES)
def test_it_is_read_along_an_index(
    values: dict[str, list[Any]], admin_user: Any, template: str, name: str
) -> None:
    client = reader(name, admin_user)
    for url in pages(template, values):
        for sql in reading_queries(client, url):
            assert SMALL.search(sql.partition(" WHERE ")[0]) or not faults(sql), (
                url,
                sql,
                plan(sql),
            )


def test_the_console_reads_along_indices_and_counts_no_further_than_it_says(
    ids: dict[str, Any], admin_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that there are older rows than those that are searched.
    monkeypatch.setattr(console_rows, "COUNTED_AT_MOST", 1)
    client = reader("admin", admin_user)
    found = []
    for url in (*console_lists(), *(page.format(**ids) for page in CONSOLE)):
        queries = reading_queries(client, url)
        assert queries, url
        for sql in queries:
            if SMALL.search(sql.partition(" WHERE ")[0].partition(" JOIN ")[0]):
                continue
            if faults(sql) or ("COUNT(" in sql and "LIMIT" not in sql and " WHERE " not in sql):
                found.append(f"{url}: {sql[:300]} {faults(sql)}")
    assert not found, "\n".join(found)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a choice of walks.")
@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("visitor", "image_listed"),
        ("visitor who hides NSFW", "image_open"),
        ("admin", "image_live"),
    ],
)
def test_the_latest_are_walked_without_what_is_not_shown(
    ids: dict[str, Any], admin_user: Any, name: str, index: str
) -> None:
    found = [plan(sql) for sql in reading_queries(reader(name, admin_user), "/")]
    assert [f"SCAN gallery_image USING INDEX {index}"] in found


def test_a_walk_and_a_sort_are_noticed(ids: dict[str, Any]) -> None:
    def planned(sql: str) -> list[str]:
        return faults(sql)

    assert planned("SELECT id FROM gallery_image WHERE bytes = 7")
    assert planned("SELECT COUNT(*) FROM gallery_label WHERE text = 'x'")
    assert planned("SELECT id FROM gallery_image WHERE exposure <= 1 ORDER BY bytes LIMIT 5")
    assert not planned("SELECT id FROM gallery_image WHERE id = 7")
