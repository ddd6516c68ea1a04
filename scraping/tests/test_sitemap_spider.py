"""A source whose pages are those that its sitemaps name."""

import gzip
from typing import Any

import pytest

from imagineer.jobs.runner import execute
from imagineer.tests.rows import make_row
from scraping.models import ScrapeJob, Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.tests.factories import fresh, job_of
from scraping.tests.site import Site

pytestmark = pytest.mark.django_db


def crawl_sitemap(url: str, **chosen: Any) -> ScrapeJob:
    source = make_row(Source, base_url=url, kind="sitemap", enabled=True, rate_limit=100_000)
    options = checked({"min_width": 48, "min_height": 48, "depth": 1} | chosen)
    scrape = start_crawl([Asked(url, source)], options=options)
    execute(scrape.job_id)
    return fresh(scrape)


def xml(inner: str, root: str = "urlset") -> str:
    return f"<{root}>{inner}</{root}>"


def locations(*paths: str) -> str:
    return "".join(f"<url><loc>{path}</loc></url>" for path in paths)


def fill(site: Site, *numbers: int) -> None:
    for number in numbers:
        site.page(f"/{number}", f'<img src="/{number}.png"><a href="/linked">x</a>')
        site.picture(f"/{number}.png", number)


@pytest.mark.parametrize("start", ["", "/", "/maps/all.xml", "/home"])
def test_it_begins_at_the_site_or_at_the_sitemap(site: Site, start: str) -> None:
    site.put("/robots.txt", f"Sitemap: {site.url}/maps/all.xml", "text/plain")
    site.put("/maps/all.xml", xml(locations("/1", "/2")), "text/xml")
    site.page("/home", "Welcome")
    fill(site, 1, 2)
    scrape = crawl_sitemap(site.url + start)
    assert job_of(scrape).status == "completed"
    assert scrape.imported == 2
    assert "/linked" not in site.asked


def test_an_index_leads_to_packed_ones_and_to_no_circle(site: Site) -> None:
    site.put(
        "/sitemap.xml",
        xml("".join(f"<sitemap><loc>/{n}.xml.gz</loc></sitemap>" for n in "ab"), "sitemapindex"),
        "text/xml",
    )
    site.put("/a.xml.gz", gzip.compress(xml(locations("/1")).encode()), "application/gzip")
    circle = xml("<sitemap><loc>/sitemap.xml</loc></sitemap>", "sitemapindex")
    site.put("/b.xml.gz", gzip.compress(circle.encode()), "application/x-gzip")
    fill(site, 1)
    scrape = crawl_sitemap(f"{site.url}/")
    assert scrape.imported == 1
    assert site.asked.count("/sitemap.xml") == 1


def test_pictures_that_it_names_are_taken_with_their_words_though_the_page_has_none(
    site: Site,
) -> None:
    site.put(
        "/sitemap.xml",
        xml(
            """<url><loc>/boats</loc><image:image xmlns:image="x"><image:loc>/1.png</image:loc>
            <image:caption>A red boat</image:caption></image:image></url>
            <url><loc>/private/x</loc><image><loc>/2.png</loc></image></url>"""
        ),
        "text/xml",
    )
    site.page("/boats", "Drawn by a script")
    site.picture("/1.png", 1)
    site.picture("/2.png", 2)
    scrape = crawl_sitemap(f"{site.url}/sitemap.xml", depth=0, exclude=["/private/*"])
    taken = scrape.scraped_images.get()
    assert (taken.page_url, taken.caption_text) == (f"{site.url}/boats", "A red boat")
    assert (taken.found_by, taken.position) == ("sitemap", 0)
    assert "/boats" in site.asked
    assert "/private/x" not in site.asked


@pytest.mark.parametrize("respected", [True, False])
@pytest.mark.parametrize("kind", ["sitemap", "pages"])
def test_pictures_that_it_names_are_left_where_their_page_says_so(
    site: Site, kind: str, respected: bool
) -> None:
    """The page may be read before the sitemap, after it, or be too much to be read at all."""
    named = "".join(
        f"<url><loc>/{n}</loc><image><loc>/{n}.png</loc></image></url>" for n in range(1, 5)
    )
    site.put("/robots.txt", f"Sitemap: {site.url}/map.xml", "text/plain")
    site.put("/map.xml", xml(named), "text/xml")
    closed = '<meta name="robots" content="noai">'
    site.page("/", f'{closed}<a href="/1">1</a><a href="/2">2</a>')
    for number in range(1, 5):
        site.page(f"/{number}", closed if number % 2 else "")
        site.picture(f"/{number}.png", number)
    source = make_row(Source, base_url=f"{site.url}/", kind=kind, enabled=True, rate_limit=100_000)
    chosen = {"depth": 1, "use_sitemaps": True, "respect_noai": respected}
    options = checked({"min_width": 48, "min_height": 48} | chosen)
    scrape = start_crawl([Asked(f"{site.url}/", source)], options=options)
    execute(scrape.job_id)
    taken = sorted(path for path in site.asked if path.endswith(".png"))
    assert taken == (["/2.png", "/4.png"] if respected else [f"/{n}.png" for n in range(1, 5)])
    assert fresh(scrape).imported == len(taken)
    refused = {row.image_url[-6:]: row.reason for row in scrape.refused_images.all()}
    assert refused == ({"/1.png": "noai", "/3.png": "noai"} if respected else {})


def test_no_more_pages_are_read_than_asked_for_and_the_newest_first(site: Site) -> None:
    pages = "".join(
        f"<url><loc>/{n}</loc><lastmod>20{n:02}-01-01</lastmod></url>" for n in range(1, 31)
    )
    site.put("/sitemap.xml", xml(pages), "text/xml")
    fill(site, *range(1, 31))
    # The sitemap counts as read too.
    crawl_sitemap(f"{site.url}/", max_pages=5)
    assert sorted(path for path in site.asked if path.strip("/").isdigit()) == [
        "/27", "/28", "/29", "/30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("/", "127.0.0.2 names no sitemap, and /sitemap.xml is none. 127.0.0.2 answers with"),
        ("/gone.xml", "127.0.0.2 answers with status 404"),
        ("/home", "names no sitemap"),
        ("/bomb.xml.gz", "larger than 50 MB"),
        ("/text.txt", "leads to no sitemap"),
    ],
)
def test_a_site_without_any_fails_with_a_sentence(site: Site, start: str, words: str) -> None:
    site.page("/home", "Welcome")
    site.put("/text.txt", "Welcome", "text/plain")
    site.put("/bomb.xml.gz", gzip.compress(b"<urlset>" + b" " * 53 * 2**20), "application/gzip")
    job = job_of(crawl_sitemap(site.url + start))
    assert job.status == "failed"
    assert words in job.error
