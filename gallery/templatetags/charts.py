"""Small charts as inline SVG, without style attributes."""

from collections.abc import Sequence
from typing import Any

from django import template

register = template.Library()

WIDTH, HEIGHT = 600, 160
MARGIN = 6
# The running mean reaches over this share of all points to either side.
REACH = 0.04
MOST_POINTS = 400

Points = list[tuple[float, float]]


@register.inclusion_tag("generation/loss_chart.html")
def loss_chart(history: Any) -> dict[str, Any]:
    """The loss over the steps, raw and smoothed. history: [[step, loss], …] as stored."""
    points = thinned(numbers(history))
    if len(points) < 2:
        return {"points": []}
    even = smoothed(points)
    low = min(loss for _, loss in points)
    high = max(loss for _, loss in points)
    frame = (points[0][0], points[-1][0], low, high)
    return {
        "points": points,
        "raw": path(points, *frame),
        "even": path(even, *frame),
        "first": points[0],
        "last": points[-1],
        "even_first": even[len(even) // 20][1],
        "even_last": even[-1][1],
        "low": low,
        "high": high,
        "width": WIDTH,
        "height": HEIGHT,
    }


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


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most ``most`` points, each the mean of its neighbours."""
    if len(points) <= most:
        return points
    groups = [
        points[len(points) * place // most : len(points) * (place + 1) // most]
        for place in range(most)
    ]
    return [
        (group[-1][0], sum(loss for _, loss in group) / len(group)) for group in groups if group
    ]


def smoothed(points: Sequence[tuple[float, float]], reach: float = REACH) -> Points:
    """Each step with the mean loss of the points around it, as many before as after."""
    even = []
    for place, (step, _) in enumerate(points):
        side = min(max(1, round(len(points) * reach)), place, len(points) - 1 - place)
        around = [loss for _, loss in points[place - side : place + side + 1]]
        even.append((step, sum(around) / len(around)))
    return even


def path(points: Points, left: float, right: float, low: float, high: float) -> str:
    """An SVG path through the points in a WIDTH × HEIGHT box."""
    across = (right - left) or 1.0
    up = (high - low) or 1.0
    places = (
        f"{(step - left) / across * WIDTH:.1f} "
        f"{MARGIN + (high - loss) / up * (HEIGHT - 2 * MARGIN):.1f}"
        for step, loss in points
    )
    return "M" + "L".join(places)
