"""Keyset pagination, shared by pages and API: constant cost at any depth, stable under inserts.

A cursor is an opaque URL-safe text that holds the last row's ordering values.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Model, Q, QuerySet

from imagineer.problems import invalid

PAGE_SIZE = 50
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    items: list[Row]
    next: str | None


def encode_cursor(values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    # Primary keys may be UUIDs.
    return base64.urlsafe_b64encode(json.dumps(plain, default=str).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> list[Any]:
    """The ordering values in a cursor; raises Problem 422 for one that was not made here."""
    wrong = invalid("cursor", "This cursor is not one that a list gave out.")
    if len(cursor) > 500:
        raise wrong
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, UnicodeError, RecursionError):
        raise wrong from None
    if not isinstance(values, list) or len(values) != length:
        raise wrong
    return values


def paginate(
    queryset: QuerySet[Row],
    cursor: str | None,
    order: Sequence[str] = ("-created_at", "-id"),
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """One page of the queryset in this order.

    order: field names (``a__b`` allowed), "-" for descending; together they must be unique and
    never null.
    """
    fields = [name.removeprefix("-") for name in order]
    try:
        if cursor:
            queryset = queryset.filter(after(order, decode_cursor(cursor, len(order))))
        rows = list(queryset.order_by(*order)[: size + 1])
    except (ValueError, TypeError, OverflowError, ValidationError, DataError) as error:
        # A crafted cursor fails as late as in the database (a year 9999 in another time zone).
        if not cursor:
            raise
        raise invalid("cursor", "This cursor is not one that a list gave out.") from error
    more = len(rows) > size
    rows = rows[:size]
    next_cursor = encode_cursor([_value(rows[-1], name) for name in fields]) if more else None
    return Page(rows, next_cursor)


def after(order: Sequence[str], values: Sequence[Any]) -> Q:
    """The rows that follow a place (values, or expressions for them) in this order."""
    fields = [name.removeprefix("-") for name in order]
    # The first comparison stands alone as well, so that an index on the order can be used.
    condition = Q()
    for depth, name in enumerate(order):
        operator = "lt" if name.startswith("-") else "gt"
        step = Q(**{f"{fields[depth]}__{operator}": values[depth]})
        for earlier in range(depth):
            step &= Q(**{fields[earlier]: values[earlier]})
        condition |= step
    bound = "lte" if order[0].startswith("-") else "gte"
    return Q(**{f"{fields[0]}__{bound}": values[0]}) & condition


def _value(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name)
    return row
