"""A crawl in a real worker: cancelled while a picture does not come."""

import time

import psutil
import pytest

from gallery.tests.workers import Workers
from scraping.models import ScrapedImage
from scraping.tests.factories import fresh, start
from scraping.tests.large_site import check_nothing_twice, files, fill
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


@pytest.mark.parametrize("whose", ["job", "worker"])
def test_a_crawl_whose_processes_are_killed_goes_on_from_there(
    workers: Workers, site: Site, whose: str
) -> None:
    fill(site)
    large, tiny = files()
    scrape = start(f"{site.url}/", depth=5)
    workers.more = {"SCRAPE_ALLOWED_HOSTS": ",".join(OPEN_HOSTS), "SCRAPE_DELAY": "0"}
    workers.start("redis", "crawl")
    workers.until(lambda: len(site.asked) > 30, "thirty requests")
    if whose == "job":
        assert workers.kill_horse("crawl")
    else:
        workers.kill("crawl")
        workers.start("crawl")
    # The site has not yet read all that was sent to it; another child takes longer to begin.
    time.sleep(0.2)
    killed = [len(site.asked)]
    workers.ended(scrape.job)
    check_nothing_twice(site, killed)
    scrape = fresh(scrape)
    assert scrape.job.attempts == 2
    assert (scrape.imported, scrape.filtered, scrape.duplicate) == (large, tiny, 0)
    assert (scrape.pages, scrape.discovered) == (24, large + tiny)
    assert not list((workers.folder / "spool").glob("scrape-*"))
