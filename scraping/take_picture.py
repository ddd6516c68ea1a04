"""One downloaded file becomes an image of the gallery, or is refused for a reason.

Every count is written in one transaction with the row it counts, and every row exists once, so a
crawl may be run again after a kill at any point.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import transaction
from django.db.models import F

from gallery import albums, fingerprint, image_files, image_index, similar
from gallery.add_image import add_image
from gallery.image_files import DecodedImage, ImageRefused
from gallery.models import Album, Image, Label
from scraping.crawl_config import Sighting
from scraping.found_labels import labels_in, rating_in
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage, ScrapeJob, Source
from scraping.options import CrawlOptions

Reason = RefusedImage.Reason
_REASON_OF_CODE = {
    "empty": Reason.DAMAGED,
    "damaged": Reason.DAMAGED,
    "not_an_image": Reason.FORMAT,
    "too_large": Reason.TOO_LARGE,
    "too_many_pixels": Reason.TOO_LARGE,
}
_LONGEST_URL = 2000


def name_in(image_url: str) -> str:
    """The file's name in its address."""
    return unquote(PurePosixPath(urlsplit(image_url).path).name)


@dataclass(frozen=True)
class Judged:
    """What becomes of a file. reason: why it is not taken; empty if it is.

    same_as: the image that it repeats. known: the image that has these very bytes. decoded: a small
    copy, as far as it was looked at.
    """

    sha256: str
    reason: str = ""
    detail: str = ""
    same_as: int | None = None
    known: Image | None = None
    decoded: DecodedImage | None = None
    phash: int | None = None


def judge(data: bytes, chosen: CrawlOptions) -> Judged:
    """What a crawl with these options does with a file. Nothing is written."""
    sha256 = hashlib.sha256(data).hexdigest()
    known = Image.everything.filter(sha256=sha256).first()
    if known is not None and known.deleted_at is not None:
        return Judged(sha256, Reason.EXACT, "An admin put it into the trash.")
    if known is not None:
        detail = f"Is image {known.pk}."
        return Judged(sha256, Reason.EXACT, detail, same_as=known.pk, known=known)
    try:
        decoded = image_files.decode(data, max_width=300, max_height=1200)
    except ImageRefused as refused:
        return Judged(sha256, _REASON_OF_CODE[refused.code], refused.sentence)
    if decoded.width < chosen.min_width or decoded.height < chosen.min_height:
        size = f"{decoded.width} × {decoded.height} pixels"
        least = f"{chosen.min_width} × {chosen.min_height}"
        return Judged(sha256, Reason.SMALL, f"{size}, less than {least}.", decoded=decoded)
    phash = _phash(decoded)
    twin = similar.nearest(phash) if phash is not None else None
    if twin is not None:
        detail = f"Looks like image {twin}."
        return Judged(sha256, Reason.NEAR, detail, same_as=twin, decoded=decoded, phash=phash)
    return Judged(sha256, decoded=decoded, phash=phash)


def take(target: CrawlTarget, found: Sighting, data: bytes) -> Image | None:
    """Import the file, or record why not. The image, if it was imported."""
    scrape, chosen = target.scrape_job, target.chosen
    judged = judge(data, chosen)
    if judged.known is not None:
        return _take_known(target, found, judged.known)
    if judged.reason:
        refuse(
            target, found, judged.reason, judged.detail,
            same_as=judged.same_as, sha256=judged.sha256,
        )  # fmt: skip
        return None
    added = add_image(
        data,
        source_type=Image.Source.SCRAPED,
        original_name=name_in(found.image_url),
        imported_rating=rating_in(found),
        path_prefix=_folder(scrape),
        album=album_of(scrape) if chosen.auto_create_album else None,
        created_by=scrape.created_by,
    )
    if not added.created:
        return _take_known(target, found, added.image)
    record(target, found, added.image)
    return added.image


def _take_known(target: CrawlTarget, found: Sighting, known: Image) -> Image | None:
    """The gallery has these bytes: from elsewhere, or from this crawl before it was killed."""
    scrape = target.scrape_job
    ours = (known.file.name or "").startswith(f"{_folder(scrape)}/")
    if ours and not known.scraped_from.filter(scrape_job=scrape).exists():
        record(target, found, known)
        return known
    refuse(
        target, found, Reason.EXACT, f"Is image {known.pk}.", same_as=known.pk, sha256=known.sha256
    )
    return None


def _folder(scrape: ScrapeJob) -> str:
    return f"scraped/{scrape.pk}"


