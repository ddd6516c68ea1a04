"""A crawl of a source: at an address of it, at its own, or at what a name finds."""

from typing import Any

import pytest

from imagineer.jobs.runner import execute
from imagineer.problems import Problem
from imagineer.tests.rows import make_row
from scraping.models import CrawlTarget, Source
from scraping.options import checked
from scraping.runs import Asked, source_of, start_crawl
from scraping.tests.factories import fresh
from scraping.tests.site import OTHER_PUBLIC, Site

pytestmark = pytest.mark.django_db
MAPPING = {
    "request": {"path": "/posts.json"},
    "items": "posts",
    "item": {"images": ["file"], "caption": "text", "tags": "tags", "rating": "r"},
    "lookup": {"tags": "{name}"},
}


def source(base_url: str, **columns: Any) -> Source:
    values = {
        "name": "Boats", "kind": "pages", "enabled": True, "rate_limit": 6000, "max_images": 100,
        "lookup_url": "", "mapping": {},
    }  # fmt: skip
    made: Source = make_row(Source, base_url=base_url, **values | columns)
    return made


def url_of(asked: Asked) -> str:
    return start_crawl([asked]).targets.get().url


def test_a_source_is_crawled_at_its_own_address(site: Site) -> None:
    assert url_of(Asked(source=source(f"{site.url}/start"))) == f"{site.url}/start"


def test_or_at_an_address_of_it_and_at_no_other(site: Site) -> None:
    of = source(f"{site.url}/start")
    assert url_of(Asked(f"{site.url}/boats", of)) == f"{site.url}/boats"
    with pytest.raises(Problem, match="does not lie on") as refused:
        start_crawl([Asked(f"http://{OTHER_PUBLIC}/", of)])
    assert (refused.value.status, refused.value.field) == (422, "url")
    assert CrawlTarget.objects.count() == 1


def test_or_at_what_a_name_finds(site: Site) -> None:
    pages = source(f"{site.url}/", lookup_url=f"{site.url}/search?q={{name}}&sort=new")
    assert url_of(Asked(source=pages, name="red & blue/boat")) == (
        f"{site.url}/search?q=red%20%26%20blue%2Fboat&sort=new"
    )


def test_an_api_is_asked_for_a_name(site: Site) -> None:
    site.put(
        "/posts.json?tags=red+boat",
        '{"posts": [{"file": "/1.png", "text": "A red boat", "tags": "red_boat sea", "r": "e"}]}',
        "application/json",
    )
    site.picture("/1.png", 1)
    api = source(f"{site.url}/", kind="api", mapping=MAPPING)
    options = checked({"min_width": 48, "min_height": 48})
    scrape = start_crawl([Asked(source=api, name="red boat")], options=options)
    execute(scrape.job_id)
    found = fresh(scrape).scraped_images.get()
    assert found.caption_text == "A red boat"
    assert found.found_by == "api"
    assert found.image is not None
    labels = found.image.labels.order_by("kind", "text").values_list("kind", "text", "source")
    assert list(labels) == [
        ("caption", "A red boat", "scraper"),
        ("rating", "EXPLICIT", "imported"),
        ("tag", "red_boat", "scraper"),
        ("tag", "sea", "scraper"),
    ]
    assert (found.image.rating, found.image.is_nsfw) == ("EXPLICIT", True)


@pytest.mark.parametrize("kind", ["pages", "api"])
def test_a_source_that_cannot_be_searched_by_name_says_so(site: Site, kind: str) -> None:
    mapping = {key: value for key, value in MAPPING.items() if key != "lookup"}
    of = source(f"{site.url}/", kind=kind, mapping=mapping)
    with pytest.raises(Problem, match="“Boats”: It cannot be searched by name") as refused:
        start_crawl([Asked(source=of, name="boat")])
    assert (refused.value.status, refused.value.field) == (422, "name")


def test_an_api_without_a_mapping_is_not_crawled(site: Site) -> None:
    with pytest.raises(Problem, match="The mapping of “Boats”: item: Write") as refused:
        start_crawl([Asked(source=source(f"{site.url}/", kind="api", mapping={}))])
    assert (refused.value.status, refused.value.field) == (422, "source")


def test_a_name_cannot_lead_to_a_private_address(site: Site) -> None:
    with pytest.raises(Problem, match="private"):
        start_crawl([Asked(source=source(site.url, lookup_url="http://{name}/"), name="10.0.0.1")])


def test_a_page_of_a_site_that_has_an_api_is_read_as_a_page(site: Site) -> None:
    api = source(f"{site.url}/", kind="api", mapping=MAPPING)
    assert source_of(f"{site.url}/wiki/boats") is None
    assert source_of(f"{site.url}/") == api
