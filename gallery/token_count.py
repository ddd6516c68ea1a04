"""How much of a text the base model's text encoder reads: tokens, and where it stops.

The room above registers its tokenizer in ``ready()``; without one, tokens are estimated.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LIMIT = 77
"""Tokens that CLIP's text encoders read, the start and the end of the text among them."""
ENDS = 2
_PIECES = re.compile(r"[^\W\d_]+|\d|[^\s\w]+|_+")


@dataclass(frozen=True)
class TokenCount:
    """tokens: with the start and the end. cut_at: the place (0 … len) in the text from which on
    nothing is read; None if all of it is.
    """

    tokens: int
    cut_at: int | None = None


@dataclass(frozen=True)
class TokenCounter:
    """What counts. limit: tokens that are read; is_exact: False where it is an estimate."""

    count: Callable[[Sequence[str]], list[TokenCount]]
    limit: int = LIMIT
    is_exact: bool = True


_finders: list[Callable[[], TokenCounter | None]] = []


def register(find: Callable[[], TokenCounter | None]) -> None:
    """find: the counter of the base model in use; None while its tokenizer is not there."""
    if find not in _finders:
        _finders.append(find)


def counter() -> TokenCounter:
    """The base model's own, else one that estimates."""
    for find in _finders:
        found = find()
        if found is not None:
            return found
    return ESTIMATING


def _estimates(texts: Sequence[str]) -> list[TokenCount]:
    return [_estimate(text) for text in texts]


def _estimate(text: str) -> TokenCount:
    """Words, digits and runs of punctuation are one token each at least."""
    pieces = [match.start() for match in _PIECES.finditer(text)]
    room = LIMIT - ENDS
    return TokenCount(len(pieces) + ENDS, pieces[room] if len(pieces) > room else None)


ESTIMATING = TokenCounter(_estimates, is_exact=False)
