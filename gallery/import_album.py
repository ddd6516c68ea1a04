"""Importing a folder or archive of pictures, with the captions beside them, as an album."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from gallery import albums
from gallery.add_image import ImageRefused, add_image
from gallery.album_sources import (
    Entry,
    Source,
    SourceRefused,
    UnreadableFile,
    caption_of,
    open_source,
)
from gallery.models import Album, Image, Label

Report = Callable[[int, int, str], None]


@dataclass
class Imported:
    """What became of a source. refused: (file name, sentence) for each that was left out."""

    album: Album | None = None
    added: int = 0
    known: int = 0
    captions: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def import_album(
    path: Path,
    name: str,
    *,
    created_by: Any = None,
    caption_prefix: str = "",
    is_public: bool = True,
    report: Report = lambda done, total, message: None,
) -> Imported:
    """Import all pictures below path into the album of this name, in the order of their names.

    The album is made with the first picture, if there is none of this name. A ``.txt`` of the same
    name is the picture's caption; caption_prefix and a space are put before each. report(done,
    total, message) is called between pictures and may raise to stop; what was imported stays, and
    the same call made again goes on where it stopped. Raises SourceRefused for a path that cannot
    be imported, and for one without pictures.
    """
    outcome = Imported()
    with open_source(path) as source:
        total = len(source.entries)
        if not total:
            raise SourceRefused(f"There are no pictures in {path.name or path}.")
        for done, entry in enumerate(source.entries):
            report(done, total, entry.name)
            try:
                _import_one(source, entry, name, outcome, caption_prefix, is_public, created_by)
            except (ImageRefused, UnreadableFile) as refused:
                outcome.refused.append((entry.name, str(refused)))
        report(total, total, "")
    return outcome


def _import_one(
    source: Source,
    entry: Entry,
    name: str,
    outcome: Imported,
    caption_prefix: str,
    is_public: bool,
    created_by: Any,
) -> None:
    data = source.read(entry.name, settings.MAX_IMAGE_BYTES + 1)
    caption = caption_of(source, entry)
    folder = f"imported/{outcome.album.pk}" if outcome.album else "imported"
    added = add_image(
        data,
        source_type=Image.Source.IMPORTED,
        original_name=entry.name,
        is_public=is_public,
        created_by=created_by,
        path_prefix=folder,
    )
    if outcome.album is None:
        outcome.album = albums.named(
            name,
            source_type=Album.Source.IMPORT,
            is_public=is_public,
            created_by=created_by,
        )
    albums.put(outcome.album, added.image, added_by=created_by)
    outcome.added += added.created
    outcome.known += not added.created
    if caption:
        outcome.captions += 1
        text = f"{caption_prefix} {caption}" if caption_prefix else caption
        Label.objects.get_or_create(
            image=added.image,
            kind=Label.Kind.CAPTION,
            source=Label.Source.IMPORTED,
            text=text,
            defaults={"created_by": created_by},
        )
