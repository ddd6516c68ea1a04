"""A history of losses as lines to draw: inline SVG, without style attributes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 600, 160
MARGIN = 6
# The running mean reaches over this share of all points to either side.
REACH = 0.04

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """Two SVG paths in a box of WIDTH × HEIGHT: ``raw`` at each step, ``even`` its running mean.

    Up is a higher loss; low and high are the losses at ``bottom`` and at ``margin`` from the top.
    """

    raw: str
    even: str
    low: float
    high: float
    first_step: int
    last_step: int
    even_first: float
    even_last: float
    width: int = WIDTH
    height: int = HEIGHT
    margin: int = MARGIN

    @property
    def bottom(self) -> int:
        return self.height - self.margin

    @property
    def summary(self) -> str:
        """The chart in a sentence, for those who do not see it."""
        return (
            f"The loss from step {self.first_step} to {self.last_step}: "
            f"at most {self.high:.4f}, at least {self.low:.4f}, {self.even_last:.4f} at the end."
        )


def loss_chart(history: Any) -> Chart | None:
    """The loss over the steps; None for fewer than two points. history: [[step, loss], …]."""
    points = numbers(history)
    if len(points) < 2:
        return None
    even = smoothed(points)
    low = min(loss for _, loss in points)
    high = max(loss for _, loss in points)
    first, last = points[0][0], points[-1][0]
    frame = (first, last, low, high)
    return Chart(
        raw=path(points, *frame),
        even=path(even, *frame),
        low=low,
        high=high,
        first_step=int(first),
        last_step=int(last),
        even_first=even[len(even) // 20][1],
        even_last=even[-1][1],
    )


def numbers(history: Any) -> Points:
    """The pairs of a stored history, ordered by step; whatever is no pair is left out."""
    found = []
    for entry in history if isinstance(history, list) else ():
        if not isinstance(entry, list | tuple) or len(entry) < 2:
            continue
        step, loss = entry[0], entry[1]
        if all(isinstance(value, int | float) and abs(value) < 1e9 for value in (step, loss)):
            found.append((float(step), float(loss)))
    return sorted(found)


def smoothed(points: Sequence[tuple[float, float]], reach: float = REACH) -> Points:
    """Each step with the mean loss of the points around it, as many before as after."""
    even = []
    for place, (step, _) in enumerate(points):
        side = min(max(1, round(len(points) * reach)), place, len(points) - 1 - place)
        around = [loss for _, loss in points[place - side : place + side + 1]]
        even.append((step, sum(around) / len(around)))
    return even


def path(points: Points, left: float, right: float, low: float, high: float) -> str:
    """An SVG path through the points in a WIDTH × HEIGHT box; a flat line runs in its middle."""
    across = (right - left) or 1.0
    places = []
    for step, loss in points:
        down = (high - loss) / (high - low) if high > low else 0.5
        x, y = (step - left) / across * WIDTH, MARGIN + down * (HEIGHT - 2 * MARGIN)
        places.append(f"{x:.1f} {y:.1f}")
    return "M" + "L".join(places)
