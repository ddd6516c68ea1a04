"""A second crawl of a source fetches what is new or changed, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from gallery import removal
from imagineer.jobs.runner import execute
from imagineer.tests.rows import make_row
from scraping import history, kept_pages
from scraping.models import RefusedImage, ScrapeJob, Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.tests.factories import fresh, reasons
from scraping.tests.site import Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(site: Site, settings: Any, tmp_path: Path) -> Source:
    settings.DATA_DIR = tmp_path
    made: Source = make_row(
        Source, base_url=site.url, name="Boats", enabled=True, rate_limit=60_000, schedule="",
        max_images=100, options={}, mapping={}, kind="pages", lookup_url="",
    )  # fmt: skip
    return made


def crawl(source: Source, **chosen: Any) -> ScrapeJob:
    options = checked({"min_width": 48, "min_height": 48, "depth": 2, "only_new": True} | chosen)
    scrape = start_crawl([Asked(source.base_url, source)], "", options)
    execute(scrape.job_id)
    return fresh(scrape)


def tag(site: Site, path: str, tag: str, header: str = "ETag") -> None:
    status, headers, body = site.answers[path]  # type: ignore[misc]
    site.answers[path] = (status, {**headers, header: tag}, body)


def answered(site: Site, status: int) -> list[str]:
    """The paths that were answered so, robots.txt left out; forgotten then."""
    found = [path for path, told in site.told if told == status and path != "/robots.txt"]
    site.told.clear()
    return found


def test_what_has_not_changed_is_neither_sent_nor_taken_again(site: Site, source: Source) -> None:
    site.page("/", '<img src="a.png"><img src="plain.png"><a href="/more">More</a>')
    site.page("/more", '<img src="b.png"><img src="tiny.png">')
    for number, name in enumerate(("a", "plain", "b")):
        site.picture(f"/{name}.png", number)
    site.picture("/tiny.png", 9, 8, 8)
    tag(site, "/a.png", '"a1"')
    tag(site, "/b.png", "Wed, 21 Oct 2026 07:28:00 GMT", "Last-Modified")
    tag(site, "/tiny.png", '"t1"')
    tag(site, "/", '"p1"')
    tag(site, "/more", '"p2"')
    first = crawl(source)
    assert (first.imported, first.filtered) == (3, 1)
    site.told.clear()

    site.page("/", '<img src="a.png"><img src="plain.png"><img src="c.png"><a href="/more">M</a>')
    tag(site, "/", '"p1, changed"')
    site.picture("/c.png", 21)
    second = crawl(source)
    sent = sorted(path for path, status in site.told if status == 200)
    assert sent == ["/", "/c.png"]
    assert sorted(answered(site, 304)) == ["/a.png", "/b.png", "/more", "/tiny.png"]
    assert (second.imported, second.duplicate, second.filtered) == (1, 4, 0)
    assert (second.discovered, second.downloaded, second.pages) == (5, 1, 2)
    assert set(reasons(second).values()) == {"unchanged"}
    # What it was before is carried on, for the next crawl and for the difference.
    before = first.scraped_images.get(image_url__endswith="/a.png")
    again = second.refused_images.get(image_url__endswith="/a.png")
    assert (again.sha256, again.etag, again.same_as) == (before.sha256, '"a1"', before.image)
    plain = second.refused_images.get(image_url__endswith="/plain.png")
    assert (plain.same_as_id is not None, plain.detail.startswith("Seen before")) == (True, True)
    (found,) = history.compare(second)
    assert (len(found.difference.new), found.difference.gone, found.difference.changed) == (
        1, (), (),
    )  # fmt: skip

    third = crawl(source)
    assert answered(site, 200) == []
    assert (third.imported, third.duplicate, third.downloaded) == (0, 5, 0)


def test_what_was_deleted_for_good_is_not_brought_back(site: Site, source: Source) -> None:
    site.page("/", '<img src="a.png"><img src="b.png">')
    for number, name in enumerate("ab"):
        site.picture(f"/{name}.png", number)
        tag(site, f"/{name}.png", f'"{name}"')
    first = crawl(source)
    taken = first.scraped_images.get(image_url__endswith="/a.png")
    assert taken.image is not None
    removal.delete_images([taken.image.pk])
    assert first.scraped_images.filter(image=None).get() == taken
    assert first.scraped_images.count() == 2
    second = crawl(source)
    assert (second.imported, second.duplicate, second.downloaded) == (0, 2, 0)
    (found,) = history.compare(second)
    assert (found.difference.new, found.difference.gone, found.difference.same) == ((), (), 2)
    site.page("/", '<img src="b.png">')
    (found,) = history.compare(crawl(source, only_new=False))
    assert [picture.told for picture in found.gone] == ["As it was at the crawl before"]
    # Asked for as a whole, a crawl takes it again.
    site.page("/", '<img src="a.png">')
    assert crawl(source, only_new=False).imported == 1


def test_a_changed_picture_at_the_same_address_is_taken_as_new(site: Site, source: Source) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    tag(site, "/a.png", '"a1"')
    crawl(source)
    site.picture("/a.png", 2)
    tag(site, "/a.png", '"a2"')
    second = crawl(source)
    assert second.imported == 1
    assert second.scraped_images.get().etag == '"a2"'
    (found,) = history.compare(second)
    assert len(found.difference.changed) == 1


def test_a_server_that_sends_the_same_file_again_is_told_apart_from_a_duplicate(
    site: Site, source: Source
) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    tag(site, "/a.png", '"a1"')
    crawl(source)
    tag(site, "/a.png", '"another name of it"')
    second = crawl(source)
    row = second.refused_images.get()
    assert (row.reason, row.etag) == ("unchanged", '"another name of it"')
    assert second.downloaded == 1


def test_what_could_not_be_had_and_what_other_filters_left_out_is_fetched(
    site: Site, source: Source
) -> None:
    site.page("/", '<img src="gone.png"><img src="tiny.png">')
    site.picture("/tiny.png", 1, 30, 30)
    crawl(source)
    site.picture("/gone.png", 2)
    second = crawl(source, min_width=20, min_height=20)
    assert second.imported == 2


def test_a_crawl_of_everything_fetches_everything(site: Site, source: Source) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    tag(site, "/a.png", '"a1"')
    crawl(source)
    site.told.clear()
    second = crawl(source, only_new=False)
    assert sorted(answered(site, 200)) == ["/", "/a.png"]
    assert second.refused_images.get().reason == RefusedImage.Reason.EXACT


def test_more_known_pictures_than_are_downloaded_leave_room_for_a_new_one(
    site: Site, source: Source
) -> None:
    names = [f"{number}.png" for number in range(110)]
    site.page("/", "".join(f'<img src="{name}">' for name in names))
    for name in names:
        site.picture(f"/{name}", 3)
        tag(site, f"/{name}", f'"{name}"')
    first = crawl(source, max_images=3)
    assert first.downloaded == 110
    site.page("/", "".join(f'<img src="{name}">' for name in [*names, "new.png"]))
    site.picture("/new.png", 1)
    second = crawl(source, max_images=1)
    assert second.scraped_images.get().image_url.endswith("/new.png")


def test_pages_are_kept_by_source_and_pictures_never(site: Site, source: Source) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    tag(site, "/", '"p"')
    tag(site, "/a.png", '"a1"')
    scrape = crawl(source)
    folder = kept_pages.folder_of(scrape.targets.get())
    assert folder.name == f"source-{source.pk}"
    (page,) = folder.iterdir()
    assert site.url.encode() in page.read_bytes()
    # A file that cannot be read is no page; it is sent again.
    page.write_bytes(b"half a")
    site.told.clear()
    crawl(source)
    assert "/" in answered(site, 200)


def test_trouble_is_told_although_the_page_is_kept(site: Site, source: Source) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    tag(site, "/", '"p"')
    crawl(source)
    site.put("/", "Busy", status=500)
    second = crawl(source)
    assert second.job.status == "failed"
    assert "500" in second.job.error


def test_a_page_whose_server_says_how_long_it_stays_is_asked_for_all_the_same(
    site: Site, source: Source
) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    tag(site, "/", '"p"')
    tag(site, "/", "max-age=86400", "Cache-Control")
    crawl(source)
    site.page("/", '<img src="a.png"><img src="b.png">')
    site.picture("/b.png", 2)
    assert crawl(source).imported == 1


def test_an_address_without_a_source_is_crawled_anew_by_itself(site: Site) -> None:
    site.page("/", '<img src="a.png">')
    site.picture("/a.png", 1)
    options = checked({"min_width": 48, "min_height": 48, "only_new": True})
    crawls = [start_crawl([Asked(site.url)], f"Boats {number}", options) for number in range(2)]
    for scrape in crawls:
        execute(scrape.job_id)
    assert [fresh(scrape).imported for scrape in crawls] == [1, 0]
    assert crawls[1].refused_images.get().reason == "unchanged"
