"""What the console's lists have in common: bounded costs, a page of one row, filters.

Any room's ``admin.py`` may use this module; it knows no room. See docs/console.md.
"""

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    RowPaginator = Paginator[Any]
else:  # The classes are generic in their type stubs alone.
    ModelAdmin = admin.ModelAdmin
    RowPaginator = Paginator

COUNTED_AT_MOST = 10_000
Row = TypeVar("Row", bound=Model)


class CappedPaginator(RowPaginator):
    """Counts no further than COUNTED_AT_MOST rows: beyond that, a filter finds more than paging."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        # The keys alone: what else a row shows is not asked for each that is counted.
        return int(rows.order_by().values("pk")[:COUNTED_AT_MOST].count())


def newest(rows: QuerySet[Row], most: int | None = None) -> QuerySet[Row]:
    """The newest of the rows (COUNTED_AT_MOST by default), and others as new as the last of them.

    What no index answers is asked of no more rows than these. By the first column of the model's
    order where that falls, else by the primary key. One query.
    """
    order = str(next(iter(rows.model._meta.ordering or ()), ""))
    column = order.removeprefix("-") if order.startswith("-") else "pk"
    known = rows.model._default_manager.order_by(f"-{column}").values_list(column, flat=True)
    most = COUNTED_AT_MOST if most is None else most
    last = next(iter(known[most - 1 : most]), None)
    return rows if last is None else rows.filter(**{f"{column}__gte": last})


class OneOrder(ChangeList):
    """A list in the order that its index has: sorting a large table by a click takes seconds."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)


class GrowingAdmin(ModelAdmin):
    """A ModelAdmin of a table that grows without bound: no page of its list costs more for that."""

    paginator = CappedPaginator
    show_full_result_count = False
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OneOrder

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """No index holds the middles of words, so they are looked for in the newest rows."""
        among = newest(queryset) if search_term else queryset
        found, twice = super().get_search_results(request, among, search_term)
        return found, twice


class RowAdmin(GrowingAdmin):
    """One whose change_form_template shows more than the form."""

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the row's own template shows."""
        raise NotImplementedError

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id or "")
        extra = {**(extra_context or {}), **(self.page_context(request, row) if row else {})}
        view = super().changeform_view
        response: HttpResponse
        try:
            response = view(request, object_id, form_url, extra)
        except IntegrityError:
            # What was free when the form was read is taken now; read again, it says so.
            response = view(request, object_id, form_url, extra)
        return response


class EitherFilter(admin.SimpleListFilter):
    """Rows whose boolean ``column`` is so or not; each choice: (value in the address, label)."""

    column = ""
    # Whether an index has the rows of each choice in the list's order.
    is_indexed = False
    if_true = ("yes", "Yes")
    if_false = ("no", "No")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [self.if_true, self.if_false]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        among = queryset if self.is_indexed else newest(queryset)
        # Said so, an index that begins with the column is used.
        return among.filter(**{f"{self.column}__in": (value == self.if_true[0],)})
