"""What the crawls before saw of a source's pictures, so that the next fetches what is new alone."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from scraping.crawl_config import Sighting
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage
from scraping.options import CrawlOptions
from scraping.take_picture import refuse

# Parts of crawls that are looked back at.
LOOKED_BACK = 20
# A picture that these refused is wanted after all, perhaps, where one of them was another.
FILTERS = (
    "min_width",
    "min_height",
    "min_megapixels",
    "max_aspect_ratio",
    "min_kilobytes",
    "formats",
    "near_distance",
)
_Reason = RefusedImage.Reason
# Reasons for which a picture needs no other look, although no file came.
_SETTLED = (_Reason.UNCHANGED, _Reason.TOO_LARGE, _Reason.LIGHT)
# It is in the gallery, or an admin took it out of there.
_KNOWN = (_Reason.EXACT, "")


@dataclass(frozen=True)
class Earlier:
    """A picture's file as it was. image_id: what it became or repeats."""

    etag: str
    last_modified: str
    sha256: str
    image_id: int | None

    def has(self, data: bytes) -> bool:
        """Whether this is the file."""
        return bool(self.sha256) and hashlib.sha256(data).hexdigest() == self.sha256


def earlier_pictures(target: CrawlTarget, chosen: CrawlOptions) -> dict[str, Earlier]:
    """Picture address → what the newest of the crawls before that settled it has told of it.

    Of the target's source, or of its address if it belongs to none. Left out are pictures that
    could not be had, and those that were filtered while other filters were chosen. Three queries.
    """
    crawls = _before(target)
    found: dict[str, Earlier] = {}
    for number, url, etag, last_modified, sha256, image_id, reason in _findings(crawls):
        is_known = reason in _KNOWN or (reason == _Reason.UNCHANGED and image_id is not None)
        if is_known or (
            (sha256 or reason in _SETTLED) and _filters_alike(crawls[number].chosen, chosen)
        ):
            found[url] = Earlier(etag, last_modified, sha256, image_id)
    return found


def _before(target: CrawlTarget) -> dict[int, CrawlTarget]:
    earlier = _same(target).filter(pk__lt=target.pk).exclude(scrape_job=target.scrape_job_id)
    newest = earlier.select_related("scrape_job")[:LOOKED_BACK]
    return {row.pk: row for row in newest}


def _same(target: CrawlTarget) -> QuerySet[CrawlTarget]:
    """Parts of crawls of the target's source, or of its address; the newest first."""
    if target.source_id is not None:
        same = CrawlTarget.objects.filter(source=target.source_id)
    else:
        same = CrawlTarget.objects.filter(address_digest=target.address_digest)
    return same.order_by("-pk")


def forget_unchanged(target: CrawlTarget) -> int:
    """Drop what was unchanged from lists that nobody looks back at any more, but for its number.

    Else a source of a thousand pictures would write a thousand rows at each of its times, for ever.
    """
    # One more falls out of sight with every crawl; some, should others be under way.
    old = _same(target)[LOOKED_BACK : 2 * LOOKED_BACK]
    forgotten = 0
    for number in old.values_list("pk", flat=True):
        with transaction.atomic():
            rows = RefusedImage.objects.filter(target=number, reason=_Reason.UNCHANGED)
            gone, _ = rows.delete()
            CrawlTarget.objects.filter(pk=number).update(forgotten=F("forgotten") + gone)
        forgotten += gone
    return forgotten


_Row = tuple[int, str, str, str, str, int | None, str]


def _findings(crawls: dict[int, CrawlTarget]) -> Iterator[_Row]:
    """All that they found, the newest crawl's last."""
    columns = ("target_id", "image_url", "etag", "last_modified", "sha256")
    refused = RefusedImage.objects.filter(target__in=crawls).order_by()
    taken = ScrapedImage.objects.filter(target__in=crawls).order_by()
    rows = list(refused.values_list(*columns, "same_as_id", "reason"))
    rows += [(*row, "") for row in taken.values_list(*columns, "image_id")]
    yield from sorted(rows, key=lambda row: row[0])


def _filters_alike(one: CrawlOptions, other: CrawlOptions) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in FILTERS)


def refuse_unchanged(
    target: CrawlTarget, found: Sighting, detail: str, earlier: Earlier, *, is_fetched: bool = False
) -> None:
    """Remember a picture that is as it was, so that the next crawl can ask for it in turn."""
    found = replace(
        found,
        etag=found.etag or earlier.etag,
        last_modified=found.last_modified or earlier.last_modified,
    )

    def write(same_as: int | None) -> None:
        refuse(
            target,
            found,
            _Reason.UNCHANGED,
            detail,
            sha256=earlier.sha256,
            same_as=same_as,
            is_fetched=is_fetched,
        )

    try:
        write(earlier.image_id)
    except IntegrityError:
        # The image was deleted for good since the crawl began.
        write(None)
