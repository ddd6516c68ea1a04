"""What an album's labels amount to: how much is labelled, by whom, how long, and whether it can be
trained on.
"""

import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from django.db.models import Count, Exists, OuterRef

from gallery.captions import PROMPT
from gallery.models import Album, AlbumImage, Image, Label, NearDuplicate, Rating, Tag
from gallery.token_count import LIMIT
from gallery.token_figures import histogram, token_counts, token_figures
from imagineer.words import thin
from labeling.album_captions import Captioned, captioned

# Captions beyond so many pictures are not read for the figures.
READ_AT_MOST = 20_000
WORD_STEPS = (5, 10, 20, 40, 80)
TAGS_SHOWN = 60
# kohya's and diffusers' guides train on a dozen pictures at least, and better on twenty.
FEWEST, ENOUGH = 10, 20
_NEARLY_ALL = 0.95
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Check:
    """One thing that a training needs. level: good, fair or bad; text: a sentence."""

    name: str
    level: str
    text: str


@dataclass(frozen=True)
class Figures:
    """pictures: all of the album; read: those whose captions the figures are of.

    labelled: with any label. sources: of the chosen captions, "prompt" where none is there but
    the prompt. ratings: by rating. words, tokens: histograms, [label, how many]. tags: the most
    frequent with their counts. is_ready: no check is bad.
    """

    pictures: int
    read: int
    labelled: int
    captioned: int
    rated: int
    tagged: int
    sources: dict[str, int]
    ratings: dict[str, int]
    words: list[list[Any]]
    tokens: dict[str, Any]
    tags: list[tuple[str, int]]
    checks: list[Check] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        return all(check.level != "bad" for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"is_ready": self.is_ready}


def figures(album: Album) -> Figures:
    """A fixed number of queries, and a few for each 500 pictures."""
    inside = Image.objects.filter(entries__album=album)
    labels = Label.objects.filter(image=OuterRef("pk"))
    rows = list(islice(captioned(album), READ_AT_MOST))
    texts = [row.caption for row in rows if row.caption and row.caption_source != PROMPT]
    ratings = dict(inside.order_by().values_list("rating").annotate(Count("pk")))
    total = album.live_count if rows else 0
    found = Figures(
        pictures=total,
        read=len(rows),
        labelled=inside.filter(Exists(labels)).count(),
        captioned=len(texts),
        rated=sum(count for rating, count in ratings.items() if rating != Rating.UNRATED),
        tagged=sum(bool(row.tags) for row in rows),
        sources=dict(Counter(row.caption_source for row in rows if row.caption).most_common()),
        ratings={rating: ratings[rating] for rating in Rating.values if rating in ratings},
        words=histogram([len(_WORD.findall(text)) for text in texts], WORD_STEPS),
        tokens=token_figures(token_counts(texts)),
        tags=_tags(album),
    )
    found.checks.extend(_checks(album, found, rows, texts))
    return found


def _tags(album: Album) -> list[tuple[str, int]]:
    entries = AlbumImage.objects.filter(album=album).values("image")
    uses = Tag.objects.filter(uses__image__in=entries).annotate(number=Count("uses__pk"))
    return list(uses.order_by("-number", "name").values_list("name", "number")[:TAGS_SHOWN])


def _checks(album: Album, found: Figures, rows: list[Captioned], texts: list[str]) -> list[Check]:
    if not rows:
        return [Check("pictures", "bad", "There are no pictures in this album.")]
    return [
        _pictures(found.pictures),
        _captions(found.read, found.captioned, found.sources.get(PROMPT, 0)),
        *([_lengths(found.tokens, len(texts)), _variety(texts)] if texts else []),
        _near_duplicates(album),
        _sizes(rows),
    ]


def _pictures(count: int) -> Check:
    said = f"{thin(count)} picture{'' if count == 1 else 's'}"
    if count < FEWEST:
        return Check("pictures", "bad", f"{said}: a LoRA needs {FEWEST} at least.")
    if count < ENOUGH:
        return Check("pictures", "fair", f"{said}: enough for a subject; {ENOUGH} are better.")
    return Check("pictures", "good", f"{said}.")


def _captions(pictures: int, count: int, prompts: int) -> Check:
    without = pictures - count
    if without == 0:
        return Check("captions", "good", "Every picture has a caption.")
    said = f"{thin(without)} of {thin(pictures)} pictures have no caption"
    if without == prompts:
        return Check("captions", "fair", f"{said}; the prompt that they were drawn from counts.")
    level = "fair" if count >= _NEARLY_ALL * pictures else "bad"
    return Check("captions", level, f"{said} and are left out of a training. Label them first.")


def _lengths(tokens: dict[str, Any], count: int) -> Check:
    too_long = tokens["too_long"]
    if not too_long:
        return Check("length", "good", f"No caption is cut off: all are within {LIMIT} tokens.")
    level = "fair" if too_long <= (1 - _NEARLY_ALL) * count else "bad"
    said = f"{thin(too_long)} of {thin(count)} captions"
    return Check("length", level, f"{said} are cut off at {LIMIT} tokens. Shorten them.")


def _variety(texts: list[str]) -> Check:
    distinct = len({text.casefold() for text in texts})
    if distinct >= 0.8 * len(texts):
        return Check("variety", "good", "The captions differ from picture to picture.")
    said = f"{thin(len(texts))} captions use {thin(distinct)} wordings"
    return Check("variety", "fair", f"{said}: what all say alike, the LoRA does not tell apart.")


def _near_duplicates(album: Album) -> Check:
    inside = AlbumImage.objects.filter(album=album).values("image")
    pairs = NearDuplicate.objects.filter(dismissed_at=None, first__in=inside, second__in=inside)
    count = pairs.count()
    if not count:
        return Check("duplicates", "good", "No near-duplicates are known among them.")
    said = f"{thin(count)} pair{'' if count == 1 else 's'} of near-duplicates"
    return Check("duplicates", "fair", f"{said}: they count twice. Merge them, or remove one each.")


def _sizes(rows: list[Captioned]) -> Check:
    sides = sorted(min(row.image.width, row.image.height) for row in rows)
    small = sum(side < 512 for side in sides)
    said = f"Short sides from {thin(sides[0])} to {thin(sides[-1])} px"
    if not small:
        return Check("size", "good", f"{said}.")
    return Check(
        "size", "fair",
        f"{said}; {thin(small)} below the 512 px at which Stable Diffusion 1.5 draws.",
    )  # fmt: skip
