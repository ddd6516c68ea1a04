"""Emblems of the tarot: simple bold figures, each drawn into a square.

Every function takes (canvas, centre, size) and stays within size / 2 of the centre.
"""

import math

from generation.builtin.cards import heart, jester_cap
from generation.builtin.drawing import Canvas, Point, arc, star


class Pen:
    """Draws on a canvas in coordinates from -1 to 1 around a centre."""

    def __init__(self, canvas: Canvas, centre: Point, size: float) -> None:
        self.canvas = canvas
        self.centre = centre
        self.half = size / 2

    def at(self, x: float, y: float) -> Point:
        return (self.centre[0] + x * self.half, self.centre[1] + y * self.half)

    def line(self, *points: Point, width: float = 0.2, ink: bool = True) -> None:
        self.canvas.stroke([self.at(*point) for point in points], width * self.half, ink)

    def fill(self, *points: Point, ink: bool = True) -> None:
        self.canvas.polygon([self.at(*point) for point in points], ink)

    def disc(self, x: float, y: float, radius: float, ink: bool = True) -> None:
        self.canvas.disc(self.at(x, y), radius * self.half, ink)

    def ring(self, x: float, y: float, radius: float, width: float = 0.2) -> None:
        self.canvas.ring(self.at(x, y), radius * self.half, width * self.half)


def fool(canvas: Canvas, centre: Point, size: float) -> None:
    jester_cap(canvas, centre, size)


