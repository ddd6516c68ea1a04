"""The judge: reads what is drawn on a picture, and in which colours, or refuses.

It knows drawings only. A picture is split into ink and paper, and the ink is correlated with the
drawings of every symbol in the place where that symbol stands; nothing is learned from pictures
that a network made.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from generation.builtin.drawing import HEIGHT, INKS, PAPERS, WIDTH, Colour
from generation.builtin.subjects import Kind, Subject, all_subjects, canvas_of, draw
from generation.builtin.tarot import MINOR_RANKS, TRUMPS

Floats = NDArray[np.float32]
Region = tuple[int, int, int, int]

SLIDE = 2
"""How many pixels a drawing may be off its place, in each direction."""
LEAST_WHOLE = 0.86
"""Correlation that the whole picture must reach with the drawing that was read."""
LEAST_PART = 0.82
"""Correlation that each symbol must reach in its place."""
LEAST_LEAD = 0.015
"""How far a symbol's correlation must lie above the next best symbol's."""
LEAST_CONTRAST = 60.0
"""Distance between ink and paper (0..442) below which a picture counts as empty."""
COLOUR_REACH = 55.0
"""Distance (0..442) within which a colour still bears a palette colour's name."""

PLACES: dict[Kind, tuple[Region, ...]] = {
    "card": ((10, 9, 54, 49), (10, 49, 54, 88)),
    "sign": ((8, 14, 56, 82),),
    "tarot": ((6, 6, 58, 56), (6, 61, 58, 91)),
}
"""Where the symbols of each kind stand: (left, top, right, bottom) in pixels."""


@dataclass(frozen=True)
class Reading:
    """What the judge sees; `subject` is None when the picture shows none of our drawings."""

    subject: Subject | None
    ink: str | None
    paper: str | None
    score: float
    """Correlation of the whole picture with the best drawing, -1..1."""


@dataclass(frozen=True)
class _Place:
    """One place on one kind of picture: the symbols that may stand there, as unit vectors."""

    region: Region
    labels: list[tuple[str, ...]]
    shapes: Floats


