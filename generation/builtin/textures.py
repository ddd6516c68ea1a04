"""Varied pictures that teach the VAE to keep more than cards.

A LoRA can only learn what the VAE keeps, so the VAE also sees hatchings, dots, gradients, noise
with the statistics of photographs, loose shapes, and drawings in any two colours.
"""

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from generation.builtin.drawing import HEIGHT, INKS, PAPERS, WIDTH, Colour, paint, star
from generation.builtin.subjects import all_subjects, canvas_of, nudge

Floats = NDArray[np.float32]
_ROWS, _COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
_SUBJECTS = all_subjects()


def any_colour(rng: random.Random) -> Colour:
    """A colour from the whole cube, somewhat more often near its corners."""
    return tuple(  # type: ignore[return-value]
        round(255 * (rng.random() if rng.random() < 0.7 else rng.choice((0.02, 0.5, 0.98))))
        for _ in range(3)
    )


def two_colours(rng: random.Random, least: int = 120) -> tuple[Colour, Colour]:
    """Two colours whose channels differ by at least `least` levels in sum."""
    while True:
        first, second = any_colour(rng), any_colour(rng)
        if sum(abs(a - b) for a, b in zip(first, second, strict=True)) >= least:
            return first, second


def blend(weight: Floats, first: Colour, second: Colour) -> Image.Image:
    """A picture that goes from `second` (weight 0) to `first` (weight 1); weight is (96, 64)."""
    share = np.clip(weight, 0, 1)[..., None]
    values = share * np.array(first) + (1 - share) * np.array(second)
    return Image.fromarray(values.round().astype(np.uint8), "RGB")


def _along(rng: random.Random) -> Floats:
    """Distance of each pixel along a random direction, in pixels."""
    angle = rng.uniform(0, np.pi)
    return np.asarray(_COLUMNS * np.cos(angle) + _ROWS * np.sin(angle), dtype=np.float32)


def gradient(rng: random.Random) -> Image.Image:
    along = _along(rng)
    span = float(along.max() - along.min())
    return blend((along - along.min()) / span, any_colour(rng), any_colour(rng))


def hatching(rng: random.Random) -> Image.Image:
    """Parallel or crossed lines, 3 to 12 pixels apart."""
    weight = _lines(rng)
    if rng.random() < 0.4:
        weight = np.maximum(weight, _lines(rng))
    return blend(weight, *two_colours(rng))


def _lines(rng: random.Random) -> Floats:
    period = rng.uniform(3, 12)
    phase = (_along(rng) / period + rng.random()) % 1
    duty = rng.uniform(0.25, 0.6)
    edge = np.minimum(phase, 1 - phase) * period
    depth = np.clip(duty * period / 2 - edge + 0.5, 0, 1)
    return np.asarray(depth, dtype=np.float32)


def dots(rng: random.Random) -> Image.Image:
    """A regular field of discs, or scattered ones."""
    ink, paper = two_colours(rng)
    image = Image.new("L", (WIDTH * 4, HEIGHT * 4), 0)
    pen = ImageDraw.Draw(image)
    gap, size = rng.uniform(4, 14), rng.uniform(0.8, 3.5)
    for row in range(int(HEIGHT / gap) + 1):
        for column in range(int(WIDTH / gap) + 1):
            x, y = (column + 0.5 * (row % 2)) * gap, row * gap
            if rng.random() < 0.5:
                x, y = x + rng.uniform(-1, 1), y + rng.uniform(-1, 1)
            box = [(x - size) * 4, (y - size) * 4, (x + size) * 4, (y + size) * 4]
            pen.ellipse(box, fill=255)
    return paint(image.reduce(4), ink, paper)


