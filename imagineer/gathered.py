"""Texts of rows that belong to a row, in one column of it: a short list without a query more."""

from typing import Any

from django.db.models import CharField, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat

# Control characters, which no text of ours holds.
_ROW, _FIELD = chr(30), chr(31)


class Gathered(Subquery):
    """For ``annotate``: the fields of all the rows, which :func:`rows_of` takes apart again.

    inside: filtered by ``OuterRef("pk")``; fields: names of columns. In no order.
    """

    def __init__(self, inside: QuerySet[Any], *fields: str) -> None:
        texts: list[Combinable] = [Cast(name, TextField()) for name in fields]
        told = texts[0]
        for text in texts[1:]:
            told = Concat(told, Value(_FIELD), text, output_field=CharField())
        super().__init__(inside.order_by().values(told=told), output_field=TextField())

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "(SELECT GROUP_CONCAT(told, CHAR(30)) FROM (%(subquery)s) AS gathered)"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "(SELECT STRING_AGG(told, CHR(30)) FROM (%(subquery)s) AS gathered)"
        return self.as_sql(compiler, connection, template=template, **extra)


def rows_of(gathered: str | None) -> list[list[str]]:
    """The fields of each row."""
    return [row.split(_FIELD) for row in gathered.split(_ROW)] if gathered else []
