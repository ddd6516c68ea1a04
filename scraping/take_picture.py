"""One downloaded file becomes an image of the gallery, or is refused for a reason.

Every count is written in one transaction with the row it counts, and every row exists once, so a
crawl may be run again after a kill at any point.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connection, transaction
from django.db.models import F

from gallery import albums, near_duplicates, similar
from gallery.add_image import Prepared, add_image
from gallery.models import Album, Image
from scraping import duplicates
from scraping.addresses import LONGEST_URL, digest_of
from scraping.crawl_config import Sighting
from scraping.examine_file import Examined, examine
from scraping.filters import Refusal
from scraping.found_labels import labels_in, rating_in
from scraping.models import (
    CrawlTarget,
    Finding,
    RefusedImage,
    ScrapedImage,
    ScrapeJob,
    Source,
)
from scraping.write_labels import write_labels

Reason = RefusedImage.Reason


def name_in(image_url: str) -> str:
    """The file's name in its address."""
    return unquote(PurePosixPath(urlsplit(image_url).path).name)


def take(target: CrawlTarget, found: Sighting, file: bytes | Examined) -> Image | None:
    """Import a file, or record why not. The image, if it was imported.

    file: its bytes, or what :func:`scraping.examine_file.examine` made of them.
    """
    sha256 = hashlib.sha256(file).hexdigest() if isinstance(file, bytes) else file.sha256
    known = Image.everything.filter(sha256=sha256).first()
    if known is not None:
        return _take_known(target, found, known)
    if isinstance(file, bytes):
        file = examine(file, target.chosen, sha256)
    if isinstance(file.outcome, Refusal):
        refuse(target, found, file.outcome.reason, file.outcome.detail, sha256=sha256)
        return None
    return _take_new(target, found, file.outcome)


def _take_new(target: CrawlTarget, found: Sighting, file: Prepared) -> Image | None:
    scrape, chosen = target.scrape_job, target.chosen
    phash = file.rendered.phash
    near = similar.nearest(phash, chosen.near_distance) if phash is not None else None
    twin = Image.objects.filter(pk=near).first() if near is not None else None
    if twin is not None and not duplicates.takes_its_place(target, twin, file.decoded):
        refuse_duplicate(target, found, Reason.NEAR, twin, file)
        return None
    added = add_image(
        file,
        source_type=Image.Source.SCRAPED,
        original_name=name_in(found.image_url),
        imported_rating=rating_in(found),
        path_prefix=_folder(scrape),
        created_by=scrape.created_by,
    )
    if not added.created:
        return _take_known(target, found, added.image)
    _keep(target, found, added.image)
    if twin is not None:
        _replace(target, twin, added.image)
    return added.image


def _take_known(target: CrawlTarget, found: Sighting, known: Image) -> Image | None:
    """The gallery has these bytes: from elsewhere, or from this crawl before it was killed."""
    scrape = target.scrape_job
    if known.deleted_at is not None:
        refuse(target, found, Reason.EXACT, duplicates.IN_TRASH, sha256=known.sha256)
        return None
    ours = (known.file.name or "").startswith(f"{_folder(scrape)}/")
    if ours and not known.scraped_from.filter(scrape_job=scrape).exists():
        _keep(target, found, known)
        return known
    refuse_duplicate(target, found, Reason.EXACT, known)
    return None


def _keep(target: CrawlTarget, found: Sighting, image: Image) -> None:
    scrape, together = target.scrape_job, _together.get()
    record(target, found, image)
    if not target.chosen.auto_create_album:
        return
    if together is None:
        albums.put(album_of(scrape), image, added_by=scrape.created_by)
    else:
        together.shelved.setdefault(scrape.pk, (scrape, []))[1].append(image.pk)


def refuse_duplicate(
    target: CrawlTarget, found: Sighting, reason: str, image: Image, file: Prepared | None = None
) -> None:
    """Remember where else an image was found, and take over its words if that is trusted more.

    file: the one that is not taken, where it is another than the image's.
    """
    detail = f"Is image {image.pk}."
    if file is not None:
        detail = duplicates.compared(image, file.decoded)
    sha256 = image.sha256 if file is None else file.sha256
    with transaction.atomic():
        says_more = duplicates.is_trusted_more(target, image)
        if refuse(target, found, reason, detail, sha256=sha256, same_as=image.pk) and says_more:
            duplicates.say(target, found, image)


def _replace(target: CrawlTarget, smaller: Image, image: Image) -> None:
    """The image stands where the smaller one stood, which goes into the trash."""
    with transaction.atomic():
        for row in smaller.scraped_from.filter(scrape_job=target.scrape_job):
            _demote(target, row, image)
    try:
        near_duplicates.merge(image, smaller, target.scrape_job.created_by)
    except near_duplicates.NotAPair:
        # An admin was faster.
        return


