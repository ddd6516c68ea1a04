"""Loss histories and their charts."""

from typing import Any

from training.charts import HEIGHT, POINTS, WIDTH, line_chart, thin_out


def test_few_losses_are_kept_as_they_are() -> None:
    assert thin_out([0.5, 0.25]) == [[1, 0.5], [2, 0.25]]
    assert thin_out([]) == []


def test_many_losses_are_averaged_and_none_is_dropped() -> None:
    losses = [float(step) for step in range(1, 1001)]
    thinned = thin_out(losses)
    assert len(thinned) == POINTS
    assert thinned[0] == [5, 3.0]
    assert thinned[-1][0] == 1000
    assert sum(loss * 5 for _, loss in thinned) == sum(losses)


def test_a_chart_stays_within_its_frame() -> None:
    chart: Any = line_chart([[step, 1 / step] for step in range(1, 51)])
    pairs = [tuple(map(float, point.split(","))) for point in chart.points.split()]
    assert pairs[0][0] == 0
    assert pairs[-1][0] == WIDTH
    assert all(0 <= y <= HEIGHT for _, y in pairs)
    assert pairs[0][1] < pairs[-1][1], "a falling loss falls on the page"
    assert "step 1 to 50" in chart.summary


def test_there_is_no_chart_of_a_single_point_or_of_numbers_that_are_none() -> None:
    assert line_chart([[1, 0.5]]) is None
    assert line_chart([[1, float("nan")], [2, 0.5]]) is None


def test_a_flat_loss_is_drawn_in_the_middle() -> None:
    chart: Any = line_chart([[1, 0.5], [2, 0.5]])
    assert chart.points == f"0.0,{HEIGHT / 2:.1f} 600.0,{HEIGHT / 2:.1f}"
