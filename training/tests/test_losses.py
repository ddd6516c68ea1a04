"""Loss histories as they are kept."""

from training.losses import POINTS, thin_out


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