def _unit(rows: Floats) -> Floats:
    """Rows with mean 0 and length 1; flat rows become 0."""
    centred = rows - rows.mean(-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    return np.asarray(centred / np.maximum(length, 1e-6), dtype=np.float32)


def _template(subject: Subject) -> Floats:
    """The ink of a subject's drawing, softened, 0..1, (96, 64)."""
    mask = canvas_of(subject).mask().filter(ImageFilter.GaussianBlur(0.6))
    return np.asarray(mask, dtype=np.float32) / np.float32(255)


def _crop(image: Floats, region: Region) -> Floats:
    left, top, right, bottom = region
    return image[..., top:bottom, left:right].reshape(*image.shape[:-2], -1)


@lru_cache(maxsize=1)
def _wholes() -> tuple[list[Subject], Floats]:
    """All subjects and their inner pictures as unit vectors."""
    subjects = all_subjects()
    inner = (SLIDE, SLIDE, WIDTH - SLIDE, HEIGHT - SLIDE)
    return subjects, _unit(np.stack([_crop(_template(s), inner) for s in subjects]))


@lru_cache(maxsize=3)
def _places(kind: Kind) -> list[_Place]:
    """The places of one kind; subjects with the same symbol there share one shape."""
    places = []
    for index, region in enumerate(PLACES[kind]):
        groups: dict[str, list[Subject]] = {}
        for subject in all_subjects():
            if subject.kind == kind:
                groups.setdefault(_symbol(subject, index), []).append(subject)
        shapes = [
            np.mean([_crop(_template(s), region) for s in group], axis=0)
            for group in groups.values()
        ]
        labels = [tuple(s.name for s in group) for group in groups.values()]
        places.append(_Place(region, labels, _unit(np.stack(shapes))))
    return places


def _symbol(subject: Subject, place: int) -> str:
    """What stands in a place of the subject's picture; equal names mean equal symbols."""
    if subject.kind == "sign":
        return subject.rank
    if subject.kind == "card":
        upper = subject.name if subject.rank == "joker" else subject.rank
        return upper if place == 0 else ("cap" if subject.rank == "joker" else subject.suit)
    if place == 0:
        return subject.suit
    if subject.rank == "trump":
        return str(list(TRUMPS).index(subject.suit))
    return MINOR_RANKS[subject.rank]


def split_colours(pixels: Floats) -> tuple[Floats, Floats]:
    """Ink and paper (3,) of a picture (96, 64, 3) in 0..255: the two means of its colours.

    Paper is the colour of most pixels.
    """
    flat = pixels.reshape(-1, 3)
    centred = flat - flat.mean(0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    along = centred @ axis
    cut = (np.percentile(along, 2) + np.percentile(along, 98)) / 2
    for _ in range(5):
        upper = along > cut
        if upper.all() or not upper.any():
            return flat.mean(0), flat.mean(0)
        cut = (along[upper].mean() + along[~upper].mean()) / 2
    if upper.mean() > 0.5:
        upper = ~upper
    paper = np.median(flat[~upper], 0)
    return _full_ink(flat[upper], paper), paper.astype(np.float32)


def _full_ink(pixels: Floats, paper: Floats) -> Floats:
    """The colour of the darkest part of the ink (N, 3): thin lines are paler than their ink."""
    line = np.median(pixels, 0) - paper
    depth = (pixels - paper) @ line
    full = depth >= 0.85 * np.percentile(depth, 95)
    return np.asarray(np.median(pixels[full], 0), dtype=np.float32)


def ink_map(pixels: Floats, ink: Floats, paper: Floats) -> Floats:
    """How much ink lies on each pixel, 0..1, (96, 64)."""
    line = ink - paper
    share = (pixels - paper) @ line / max(float(line @ line), 1.0)
    return np.clip(share, 0, 1).astype(np.float32)


def colour_name(colour: Sequence[float] | Floats, palette: dict[str, Colour]) -> str | None:
    """The nearest name of a palette, or None when even that is far away."""
    seen = np.asarray(colour, dtype=np.float32)
    gaps = {name: float(np.linalg.norm(seen - np.array(c))) for name, c in palette.items()}
    best = min(gaps, key=lambda name: gaps[name])
    return best if gaps[best] <= COLOUR_REACH else None


def _slides(ink: Floats) -> Floats:
    """The ink map moved by every offset up to SLIDE, (25, 96, 64)."""
    padded = np.pad(ink, SLIDE, mode="edge")
    spots = [(y, x) for y in range(2 * SLIDE + 1) for x in range(2 * SLIDE + 1)]
    return np.stack([padded[y : y + HEIGHT, x : x + WIDTH] for y, x in spots])


def _read_place(slides: Floats, place: _Place) -> tuple[str, ...]:
    """Names of the subjects whose symbol stands in this place; empty when none is clear."""
    scores = (_unit(_crop(slides, place.region)) @ place.shapes.T).max(0)
    order = np.argsort(scores)[::-1]
    best = float(scores[order[0]])
    lead = best - float(scores[order[1]])
    return place.labels[order[0]] if best >= LEAST_PART and lead >= LEAST_LEAD else ()


def read_symbols(picture: Image.Image, kind: Kind) -> Subject | None:
    """The subject of a given kind whose symbols stand in their places.

    Frame, margins and colours play no part, so pictures in a learned style can be read too.
    """
    pixels = np.asarray(picture.convert("RGB").resize((WIDTH, HEIGHT)), dtype=np.float32)
    ink, paper = split_colours(pixels)
    if float(np.linalg.norm(ink - paper)) < LEAST_CONTRAST:
        return None
    return _read_kind(_slides(ink_map(pixels, ink, paper)), kind)


def _read_kind(slides: Floats, kind: Kind) -> Subject | None:
    names: set[str] | None = None
    for place in _places(kind):
        found = set(_read_place(slides, place))
        names = found if names is None else names & found
    matching = [s for s in all_subjects() if s.kind == kind and s.name in (names or ())]
    return matching[0] if len(matching) == 1 else None


def read(picture: Image.Image) -> Reading:
    """Read one picture of any size; it is judged at 64×96."""
    pixels = np.asarray(picture.convert("RGB").resize((WIDTH, HEIGHT)), dtype=np.float32)
    ink, paper = split_colours(pixels)
    if float(np.linalg.norm(ink - paper)) < LEAST_CONTRAST:
        return Reading(None, None, None, 0.0)
    slides = _slides(ink_map(pixels, ink, paper))
    subjects, wholes = _wholes()
    inner = (SLIDE, SLIDE, WIDTH - SLIDE, HEIGHT - SLIDE)
    scores = (_unit(_crop(slides, inner)) @ wholes.T).max(0)
    best = int(scores.argmax())
    subject = _read_kind(slides, subjects[best].kind) if scores[best] >= LEAST_WHOLE else None
    if subject is not None and scores[subjects.index(subject)] < LEAST_WHOLE:
        subject = None
    return Reading(subject, colour_name(ink, INKS), colour_name(paper, PAPERS), float(scores[best]))


def is_right(picture: Image.Image, subject: Subject, ink: str, paper: str) -> bool:
    """Whether the picture shows this subject in both of these colours."""
    reading = read(picture)
    return (reading.subject, reading.ink, reading.paper) == (subject, ink, paper)


def worn(picture: Image.Image, rng: random.Random) -> Image.Image:
    """The picture as a network might give it back: blurred a little, with faint noise."""
    soft = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.1)))
    if rng.random() < 0.3:
        small = soft.resize((WIDTH // 2, HEIGHT // 2), Image.Resampling.BOX)
        soft = small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(0, 7), (96, 64, 3))
    values = np.asarray(soft, dtype=np.float32) + noise
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8), "RGB")


def held_out(count: int, seed: int) -> list[tuple[Image.Image, Subject, str, str]]:
    """Worn drawings that no template was made from: moved, recoloured, blurred."""
    rng = random.Random(seed)
    subjects, inks, papers = all_subjects(), list(INKS), list(PAPERS)
    result = []
    for index in range(count):
        subject = subjects[index % len(subjects)]
        ink, paper = rng.choice(inks), rng.choice(papers)
        picture = worn(draw(subject, ink, paper, rng, 1.5, 8), rng)
        result.append((picture, subject, ink, paper))
    return result
