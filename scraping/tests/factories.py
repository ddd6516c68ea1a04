"""Small makers of what the tests of scraping need."""

from typing import Any

from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute
from scraping.models import ScrapeJob
from scraping.runs import start_crawl


def crawl(url: str, album_name: str = "Boats", **asked: Any) -> ScrapeJob:
    """A crawl that has run in this process and a real child."""
    scrape = start_crawl(url, album_name, **{"min_side": 48} | asked)
    execute(scrape.job_id)
    return fresh(scrape)


def fresh(scrape: ScrapeJob) -> ScrapeJob:
    return ScrapeJob.objects.select_related("job", "album").get(pk=scrape.pk)


def job_of(scrape: ScrapeJob) -> Job:
    return Job.objects.get(pk=scrape.job_id)


def reasons(scrape: ScrapeJob) -> dict[str, str]:
    """Path of a refused picture's address → why."""
    refused = scrape.refused_images.values_list("image_url", "reason")
    return {"/" + url.split("/", 3)[3]: reason for url, reason in refused}
