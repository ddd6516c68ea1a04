"""A training's losses, thinned out for keeping."""

from collections.abc import Sequence

POINTS = 200
"""Most points that are kept of a run."""


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
