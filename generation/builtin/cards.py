"""Playing cards: the rank as one large glyph above one large suit symbol."""

from collections.abc import Callable

from generation.builtin.drawing import Canvas, Point, arc, place_glyph, star

RANKS: dict[str, str] = {
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
    "jack": "J",
    "queen": "Q",
    "king": "K",
}
"""Rank word → the glyph on the card."""

JOKERS: dict[str, int] = {"first": 1, "second": 2}
"""Joker word → how many stars stand above the jester's cap."""


def heart(canvas: Canvas, centre: Point, size: float) -> None:
    x, y = centre
    lobe = size * 0.27
    for side in (-1, 1):
        canvas.disc((x + side * size * 0.23, y - size * 0.2), lobe)
    canvas.polygon(
        [
            (x - size * 0.475, y - size * 0.08),
            (x, y - size * 0.3),
            (x + size * 0.475, y - size * 0.08),
            (x, y + size * 0.5),
        ]
    )


def spade(canvas: Canvas, centre: Point, size: float) -> None:
    x, y = centre
    for side in (-1, 1):
        canvas.disc((x + side * size * 0.23, y + size * 0.1), size * 0.25)
    canvas.polygon(
        [
            (x - size * 0.45, y),
            (x, y - size * 0.5),
            (x + size * 0.45, y),
            (x, y + size * 0.25),
        ]
    )
    _stem(canvas, centre, size)


def club(canvas: Canvas, centre: Point, size: float) -> None:
    x, y = centre
    canvas.disc((x, y - size * 0.26), size * 0.23)
    for side in (-1, 1):
        canvas.disc((x + side * size * 0.27, y + size * 0.1), size * 0.23)
    canvas.disc((x, y), size * 0.12)
    _stem(canvas, centre, size)


def diamond(canvas: Canvas, centre: Point, size: float) -> None:
    x, y = centre
    half = size * 0.4
    canvas.polygon([(x, y - size * 0.5), (x + half, y), (x, y + size * 0.5), (x - half, y)])


def _stem(canvas: Canvas, centre: Point, size: float) -> None:
    x, y = centre
    foot = y + size * 0.5
    canvas.polygon([(x, y), (x + size * 0.2, foot), (x - size * 0.2, foot)])


SUITS: dict[str, Callable[[Canvas, Point, float], None]] = {
    "hearts": heart,
    "spades": spade,
    "diamonds": diamond,
    "clubs": club,
}
"""Suit word → the function that draws its symbol (canvas, centre, size)."""


def jester_cap(canvas: Canvas, centre: Point, size: float) -> None:
    """A three-pointed cap with bells."""
    x, y = centre
    band = y + size * 0.36
    canvas.rectangle((x - size * 0.36, band, x + size * 0.36, y + size * 0.5))
    tips: list[tuple[float, float]] = [(-0.42, -0.12), (0.0, -0.36), (0.42, -0.12)]
    for (tip_x, tip_y), base in zip(tips, (-0.2, 0.0, 0.2), strict=True):
        canvas.polygon(
            [
                (x + tip_x * size, y + tip_y * size),
                (x + (base + 0.17) * size, band - size * 0.04),
                (x + (base - 0.17) * size, band - size * 0.04),
            ]
        )
        canvas.disc((x + tip_x * size, y + tip_y * size), size * 0.1)


def card(rank: str, suit: str) -> Canvas:
    """One of the 52 cards, for a rank of RANKS and a suit of SUITS."""
    canvas = Canvas()
    canvas.frame(2.5, 1.75, radius=5)
    place_glyph(canvas, RANKS[rank], (32, 29), 34, 40)
    SUITS[suit](canvas, (32, 68), 36)
    return canvas


def joker(which: str) -> Canvas:
    """One of the two jokers: its number in stars, then a jester's cap."""
    canvas = Canvas()
    canvas.frame(2.5, 1.75, radius=5)
    count = JOKERS[which]
    for index in range(count):
        x = 32 + (index - (count - 1) / 2) * 25
        canvas.polygon(star((x, 25), 12, 5, 5))
    jester_cap(canvas, (32, 63), 44)
    canvas.stroke(arc((32, 84), 14, 2, 0, 180), 2)
    return canvas
