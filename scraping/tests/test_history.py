"""A source's crawls beside each other: new, changed and gone."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gallery.tests.factories import make_admin, make_image
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute
from imagineer.tests.rows import make_row
from scraping import history
from scraping.addresses import digest_of
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage, ScrapeJob, Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.tests.factories import crawl, fresh
from scraping.tests.site import Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def source_at(url: str, **columns: Any) -> Source:
    columns = {"name": "Boats", "enabled": True, "schedule": "", "lookup_url": ""} | columns
    made: Source = make_row(Source, base_url=url, **columns)
    return made


def target_of(
    source: Source | None, url: str, state: str = "finished", scrape: ScrapeJob | None = None
) -> CrawlTarget:
    """A crawl that has ended, without pictures."""
    job = make_row(Job, status=Status.COMPLETED)
    scrape = scrape or make_row(ScrapeJob, job=job, url=url, options={}, album_name="x")
    made: CrawlTarget = make_row(
        CrawlTarget,
        scrape_job=scrape,
        position=scrape.targets.count(),
        source=source,
        url=url,
        address_digest=digest_of(url),
        state=state,
    )
    return made


def sees(target: CrawlTarget, path: str, sha256: str = "", reason: str = "small") -> None:
    url = f"https://example.org/{path}"
    RefusedImage.objects.create(
        scrape_job=target.scrape_job, target=target, image_url=url, page_url="https://example.org/",
        address_digest=digest_of(url), sha256=sha256, reason=reason,
    )  # fmt: skip


def names(pictures: list[history.Listed]) -> set[str]:
    return {picture.image_url.rpartition("/")[2] for picture in pictures}


def test_two_crawls_of_a_real_site_are_told_apart(site: Site, admin: Client) -> None:
    site.page("/", '<img src="a.png"><img src="b.png"><img src="c.png"><img src="tiny.png">')
    for number, name in enumerate("abc"):
        site.picture(f"/{name}.png", number)
    site.picture("/tiny.png", 9, 8, 8)
    first = crawl(site.url)
    site.page("/", '<img src="a.png"><img src="b.png"><img src="d.png"><img src="tiny.png">')
    site.picture("/b.png", 11)
    site.picture("/d.png", 12)
    second = crawl(site.url, "Boats again")
    (found,) = history.compare(second)
    assert found.before == first
    assert (names(found.new), names(found.changed), names(found.gone)) == (
        {"d.png"}, {"b.png"}, {"c.png"},
    )  # fmt: skip
    assert found.difference.same == 2
    assert found.new[0].told == "Taken"
    assert found.new[0].image_id == second.scraped_images.get(image_url__endswith="d.png").image_id

    told = admin.get(f"/api/scraping/jobs/{second.pk}/difference").json()["items"]
    assert [one["before"]["id"] for one in told] == [first.pk]
    assert [told[0][kind]["number"] for kind in ("new", "changed", "gone")] == [1, 1, 1]
    assert told[0]["gone"]["pictures"][0]["image_url"] == f"{site.url}/c.png"
    page = admin.get(second.get_absolute_url()).content.decode()
    assert "crawl before" in page
    assert f"{site.url}/c.png" in page
    assert "crawl before" not in admin.get(first.get_absolute_url()).content.decode()


def test_a_picture_refused_in_both_is_neither_new_nor_gone() -> None:
    then, now = (target_of(None, "https://example.org/") for _ in range(2))
    for target in (then, now):
        sees(target, "small.png", "1")
    (found,) = history.compare(now.scrape_job)
    assert (found.difference.new, found.difference.gone, found.difference.same) == ((), (), 1)


def test_the_crawl_before_is_that_of_the_same_address_or_else_of_the_same_source() -> None:
    source, other = source_at("https://example.org/"), source_at("https://example.com/", name="x")
    cats = target_of(source, "https://example.org/cats")
    dogs = target_of(source, "https://example.org/dogs")
    target_of(other, "https://example.com/")
    again = target_of(source, "https://example.org/cats")
    birds = target_of(source, "https://example.org/birds")
    assert history.compare(again.scrape_job)[0].before == cats.scrape_job
    assert history.compare(birds.scrape_job)[0].before == again.scrape_job
    assert history.compare(dogs.scrape_job)[0].before == cats.scrape_job
    assert history.compare(cats.scrape_job)[0].before is None


def test_a_crawl_that_came_to_no_end_is_passed_over() -> None:
    good = target_of(None, "https://example.org/")
    for state in ("failed", "stopped", "running", "waiting"):
        target_of(None, "https://example.org/", state)
    now = target_of(None, "https://example.org/")
    assert history.compare(now.scrape_job)[0].before == good.scrape_job


def test_a_crawl_of_two_sources_is_compared_source_by_source() -> None:
    one, two = source_at("https://example.org/"), source_at("https://example.com/", name="x")
    for source in (one, two):
        sees(target_of(source, source.base_url), f"{source.pk}.png")
    first = target_of(one, one.base_url)
    second = target_of(two, two.base_url, scrape=first.scrape_job)
    sees(first, f"{one.pk}.png")
    sees(second, "other.png")
    found = {each.source: each.difference for each in history.compare(first.scrape_job)}
    assert (found[one].same, found[one].new, found[one].gone) == (1, (), ())
    assert (found[two].same, len(found[two].new), len(found[two].gone)) == (0, 1, 1)


def test_the_number_of_queries_does_not_depend_on_the_number_of_sources() -> None:
    sources = [source_at(f"https://{n}.example.org/", name=f"s{n}") for n in range(6)]
    for source in sources:
        sees(target_of(source, source.base_url), f"{source.pk}.png")
    now = target_of(sources[0], sources[0].base_url)
    for source in sources[1:]:
        target_of(source, source.base_url, scrape=now.scrape_job)
    with CaptureQueriesContext(connection) as asked:
        found = history.compare(now.scrape_job)
    assert [len(one.gone) for one in found] == [1] * 6
    assert len(asked) == 4


def test_more_than_are_listed_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LISTED", 2)
    target_of(None, "https://example.org/")
    now = target_of(None, "https://example.org/")
    for number in range(5):
        sees(now, f"{number}.png")
    (found,) = history.compare(now.scrape_job)
    assert (len(found.difference.new), names(found.new)) == (5, {"0.png", "1.png"})


def test_a_running_crawl_has_no_difference_yet(site: Site, admin: Client) -> None:
    scrape = start_crawl([Asked(site.url)])
    response = admin.get(f"/api/scraping/jobs/{scrape.pk}/difference")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "running"
    assert admin.get("/api/scraping/jobs/99999/difference").status_code == 404


def test_the_crawls_of_a_source_are_listed_newest_first(site: Site, admin: Client) -> None:
    source = source_at(site.url)
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    small = checked({"min_width": 48, "min_height": 48})
    crawls = [start_crawl([Asked(site.url)], f"Boats {n}", small) for n in range(2)]
    for scrape in crawls:
        execute(scrape.job_id)
    target_of(None, site.url)
    told = admin.get(f"/api/scraping/sources/{source.pk}/crawls").json()
    assert [row["crawl_id"] for row in told["items"]] == [crawls[1].pk, crawls[0].pk]
    assert [(row["imported"], row["duplicate"]) for row in told["items"]] == [(0, 1), (1, 0)]
    assert told["items"][1]["album_id"] == fresh(crawls[0]).album_id
    assert told["next"] is None
    assert admin.get("/api/scraping/sources/99999/crawls").status_code == 404


def test_visitors_are_told_of_no_history(client: Client) -> None:
    for path in ("/api/scraping/jobs/1/difference", "/api/scraping/sources/1/crawls"):
        assert client.get(path).status_code == 401


def test_a_crawl_that_has_not_seen_all_says_so(admin: Client) -> None:
    cut = "Stopped at the number of pages asked for."
    then = target_of(None, "https://example.org/")
    sees(then, "a.png", "1")
    now = target_of(None, "https://example.org/")
    sees(now, "b.png", "1")
    CrawlTarget.objects.update(errors=0, ended_because="")

    def told() -> tuple[bool, bool, bool, bool]:
        (item,) = admin.get(f"/api/scraping/jobs/{now.scrape_job_id}/difference").json()["items"]
        page = admin.get(now.scrape_job.get_absolute_url()).content.decode()
        notes = ("some of what is gone may be there still", "some of what is new may have been")
        assert (item["new"]["number"], item["gone"]["number"]) == (1, 1)
        return item["is_whole"], item["was_whole"], notes[0] in page, notes[1] in page

    assert told() == (True, True, False, False)
    CrawlTarget.objects.filter(pk=then.pk).update(ended_because=cut)
    assert told() == (True, False, False, True)
    CrawlTarget.objects.filter(pk=now.pk).update(state="stopped", ended_because="Cancelled.")
    assert told() == (False, False, True, True)
    CrawlTarget.objects.filter(pk=then.pk).update(ended_because="", errors=1)
    assert told() == (False, False, True, True)
    # What could not be read at both times makes no difference.
    CrawlTarget.objects.update(errors=1, state="finished", ended_because="")
    assert told() == (True, True, False, False)
    CrawlTarget.objects.filter(pk=now.pk).update(errors=2)
    assert told() == (False, True, True, False)


def test_a_crawl_whose_unchanged_pictures_are_forgotten_is_not_compared(admin: Client) -> None:
    oldest, old = (target_of(None, "https://example.org/") for _ in range(2))
    now = target_of(None, "https://example.org/")
    sees(now, "a.png", "1", "unchanged")
    CrawlTarget.objects.filter(pk=old.pk).update(forgotten=1)
    (found,) = history.compare(now.scrape_job)
    assert found.before == oldest.scrape_job
    (found,) = history.compare(old.scrape_job)
    assert found.before is None
    page = admin.get(old.scrape_job.get_absolute_url()).content.decode()
    assert "1 that was as before is counted, and not listed" in page


def test_an_image_taken_at_one_address_and_refused_at_it_by_another_target_was_taken() -> None:
    target_of(None, "https://example.org/")
    now = target_of(None, "https://example.org/")
    sees(now, "a.png", "1", "exact")
    digest = digest_of("https://example.org/a.png")
    make_row(
        ScrapedImage, scrape_job=now.scrape_job, target=now, address_digest=digest, sha256="1",
        image_url="https://example.org/a.png", texts={},
    )  # fmt: skip
    (found,) = history.compare(now.scrape_job)
    # Its image is gone for good.
    assert [picture.told for picture in found.new] == ["Taken, and deleted since"]
    ScrapedImage.objects.update(image=make_image(1))
    (found,) = history.compare(now.scrape_job)
    assert [picture.told for picture in found.new] == ["Taken"]
