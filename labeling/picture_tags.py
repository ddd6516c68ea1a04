"""Tags that a picture's pixels tell without a model: its colours and its format. Pure."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# So many colours at most, each of at least this share of the picture.
MOST_COLOURS = 3
LEAST_SHARE = 0.15
BLACK_AND_WHITE = "black and white"
# Words of their own: whoever searches for portraits or landscapes means what is in the picture.
TALL, WIDE, SQUARE = "tall format", "wide format", "square format"
# Sides that differ by less look equal.
_SQUARE_WITHIN = 1.05
_SIDE = 64
# Chroma that is no colour to the eye, of all but so many of the pixels.
_GREY_CHROMA = 12
_GREY_SHARE = 0.99

_Pixels = NDArray[np.float64]


def tags_of(picture: Image.Image) -> tuple[str, ...]:
    """Its colours, the largest first, and its format. picture: upright."""
    return (*colours(picture), format_of(*picture.size))


def format_of(width: int, height: int) -> str:
    if max(width, height) < min(width, height) * _SQUARE_WITHIN:
        return SQUARE
    return TALL if height > width else WIDE


def colours(picture: Image.Image) -> tuple[str, ...]:
    """The names of what covers most of it; BLACK_AND_WHITE alone for greys of any kind."""
    small = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float64).reshape(-1, 3)
    chroma = pixels.max(axis=1) - pixels.min(axis=1)
    if (chroma <= _GREY_CHROMA).mean() >= _GREY_SHARE:
        return (BLACK_AND_WHITE,)
    names, counts = np.unique(_named(pixels), return_counts=True)
    largest = sorted(zip(-counts, names.tolist(), strict=True))[:MOST_COLOURS]
    return tuple(name for count, name in largest if -count >= LEAST_SHARE * len(pixels))


def _named(pixels: _Pixels) -> NDArray[np.str_]:
    """The name of each colour. pixels: n × 3, red, green and blue, 0..255."""
    high, low = pixels.max(axis=1) / 255, pixels.min(axis=1) / 255
    chroma = high - low
    light = (high + low) / 2
    vivid = chroma / np.maximum(1 - np.abs(2 * light - 1), 1e-6)
    hue = _hue(pixels / 255, high, chroma)
    warm, red = (hue >= 15) & (hue < 70), (hue < 15) | (hue >= 345)
    # The first that holds names it.
    rules = (
        (light < 0.15, "black"),
        ((light > 0.92) & (chroma < 0.12), "white"),
        ((chroma < 0.08) | (vivid < 0.12), "grey"),
        (light < 0.17, "black"),
        (warm & (hue < 50) & (light < 0.42) & (vivid < 0.9), "brown"),
        (warm & (hue < 50) & (light < 0.3), "brown"),
        (warm & (light > 0.65) & (chroma < 0.42), "beige"),
        (red & (light > 0.68), "pink"),
        (red, "red"),
        (hue < 45, "orange"),
        ((hue < 68) & (light >= 0.3), "yellow"),
        (hue < 165, "green"),
        (hue < 190, "turquoise"),
        (hue < 258, "blue"),
        ((hue < 295) | (light < 0.4), "purple"),
        (light > 0, "pink"),
    )
    return np.select([rule for rule, _ in rules], [name for _, name in rules], default="black")


def _hue(shares: _Pixels, high: _Pixels, chroma: _Pixels) -> _Pixels:
    """Degrees, 0 for red; 0 too for greys."""
    red, green, blue = shares.T
    step = np.maximum(chroma, 1e-9)
    sector = np.select(
        [high == red, high == green],
        [((green - blue) / step) % 6, (blue - red) / step + 2],
        default=(red - green) / step + 4,
    )
    return np.where(chroma > 0, sector * 60, 0.0)
