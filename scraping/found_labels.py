"""Which labels a picture is given from the words that were found with it. Pure."""

from collections.abc import Iterator

from gallery.models import Label, Rating
from gallery.sidecars import rating_said
from scraping.crawl_config import Sighting


def labels_in(found: Sighting) -> Iterator[tuple[str, str]]:
    """(kind, text) of captions and tags.

    The newest caption of a source speaks for an image, so the best one comes last.
    """
    for text in dict.fromkeys((found.alt, found.caption)):
        if text:
            yield Label.Kind.CAPTION, text
    for tag in found.texts.get("tags", "").split(", "):
        if tag:
            yield Label.Kind.TAG, tag


def rating_in(found: Sighting) -> str:
    """What an API says of who may see the picture, in our words."""
    return rating_said(found.texts.get("rating", "")) or Rating.UNRATED
