"""Histories of losses as charts."""

import re
from typing import Any

import pytest

from imagineer.charts import HEIGHT, WIDTH, loss_chart, numbers, smoothed


def places(path: str) -> list[tuple[float, float]]:
    found = re.findall(r"[ML]([\d.]+) ([\d.]+)", path)
    return [(float(x), float(y)) for x, y in found]


@pytest.mark.parametrize(
    "history",
    [[], [[1, 0.5]], None, "x", [[1], ["a", "b"], [2, None]], [[1, float("nan")], [2, 0.5]]],
)
def test_a_chart_without_two_points_is_left_out(history: object) -> None:
    assert loss_chart(history) is None


def test_a_chart_leaves_out_what_is_no_number() -> None:
    history = [[1, 0.5], [2, float("nan")], [3, 0.25], [0, float("inf")]]
    assert numbers(history) == [(1.0, 0.5), (3.0, 0.25)]
    chart: Any = loss_chart(history)
    assert chart.raw == "M0.0 6.0L600.0 154.0"


def test_the_running_mean_keeps_a_straight_line() -> None:
    line = [(float(step), float(step)) for step in range(100)]
    assert smoothed(line) == line


@pytest.mark.parametrize("line", ["raw", "even"])
def test_a_chart_stays_within_its_frame(line: str) -> None:
    chart: Any = loss_chart([[step, 1 / step] for step in range(1, 51)])
    pairs = places(getattr(chart, line))
    assert len(pairs) == 50
    assert pairs[0][0] == 0
    assert pairs[-1][0] == WIDTH
    assert all(0 <= y <= HEIGHT for _, y in pairs)
    assert pairs[0][1] < pairs[-1][1], "a falling loss falls on the page"
    assert "step 1 to 50" in chart.summary


def test_a_flat_loss_is_drawn_in_the_middle() -> None:
    chart: Any = loss_chart([[1, 0.5], [2, 0.5]])
    assert chart.raw == f"M0.0 {HEIGHT / 2:.1f}L600.0 {HEIGHT / 2:.1f}"
