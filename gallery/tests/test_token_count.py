"""How much of a text the text encoder reads, where the base model does not say it."""

import pytest

from gallery import token_count
from gallery.token_count import ENDS, ESTIMATING, LIMIT, TokenCount, TokenCounter, counter, register


@pytest.fixture(autouse=True)
def none_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_count, "_finders", [])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 2), ("ace of hearts, 10 of spades!!", 11), ("a_b", 5), (" \n ", 2), ("é猫", 3)],
)
def test_without_a_tokenizer_words_digits_and_punctuation_are_counted(
    text: str, tokens: int
) -> None:
    assert ESTIMATING.count([text]) == [TokenCount(tokens)]
    assert not counter().is_exact


def test_the_place_is_told_from_which_nothing_is_read() -> None:
    text = "ace " * (LIMIT - ENDS)
    assert ESTIMATING.count([text])[0] == TokenCount(LIMIT)
    assert ESTIMATING.count([f"{text}of hearts"])[0] == TokenCount(LIMIT + 2, len(text))


def test_the_first_that_knows_counts() -> None:
    exact = TokenCounter(lambda texts: [TokenCount(5) for _ in texts], limit=10)
    register(lambda: None)
    register(lambda: exact)
    assert counter() is exact
