from unittest import mock

from gallery import token_count
from gallery.token_count import LIMIT
from gallery.token_figures import histogram, token_counts, token_figures


def test_the_ends_of_the_text_count_as_in_review() -> None:
    with mock.patch.object(token_count, "_finders", []):
        assert token_counts(["ace of hearts, 10 of spades!!", ""]) == [11, 2]


def test_figures_of_many_captions() -> None:
    figures = token_figures([1, 15, 16, LIMIT, LIMIT + 1])
    assert figures["longest"] == LIMIT + 1
    assert figures["too_long"] == 1
    assert figures["mean"] == 37.4
    assert [count for _, count in figures["histogram"]] == [2, 1, 0, 0, 1, 1]


def test_figures_of_none() -> None:
    assert token_figures([]) | {"histogram": []} == {
        "mean": 0, "longest": 0, "too_long": 0, "histogram": [],
    }  # fmt: skip


def test_a_histogram_names_its_steps() -> None:
    assert histogram([0, 1, 10, 11, 21], (10, 20)) == [["1–10", 2], ["11–20", 1], ["over 20", 1]]
