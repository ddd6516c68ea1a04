"""Typed readers of environment variables, used by the settings alone.

Every reader takes a name and a default; a value that cannot be read stops the start with a
sentence that names the variable.
"""

import os

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str = "") -> str:
    """The variable's value without surrounding white space, or the default where unset."""
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool) -> bool:
    """A yes/no variable: 1/0, true/false, yes/no, on/off in any case."""
    word = os.environ.get(name)
    if word is None:
        return default
    word = word.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} is {word!r}; write 1 or 0.")


def number(name: str, default: int, low: int = 0, high: int = 2**31 - 1) -> int:
    """A whole number within low..high, both included."""
    word = os.environ.get(name, "").strip()
    if not word:
        return default
    try:
        value = int(word)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {word!r}; write a whole number.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name} is {value}; write a number from {low} to {high}.")
    return value


def decimal(name: str, default: float, low: float, high: float) -> float:
    """A number within low..high, both included."""
    word = os.environ.get(name, "").strip()
    if not word:
        return default
    try:
        value = float(word)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {word!r}; write a number.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name} is {value}; write a number from {low} to {high}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list; empty parts are dropped."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]
