"""A crawl in a real worker: cancelled while a picture does not come."""

import psutil
import pytest

from gallery.tests.workers import Workers
from scraping.models import ScrapedImage
from scraping.tests.factories import fresh, start
from scraping.tests.site import OPEN_HOSTS, Site

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_a_cancelled_crawl_stops_in_time_with_its_child(workers: Workers, site: Site) -> None:
    site.page("/", '<img src="1.png"><img src="slow.png">')
    site.picture("/1.png", 1)
    site.slow("/slow.png")
    scrape = start(site.url)
    workers.more = {"SCRAPE_ALLOWED_HOSTS": ",".join(OPEN_HOSTS), "SCRAPE_DELAY": "0"}
    workers.start("redis", "crawl")
    workers.until(
        lambda: "/slow.png" in site.asked and ScrapedImage.objects.exists(), "the first picture"
    )
    worker = psutil.Process(workers.processes["crawl"].pid)
    assert len(worker.children(recursive=True)) >= 2
    workers.cancel(scrape.job)
    assert fresh(scrape).imported == 1
    workers.until(lambda: not worker.children(recursive=True), "the end of the child")
