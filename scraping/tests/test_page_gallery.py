"""Which pages a crawl of a real site reads."""

from typing import Any

import pytest

from gallery.models import Image
from gallery.tests.factories import picture_file
from scraping.following import MOST_BARREN
from scraping.page_pictures import MOST_ELEMENTS
from scraping.tests.factories import crawl, job_of, reasons
from scraping.tests.site import OTHER_PUBLIC, Site

pytestmark = pytest.mark.django_db


def fill(site: Site, *paths: str, links: str = "") -> None:
    """Pages that show nothing."""
    for path in paths:
        site.page(path, links or "nothing")


def anchors(*addresses: str) -> str:
    return "".join(f'<a href="{address}">x</a>' for address in addresses)


def pages_asked(site: Site) -> list[str]:
    return [path for path in site.asked if path != "/robots.txt"]


def test_next_pages_of_a_list_are_read_to_the_end_and_are_no_deeper(site: Site) -> None:
    for number in range(1, 8):
        following = f'<a rel="next" href="/list?page={number + 1}">Next</a>' if number < 7 else ""
        path = "/list" if number == 1 else f"/list?page={number}"
        site.page(path, f'<a href="/boat/{number}">A boat</a>{following}')
        site.page(f"/boat/{number}", f'<img src="/{number}.png">{anchors("/deeper")}')
        site.picture(f"/{number}.png", number)
    scrape = crawl(f"{site.url}/list", depth=1)
    assert (scrape.imported, scrape.pages) == (7, 14)
    assert "/deeper" not in site.asked
    without = crawl(f"{site.url}/list", "Others", depth=1, follow_pagination=False)
    assert without.pages == 3


def test_a_page_is_asked_for_once_under_all_its_addresses(site: Site) -> None:
    site.page(
        "/",
        anchors(
            "/a?x=1&y=2", "/a?y=2&x=1", "/a/?x=1&y=2&utm_source=mail", "/a?x=1&y=2#part",
            "/a?x=1&y=2&PHPSESSID=abc", "/index.html", "/b?fbclid=1", "/all.zip", "/film.mp4",
            "mailto:a@example.org",
        ),
    )  # fmt: skip
    fill(site, "/a?x=1&y=2", "/b")
    assert job_of(crawl(f"{site.url}/")).status == "completed"
    assert sorted(pages_asked(site)) == ["/", "/a?x=1&y=2", "/b"]


def test_a_page_that_moved_to_one_read_already_is_not_read_again(site: Site) -> None:
    site.page("/", anchors("/new", "/old"))
    site.page("/new", '<img src="/1.png">')
    site.redirect("/old", "/new")
    site.picture("/1.png", 1)
    scrape = crawl(f"{site.url}/")
    assert (scrape.pages, scrape.imported) == (2, 1)


def test_patterns_decide_which_pages_are_read(site: Site) -> None:
    site.page("/", anchors("/boats/1", "/boats/old/2", "/cats/3", "/page=4"))
    fill(site, "/boats/1", "/boats/old/2", "/cats/3", "/page=4")
    crawl(f"{site.url}/", include=["*/boats/*", "/page=[0-9]+/"], exclude=["/boats/old/*"])
    assert sorted(pages_asked(site)) == ["/", "/boats/1", "/page=4"]


def test_a_pattern_that_takes_too_long_is_told_of_and_hangs_nothing(site: Site) -> None:
    trap = "/" + "a" * 400 + "!"
    site.page("/", anchors(trap, f"{trap}2", "/boats"))
    fill(site, trap, f"{trap}2", "/boats")
    scrape = crawl(f"{site.url}/", exclude=["/(a+)+$/"])
    assert pages_asked(site) == ["/", "/boats"]
    told = "The pattern /(a+)+$/ takes too long"
    assert job_of(scrape).log_lines.filter(text__contains=told).count() == 1


def test_allowed_hosts_are_read_too(site: Site) -> None:
    with Site(OTHER_PUBLIC) as other:
        other.page("/", '<img src="/1.png">')
        other.picture("/1.png", 1)
        site.page("/", anchors(f"{other.url}/"))
        assert crawl(f"{site.url}/", allowed_domains=[OTHER_PUBLIC]).imported == 1


def test_a_calendar_without_end_is_left_and_the_rest_is_read(site: Site) -> None:
    days = [f"/calendar?day={day}" for day in range(200)]
    for day, path in enumerate(days):
        site.page(path, anchors(*days[day + 1 : day + 21], "/boat/50" if day == 50 else "/"))
    site.page("/boat/50", '<img src="/50.png">')
    site.picture("/50.png", 50)
    site.page("/", anchors(days[0]))
    assert crawl(f"{site.url}/", depth=10, max_pages=1000).imported == 1
    asked = [path for path in site.asked if "calendar" in path]
    # Some are on their way when the last of them is read; each page links to twenty more.
    assert MOST_BARREN <= len(asked) <= MOST_BARREN + 60


