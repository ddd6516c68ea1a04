"""Small makers of what the tests of scraping need."""

from typing import Any

from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute
from scraping import sources
from scraping.models import ScrapeJob, Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl


def start(url: str, album_name: str = "Boats", created_by: Any = None, **chosen: Any) -> ScrapeJob:
    """A crawl that waits for its worker; it takes small pictures, and reads no deeper than one."""
    options = checked({"min_width": 48, "min_height": 48, "depth": 1} | chosen)
    return start_crawl([Asked(url)], album_name, options, created_by)


def crawl(url: str, album_name: str = "Boats", **chosen: Any) -> ScrapeJob:
    """A crawl that has run in this process and a real child."""
    scrape = start(url, album_name, **chosen)
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


def make_source(name: str = "Boats", **values: Any) -> Source:
    given = {"name": name, "base_url": "https://boats.example/all/", **values}
    return sources.create(given, created_by=None)
