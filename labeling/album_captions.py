"""An album's pictures with the words that count for each, under names that no two share."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from gallery.captions import PROMPT, choose
from gallery.image_files import EXTENSIONS
from gallery.models import Album, AlbumImage, Image, ImageTag, Label

_CHUNK = 500
# What some system refuses in the name of a file.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


@dataclass(frozen=True)
class Captioned:
    """name: of its file, distinct in the album whatever a system thinks of capitals.

    caption: the chosen one; caption_source: of Label.Source, "prompt" where it is the prompt that
    the picture was drawn from, empty for none. tags: in the order of their names.
    """

    image: Image
    name: str
    caption: str
    caption_source: str
    tags: tuple[str, ...]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0]


def captioned(album: Album) -> Iterator[Captioned]:
    """The album's pictures in its order; a few queries for each five hundred."""
    entries = AlbumImage.objects.filter(album=album).order_by("position", "id")
    ids = list(entries.values_list("image_id", flat=True))
    names = file_names(ids)
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        images = Image.objects.in_bulk(part)
        captions = _captions(part)
        tags = _tags(part)
        for pk in part:
            image = images.get(pk)
            if image is None:
                continue
            chosen = choose(captions[pk])
            text, source = (chosen.text, chosen.source) if chosen else (image.prompt, PROMPT)
            text = " ".join(text.split())
            yield Captioned(image, names[pk], text, source if text else "", tuple(tags[pk]))


def file_names(image_ids: Sequence[int]) -> dict[int, str]:
    """A file name for each image, the original one as far as it goes."""
    taken: set[str] = set()
    names: dict[int, str] = {}
    for start in range(0, len(image_ids), _CHUNK):
        part = image_ids[start : start + _CHUNK]
        rows = Image.objects.filter(pk__in=part).values_list("pk", "original_name", "format")
        found = {pk: (name, kind) for pk, name, kind in rows}
        for pk in part:
            if pk in found:
                names[pk] = _free_name(*found[pk], taken)
    return names


def _free_name(original: str, kind: str, taken: set[str]) -> str:
    stem = _UNSAFE.sub(" ", PurePosixPath(original).stem).strip(" .")[:100].strip(" .")
    stem = stem or "picture"
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.casefold())
    return f"{name}.{EXTENSIONS[kind]}"


def _captions(image_ids: Sequence[int]) -> dict[int, list[Label]]:
    found: dict[int, list[Label]] = defaultdict(list)
    for label in Label.objects.filter(image__in=image_ids, kind=Label.Kind.CAPTION):
        found[label.image_id].append(label)
    return found


def _tags(image_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    uses = ImageTag.objects.filter(image__in=image_ids).order_by("tag__name")
    for image_id, name in uses.values_list("image_id", "tag__name"):
        found[image_id].append(name)
    return found
