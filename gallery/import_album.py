"""Importing pictures with the captions and metadata beside them, as an album if it is named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from gallery import albums
from gallery.add_image import ImageRefused
from gallery.add_with_sidecar import add_with_sidecar
from gallery.album_sources import (
    Entry,
    Source,
    SourceRefused,
    UnreadableFile,
    open_source,
    sidecar_of,
)
from gallery.models import Album, Image, Rating
from gallery.sidecars import SidecarRefused

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Options:
    """What all pictures of an import share. album: its name; empty for none."""

    album: str = ""
    created_by: Any = None
    caption_prefix: str = ""
    is_public: bool = True
    rating: str = Rating.UNRATED
    source_type: str = Image.Source.IMPORTED

    @property
    def folder(self) -> str:
        return "uploads" if self.source_type == Image.Source.UPLOAD else "imported"


@dataclass
class Imported:
    """What became of it. refused: (file name, sentence) for each that was left out."""

    album: Album | None = None
    added: int = 0
    known: int = 0
    captions: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def import_album(
    path: Path, options: Options, report: Report = lambda done, total, message: None
) -> Imported:
    """Import all pictures below path, a folder or archive; see import_pictures.

    Raises SourceRefused for a path that cannot be imported, and for one without pictures.
    """
    with open_source(path) as source:
        if not source.entries:
            raise SourceRefused(f"There are no pictures in {path.name or path}.")
        return import_pictures([source], options, report)


def import_pictures(
    sources: Sequence[Source],
    options: Options,
    report: Report = lambda done, total, message: None,
) -> Imported:
    """Import all pictures of the sources, one after the other, in the order of their names.

    The album is made with the first picture, if there is none of this name. Files of the same name
    that end in ``.txt`` or ``.json`` tell the picture's caption, tags, rating and prompt
    (gallery.sidecars). report(done, total, message) is called between pictures and may raise to
    stop; what was imported stays, and the same call made again goes on where it stopped.
    """
    outcome = Imported()
    total = sum(len(source.entries) for source in sources)
    pictures = ((source, entry) for source in sources for entry in source.entries)
    for done, (source, entry) in enumerate(pictures):
        report(done, total, entry.name)
        try:
            _import_one(source, entry, options, outcome)
        except (ImageRefused, UnreadableFile, SidecarRefused) as refused:
            outcome.refused.append((entry.name, str(refused)))
    report(total, total, "")
    return outcome


def _import_one(source: Source, entry: Entry, options: Options, outcome: Imported) -> None:
    data = source.read(entry.name, settings.MAX_IMAGE_BYTES + 1)
    sidecar = sidecar_of(source, entry)
    folder = f"{options.folder}/{outcome.album.pk}" if outcome.album else options.folder
    added = add_with_sidecar(
        data,
        sidecar,
        source_type=options.source_type,
        original_name=entry.name,
        is_public=options.is_public,
        rating=options.rating,
        caption_prefix=options.caption_prefix,
        created_by=options.created_by,
        path_prefix=folder,
    )
    if options.album:
        if outcome.album is None:
            outcome.album = albums.named(
                options.album,
                source_type=Album.Source.IMPORT,
                is_public=options.is_public,
                created_by=options.created_by,
            )
        albums.put(outcome.album, added.image, added_by=options.created_by)
    outcome.added += added.created
    outcome.known += not added.created
    outcome.captions += bool(sidecar.caption)
