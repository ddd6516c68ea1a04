"""A training's losses: thinned out for keeping, and as a line for a page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

POINTS = 200
"""Most points that are kept of a run."""
WIDTH, HEIGHT = 600, 160


def thin_out(losses: Sequence[float], points: int = POINTS) -> list[list[float]]:
    """[[step, mean loss], …], at most so many, from one loss a step.

    Each point is the mean over the steps since the point before; the last is the last step.
    """
    count = min(points, len(losses))
    thinned: list[list[float]] = []
    start = 0
    for index in range(count):
        end = round((index + 1) * len(losses) / count)
        part = losses[start:end]
        thinned.append([end, round(sum(part) / len(part), 6)])
        start = end
    return thinned


@dataclass(frozen=True)
class Chart:
    """A line in a viewBox of WIDTH × HEIGHT: ``points`` for an SVG polyline.

    Up is a higher loss; low and high are the losses at the lower and upper edge.
    """

    points: str
    low: float
    high: float
    first_step: int
    last_step: int
    last_loss: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def summary(self) -> str:
        """The chart in a sentence, for those who do not see it."""
        return (
            f"The loss from step {self.first_step} to {self.last_step}: "
            f"at most {self.high:.4f}, at least {self.low:.4f}, {self.last_loss:.4f} at the end."
        )


def smoothed(history: Sequence[Sequence[float]], share: float = 0.15) -> list[float]:
    """Each loss as the mean of its neighbours, over this share of the history."""
    reach = max(0, round(len(history) * share / 2))
    losses = [point[1] for point in history]
    return [
        sum(part) / len(part)
        for part in (
            losses[max(0, index - reach) : index + reach + 1] for index in range(len(losses))
        )
    ]


def line_chart(history: Sequence[Sequence[float]]) -> Chart | None:
    """The smoothed history as a line; None for fewer than two points."""
    known = [point for point in history if math.isfinite(point[1])]
    if len(known) < 2:
        return None
    losses = smoothed(known)
    low, high = min(losses), max(losses)
    first, last = known[0][0], known[-1][0]
    points = []
    for (step, _), loss in zip(known, losses, strict=True):
        x = (step - first) / (last - first) * WIDTH
        y = HEIGHT / 2 if high == low else (high - loss) / (high - low) * (HEIGHT - 8) + 4
        points.append(f"{x:.1f},{y:.1f}")
    return Chart(" ".join(points), low, high, int(first), int(last), losses[-1])
