"""One downloaded file becomes an image of the gallery, or is refused for a reason.

Every count is written in one transaction with the row it counts, and every row exists once, so a
crawl may be run again after a kill at any point.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from django.db import transaction
from django.db.models import F

from gallery import albums, fingerprint, image_files, image_index, similar
from gallery.add_image import add_image
from gallery.image_files import DecodedImage, ImageRefused
from gallery.models import Album, Image, Label
from scraping.models import RefusedImage, ScrapedImage, ScrapeJob

Reason = RefusedImage.Reason
_REASON_OF_CODE = {
    "empty": Reason.DAMAGED,
    "damaged": Reason.DAMAGED,
    "not_an_image": Reason.FORMAT,
    "too_large": Reason.TOO_LARGE,
    "too_many_pixels": Reason.TOO_LARGE,
}
_LONGEST_URL = 2000


@dataclass(frozen=True)
class Found:
    """A picture on a page, as the crawl reports it."""

    image_url: str
    page_url: str
    alt: str = ""
    caption: str = ""

    @property
    def name(self) -> str:
        """The file's name in its address."""
        return unquote(PurePosixPath(urlsplit(self.image_url).path).name)


def take(scrape: ScrapeJob, found: Found, data: bytes) -> Image | None:
    """Import the file, or record why not. The image, if it was imported."""
    known = Image.everything.filter(sha256=hashlib.sha256(data).hexdigest()).first()
    if known is not None and known.deleted_at is not None:
        refuse(scrape, found, Reason.EXACT, "An admin put it into the trash.", downloaded=True)
        return None
    if known is not None:
        return _take_known(scrape, found, known)
    try:
        decoded = image_files.decode(data, max_width=300, max_height=1200)
    except ImageRefused as refused:
        refuse(scrape, found, _REASON_OF_CODE[refused.code], refused.sentence, downloaded=True)
        return None
    if min(decoded.width, decoded.height) < scrape.min_side:
        size = f"{decoded.width} × {decoded.height} pixels, less than {scrape.min_side}."
        refuse(scrape, found, Reason.SMALL, size, downloaded=True)
        return None
    phash = _phash(decoded)
    twin = similar.nearest(phash) if phash is not None else None
    if twin is not None:
        refuse(scrape, found, Reason.NEAR, f"Looks like image {twin}.", same_as=twin)
        return None
    added = add_image(
        data,
        source_type=Image.Source.SCRAPED,
        original_name=found.name,
        path_prefix=_folder(scrape),
        album=album_of(scrape),
        created_by=scrape.created_by,
    )
    if not added.created:
        return _take_known(scrape, found, added.image)
    record(scrape, found, added.image)
    return added.image


def _take_known(scrape: ScrapeJob, found: Found, known: Image) -> Image | None:
    """The gallery has these bytes: from elsewhere, or from this crawl before it was killed."""
    ours = (known.file.name or "").startswith(f"{_folder(scrape)}/")
    if ours and not known.scraped_from.filter(scrape_job=scrape).exists():
        record(scrape, found, known)
        return known
    refuse(scrape, found, Reason.EXACT, f"Is image {known.pk}.", same_as=known.pk)
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


def record(scrape: ScrapeJob, found: Found, image: Image) -> None:
    """Remember where the image came from, and keep the words beside it as labels."""
    with transaction.atomic():
        _, created = ScrapedImage.objects.get_or_create(
            scrape_job=scrape,
            image=image,
            defaults={
                "page_url": found.page_url[:_LONGEST_URL],
                "image_url": found.image_url[:_LONGEST_URL],
                "alt_text": found.alt,
                "caption_text": found.caption,
            },
        )
        if not created:
            return
        Label.objects.bulk_create(
            Label(
                image=image,
                kind=Label.Kind.CAPTION,
                text=text,
                source=Label.Source.SCRAPER,
                created_by=scrape.created_by,
            )
            # The newest caption of a source speaks for an image: the figcaption, if there is one.
            for text in dict.fromkeys((found.alt, found.caption))
            if text
        )
        image_index.refresh([image.pk])
        _add(scrape, imported=1, downloaded=1)


def refuse(
    scrape: ScrapeJob,
    found: Found,
    reason: str,
    detail: str,
    *,
    downloaded: bool = False,
    same_as: int | None = None,
) -> None:
    """Remember a picture that is not taken. same_as: the image that it repeats."""
    is_duplicate = reason in RefusedImage.DUPLICATES
    with transaction.atomic():
        _, created = RefusedImage.objects.get_or_create(
            scrape_job=scrape,
            address_digest=hashlib.sha256(found.image_url.encode()).hexdigest(),
            defaults={
                "page_url": found.page_url[:_LONGEST_URL],
                "image_url": found.image_url[:_LONGEST_URL],
                "reason": reason,
                "detail": detail[:300],
                "same_as_id": same_as,
            },
        )
        if created:
            _add(
                scrape,
                duplicate=int(is_duplicate),
                filtered=int(not is_duplicate),
                downloaded=int(downloaded or is_duplicate),
            )


def forget_passing(scrape: ScrapeJob) -> None:
    """Drop the refusals that another try may mend, with their count: they are tried again."""
    with transaction.atomic():
        gone, _ = scrape.refused_images.filter(reason__in=RefusedImage.PASSING).delete()
        _add(scrape, filtered=-gone)


def _add(scrape: ScrapeJob, **counts: int) -> None:
    ScrapeJob.objects.filter(pk=scrape.pk).update(
        **{name: F(name) + number for name, number in counts.items()}
    )
    for name, number in counts.items():
        setattr(scrape, name, getattr(scrape, name) + number)
