"""The twelve signs of the zodiac, each as one glyph in thick strokes."""

from collections.abc import Callable

from generation.builtin.drawing import Canvas, Point, arc

STROKE = 5.0
"""Line width of the glyphs in card units."""


def _aries() -> list[list[Point]]:
    left = [*arc((20, 34), 10, 11, 120, 360), (32, 72)]
    return [left, [(64 - x, y) for x, y in left]]


def _taurus() -> list[list[Point]]:
    return [arc((32, 58), 15, 15, 0, 360), arc((32, 25), 17, 18, 5, 175)]


def _gemini() -> list[list[Point]]:
    bars: list[list[Point]] = [[(24, 28), (24, 68)], [(40, 28), (40, 68)]]
    return [*bars, arc((32, 12), 27, 15, 30, 150), arc((32, 84), 27, 15, 210, 330)]


def _cancer() -> list[list[Point]]:
    upper = [arc((20, 41), 7, 7, 0, 360), arc((33, 47), 21, 20, 208, 330)]
    return upper + [[(64 - x, 96 - y) for x, y in stroke] for stroke in upper]


def _leo() -> list[list[Point]]:
    tail = [*arc((32, 34), 13, 13, 150, 370), (40, 58), *arc((47, 66), 7, 7, 180, 20)]
    return [arc((18, 52), 8, 8, 0, 360), [*arc((18, 52), 8, 8, 0, -60), (20, 38)], tail]


def _virgo() -> list[list[Point]]:
    legs = _em((14, 26, 38), 66)
    loop: list[Point] = [(38, 42), *arc((45, 44), 7, 9, -90, 90), (30, 72)]
    return [*legs, loop]


def _em(columns: tuple[float, float, float], foot: float) -> list[list[Point]]:
    first, second, third = columns
    half = (second - first) / 2
    strokes: list[list[Point]] = [[(first, 30), (first, foot)]]
    for left, right in ((first, second), (second, third)):
        strokes.append([*arc((left + half, 35), half, 8, 180, 360), (right, foot)])
    return strokes


def _libra() -> list[list[Point]]:
    dome: list[Point] = [(12, 56), (24, 56), *arc((32, 43), 12, 12, 130, 410), (40, 56), (52, 56)]
    return [dome, [(12, 69), (52, 69)]]


def _scorpio() -> list[list[Point]]:
    legs = _em((13, 24, 35), 64)
    tail: list[Point] = [(35, 64), *arc((42, 62), 7, 8, 180, 60), (53, 60)]
    return [*legs, tail, [(47, 54), (54, 60), (48, 67)]]


def _sagittarius() -> list[list[Point]]:
    return [[(14, 70), (50, 28)], [(30, 27), (51, 27), (51, 50)], [(18, 46), (38, 66)]]


def _capricorn() -> list[list[Point]]:
    horn: list[Point] = [(12, 30), (19, 38), (19, 60)]
    back = [(19, 40), *arc((29, 38), 9, 10, 190, 350), (38, 62), *arc((30, 64), 8, 10, 0, 100)]
    return [horn, back, arc((46, 60), 8, 8, 0, 360)]


def _aquarius() -> list[list[Point]]:
    wave: list[Point] = [(10, 44), (19, 34), (26, 44), (35, 34), (42, 44), (53, 34)]
    return [wave, [(x, y + 20) for x, y in wave]]


def _pisces() -> list[list[Point]]:
    return [arc((6, 48), 16, 24, -62, 62), arc((58, 48), 16, 24, 118, 242), [(14, 48), (50, 48)]]


SIGNS: dict[str, Callable[[], list[list[Point]]]] = {
    "aries": _aries,
    "taurus": _taurus,
    "gemini": _gemini,
    "cancer": _cancer,
    "leo": _leo,
    "virgo": _virgo,
    "libra": _libra,
    "scorpio": _scorpio,
    "sagittarius": _sagittarius,
    "capricorn": _capricorn,
    "aquarius": _aquarius,
    "pisces": _pisces,
}
"""Sign word → the function that gives its strokes in card units."""


def sign(name: str) -> Canvas:
    """One sign between two bars that mark the picture as a sign."""
    canvas = Canvas()
    for y in (7.0, 89.0):
        canvas.stroke([(8, y), (56, y)], 3)
        canvas.disc((32, y), 4)
    for points in SIGNS[name]():
        canvas.stroke(points, STROKE)
    return canvas
