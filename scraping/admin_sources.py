"""Sources in the console: what is crawled time and again, and how it wants to be treated."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from imagineer import words
from imagineer.console_rows import EitherFilter, RowAdmin
from imagineer.jobs.templatetags.job_words import ago, ahead
from scraping import history, sources
from scraping.addresses import site_of
from scraping.forms import SourceForm
from scraping.models import Source
from scraping.runs import MOST_TARGETS
from scraping.sealed import SealBroken, unseal
from scraping.source_presets import SOURCE_PRESETS
from scraping.statistics import last_crawls

CRAWLS_SHOWN = 10


class EnabledFilter(EitherFilter):
    title = "switched on"
    parameter_name = "enabled"
    column = "enabled"


@admin.register(Source)
class SourceAdmin(RowAdmin):
    form = SourceForm
    change_form_template = "admin/scraping/source/change_form.html"
    change_list_template = "admin/scraping/source/change_list.html"
    list_display = (
        "name", "shown_site", "kind", "shown_enabled", "trust_level", "shown_rate",
        "shown_last", "shown_next", "shown_taken", "shown_start",
    )  # fmt: skip
    list_filter: ClassVar[tuple[Any, ...]] = ("kind", EnabledFilter)
    list_per_page = 50
    ordering = ("name",)
    search_fields = ("name", "base_url")
    search_help_text = "Name or address"
    actions = ("crawl_selected", "switch_on", "switch_off")
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        sources: QuerySet[Source] = super().get_queryset(request)
        return sources.annotate(**last_crawls())

    # --- The list -------------------------------------------------------------------------------

    @admin.display(description="Site", ordering="base_url")
    def shown_site(self, source: Source) -> str:
        return site_of(source.base_url)

    @admin.display(description="State")
    def shown_enabled(self, source: Source) -> SafeString:
        look, word = ("completed", "On") if source.enabled else ("cancelled", "Off")
        return format_html('<span class="state state-{}">{}</span>', look, word)

    @admin.display(description="Rate")
    def shown_rate(self, source: Source) -> str:
        return f"{words.thin(source.rate_limit)} a minute"

    @admin.display(description="Last crawl")
    def shown_last(self, source: Any) -> str | SafeString:
        if source.last_crawl_id is None:
            return "never"
        page = reverse("admin:scraping_scrapejob_change", args=[source.last_crawl_id])
        return format_html('<a href="{}">{}</a>', page, ago(source.last_crawl_at))

    @admin.display(description="Next crawl")
    def shown_next(self, source: Source) -> str | SafeString:
        return ahead(source.next_crawl_at)

    @admin.display(description="Taken")
    def shown_taken(self, source: Source) -> str:
        return words.thin(source.imported)

    @admin.display(description="Crawl")
    def shown_start(self, source: Source) -> str | SafeString:
        if not source.enabled:
            return ""
        return format_html(
            '<a href="{}">Crawl it<span class="visually-hidden">: {}</span></a>',
            start_address([source.pk]),
            source,
        )

    @admin.action(description="Crawl the chosen ones", permissions=["change"])
    def crawl_selected(
        self, request: HttpRequest, queryset: QuerySet[Source]
    ) -> HttpResponse | None:
        chosen = list(queryset.values_list("pk", "enabled")[: MOST_TARGETS + 1])
        if len(chosen) > MOST_TARGETS:
            messages.error(request, f"A crawl has at most {MOST_TARGETS} sources.")
            return None
        on = [pk for pk, enabled in chosen if enabled]
        if not on:
            messages.error(request, "None of them is switched on.")
            return None
        return HttpResponseRedirect(start_address(on))

    @admin.action(description="Switch the chosen ones on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Switch the chosen ones off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Source], *, enabled: bool) -> None:
        chosen = Source.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        number = sources.switch(chosen, enabled=enabled)
        noun = "source is" if number == 1 else "sources are"
        messages.success(request, f"{number} {noun} switched {'on' if enabled else 'off'}.")

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Crawls that have not ended keep their sources from being deleted."""
        names, counts, missing, protected = super().get_deleted_objects(objs, request)
        crawls = [
            format_html(
                '<a href="{}">Crawl {}</a>, which has not ended: stop it first.',
                reverse("admin:scraping_scrapejob_change", args=[crawl.pk]),
                crawl.pk,
            )
            for crawl in sources.crawled_now(objs)
        ]
        return names, counts, missing, [*protected, *crawls]

    # --- One source -----------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        key = ("api_key", "forget_api_key") if obj and obj.sealed_api_key else ("api_key",)
        return (
            (None, {"fields": ("name", "base_url", "kind", "enabled")}),
            ("How it is treated", {"fields": ("rate_limit", "max_images", "trust_level",
                                              "render_javascript")}),
            ("Search and API", {
                "fields": ("lookup_url", *key, "mapping"), "classes": ("collapse",),
            }),
            ("Its crawls", {"fields": ("schedule", "options"), "classes": ("collapse",)}),
        )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    def page_context(self, request: HttpRequest, row: Source) -> dict[str, Any]:
        crawls = list(history.crawls_of(row)[: CRAWLS_SHOWN + 1])
        return {
            "source": row,
            "key_trouble": key_trouble(row),
            "start_address": start_address([row.pk]),
            "crawls": crawls[:CRAWLS_SHOWN],
            "more_crawls": len(crawls) > CRAWLS_SHOWN,
        }

    # --- A new one ------------------------------------------------------------------------------

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """?preset=<name>: as a site is known to want it."""
        preset = SOURCE_PRESETS.get(request.GET.get("preset", ""))
        return preset.columns if preset else {}

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        name = request.GET.get("preset", "")
        known = {
            "presets": SOURCE_PRESETS,
            "preset_name": name,
            "preset": SOURCE_PRESETS.get(name),
        }
        return super().add_view(request, form_url, {**(extra_context or {}), **known})


def start_address(ids: list[int]) -> str:
    """The page that starts a crawl, with these sources ticked."""
    query = urlencode([("sources", pk) for pk in ids])
    return f"{reverse('admin:scraping_start')}?{query}"


def key_trouble(source: Source) -> str:
    """Why the source's API key cannot be used; empty if it can, or if there is none."""
    try:
        unseal(source.sealed_api_key) if source.sealed_api_key else ""
    except SealBroken as broken:
        return str(broken)
    return ""
