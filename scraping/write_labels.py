"""The labels that an image is given from a web page."""

from collections.abc import Iterable

from gallery import image_index
from gallery.models import Image, Label
from scraping.models import CrawlTarget


def write_labels(target: CrawlTarget, image: Image, said: Iterable[tuple[str, str]]) -> None:
    """Write them as the newest of all. said: (kind, text) of each."""
    Label.objects.bulk_create(
        Label(
            image=image,
            kind=kind,
            text=text,
            source=Label.Source.SCRAPER,
            created_by=target.scrape_job.created_by,
        )
        for kind, text in said
    )
    image_index.refresh([image.pk])
