"""Counting what belongs to a row without joining it: a GROUP BY sorts the whole list first."""

from typing import Any

from django.db.models import Count, IntegerField, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce


class _NumberOf(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"


def counted_to(inside: QuerySet[Any], most: int) -> Combinable:
    """For ``annotate``: how many rows there are, and no further than ``most``.

    inside: filtered by ``OuterRef("pk")``.
    """
    return _NumberOf(inside.order_by().values("pk")[:most], output_field=IntegerField())


def counted(inside: QuerySet[Any], group: str) -> Coalesce:
    """For ``annotate``: how many of these rows refer to the outer row by ``group``.

    inside: filtered by ``OuterRef("pk")``. The count is made for the rows of one page alone.
    """
    number = inside.order_by().values(group).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)
