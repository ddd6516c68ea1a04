"""Tarot cards: an emblem above a numeral, in a heavy frame with a bar between the two."""

from collections.abc import Callable

from generation.builtin import emblems
from generation.builtin.drawing import Canvas, Point, place_glyph

Emblem = Callable[[Canvas, Point, float], None]

TRUMPS: dict[str, Emblem] = {
    "the fool": emblems.fool,
    "the magician": emblems.magician,
    "the high priestess": emblems.high_priestess,
    "the empress": emblems.empress,
    "the emperor": emblems.emperor,
    "the hierophant": emblems.hierophant,
    "the lovers": emblems.lovers,
    "the chariot": emblems.chariot,
    "strength": emblems.strength,
    "the hermit": emblems.hermit,
    "wheel of fortune": emblems.wheel,
    "justice": emblems.justice,
    "the hanged man": emblems.hanged_man,
    "death": emblems.death,
    "temperance": emblems.temperance,
    "the devil": emblems.devil,
    "the tower": emblems.tower,
    "the star": emblems.star_emblem,
    "the moon": emblems.moon,
    "the sun": emblems.sun,
    "judgement": emblems.judgement,
    "the world": emblems.world,
}
"""Trump name → its emblem; the position in this mapping is its number, 0 to 21."""

MINOR_RANKS: dict[str, str] = {
    "ace": "A",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "page": "P",
    "knight": "N",
    "queen": "Q",
    "king": "K",
}
"""Rank word of a minor card → its glyph (a knight is N, as in chess notation)."""

MINOR_SUITS: dict[str, Emblem] = {
    "cups": emblems.cup,
    "wands": emblems.wand,
    "swords": emblems.sword,
    "pentacles": emblems.pentacle,
}
"""Suit word of a minor card → its emblem."""


def _blank() -> Canvas:
    canvas = Canvas()
    canvas.frame(2.0, 3.0)
    canvas.rectangle((4, 57.5, 60, 60))
    return canvas


def _numeral(canvas: Canvas, text: str) -> None:
    """Lighter than a card's rank, since a small bold 16 and 18 look the same."""
    place_glyph(canvas, text, (32, 75.5), 27, 48, weight=5)


def trump(name: str) -> Canvas:
    """One of the 22 trumps, by its name in TRUMPS."""
    canvas = _blank()
    TRUMPS[name](canvas, (32, 31), 42)
    _numeral(canvas, str(list(TRUMPS).index(name)))
    return canvas


def minor(rank: str, suit: str) -> Canvas:
    """One of the 56 minor cards."""
    canvas = _blank()
    MINOR_SUITS[suit](canvas, (32, 31), 42)
    _numeral(canvas, MINOR_RANKS[rank])
    return canvas
