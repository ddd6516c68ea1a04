"""How numbers, sizes and times are worded for people."""

from datetime import datetime

# The one at which no line ends.
THIN_SPACE = "\u202f"
_SIZES = ("B", "KB", "MB", "GB", "TB")
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def thin(number: int | float) -> str:
    """1500 → "1 500" with a thin space."""
    return f"{number:,}".replace(",", THIN_SPACE)


def plain(number: int | float) -> str:
    """2147483647 → "2 147 483 647", 0.5 → "0.5", 1e-07 → "0.0000001"."""
    if number == int(number):
        return thin(int(number))
    return f"{number:.7f}".rstrip("0")


def bounds(low: int | float, high: int | float) -> str:
    """What a number may be: "1 to 5 000"."""
    return f"{plain(low)} to {plain(high)}"


def size(count: int | float) -> str:
    """Bytes as "2.4 MB" (decimal units)."""
    value = float(count)
    for unit in _SIZES:
        if value < 999.5 or unit == _SIZES[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.1f} {unit}"


def span(seconds: float) -> str:
    """A duration as "8 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    units = [*_SPANS, (1, "s")]
    for place, (length, name) in enumerate(units):
        if whole >= length:
            first, rest = divmod(whole, length)
            smaller, small_name = units[place + 1]
            second = rest // smaller
            return f"{first} {name} {second} {small_name}" if second else f"{first} {name}"
    return f"{whole} s"


def ago(moment: datetime, now: datetime) -> str:
    """ "just now", "3 min ago", "2 h ago", "5 d ago", then the date."""
    seconds = (now - moment).total_seconds()
    if seconds < 45:
        return "just now"
    for length, name in _SPANS:
        if seconds >= length or name == "min":
            count = max(1, round(seconds / length))
            if name == "d" and count > 30:
                return moment.strftime("%-d %b %Y")
            return f"{count} {name} ago"
    return "just now"


def ahead(moment: datetime, now: datetime) -> str:
    """ "now", "in 3 min", "in 2 h", "in 5 d", then the date."""
    seconds = (moment - now).total_seconds()
    if seconds < 60:
        return "now"
    for length, name in _SPANS:
        if seconds >= length:
            count = round(seconds / length)
            if name == "d" and count > 30:
                return moment.strftime("%-d %b %Y")
            return f"in {count} {name}"
    return "now"


def number_in(text: str) -> int | None:
    """The row number that a text from an address or form says; None for anything else."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