def natural_noise(rng: random.Random) -> Image.Image:
    """Coloured noise whose power falls with frequency, as in photographs."""
    generator = np.random.default_rng(rng.getrandbits(32))
    radius = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.fftfreq(WIDTH)[None])
    fall = 1 / np.maximum(radius, 1 / 96) ** rng.uniform(0.8, 1.8)
    planes = []
    for _ in range(3):
        spectrum = np.fft.fft2(generator.standard_normal((HEIGHT, WIDTH))) * fall
        plane = np.real(np.fft.ifft2(spectrum))
        planes.append((plane - plane.mean()) / (plane.std() + 1e-6))
    grey = np.stack(planes, -1)
    if rng.random() < 0.7:
        share = rng.uniform(0.4, 0.9)
        grey = share * grey[..., :1] + (1 - share) * grey
    values = np.array(any_colour(rng)) + grey * rng.uniform(20, 60)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8), "RGB")


def shapes(rng: random.Random) -> Image.Image:
    """Loose overlapping polygons, discs and lines in many colours."""
    image = Image.new("RGB", (WIDTH * 4, HEIGHT * 4), any_colour(rng))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(3, 14)):
        x, y = rng.uniform(0, WIDTH * 4), rng.uniform(0, HEIGHT * 4)
        size, colour = rng.uniform(8, 90), any_colour(rng)
        kind = rng.randrange(4)
        if kind == 0:
            pen.ellipse([x - size, y - size, x + size, y + size], fill=colour)
        elif kind == 1:
            corners = star((x, y), size, size * rng.uniform(0.3, 0.9), rng.randint(3, 8))
            pen.polygon(corners, fill=colour)
        elif kind == 2:
            pen.rectangle([x, y, x + size * 1.5, y + size], fill=colour)
        else:
            end = (x + rng.uniform(-200, 200), y + rng.uniform(-200, 200))
            pen.line([(x, y), end], fill=colour, width=rng.randint(5, 20))
    return image.reduce(4)


def drawing(rng: random.Random) -> Image.Image:
    """A card, sign or tarot card in any two colours, at times moved, framed or dotted."""
    canvas = canvas_of(rng.choice(_SUBJECTS))
    mask = canvas.mask(round(rng.uniform(-3, 3), 1), round(rng.uniform(-3, 3), 1))
    ink, paper = two_colours(rng, 160)
    picture = paint(mask, ink, paper)
    style = rng.randrange(4)
    if style == 0:
        ground = rng.choice((hatching, dots, gradient, natural_noise))(rng)
        picture = Image.composite(picture, ground, mask)
    elif style == 1:
        pen, inset = ImageDraw.Draw(picture), rng.randint(0, 6)
        box = [inset, inset, WIDTH - 1 - inset, HEIGHT - 1 - inset]
        pen.rectangle(box, outline=any_colour(rng), width=rng.randint(1, 5))
    return picture


def inverted(rng: random.Random) -> Image.Image:
    """A drawing in a light ink on a dark ground, at times in a bold frame of that ink."""
    canvas = canvas_of(rng.choice(_SUBJECTS))
    mask = canvas.mask(round(rng.uniform(-1, 1), 1), round(rng.uniform(-1, 1), 1))
    if rng.random() < 0.6:
        inset, size = rng.randint(0, 4), mask.size
        box = [inset, inset, size[0] - 1 - inset, size[1] - 1 - inset]
        ImageDraw.Draw(mask).rectangle(box, outline=255, width=rng.randint(2, 6))
    light = nudge(rng.choice([*PAPERS.values(), (244, 190, 62), (252, 220, 90)]), 12, rng)
    depth = rng.uniform(0.4, 1)
    red, green, blue = (round(part * depth) for part in rng.choice(list(INKS.values())))
    return paint(mask, light, nudge((red, green, blue), 25, rng))


_MAKERS: tuple[Callable[[random.Random], Image.Image], ...] = (
    drawing,
    drawing,
    drawing,
    inverted,
    inverted,
    inverted,
    hatching,
    dots,
    natural_noise,
    natural_noise,
    shapes,
    shapes,
    gradient,
)


def texture(rng: random.Random) -> Image.Image:
    """One varied 64×96 RGB picture; the same state of `rng` gives the same picture."""
    return rng.choice(_MAKERS)(rng)
