"""How SQLite finds the rows of every public list: along an index, without sorting a table.

Without statistics, which nothing here gathers, SQLite plans by the indices alone: a few rows are
planned as twenty thousand are.
"""

import re
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
from gallery.tests.plans import is_walked, plans_of
from generation.models import GenerationItem, GenerationRun, ImageModel
from generation.tests.factories import make_lora, make_template
from imagineer.jobs.models import Job, Status
from imagineer.keyset import encode_cursor
from imagineer.tests.rows import make_row
from scraping.models import ScrapeJob
from training.models import TrainingRun

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="The plans of other databases depend on statistics."
    ),
]

NOW = datetime(2100, 1, 1, tzinfo=timezone.get_default_timezone())
NEWEST_IMAGE = (10**9,)
NEWEST = (NOW, 10**9)
FIRST = (0, 0)
# Each list's address and the place in its order that its second page starts after.
LISTS: dict[str, tuple[Any, ...] | None] = {
    "/": NEWEST_IMAGE,
    "/albums/": NEWEST,
    "/albums/deck/": FIRST,
    "/albums/deck/?view=spread": FIRST,
    "/loras/": NEWEST,
    "/loras/{lora}/": (10**9,),
    "/templates/": None,
    "/templates/suits/": None,
    "/api/images": NEWEST_IMAGE,
    "/images/{image}/similar/": None,
    "/api/images/{image}/similar": None,
    "/tags/": (5, 0),
    "/tags/round/": (10**9,),
    "/search/?q=round": NEWEST_IMAGE,
    "/search/?q=tag:round+-square+album:deck+source:upload": NEWEST_IMAGE,
    "/api/images?nsfw=show": NEWEST_IMAGE,
    "/api/images?nsfw=hide": NEWEST_IMAGE,
    "/api/images?q=round": NEWEST_IMAGE,
    "/api/images?source_type=scraped&rating=SAFE&label=thing": NEWEST_IMAGE,
    "/api/images?album={album}": NEWEST_IMAGE,
    "/api/search?q=round": NEWEST_IMAGE,
    "/api/tags": (5, 0),
    "/api/tags?q=r": ("a",),
    "/api/tags/complete?q=r": None,
    "/api/albums?source_type=manual": NEWEST,
    "/api/images?source_type=scraped": NEWEST_IMAGE,
    "/api/images?rating=SAFE": NEWEST_IMAGE,
    "/api/images?label=round": NEWEST_IMAGE,
    "/api/albums": NEWEST,
    "/api/albums/{album}": FIRST,
    "/api/albums/{album}/images": FIRST,
    "/api/loras": NEWEST,
    "/api/batches": NEWEST,
    "/api/batch-templates": ("A",),
    "/api/batch-templates/{template}/runs": NEWEST,
    "/api/scraping/jobs": NEWEST,
    "/api/training/runs": NEWEST,
}
# Lists of the console over tables that grow without bound.
CONSOLE = (
    "/admin/gallery/image/",
    "/admin/gallery/image/?q=round",
    "/admin/gallery/image/?album={album}",
    "/admin/gallery/image/?rating__exact=SAFE",
    "/admin/gallery/image/trash/",
    "/admin/gallery/album/",
    "/admin/gallery/label/",
    "/admin/gallery/tag/",
    "/admin/gallery/tag/?q=round",
    "/admin/gallery/tag/{tag}/change/",
    "/admin/gallery/tagalias/",
    "/admin/gallery/tagimplication/",
    "/admin/gallery/labelchange/",
    "/admin/jobs/job/",
    "/admin/scraping/scrapejob/",
    "/admin/generation/generationrun/",
    "/admin/generation/modelversion/",
    "/admin/labeling/labelingrun/",
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
    "/admin/training/datasetversion/",
    "/admin/training/trainingrun/",
)
READERS = ("visitor", "visitor who hides NSFW", "admin")


@pytest.fixture
def ids() -> dict[str, int]:
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
    make_row(ScrapeJob, album=album)
    make_row(TrainingRun, is_public=True).albums.add(album)
    tag = images[0].tags.get()
    tag_names.add_alias("circular", tag.name)
    tag_names.add_implication(tag.name, "shape")
    return {
        "image": images[0].pk,
        "album": album.pk,
        "lora": lora.pk,
        "template": template.pk,
        "tag": tag.pk,
    }


def reader(name: str, admin_user: Any) -> Client:
    client = Client()
    if name == "admin":
        client.force_login(admin_user)
    if name == "visitor who hides NSFW":
        client.cookies["nsfw"] = "hide"
    return client


def plans(client: Client, url: str) -> list[tuple[str, list[str]]]:
    """(SQL, steps of its plan) of every reading query of the page."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    return plans_of(asked.captured_queries)


def is_of_one_page(sql: str) -> bool:
    """Whether it reads what belongs to rows that are known by then, or one row."""
    return re.search(r" IN \(\d", sql) is not None or sql.endswith(" LIMIT 1")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("address", LISTS)
def test_it_is_read_along_an_index(
    ids: dict[str, int], admin_user: Any, address: str, name: str
) -> None:
    client = reader(name, admin_user)
    url, place = address.format(**ids), LISTS[address]
    urls = [url]
    if place is not None:
        cursor = "cursor" if url.startswith("/api/") else "after"
        urls.append(f"{url}{'&' if '?' in url else '?'}{cursor}={encode_cursor(place)}")
    for page in urls:
        found = plans(client, page)
        # The page's own rows, not only who asks.
        assert any(
            re.search(r'FROM "?(gallery|generation|scraping|training)_', sql) for sql, _ in found
        )
        for sql, steps in found:
            assert not [step for step in steps if is_walked(step)], sql
            sorting = [step for step in steps if "TEMP B-TREE" in step]
            assert not sorting or is_of_one_page(sql), sql


@pytest.mark.parametrize("address", CONSOLE)
def test_the_console_reads_along_indices_and_counts_no_further_than_it_says(
    ids: dict[str, int], admin_user: Any, address: str
) -> None:
    found = plans(reader("admin", admin_user), address.format(**ids))
    assert any(
        re.search(r'FROM "?(gallery|generation|scraping|training|labeling|jobs)_', sql)
        for sql, _ in found
    )
    for sql, steps in found:
        if re.search(r'FROM "(auth_|account|labeling_prompt)', sql):
            continue  # As many as there are people and prompts.
        # Without an index named, it is walked in the order of its rows, and stops with the page.
        of_one_page = " WHERE " not in sql and re.search(r'\."id" DESC( LIMIT \d+)?$', sql)
        walked = [step for step in steps if is_walked(step) and step != "SCAN subquery"]
        assert not walked or of_one_page, sql
        sorting = [step for step in steps if "TEMP B-TREE" in step]
        assert not sorting or is_of_one_page(sql), sql
        counts_all = "COUNT(" in sql and "LIMIT" not in sql and " WHERE " not in sql
        assert not counts_all, sql


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("visitor", "image_listed"),
        ("visitor who hides NSFW", "image_open"),
        ("admin", "image_live"),
    ],
)
def test_the_latest_are_walked_without_what_is_not_shown(
    ids: dict[str, int], admin_user: Any, name: str, index: str
) -> None:
    found = plans(reader(name, admin_user), "/")
    assert [f"SCAN gallery_image USING INDEX {index}"] in [steps for _, steps in found]