def _demote(target: CrawlTarget, row: ScrapedImage, image: Image) -> None:
    """What this crawl took before counts as a duplicate of what it takes now."""
    of = target
    if row.target is not None and row.target_id != target.pk:
        of, of.scrape_job = row.target, target.scrape_job
    columns = {column.name: getattr(row, column.attname) for column in Finding._meta.fields}
    RefusedImage.objects.get_or_create(
        target=of,
        address_digest=columns.pop("address_digest"),
        defaults=columns
        | {
            "scrape_job": target.scrape_job,
            "reason": Reason.NEAR,
            "detail": f"Image {image.pk} shows the same and is larger.",
            "same_as": image,
        },
    )
    row.delete()
    add_counts(of, imported=-1, duplicate=1)


def _folder(scrape: ScrapeJob) -> str:
    return f"scraped/{scrape.pk}"


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
    """Remember where the image came from, and keep the words beside it as labels.

    Raises IntegrityError if this crawl has recorded it before.
    """
    scrape = target.scrape_job
    with transaction.atomic(savepoint=False):
        ScrapedImage.objects.create(
            scrape_job=scrape,
            image=image,
            alt_text=found.alt,
            caption_text=found.caption,
            texts=found.texts,
            **_columns(target, found, image.sha256),
        )
        write_labels(target, image, labels_in(found))
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
) -> bool:
    """Remember a picture that a target does not give; False if it was remembered before.

    sha256: of the file that was fetched, or that a crawl before had fetched (is_fetched false);
    empty if none was. same_as: the image that it repeats.
    """
    is_duplicate = reason in RefusedImage.DUPLICATES
    columns = _columns(target, found, sha256)
    with transaction.atomic():
        _, created = RefusedImage.objects.get_or_create(
            target=columns.pop("target"),
            address_digest=columns.pop("address_digest"),
            defaults=columns
            | {
                "scrape_job": target.scrape_job,
                "reason": reason,
                "detail": detail[:300],
                "same_as_id": same_as,
            },
        )
        if created:
            add_counts(
                target,
                duplicate=int(is_duplicate),
                filtered=int(not is_duplicate),
                downloaded=int(bool(sha256) and is_fetched),
            )
    return created


def _columns(target: CrawlTarget, found: Sighting, sha256: str) -> dict[str, Any]:
    """What both kinds of findings hold."""
    return {
        "target": target,
        "page_url": found.page_url[:LONGEST_URL],
        "image_url": found.image_url[:LONGEST_URL],
        "address_digest": digest_of(found.image_url),
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


@dataclass
class _Together:
    """What several pictures have in common to be written: counts by target, albums by crawl."""

    counted: dict[int, tuple[CrawlTarget, Counter[str]]] = field(default_factory=dict)
    shelved: dict[int, tuple[ScrapeJob, list[int]]] = field(default_factory=dict)


_together: ContextVar[_Together | None] = ContextVar("together", default=None)


@contextmanager
def taken_together() -> Iterator[None]:
    """Counts and albums of what is taken within it are written at its end, all at once.

    It lies in one transaction with what it takes.
    """
    assert connection.in_atomic_block, "A kill between would leave rows that nobody has counted."
    found = _Together()
    token = _together.set(found)
    try:
        yield
    finally:
        _together.reset(token)
    for scrape, images in found.shelved.values():
        albums.put_many(album_of(scrape), images, added_by=scrape.created_by)
    for target, counts in found.counted.values():
        _write_counts(target, counts)


def add_counts(target: CrawlTarget, **counts: int) -> None:
    """Add to a target's counts and its crawl's; what is taken, to its source's too."""
    together = _together.get()
    if together is None:
        _write_counts(target, counts)
    else:
        _, sums = together.counted.setdefault(target.pk, (target, Counter()))
        for name, number in counts.items():
            sums[name] += number
    for row in (target, target.scrape_job):
        for name, number in counts.items():
            setattr(row, name, getattr(row, name) + number)


def _write_counts(target: CrawlTarget, counts: Mapping[str, int]) -> None:
    added = {name: F(name) + number for name, number in counts.items()}
    # A kill between them would leave them different for good.
    with transaction.atomic(savepoint=False):
        if counts.get("imported") and target.source_id:
            Source.objects.filter(pk=target.source_id).update(imported=added["imported"])
        CrawlTarget.objects.filter(pk=target.pk).update(**added)
        ScrapeJob.objects.filter(pk=target.scrape_job_id).update(**added)
