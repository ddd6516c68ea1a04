"""Freezing a choice of pictures and captions into a dataset version."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from gallery.models import Album, AlbumImage, Image
from gallery.token_figures import token_counts, token_figures
from imagineer.problems import Problem
from training import changed_captions
from training.captions import Caption, caption_of, captions_of
from training.models import DatasetItem, DatasetVersion

_CHUNK = 500


@dataclass(frozen=True)
class Picture:
    """One picture that has a caption."""

    image: Image
    caption: Caption


@dataclass(frozen=True)
class Selection:
    """What a dataset of these albums would hold, in its order; left_out: without any caption."""

    pictures: list[Picture]
    left_out: int

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest: one line a picture, its SHA-256 and its caption as JSON."""
        lines = (
            json.dumps([picture.image.sha256, picture.caption.text], ensure_ascii=False)
            for picture in self.pictures
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def stats(self) -> dict[str, Any]:
        """Figures for people: counts, captions by source, tokens, sizes."""
        counts = token_counts([entry.caption.text for entry in self.pictures])
        sizes = Counter(f"{entry.image.width} × {entry.image.height}" for entry in self.pictures)
        return {
            "pictures": len(self.pictures),
            "left_out": self.left_out,
            "sources": dict(Counter(entry.caption.source for entry in self.pictures).most_common()),
            "tokens": token_figures(counts),
            "sizes": dict(sizes.most_common(12)),
        }


def select(albums: Iterable[Album]) -> Selection:
    """The albums' pictures with their captions: albums by age, pictures in the album's order.

    A picture in several of the albums is taken once, where it comes first.
    """
    entries = AlbumImage.objects.filter(album__in=list(albums)).order_by(
        "album_id", "position", "id"
    )
    ids = list(dict.fromkeys(entries.values_list("image_id", flat=True)))
    pictures = []
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        images = Image.objects.in_bulk(part)
        captions = captions_of(part)
        for pk in part:
            image = images.get(pk)
            caption = caption_of(captions.get(pk, ()), image.prompt) if image else None
            if image and caption:
                pictures.append(Picture(image, caption))
    return Selection(pictures, len(ids) - len(pictures))


def freeze(name: str, albums: Sequence[Album], created_by: Any = None) -> DatasetVersion:
    """A frozen version of the albums under this name, numbered from 1.

    The same pictures, captions and order under the same name give the version that is there.
    Raises Problem 422 when no picture has a caption.
    """
    selection = select(albums)
    if not selection.pictures:
        raise Problem(
            422,
            "nothing_to_train_on",
            "None of the pictures has a caption. Label the album first."
            if selection.left_out
            else "There are no pictures in this choice of albums.",
            "albums",
        )
    digest = selection.digest
    while True:
        known = DatasetVersion.objects.filter(name=name, digest=digest).first()
        if known is not None:
            return known
        try:
            dataset = _store(name, albums, selection, digest, created_by)
            break
        except IntegrityError:
            # Another process took the number in this moment; otherwise it would fail again.
            if not DatasetVersion.objects.filter(name=name).exists():
                raise
    changed_captions.refresh(albums)
    return dataset


def _store(
    name: str, albums: Sequence[Album], selection: Selection, digest: str, created_by: Any
) -> DatasetVersion:
    with transaction.atomic():
        newest = DatasetVersion.objects.filter(name=name).aggregate(newest=Max("number"))["newest"]
        dataset = DatasetVersion.objects.create(
            name=name,
            number=(newest or 0) + 1,
            digest=digest,
            stats=selection.stats,
            created_by=created_by if getattr(created_by, "pk", None) else None,
        )
        dataset.albums.set(albums)
        DatasetItem.objects.bulk_create(
            [
                DatasetItem(
                    dataset=dataset,
                    index=index,
                    image=picture.image,
                    sha256=picture.image.sha256,
                    caption=picture.caption.text,
                    caption_source=picture.caption.source,
                    label_id=picture.caption.label,
                )
                for index, picture in enumerate(selection.pictures, start=1)
            ],
            batch_size=_CHUNK,
        )
    return dataset
