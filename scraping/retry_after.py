"""How long a busy server asks to be left alone (RFC 9110, 10.2.3). Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds(header: str, now: datetime) -> float | None:
    """Seconds from now, at least 0; None if the header says nothing that can be understood.

    header: "120" or a date in any of HTTP's notations. now: aware.
    """
    header = header.strip()
    if header.isascii() and header.isdecimal():
        return float(header[:12])
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return max(0.0, (moment - now).total_seconds())
    except OverflowError:
        return None