def magician(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.ring(-0.47, 0, 0.38, 0.24)
    pen.ring(0.47, 0, 0.38, 0.24)


def high_priestess(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    for x in (-0.8, 0.8):
        pen.line((x, -0.8), (x, 0.85), width=0.28)
    pen.disc(0, 0, 0.48)
    pen.disc(0, -0.22, 0.4, ink=False)


def empress(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.ring(0, -0.42, 0.42, 0.24)
    pen.line((0, 0), (0, 0.88), width=0.24)
    pen.line((-0.4, 0.46), (0.4, 0.46), width=0.24)


def emperor(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    left = [(-0.75, 0.7), (-0.9, -0.5), (-0.4, 0.05)]
    pen.fill(*left, (0, -0.8), *((-x, y) for x, y in reversed(left)))


def hierophant(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.line((0, -0.9), (0, 0.9), width=0.22)
    for y, half in ((-0.6, 0.3), (-0.15, 0.5), (0.3, 0.7)):
        pen.line((-half, y), (half, y), width=0.22)


def lovers(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    heart(canvas, pen.at(-0.48, -0.2), size * 0.5)
    heart(canvas, pen.at(0.48, 0.2), size * 0.5)


def chariot(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.fill((-0.85, -0.5), (0.85, -0.5), (0.6, 0.25), (-0.6, 0.25))
    for x in (-0.5, 0.5):
        pen.ring(x, 0.55, 0.3, 0.2)


def strength(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.line((-0.5, 0), (0.5, 0), width=0.24)
    for side in (-1, 1):
        pen.fill((side * 0.4, -0.6), (side * 0.7, -0.6), (side * 0.7, 0.6), (side * 0.4, 0.6))
        pen.fill((side * 0.6, -0.35), (side * 0.95, -0.35), (side * 0.95, 0.35), (side * 0.6, 0.35))


def hermit(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.ring(0, -0.7, 0.18, 0.14)
    pen.fill((-0.6, -0.1), (0, -0.6), (0.6, -0.1))
    pen.fill((-0.5, -0.15), (0.5, -0.15), (0.5, 0.85), (-0.5, 0.85))
    pen.fill((-0.26, 0.05), (0.26, 0.05), (0.26, 0.6), (-0.26, 0.6), ink=False)


def wheel(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.ring(0, 0, 0.8, 0.22)
    for angle in (0, 45, 90, 135):
        x, y = math.cos(math.radians(angle)) * 0.8, math.sin(math.radians(angle)) * 0.8
        pen.line((-x, -y), (x, y), width=0.14)


def justice(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.line((0, -0.85), (0, 0.75), width=0.18)
    pen.line((-0.65, -0.6), (0.65, -0.6), width=0.18)
    pen.line((-0.4, 0.82), (0.4, 0.82), width=0.2)
    for x in (-0.6, 0.6):
        pen.fill((x, -0.55), (x + 0.36, 0.25), (x - 0.36, 0.25))


def hanged_man(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.line((-0.7, -0.85), (0.7, -0.85), width=0.2)
    pen.line((0, -0.85), (0, 0.4), width=0.24)
    pen.line((-0.55, 0.3), (0, -0.1), (0.55, 0.3), width=0.2)
    pen.disc(0, 0.62, 0.3)


def death(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.disc(0, -0.22, 0.68)
    pen.fill((-0.38, 0.2), (0.38, 0.2), (0.38, 0.85), (-0.38, 0.85))
    for x in (-0.3, 0.3):
        pen.disc(x, -0.15, 0.2, ink=False)
    pen.fill((0, 0.1), (0.1, 0.3), (-0.1, 0.3), ink=False)


def temperance(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.fill((-0.6, -0.75), (0.6, -0.75), (0.08, 0), (0.6, 0.75), (-0.6, 0.75), (-0.08, 0))
    for y in (-0.82, 0.82):
        pen.line((-0.7, y), (0.7, y), width=0.2)


def devil(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.fill((-0.5, -0.1), (0.5, -0.1), (0, 0.9))
    for side in (-1, 1):
        pen.line((side * 0.4, 0), (side * 0.75, -0.35), (side * 0.6, -0.85), width=0.24)


def tower(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.fill((-0.42, -0.4), (0.42, -0.4), (0.52, 0.9), (-0.52, 0.9))
    for x in (-0.45, 0.0, 0.45):
        pen.fill((x - 0.15, -0.85), (x + 0.15, -0.85), (x + 0.15, -0.4), (x - 0.15, -0.4))
    pen.fill((-0.6, -0.55), (0.6, -0.55), (0.6, -0.3), (-0.6, -0.3))
    pen.fill((-0.16, 0.35), (0.16, 0.35), (0.16, 0.9), (-0.16, 0.9), ink=False)


def star_emblem(canvas: Canvas, centre: Point, size: float) -> None:
    canvas.polygon(star(centre, size * 0.48, size * 0.17, 8))


def moon(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.disc(-0.08, 0, 0.85)
    pen.disc(0.3, -0.12, 0.66, ink=False)


def sun(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.disc(0, 0, 0.46)
    for index in range(8):
        angle = math.radians(index * 45)
        x, y = math.cos(angle), math.sin(angle)
        pen.line((x * 0.68, y * 0.68), (x * 0.88, y * 0.88), width=0.2)


def judgement(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.line((-0.75, 0.75), (0.1, -0.1), width=0.22)
    pen.fill((-0.2, -0.02), (0.02, 0.2), (0.85, 0.05), (-0.05, -0.85))


def world(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.ring(0, 0, 0.8, 0.22)
    pen.line((-0.8, 0), (0.8, 0), width=0.18)
    canvas.stroke(arc(centre, size * 0.18, size * 0.4, 0, 360), size * 0.09)


def cup(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.fill((-0.65, -0.85), (0.65, -0.85), (0.5, -0.2), (0.15, 0.1), (-0.15, 0.1), (-0.5, -0.2))
    pen.line((0, 0), (0, 0.75), width=0.22)
    pen.line((-0.42, 0.82), (0.42, 0.82), width=0.2)


def wand(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.line((-0.55, 0.8), (0.5, -0.75), width=0.3)
    pen.line((-0.05, 0.05), (-0.5, -0.25), width=0.22)
    pen.line((0.15, -0.25), (0.6, 0.05), width=0.22)


def sword(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.fill((-0.14, 0.4), (-0.14, -0.65), (0, -0.95), (0.14, -0.65), (0.14, 0.4))
    pen.line((-0.5, 0.4), (0.5, 0.4), width=0.22)
    pen.line((0, 0.4), (0, 0.85), width=0.22)


def pentacle(canvas: Canvas, centre: Point, size: float) -> None:
    pen = Pen(canvas, centre, size)
    pen.ring(0, 0, 0.84, 0.18)
    canvas.polygon(star(centre, size * 0.33, size * 0.14, 5))
