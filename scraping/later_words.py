"""A page says more of a picture than the page on which a crawl found it first: it is told anew.

An overview shows a picture without words, the page behind it has its caption.
"""

from collections.abc import Iterable

from django.db import transaction

from scraping import duplicates
from scraping.addresses import LONGEST_URL, digest_of
from scraping.crawl_config import Sighting
from scraping.models import CrawlTarget
from scraping.page_words import rank_of


def give(target: CrawlTarget, found: Sighting, urls: Iterable[str]) -> bool:
    """Write words and page to the image that the target took there; False if it took none (yet).

    urls: the addresses under one of which it was taken. Words of a source that is trusted more
    stay the last ones.
    """
    taken = target.scraped_images.select_related("image")
    row = taken.filter(address_digest__in=map(digest_of, urls)).first()
    if row is None:
        return False
    if row.image is None or rank_of(found.texts) >= rank_of(row.texts):
        return True
    with transaction.atomic():
        target.scraped_images.filter(pk=row.pk).update(
            page_url=found.page_url[:LONGEST_URL],
            found_by=found.found_by,
            position=found.position,
            alt_text=found.alt,
            caption_text=found.caption,
            texts=found.texts,
        )
        if (duplicates.trust_in(row.image) or 0) <= duplicates.trust_of(target):
            duplicates.say(target, found, row.image)
    return True


def is_refused(target: CrawlTarget, urls: Iterable[str]) -> bool:
    """Whether the target has refused the picture of these addresses, which needs no words then."""
    return target.refused_images.filter(address_digest__in=map(digest_of, urls)).exists()
