"""How long captions are, in tokens of the base model's text encoder."""

from collections.abc import Sequence
from typing import Any

from gallery import token_count
from gallery.token_count import LIMIT

TOKEN_STEPS = (15, 30, 45, 60, LIMIT)


def token_counts(captions: Sequence[str]) -> list[int]:
    """How many tokens each caption has, with the start and the end of the text, as in review."""
    return [each.tokens for each in token_count.counter().count(captions)]


def token_figures(counts: Sequence[int]) -> dict[str, Any]:
    """Mean, longest, how many are over LIMIT, and a histogram [[label, count], …]."""
    too_long = sum(count > LIMIT for count in counts)
    return {
        "mean": round(sum(counts) / len(counts), 1) if counts else 0,
        "longest": max(counts, default=0),
        "too_long": too_long,
        "histogram": histogram(counts, TOKEN_STEPS),
    }


def histogram(counts: Sequence[int], steps: Sequence[int]) -> list[list[Any]]:
    """[label, how many] for 1 to the first step, from there to the next, …, and over the last."""
    rows: list[list[Any]] = []
    low = 0
    for high in steps:
        rows.append([f"{low + 1}–{high}", sum(low < count <= high for count in counts)])
        low = high
    rows.append([f"over {low}", sum(count > low for count in counts)])
    return rows
