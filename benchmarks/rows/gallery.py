"""Image rows by the million in realistic skew: few tags, words and albums are everywhere.

Written past the ORM, which would take hours, and past the triggers, which count and index once at
the end. Import it once Django is set up.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection, models

from gallery import image_index, search_names, triggers
from gallery.models import (
    Album,
    AlbumImage,
    Image,
    ImageTag,
    Label,
    SearchDocument,
    SearchName,
    Tag,
)
from gallery.search_words import texts, token_of

TAGS, WORDS = 3000, 4000
PART = 20_000
_KEPT = (
    triggers.Membership("gallery_albumimage", "gallery_album", "album_id"),
    triggers.Membership("gallery_imagetag", "gallery_tag", "tag_id"),
    triggers.FullText("gallery_searchdocument", "image_id", ("words", "veiled_words", "facts")),
    triggers.FullText("gallery_searchname", "id", ("words",)),
)


def fill(size: int) -> None:
    """Fill an empty SQLite database with so many images; nothing if it holds some."""
    if Image.everything.exists():
        return
    triggers._before(_KEPT, using="default", plan=[1])
    Tag.objects.bulk_create([Tag(name=f"tag {number}") for number in range(TAGS)])
    albums = max(60, size // 200)
    _make_albums(albums)
    connection.ensure_connection()
    raw = connection.connection
    raw.execute("PRAGMA synchronous=OFF")
    raw.execute("BEGIN")
    rows = _Rows(size, albums)
    for first in range(1, size + 1, PART):
        rows.write(raw, range(first, min(size + 1, first + PART)))
    raw.execute("COMMIT")
    triggers._after(_KEPT, using="default", plan=[1])
    assert image_index.refresh_missing() == 0
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _make_albums(number: int) -> None:
    for start in range(0, number, 1000):
        made = Album.objects.bulk_create(
            Album(name=f"Album {place}", slug=f"album-{place}")
            for place in range(start, min(number, start + 1000))
        )
        marks = (search_names.bearer("album"), search_names.PUBLIC)
        SearchName.objects.bulk_create(
            SearchName(key="album", owner_id=row.pk, words=" ".join((texts([row.name]), *marks)))
            for row in made
        )


class _Rows:
    """What chance makes of each image; the same for the same size."""

    def __init__(self, size: int, albums: int) -> None:
        self.chance = random.Random(size)
        self.albums = albums
        self.words = (f"word{rank}" for rank in self._ranks(WORDS))
        self.tags = (rank + 1 for rank in self._ranks(TAGS))

    def _ranks(self, number: int) -> Iterator[int]:
        """Zipf's law: the second is half as frequent as the first, the third a third."""
        weights = [1 / (rank + 1) for rank in range(number)]
        while True:
            yield from self.chance.choices(range(number), weights=weights, k=500_000)

    def write(self, raw: Any, pks: Sequence[int]) -> None:
        images, documents, uses, labels, entries = [], [], [], [], []
        for pk in pks:
            roll = self.chance.random()
            rating = "EXPLICIT" if roll < 0.05 else "UNRATED" if roll < 0.4 else "SAFE"
            public, veiled = self.chance.random() > 0.04, rating == "EXPLICIT"
            exposure = 2 if not public else 1 if veiled else 0
            source = self.chance.choice(["upload", "generated", "imported"])
            size = self.chance.choice([(512, 768), (768, 512), (1024, 1024), (4000, 3000)])
            prompt, caption = " ".join(islice(self.words, 8)), " ".join(islice(self.words, 8))
            moment = f"2026-01-01 00:00:{pk % 60:02}"
            images.append((
                pk, f"uploads/{pk}.png", f"{pk}.png", f"{pk:064x}", self.chance.getrandbits(63),
                *size, 1_000_000, "png", source, prompt, rating, veiled, veiled, public,
                f"{pk:032x}", f"{pk + 2**64:032x}", moment,
            ))  # fmt: skip
            own = sorted(set(islice(self.tags, 4)))
            uses += [(tag, pk, exposure) for tag in own]
            labels.append((pk, "caption", caption, "claude", moment))
            labels += [(pk, "tag", f"tag {tag - 1}", "claude", moment) for tag in own]
            facts = [token_of("most", most) for most in range(exposure, 4)]
            facts += [token_of("source", source), token_of("rating", rating)]
            if self.chance.random() < 0.6:
                # A power of chance: the first albums hold most of all.
                shelf = 1 + int(self.chance.random() ** 4 * self.albums)
                entries.append((shelf, pk, pk, exposure, moment))
                facts.append(token_of("album", shelf))
            said = " ".join((caption, prompt, *(token_of("tag", tag) for tag in own)))
            documents.append((pk, "" if veiled else said, said if veiled else "", " ".join(facts)))
        _insert(
            raw, Image, "id file original_name sha256 phash width height bytes format source_type "
            "prompt rating is_nsfw is_veiled is_public sharp_key blurred_key created_at", images,
        )  # fmt: skip
        _insert(raw, ImageTag, "tag_id image_id exposure", uses)
        _insert(raw, Label, "image_id kind text source created_at", labels)
        _insert(raw, AlbumImage, "album_id image_id position exposure added_at", entries)
        _insert(raw, SearchDocument, "image_id words veiled_words facts", documents)


def _insert(raw: Any, model: type[models.Model], columns: str, rows: list[tuple[Any, ...]]) -> None:
    """Columns that are not named get their default."""
    named = columns.split()
    rest = {
        str(field.column): field.get_db_prep_save(field.get_default(), connection)
        for field in model._meta.concrete_fields
        if not (field.null or field.generated or field.primary_key or field.column in named)
    }
    names, values = [*named, *rest], tuple(rest.values())
    raw.executemany(
        f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) "
        f"VALUES ({', '.join('?' * len(names))})",
        (row + values for row in rows),
    )
