"""Patterns that addresses match or not: globs and regular expressions. Pure.

Admins write them, and the addresses come from strangers: so a glob is matched without going back,
and a regular expression has a moment for each address and is given up when it needs more.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import regex

# Seconds that a regular expression has for one address.
PATIENCE_S = 0.05
# Addresses that it may fail to decide on in time; then it is not asked again.
MOST_SLOW = 3
# How often its counted repetitions repeat in all: compiling it takes memory for each.
MOST_REPEATED = 1000


class PatternRefused(ValueError):
    """This is no pattern; the text is a sentence."""


class TooSlow(Exception):
    """A regular expression did not come to an end in time."""


@dataclass
class Pattern:
    """text: as it was written. Made by ``compiled``."""

    text: str
    _parts: tuple[str, ...] = ()
    _expression: Any = None
    _slow: int = field(default=0, compare=False)

    def matches(self, url: str) -> bool:
        """Whether it matches the address. Raises TooSlow."""
        if self._expression is None:
            return _glob_matches(self._parts, _looked_at(self.text, url).lower())
        if self._slow >= MOST_SLOW:
            raise TooSlow(self.text)
        try:
            return self._expression.search(url, timeout=PATIENCE_S) is not None
        except TimeoutError:
            self._slow += 1
            raise TooSlow(self.text) from None


def compiled(text: str) -> Pattern:
    """A pattern as an admin writes it. Raises PatternRefused.

    Between slashes stands a regular expression, which is searched for anywhere in the address.
    Anything else is a glob: "*" stands for any characters, all others for themselves, capital or
    small. It is laid over the path and query if it begins with "/", over the whole address if it
    begins with "*" or has "://" in it, else over the address from the host on.
    """
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return Pattern(text, _expression=_expression(text[1:-1]))
    return Pattern(text, _parts=tuple(text.lower().split("*")))


@lru_cache(maxsize=200)
def _expression(text: str) -> Any:
    repeated = 1
    for counts in re.findall(r"\{(\d*),?(\d*)\}", text):
        repeated *= max(int(count[:9] or 1) for count in counts)
    if repeated > MOST_REPEATED:
        raise PatternRefused(f"“/{text[:100]}/” repeats a part of itself too often.")
    try:
        # The standard library's dialect is the one that people know; the other can be timed.
        re.compile(text)
        return regex.compile(text)
    except (re.error, regex.error, ValueError, RecursionError, OverflowError) as error:
        raise PatternRefused(f"“/{text[:100]}/” is no regular expression: {error}.") from error


def _looked_at(glob: str, url: str) -> str:
    """The part of an address that a glob is laid over."""
    if glob.startswith("*") or "://" in glob:
        return url
    parts = urlsplit(url)
    if glob.startswith("/"):
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return url.partition("://")[2]


def _glob_matches(parts: tuple[str, ...], text: str) -> bool:
    """Whether the parts stand in the text, in order: the first at its start, the last at its end.

    Every part is taken where it first occurs, so there is nothing to go back to.
    """
    first, *others = parts
    if not others:
        return text == first
    if not text.startswith(first):
        return False
    *inner, last = others
    place = len(first)
    for part in inner:
        place = text.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return len(text) - len(last) >= place and text.endswith(last)


class Patterns:
    """Which addresses are wanted: those that match one of include, if there are any, and none of
    exclude. One on which a pattern is too slow is not wanted; ``slow`` names such patterns.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self.include = [compiled(text) for text in include]
        self.exclude = [compiled(text) for text in exclude]
        self.slow: set[str] = set()

    def wants(self, url: str) -> bool:
        return self.includes(url) and not self.excludes(url)

    def includes(self, url: str) -> bool:
        if not self.include:
            return True
        return any(self._matches(pattern, url, in_doubt=False) for pattern in self.include)

    def excludes(self, url: str) -> bool:
        return any(self._matches(pattern, url, in_doubt=True) for pattern in self.exclude)

    def _matches(self, pattern: Pattern, url: str, *, in_doubt: bool) -> bool:
        try:
            return pattern.matches(url)
        except TooSlow:
            self.slow.add(pattern.text)
            return in_doubt
