"""What the console's tables have in common: capped counts, a page of one row, a filter of two.

Any room's ``admin.py`` may use this module; it knows no room. See docs/console.md.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    RowPaginator = Paginator[Any]
else:  # The classes are generic in their type stubs alone.
    ModelAdmin = admin.ModelAdmin
    RowPaginator = Paginator

COUNTED_AT_MOST = 10_000


class CappedPaginator(RowPaginator):
    """Counts no further than COUNTED_AT_MOST rows: beyond that, a filter finds more than paging."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED_AT_MOST].count())


class RowAdmin(ModelAdmin):
    """A ModelAdmin whose change_form_template shows more than the form."""

    paginator = CappedPaginator
    show_full_result_count = False

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
        extra = self.page_context(request, row) if row else {}
        response: HttpResponse = super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **extra}
        )
        return response


class EitherFilter(admin.SimpleListFilter):
    """Rows whose boolean ``column`` is so or not; each choice: (value in the address, label)."""

    column = ""
    if_true = ("yes", "Yes")
    if_false = ("no", "No")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [self.if_true, self.if_false]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{self.column: value == self.if_true[0]}) if value else queryset
