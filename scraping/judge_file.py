"""What a crawl would do with a file, told without doing it."""

import hashlib
from dataclasses import dataclass

from gallery import fingerprint, image_files, similar
from gallery.image_files import DecodedImage
from gallery.models import Image
from scraping.duplicates import IN_TRASH
from scraping.examine_file import look
from scraping.models import RefusedImage
from scraping.options import CrawlOptions

Reason = RefusedImage.Reason


@dataclass(frozen=True)
class Judged:
    """What becomes of a file. reason: why it is not taken; empty if it is.

    same_as: the image that it repeats. decoded: a small copy, as far as it was looked at.
    """

    sha256: str
    reason: str = ""
    detail: str = ""
    same_as: int | None = None
    decoded: DecodedImage | None = None
    phash: int | None = None


def judge(data: bytes, chosen: CrawlOptions) -> Judged:
    """What a crawl with these options does with a file. Nothing is written."""
    sha256 = hashlib.sha256(data).hexdigest()
    known = Image.everything.filter(sha256=sha256).first()
    if known is not None and known.deleted_at is not None:
        return Judged(sha256, Reason.EXACT, IN_TRASH)
    if known is not None:
        return Judged(sha256, Reason.EXACT, f"Is image {known.pk}.", same_as=known.pk)
    unwanted, decoded = look(data, chosen, _small)
    if unwanted is not None:
        return Judged(sha256, unwanted.reason, unwanted.detail, decoded=decoded)
    assert decoded is not None
    phash = fingerprint.phash(image_files.on_white(decoded.picture))
    twin = similar.nearest(phash, chosen.near_distance) if phash is not None else None
    if twin is not None:
        detail = f"Looks like image {twin}."
        return Judged(sha256, Reason.NEAR, detail, same_as=twin, decoded=decoded, phash=phash)
    return Judged(sha256, decoded=decoded, phash=phash)


def _small(data: bytes) -> DecodedImage:
    return image_files.decode(data, max_width=300, max_height=1200)