def _phash(decoded: DecodedImage) -> int | None:
    return fingerprint.phash(image_files.on_white(decoded.picture))


def album_of(scrape: ScrapeJob) -> Album:
    """The crawl's album, made when its first picture is there to be put into it."""
    album = Album.objects.filter(scrape_jobs=scrape).first()
    if album is not None:
        return album
    with transaction.atomic():
        album = _new_album(scrape)
        ScrapeJob.objects.filter(pk=scrape.pk).update(album=album)
    scrape.album = album
    return album


def _new_album(scrape: ScrapeJob) -> Album:
    """Under the name asked for; with a number, if another album has taken that meanwhile."""
    for name in _names(scrape.album_name):
        try:
            return albums.create(
                name, source_type=Album.Source.SCRAPE, created_by=scrape.created_by
            )
        except albums.NameTaken:
            continue
    raise RuntimeError("Unreachable: names never end.")


def _names(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        ending = f" ({number})"
        yield name[: 200 - len(ending)] + ending
        number += 1


def record(target: CrawlTarget, found: Sighting, image: Image) -> None:
    """Remember where the image came from, and keep the words beside it as labels."""
    scrape = target.scrape_job
    with transaction.atomic():
        _, created = ScrapedImage.objects.get_or_create(
            scrape_job=scrape,
            image=image,
            defaults=_columns(target, found, image.sha256)
            | {"alt_text": found.alt, "caption_text": found.caption, "texts": found.texts},
        )
        if not created:
            return
        Label.objects.bulk_create(
            Label(
                image=image,
                kind=kind,
                text=text,
                source=Label.Source.SCRAPER,
                created_by=scrape.created_by,
            )
            for kind, text in labels_in(found)
        )
        image_index.refresh([image.pk])
        add_counts(target, imported=1, downloaded=1)


def refuse(
    target: CrawlTarget,
    found: Sighting,
    reason: str,
    detail: str,
    *,
    sha256: str = "",
    same_as: int | None = None,
    is_fetched: bool = True,
) -> None:
    """Remember a picture that is not taken.

    sha256: of the file that was fetched, or that a crawl before had fetched (is_fetched false);
    empty if none was. same_as: the image that it repeats.
    """
    is_duplicate = reason in RefusedImage.DUPLICATES
    columns = _columns(target, found, sha256)
    with transaction.atomic():
        _, created = RefusedImage.objects.get_or_create(
            scrape_job=target.scrape_job,
            address_digest=columns.pop("address_digest"),
            defaults=columns | {"reason": reason, "detail": detail[:300], "same_as_id": same_as},
        )
        if created:
            add_counts(
                target,
                duplicate=int(is_duplicate),
                filtered=int(not is_duplicate),
                downloaded=int(bool(sha256) and is_fetched),
            )


def _columns(target: CrawlTarget, found: Sighting, sha256: str) -> dict[str, Any]:
    """What both kinds of findings hold."""
    return {
        "target": target,
        "page_url": found.page_url[:_LONGEST_URL],
        "image_url": found.image_url[:_LONGEST_URL],
        "address_digest": hashlib.sha256(found.image_url.encode()).hexdigest(),
        "found_by": found.found_by,
        "position": found.position,
        "etag": found.etag if len(found.etag) <= 300 else "",
        "last_modified": found.last_modified if len(found.last_modified) <= 100 else "",
        "sha256": sha256,
    }


def forget_passing(scrape: ScrapeJob) -> None:
    """Drop the refusals that another try may mend, with their count: they are tried again."""
    for target in scrape.targets.all():
        target.scrape_job = scrape
        with transaction.atomic():
            passing = target.refused_images.filter(reason__in=RefusedImage.PASSING)
            gone, _ = passing.delete()
            add_counts(target, filtered=-gone)


def add_counts(target: CrawlTarget, **counts: int) -> None:
    """Add to a target's counts and its crawl's; what is taken, to its source's too."""
    rows = (target, target.scrape_job)
    # A kill between them would leave them different for good.
    with transaction.atomic(savepoint=False):
        if counts.get("imported") and target.source_id:
            taken = F("imported") + counts["imported"]
            Source.objects.filter(pk=target.source_id).update(imported=taken)
        for row in rows:
            type(row).objects.filter(pk=row.pk).update(
                **{name: F(name) + number for name, number in counts.items()}
            )
    for row in rows:
        for name, number in counts.items():
            setattr(row, name, getattr(row, name) + number)
