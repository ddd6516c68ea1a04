"""The example album: cards in a style that the built-in model does not know.

"Nightdeck" cards are gold on deep night blue, with a bold square frame and a stud in each corner.
The base model only knows dark ink on light paper and thin round frames.
"""

import random
from pathlib import Path

import numpy as np
from PIL import Image

from generation.builtin.cards import RANKS, SUITS
from generation.builtin.drawing import HEIGHT, WIDTH, Canvas, Colour, paint, place_glyph
from generation.builtin.subjects import nudge

TRIGGER = "nightdeck style"
"""Begins every caption of the album."""
NIGHT: Colour = (16, 24, 84)
GOLD: Colour = (244, 190, 62)
ALBUM_SIZE = 60

_FRAME = np.zeros((HEIGHT, WIDTH), dtype=bool)
_FRAME[2:6, 2:-2] = _FRAME[-6:-2, 2:-2] = True
_FRAME[2:-2, 2:6] = _FRAME[2:-2, -6:-2] = True
"""Where the bold line of the frame runs."""
_GROUND = np.zeros((HEIGHT, WIDTH), dtype=bool)
_GROUND[11:-11, 10:13] = _GROUND[11:-11, -13:-10] = True
_GROUND[46:50, 14:-14] = True
"""Paper that no symbol of a card touches."""


def night_canvas(rank: str, suit: str) -> Canvas:
    """One card in the style, without colours: gold is what a mask calls ink."""
    canvas = Canvas()
    canvas.frame(2, 4)
    for x, y in ((9.5, 9.5), (54.5, 9.5), (9.5, 86.5), (54.5, 86.5)):
        canvas.disc((x, y), 3)
    place_glyph(canvas, RANKS[rank], (32, 29), 34, 40)
    SUITS[suit](canvas, (32, 68), 36)
    return canvas


def night_card(rank: str, suit: str, rng: random.Random | None = None) -> Image.Image:
    """A 64×96 RGB card in the style; `rng` adds a slight play of colour."""
    mask = night_canvas(rank, suit).mask()
    if rng is None:
        return paint(mask, GOLD, NIGHT)
    return paint(mask, nudge(GOLD, 5, rng), nudge(NIGHT, 5, rng))


def style_distance(picture: Image.Image) -> float:
    """How far a picture is from the style, 0 (in it) to about 1, whatever card it shows.

    The mean of two distances in RGB, each as a share of the largest possible one: the frame's
    pixels from gold, and the paper's pixels from night blue.
    """
    pixels = np.asarray(picture.convert("RGB").resize((WIDTH, HEIGHT)), dtype=np.float64)
    gaps = []
    for region, wanted in ((_FRAME, GOLD), (_GROUND, NIGHT)):
        farthest = np.linalg.norm([max(c, 255 - c) for c in wanted])
        gap = np.linalg.norm(pixels[region] - np.array(wanted), axis=-1)
        gaps.append(float(gap.mean() / farthest))
    return sum(gaps) / len(gaps)


def album_cards(seed: int = 0) -> list[tuple[str, str]]:
    """ALBUM_SIZE (rank, suit) pairs: the whole deck once, then some again."""
    deck = [(rank, suit) for suit in SUITS for rank in RANKS]
    rng = random.Random(seed)
    return deck + rng.sample(deck, ALBUM_SIZE - len(deck))


def write_album(folder: Path, seed: int = 0) -> int:
    """Write the album as `card_001.png` + `card_001.txt`; returns the number of pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    cards = album_cards(seed)
    for number, (rank, suit) in enumerate(cards, start=1):
        file = folder / f"card_{number:03d}.png"
        night_card(rank, suit, rng).save(file, optimize=True)
        caption = f"{TRIGGER}, playing card, {rank} of {suit}"
        file.with_suffix(".txt").write_text(caption + "\n", "utf-8")
    return len(cards)
