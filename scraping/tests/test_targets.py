"""A crawl of several addresses at once."""

from typing import Any

import pytest

from imagineer.jobs.models import Status
from imagineer.jobs.runner import execute
from imagineer.problems import Problem
from imagineer.tests.rows import make_row
from scraping.models import COUNTS, CrawlTarget, Source
from scraping.options import checked
from scraping.runs import Asked, source_of, start_crawl
from scraping.tests.factories import fresh, job_of
from scraping.tests.site import OTHER_PUBLIC, PRIVATE, Site

pytestmark = pytest.mark.django_db
SMALL = checked({"min_width": 48, "min_height": 48, "depth": 1})


def test_each_has_counts_of_its_own_and_the_crawl_their_sums(site: Site) -> None:
    site.page("/", '<img src="1.png"><img src="tiny.png">')
    site.picture("/1.png", 1)
    site.picture("/tiny.png", 3, 8, 8)
    with Site(OTHER_PUBLIC) as other:
        other.page("/", '<img src="2.png"><img src="3.png"><a href="/more">x</a>')
        other.page("/more", "nothing")
        other.picture("/2.png", 4)
        other.picture("/3.png", 5)
        scrape = start_crawl([Asked(site.url), Asked(other.url)], "Boats", SMALL)
        assert scrape.job.title == "Scrape 127.0.0.2 and 1 more"
        execute(scrape.job_id)
    scrape = fresh(scrape)
    first, second = scrape.targets.all()
    assert (first.pages, first.discovered, first.imported, first.filtered) == (1, 2, 1, 1)
    assert (second.pages, second.discovered, second.imported, second.filtered) == (2, 2, 2, 0)
    for name in COUNTS:
        assert getattr(scrape, name) == getattr(first, name) + getattr(second, name)
    assert {first.state, second.state} == {CrawlTarget.State.FINISHED}
    assert scrape.album
    assert scrape.album.images.count() == 3
    assert [row.target_id for row in scrape.scraped_images.order_by("image_url")] == [
        first.pk, second.pk, second.pk,
    ]  # fmt: skip


def test_what_several_addresses_show_is_settled_at_each(site: Site) -> None:
    """Else more would be found than has become of them."""
    shown = '<img src="1.png"><img src="tiny.png"><img src="/favicon-32.png"><img src="gone.png">'
    for path in ("/a", "/b", "/c"):
        site.page(path, shown)
    site.picture("/1.png", 1)
    site.picture("/tiny.png", 3, 8, 8)
    asked = [Asked(f"{site.url}{path}") for path in ("/a", "/b", "/c")]
    scrape = start_crawl(asked, "Boats", SMALL)
    execute(scrape.job_id)
    scrape = fresh(scrape)
    for counts in (*scrape.targets.all(), scrape):
        assert counts.discovered == counts.imported + counts.duplicate + counts.filtered
    assert (scrape.discovered, scrape.imported, scrape.duplicate, scrape.filtered) == (12, 1, 2, 9)
    assert scrape.refused_images.count() == 11


def test_one_that_cannot_be_read_does_not_end_the_others(site: Site) -> None:
    site.page("/", '<img src="1.png">')
    site.picture("/1.png", 1)
    with Site(OTHER_PUBLIC) as other:
        scrape = start_crawl([Asked(f"{other.url}/gone"), Asked(site.url)], "Boats", SMALL)
        execute(scrape.job_id)
    failed, read = scrape.targets.all()
    assert job_of(scrape).status == Status.COMPLETED
    assert (failed.state, read.state) == ("failed", "finished")
    assert "404" in failed.ended_because


def test_an_address_that_is_private_refuses_the_whole_crawl(site: Site) -> None:
    with pytest.raises(Problem, match="private address"):
        start_crawl([Asked(site.url), Asked(f"http://{PRIVATE}/")])
    assert not CrawlTarget.objects.exists()


@pytest.mark.parametrize(("number", "words"), [(0, "where to start"), (21, "at most 20")])
def test_none_and_too_many_are_refused(site: Site, number: int, words: str) -> None:
    with pytest.raises(Problem, match=words):
        start_crawl([Asked(site.url)] * number)


def test_an_address_belongs_to_the_enabled_source_that_it_agrees_with_best(settings: Any) -> None:
    def source(base_url: str, **columns: Any) -> Source:
        made: Source = make_row(Source, base_url=base_url, **{"enabled": True} | columns)
        return made

    whole = source("https://example.org/")
    boats = source("https://www.example.org/boats/")
    source("https://example.org/boats/old/", enabled=False)
    below = source("https://pictures.example.org/")
    assert source_of("https://example.org/boats/old/1") == boats
    assert source_of("https://example.org/cats/") in (whole, boats)
    assert source_of("https://pictures.example.org/x") == below
    assert source_of("https://example.com/") is None
    target = start_crawl([Asked("https://pictures.example.org/x")]).targets.get()
    assert target.source == below
