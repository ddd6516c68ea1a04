"""Texts of rows that belong to a row, in one column of it: a short list without a query more."""

from typing import Any

from django.db.models import CharField, Func, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat

# Control characters, which no text of ours holds.
_ROW, _FIELD = chr(30), chr(31)


class _Joined(Func):
    """The texts of all rows in one. Django is not told that it is an aggregate, or it groups."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="GROUP_CONCAT(%(expressions)s, CHAR(30))", **extra
        )

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="STRING_AGG(%(expressions)s, CHR(30))", **extra
        )


def gathered(inside: QuerySet[Any], *fields: str) -> Subquery:
    """For ``annotate``: the fields of all the rows, which :func:`rows_of` takes apart again.

    inside: filtered by ``OuterRef("pk")``; fields: names of columns. In no order.
    """
    texts: list[Combinable] = [Cast(name, TextField()) for name in fields]
    told = texts[0]
    for text in texts[1:]:
        told = Concat(told, Value(_FIELD), text, output_field=CharField())
    return Subquery(inside.order_by().values(told=_Joined(told)), output_field=TextField())


def rows_of(told: str | None) -> list[list[str]]:
    """The fields of each row; rows that are alike once."""
    return [row.split(_FIELD) for row in dict.fromkeys(told.split(_ROW))] if told else []
