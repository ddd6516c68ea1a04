"""A small canvas in card units, on which every drawing of the built-in model is made.

A drawing is first a *mask*: a greyscale picture that says how much ink lies on each pixel
(0 = paper, 255 = ink). `paint` turns a mask into colours. Masks are drawn eight times larger and
averaged down, so edges are smooth.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

WIDTH = 64
"""Width of every picture in pixels."""
HEIGHT = 96
"""Height of every picture in pixels."""
SCALE = 8
"""How many times larger the canvas is than the finished mask."""

Point = tuple[float, float]
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

INKS: dict[str, Colour] = {
    "black": (24, 24, 28),
    "crimson": (200, 20, 44),
    "navy": (24, 44, 150),
    "emerald": (0, 120, 60),
    "violet": (128, 30, 170),
    "umber": (112, 62, 20),
    "teal": (0, 128, 150),
    "orange": (226, 96, 0),
}
"""Ink colours by name: dark or saturated, far from each other and from every paper."""

PAPERS: dict[str, Colour] = {
    "white": (254, 254, 254),
    "ivory": (250, 236, 186),
    "rose": (252, 180, 200),
    "sky": (160, 212, 255),
    "mint": (190, 240, 200),
    "lavender": (218, 194, 250),
    "lemon": (252, 240, 120),
    "silver": (186, 188, 194),
}
"""Paper colours by name: light, far from each other and from every ink."""


class Canvas:
    """Strokes and fills in card units (64 wide, 96 high; y grows downward)."""

    def __init__(self, width: float = WIDTH, height: float = HEIGHT) -> None:
        size = (round(width * SCALE), round(height * SCALE))
        self.image = Image.new("L", size, 0)
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: Sequence[Point], ink: bool = True) -> None:
        """Fill a closed shape; `ink=False` cuts it out."""
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=255 if ink else 0)

    def rectangle(self, box: Box, ink: bool = True) -> None:
        left, top, right, bottom = box
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], ink)

    def disc(self, centre: Point, radius: float, ink: bool = True) -> None:
        self.ellipse(centre, radius, radius, ink)

    def ellipse(self, centre: Point, rx: float, ry: float, ink: bool = True) -> None:
        x, y = centre
        box = [(x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE]
        self._draw.ellipse(box, fill=255 if ink else 0)

    def ring(self, centre: Point, radius: float, width: float) -> None:
        """A circle line whose middle runs at `radius`."""
        self.stroke(arc(centre, radius, radius, 0, 360), width)

    def stroke(self, points: Sequence[Point], width: float, ink: bool = True) -> None:
        """A line through the points with round ends and joints."""
        for (x0, y0), (x1, y1) in pairwise(points):
            length = math.hypot(x1 - x0, y1 - y0)
            if length == 0:
                continue
            dx, dy = (x1 - x0) / length * width / 2, (y1 - y0) / length * width / 2
            corners = [(x0 - dy, y0 + dx), (x1 - dy, y1 + dx), (x1 + dy, y1 - dx)]
            self.polygon([*corners, (x0 + dy, y0 - dx)], ink)
        for point in points:
            self.disc(point, width / 2, ink)

    def frame(self, inset: float, width: float, radius: float = 0.0) -> None:
        """A rectangle line around the card, `inset` units from its edge, `width` thick."""
        width_all, height_all = self.image.size
        near = inset * SCALE
        box = [near, near, width_all - near - 1, height_all - near - 1]
        self._draw.rounded_rectangle(
            box, radius=radius * SCALE, outline=255, width=round(width * SCALE)
        )

    def paste(self, shape: Image.Image, box: Box) -> None:
        """Lay a mask over the canvas, scaled into `box` (left, top, right, bottom)."""
        left, top, right, bottom = (round(value * SCALE) for value in box)
        scaled = shape.resize((right - left, bottom - top), Image.Resampling.LANCZOS)
        self.image.paste(255, (left, top), scaled)

    def mask(self, dx: float = 0.0, dy: float = 0.0) -> Image.Image:
        """The finished mask, moved by (dx, dy) card units."""
        image = self.image
        if dx or dy:
            shift = (1, 0, -dx * SCALE, 0, 1, -dy * SCALE)
            image = image.transform(image.size, Image.Transform.AFFINE, shift)
        return image.reduce(SCALE)


def arc(centre: Point, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """Points along an ellipse from `start` to `end` degrees (0 = right, 90 = down)."""
    steps = max(4, int(abs(end - start) / 6))
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(centre[0] + rx * math.cos(a), centre[1] + ry * math.sin(a)) for a in angles]


def star(centre: Point, outer: float, inner: float, points: int, turn: float = -90) -> list[Point]:
    """Corners of a star with `points` tips; `turn` is the first tip's angle in degrees."""
    corners = []
    for index in range(points * 2):
        radius = outer if index % 2 == 0 else inner
        angle = math.radians(turn + index * 180 / points)
        corners.append((centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)))
    return corners


@lru_cache(maxsize=64)
def glyph(text: str, weight: int = 14) -> Image.Image:
    """Bold characters as a tightly cropped mask, `weight` = extra stroke in 1/200 em."""
    font = ImageFont.load_default(size=200)
    image = Image.new("L", (260 * len(text) + 80, 400), 0)
    ImageDraw.Draw(image).text((40, 60), text, fill=255, font=font, stroke_width=weight)
    box = image.getbbox()
    if box is None:
        raise ValueError(f"{text!r} has no visible glyph")
    return image.crop(box)


def place_glyph(
    canvas: Canvas,
    text: str,
    centre: Point,
    height: float,
    max_width: float,
    weight: int = 14,
) -> None:
    """Write `text` around `centre`, `height` units high, squeezed to at most `max_width`."""
    shape = glyph(text, weight)
    width = min(max_width, height * shape.width / shape.height)
    x, y = centre
    canvas.paste(shape, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))


def paint(mask: Image.Image, ink: Colour, paper: Colour) -> Image.Image:
    """An RGB picture of the mask's size in two colours."""
    return Image.composite(
        Image.new("RGB", mask.size, ink), Image.new("RGB", mask.size, paper), mask
    )
