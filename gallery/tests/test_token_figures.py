from gallery.token_figures import CLIP_TOKENS, approximate_tokens, histogram, token_figures


def test_tokens_are_counted_as_clip_splits_words() -> None:
    assert approximate_tokens("ace of hearts, 10 of spades!!") == 9
    assert approximate_tokens("") == 0


def test_figures_of_many_captions() -> None:
    figures = token_figures([1, 15, 16, CLIP_TOKENS, CLIP_TOKENS + 1])
    assert figures["longest"] == CLIP_TOKENS + 1
    assert figures["too_long"] == 1
    assert figures["mean"] == 36.6
    assert [count for _, count in figures["histogram"]] == [2, 1, 0, 0, 1, 1]


def test_figures_of_none() -> None:
    assert token_figures([]) | {"histogram": []} == {
        "mean": 0, "longest": 0, "too_long": 0, "histogram": [],
    }  # fmt: skip


def test_a_histogram_names_its_steps() -> None:
    assert histogram([0, 1, 10, 11, 21], (10, 20)) == [["1–10", 2], ["11–20", 1], ["over 20", 1]]
