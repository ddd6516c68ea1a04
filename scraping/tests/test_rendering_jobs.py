"""A crawl's job where pages are to be opened in a browser."""

import pytest

from imagineer.jobs.models import Status
from imagineer.jobs.runner import execute
from scraping.models import Source
from scraping.tests.factories import crawl, fresh, job_of, start
from scraping.tests.site import Site
from scraping.tests.test_rendered_pages import LATE

pytestmark = pytest.mark.django_db


def test_without_a_browser_the_job_fails_before_anything_is_asked(site: Site, settings):
    settings.CHROMIUM = "/gone/chromium"
    scrape = crawl(site.url, render_javascript="on")
    assert job_of(scrape).status == Status.FAILED
    assert "none at /gone/chromium, where CHROMIUM says" in job_of(scrape).error
    assert "Install Chromium" in job_of(scrape).error
    assert site.asked == []


def test_without_a_browser_pages_that_may_need_one_are_read_plainly(site: Site, settings):
    settings.CHROMIUM = "/gone/chromium"
    site.page("/", '<img src="a.png"><script></script><a href="/app">App</a>')
    site.page("/app", LATE)
    site.picture("/a.png", 1)
    scrape = crawl(site.url, render_javascript="auto")
    assert job_of(scrape).status == Status.COMPLETED
    assert (scrape.imported, scrape.pages) == (1, 2)
    assert any("Install Chromium" in line.text for line in job_of(scrape).log_lines.all())


@pytest.mark.browser
def test_a_source_that_needs_a_browser_gets_it(site: Site):
    source = Source.objects.create(name="Late", base_url=site.url, render_javascript="on")
    site.page("/", LATE)
    site.picture("/late.png", 1)
    scrape = start(site.url)
    assert scrape.targets.get().source == source
    execute(scrape.job_id)
    assert fresh(scrape).imported == 1