def test_a_page_that_asks_robots_not_to_follow_is_not_followed(site: Site) -> None:
    site.page("/", f'<meta name="robots" content="NoFollow"><img src="/1.png">{anchors("/a")}')
    site.picture("/1.png", 1)
    fill(site, "/a")
    assert crawl(f"{site.url}/").imported == 1
    assert "/a" not in site.asked
    crawl(f"{site.url}/", "Others", obey_robots=False)
    assert "/a" in site.asked


SITEMAP = "<urlset>{}</urlset>"


@pytest.mark.parametrize("is_named", [True, False])
def test_sitemaps_add_pages_that_nothing_links_to(site: Site, is_named: bool) -> None:
    where = "/maps/all.xml" if is_named else "/sitemap.xml"
    if is_named:
        site.put("/robots.txt", f"Sitemap: {site.url}{where}", "text/plain")
    site.put(where, SITEMAP.format("<url><loc>/hidden</loc></url>"), "application/xml")
    site.page("/", '<img src="/1.png">')
    site.page("/hidden", '<img src="/2.png">')
    site.picture("/1.png", 1)
    site.picture("/2.png", 2)
    assert crawl(f"{site.url}/").imported == 1
    assert crawl(f"{site.url}/", "Others", use_sitemaps=True).imported == 1
    assert ("/sitemap.xml" in site.asked) is not is_named


def test_a_site_without_sitemaps_is_read_all_the_same(site: Site) -> None:
    site.page("/", '<img src="/1.png">')
    site.picture("/1.png", 1)
    scrape = crawl(f"{site.url}/", use_sitemaps=True)
    assert (scrape.imported, scrape.errors) == (1, 0)
    assert not job_of(scrape).log_lines.filter(level="warning").exists()


def test_a_named_sitemap_that_is_none_is_told_of(site: Site) -> None:
    site.put("/robots.txt", f"Sitemap: {site.url}/gone.xml", "text/plain")
    site.page("/", '<img src="/1.png">')
    site.picture("/1.png", 1)
    told: Any = job_of(crawl(f"{site.url}/", use_sitemaps=True)).log_lines.filter(level="warning")
    assert ["gone.xml: 127.0.0.2 answers with status 404." in line.text for line in told] == [True]


def test_a_picture_that_a_list_shows_small_is_taken_large_from_its_own_page(site: Site) -> None:
    site.page("/", '<a href="/boat"><img src="/small/1.jpg"></a>')
    site.page("/boat", '<a href="/whole.png"><img src="/small/1.jpg"></a>')
    site.picture("/whole.png", 1, 640, 960)
    site.smaller_copy("/small/1.jpg", 1)
    scrape = crawl(f"{site.url}/")
    assert [image.width for image in Image.objects.all()] == [640]
    assert (scrape.imported, scrape.duplicate, scrape.discovered) == (1, 1, 2)
    assert site.asked.count("/small/1.jpg") == site.asked.count("/whole.png") == 1


def test_what_stands_in_for_a_picture_on_every_page_hides_none(site: Site) -> None:
    site.page("/", anchors("/boat/1", "/boat/2"))
    for number in (1, 2):
        site.page(f"/boat/{number}", f'<img src="/wait.png" data-src="/{number}.png">')
        site.picture(f"/{number}.png", number)
    assert crawl(f"{site.url}/").imported == 2
    assert "/wait.png" not in site.asked


def test_a_larger_file_that_is_not_there_asks_for_the_known_one_no_second_time(site: Site) -> None:
    site.page("/", '<img src="/1.png"><a href="/boat">x</a>')
    site.page("/boat", '<a href="/gone.png"><img src="/1.png"></a>')
    site.picture("/1.png", 1)
    scrape = crawl(f"{site.url}/")
    assert (scrape.imported, reasons(scrape)) == (1, {"/gone.png": "status"})
    assert site.asked.count("/1.png") == 1


def test_a_link_without_a_name_that_leads_to_a_picture_is_taken_once(site: Site) -> None:
    site.page("/", anchors("/show?id=1") + '<img src="/show?id=1">')
    site.answers["/show?id=1"] = (200, {"Content-Type": "image/png"}, picture_file(1, 64, 96))
    scrape = crawl(f"{site.url}/")
    assert (scrape.imported, scrape.discovered, scrape.duplicate) == (1, 1, 0)


def test_a_page_with_more_pictures_than_are_looked_at_is_told_of(site: Site) -> None:
    site.page("/", anchors(*(f"/page/{number}" for number in range(MOST_ELEMENTS + 1))))
    lines = [line.text for line in job_of(crawl(f"{site.url}/", depth=0)).log_lines.all()]
    assert f"{site.url}/ offers more pictures than are taken of one page." in lines


def test_a_page_that_speaks_to_this_crawler_by_its_name_is_heeded(
    site: Site, settings: Any
) -> None:
    settings.SCRAPE_USER_AGENT = "BoatBot/2.0"
    site.page("/", '<meta name="boatbot" content="noai"><img src="/1.png">')
    site.picture("/1.png", 1)
    assert reasons(crawl(f"{site.url}/")) == {"/1.png": "noai"}
