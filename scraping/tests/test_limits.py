"""What a crawl may take and fetch at most, and what it says when it has."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from gallery.models import Album, AlbumImage
from imagineer.jobs.models import Status
from imagineer.jobs.runner import execute
from imagineer.tests.rows import make_row
from scraping import crawl_folder, jobs
from scraping.models import ScrapeJob, Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.tests.factories import crawl, fresh, job_of, start
from scraping.tests.large_site import ON_THEIR_WAY, fill
from scraping.tests.site import OTHER_PUBLIC, Site

pytestmark = pytest.mark.django_db
SMALL: dict[str, Any] = {"min_width": 48, "min_height": 48, "depth": 5}


def ended(scrape: ScrapeJob) -> list[tuple[str, str]]:
    return list(scrape.targets.values_list("state", "ended_because"))


def gallery_of(site: Site, pictures: int, first: int = 0) -> None:
    site.page("/", "".join(f'<img src="/{n}.png">' for n in range(first, first + pictures)))
    for number in range(first, first + pictures):
        site.picture(f"/{number}.png", number)


def test_the_number_of_pictures_ends_the_crawl_and_keeps_them(site: Site) -> None:
    gallery_of(site, 12)
    scrape = crawl(f"{site.url}/", max_images=3)
    assert scrape.imported == 3
    assert ended(scrape) == [("finished", "Stopped at the number of pictures asked for.")]
    assert AlbumImage.objects.filter(album=scrape.album).count() == 3


def test_one_address_may_end_before_the_others(site: Site) -> None:
    gallery_of(site, 6)
    with Site(OTHER_PUBLIC) as other:
        gallery_of(other, 6, first=20)
        asked = [Asked(f"{site.url}/", max_images=2), Asked(f"{other.url}/")]
        scrape = start_crawl(asked, "Boats", checked(SMALL))
        execute(scrape.job_id)
    first, second = fresh(scrape).targets.all()
    assert (first.imported, second.imported) == (2, 6)
    assert first.ended_because == "Stopped at the number of pictures asked for."
    assert second.ended_because == ""
    assert {first.state, second.state} == {"finished"}


def test_a_source_s_limit_holds_for_what_is_taken_from_it(site: Site) -> None:
    gallery_of(site, 6)
    source = make_row(
        Source, base_url=f"{site.url}/", enabled=True, max_images=4, rate_limit=0, kind="pages"
    )
    scrape = start(f"{site.url}/")
    assert scrape.targets.get().source == source
    execute(scrape.job_id)
    assert fresh(scrape).imported == 4


def test_pages_count_over_all_addresses(site: Site) -> None:
    fill(site, pages=12, slowness=0)
    with Site(OTHER_PUBLIC) as other:
        fill(other, pages=12, slowness=0)
        asked = [Asked(f"{site.url}/"), Asked(f"{other.url}/")]
        scrape = start_crawl(asked, "Boats", checked(SMALL | {"max_pages": 7}))
        execute(scrape.job_id)
    scrape = fresh(scrape)
    assert scrape.pages == 7
    assert all(target.pages for target in scrape.targets.all()), "neither takes all of them"
    assert set(ended(scrape)) == {("finished", "Stopped at the number of pages asked for.")}
    assert scrape.discovered == scrape.imported + scrape.filtered + scrape.duplicate


def test_what_is_no_page_to_read_takes_no_page_s_place(site: Site) -> None:
    """Links to what was read already, to another site, and to what robots.txt closes."""
    site.put("/robots.txt", "User-agent: *\nDisallow: /closed", "text/plain")
    names = ["again", "away", "closed", *"abcde"]
    site.page("/", "".join(f'<a href="/{name}">x</a>' for name in names))
    site.redirect("/again", "/")
    site.redirect("/away", f"http://{OTHER_PUBLIC}:{site.port}/")
    for name in "abcde":
        site.page(f"/{name}", "nothing")
    with Site(OTHER_PUBLIC, site.port) as other:
        other.page("/", "nothing")
        scrape = crawl(f"{site.url}/", max_pages=4)
    assert scrape.pages == 4
    assert [path for path in site.asked if path in ("/a", "/b", "/c", "/d")] == ["/a", "/b", "/c"]
    assert ended(scrape) == [("finished", "Stopped at the number of pages asked for.")]


def test_bytes_of_pages_and_pictures_end_the_crawl(site: Site) -> None:
    site.page("/", "".join(f'<a href="/{n}">n</a>' for n in range(1, 41)))
    for number in range(1, 41):
        site.page(f"/{number}", "x" * 300_000)
    scrape = crawl(f"{site.url}/", max_megabytes=1, max_images=5)
    assert 4 <= scrape.pages <= 4 + ON_THEIR_WAY
    assert ended(scrape) == [
        ("finished", "Stopped because the crawl has fetched as much as one may.")
    ]


def test_the_time_ends_the_crawl_over_all_attempts(site: Site) -> None:
    """The clock of the attempts before has run for all but two seconds."""
    site.page("/", '<img src="1.png"><img src="slow.png">')
    site.picture("/1.png", 1)
    site.slow("/slow.png", 60)
    scrape = start(f"{site.url}/", max_minutes=1)
    folder = crawl_folder.path_of(scrape.pk)
    folder.mkdir(parents=True)
    (folder / "seconds").write_text("57")
    threading.Timer(8, site.closing.set).start()
    execute(scrape.job_id)
    scrape = fresh(scrape)
    assert job_of(scrape).status == Status.COMPLETED
    assert ended(scrape) == [("finished", "Stopped because the crawl's time is up.")]
    assert scrape.imported == 1


def test_pages_that_cannot_be_read_are_errors(site: Site) -> None:
    site.page("/", '<a href="/gone">x</a><a href="/broken">x</a><a href="/fine">x</a>')
    site.put("/broken", "Error", status=500)
    site.page("/fine", "nothing")
    scrape = crawl(f"{site.url}/")
    assert (scrape.pages, scrape.errors) == (2, 2)
    assert scrape.targets.get().errors == 2


def test_more_addresses_than_are_crawled_at_once_all_come_to_their_end(site: Site) -> None:
    for number in range(7):
        site.page(f"/site{number}/", f'<img src="/{number}.png">')
        site.picture(f"/{number}.png", number)
    asked = [Asked(f"{site.url}/site{number}/") for number in range(7)]
    scrape = start_crawl(asked, "Boats", checked(SMALL | {"depth": 0}))
    execute(scrape.job_id)
    scrape = fresh(scrape)
    assert scrape.imported == 7
    assert ended(scrape) == [("finished", "")] * 7


def test_which_addresses_run_is_told_while_they_run(site: Site) -> None:
    told: list[str] = []
    with Site(OTHER_PUBLIC) as other:
        for each in (site, other):
            each.page("/", "nothing")
            each.slow("/robots.txt", 1.5)
        asked = [Asked(f"{site.url}/"), Asked(f"{other.url}/")]
        scrape = start_crawl(asked, "Boats", checked(SMALL))
        context = SimpleNamespace(
            job=scrape.job,
            progress=lambda done, total, message: told.append(message),
            log=lambda text, level="info": None,
            check_cancelled=lambda: None,
        )
        jobs.run(context)
    assert "127.0.0.2 and 1 more: 0 pages read, 0 pictures taken" in told


def test_without_an_album_pictures_go_to_the_gallery_alone(site: Site) -> None:
    gallery_of(site, 2)
    scrape = crawl(f"{site.url}/", auto_create_album=False)
    assert (scrape.imported, scrape.album) == (2, None)
    assert not Album.objects.exists()
    assert not any("album" in line.text for line in job_of(scrape).log_lines.all())
