"""What earlier crawls of a source have settled."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery.tests.factories import make_row as make_image_row
from imagineer.tests.rows import make_row
from scraping.addresses import digest_of
from scraping.earlier_crawls import LOOKED_BACK, Earlier, earlier_pictures, forget_unchanged
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage, ScrapeJob, Source
from scraping.options import checked
from scraping.statistics import refusals

pytestmark = pytest.mark.django_db
URL = "https://example.org/a.png"
CHOSEN = checked({"only_new": True})


def part_of_crawl(source: Source | None, url: str = "https://example.org/", **chosen: Any) -> Any:
    scrape = make_row(ScrapeJob, options=checked(chosen).as_json())
    return make_row(
        CrawlTarget, scrape_job=scrape, source=source, url=url, address_digest=digest_of(url)
    )


def refused(
    target: CrawlTarget, reason: str, sha256: str = "", path: str = "a.png", **columns: Any
) -> None:
    url = f"https://example.org/{path}"
    RefusedImage.objects.create(
        scrape_job=target.scrape_job, target=target, image_url=url, page_url=target.url,
        address_digest=digest_of(url), reason=reason, sha256=sha256, **columns,
    )  # fmt: skip


def taken(target: CrawlTarget, image: Any, sha256: str, **columns: Any) -> None:
    ScrapedImage.objects.create(
        scrape_job=target.scrape_job, target=target, image_url=URL, page_url=target.url,
        address_digest=digest_of(URL), image=image, sha256=sha256, **columns,
    )  # fmt: skip


def test_the_newest_crawl_that_has_its_file_tells_of_it() -> None:
    source, image = make_row(Source), make_image_row()
    taken(part_of_crawl(source), image, "1", etag='"one"')
    refused(part_of_crawl(source), "exact", "2", same_as=image, last_modified="Monday")
    refused(part_of_crawl(source), "status")
    now = part_of_crawl(source)
    assert earlier_pictures(now, CHOSEN) == {URL: Earlier("", "Monday", "2", image.pk)}


def test_other_sources_and_later_crawls_tell_nothing() -> None:
    now = part_of_crawl(make_row(Source))
    refused(part_of_crawl(make_row(Source)), "exact", "1")
    refused(part_of_crawl(None), "exact", "1")
    refused(part_of_crawl(now.source), "exact", "1")
    assert earlier_pictures(now, CHOSEN) == {}


def test_without_a_source_crawls_of_the_same_address_tell() -> None:
    refused(part_of_crawl(None, "https://example.org/other"), "exact", "1")
    now = part_of_crawl(None)
    assert earlier_pictures(now, CHOSEN) == {}
    refused(part_of_crawl(None), "exact", "1")
    assert list(earlier_pictures(part_of_crawl(None), CHOSEN)) == [URL]


@pytest.mark.parametrize(
    "reason", ["status", "timeout", "unreachable", "robots", "noai", "private", "format", "icon"]
)
def test_what_could_not_be_had_is_asked_for_again(reason: str) -> None:
    source = make_row(Source)
    refused(part_of_crawl(source), reason)
    assert earlier_pictures(part_of_crawl(source), CHOSEN) == {}


@pytest.mark.parametrize("reason", ["small", "long", "near", "damaged", "unchanged", "too_large"])
def test_what_filters_left_out_stays_out_until_other_filters_are_chosen(reason: str) -> None:
    source = make_row(Source)
    refused(part_of_crawl(source), reason, "" if reason == "too_large" else "1")
    now = part_of_crawl(source)
    assert list(earlier_pictures(now, CHOSEN)) == [URL]
    assert list(earlier_pictures(now, checked({"depth": 9}))) == [URL]
    assert earlier_pictures(now, checked({"min_width": 30})) == {}
    assert earlier_pictures(now, checked({"formats": ["png"]})) == {}


def test_what_is_in_the_gallery_stays_settled_under_other_filters() -> None:
    source, image = make_row(Source), make_image_row()
    refused(part_of_crawl(source), "unchanged", "1", same_as=image)
    assert list(earlier_pictures(part_of_crawl(source), checked({"min_width": 30}))) == [URL]


def test_what_was_unchanged_is_forgotten_once_nobody_looks_back_at_it() -> None:
    source = make_row(Source)
    parts = [part_of_crawl(source) for _ in range(LOOKED_BACK + 3)]
    for part in parts:
        refused(part, "unchanged", "1")
    other = part_of_crawl(make_row(Source))
    refused(other, "unchanged", "1")
    refused(parts[0], "small", path="small.png")
    before = earlier_pictures(part_of_crawl(source), CHOSEN)
    assert forget_unchanged(parts[-1]) == 4
    assert forget_unchanged(parts[-1]) == 0
    listed = RefusedImage.objects.filter(reason="unchanged").values_list("target", flat=True)
    assert sorted(listed) == [*(part.pk for part in parts[4:]), other.pk]
    # They are counted, and the next crawl knows what it would have known.
    assert refusals(parts[0].scrape_job) == {"unchanged": 1, "small": 1}
    assert refusals(parts[-1].scrape_job) == {"unchanged": 1}
    assert earlier_pictures(part_of_crawl(source), CHOSEN) == before


def test_it_is_asked_for_in_few_queries() -> None:
    source = make_row(Source)
    for _ in range(5):
        refused(part_of_crawl(source), "small", "1")
    now = part_of_crawl(source)
    with CaptureQueriesContext(connection) as asked:
        earlier_pictures(now, CHOSEN)
    assert len(asked) == 3
