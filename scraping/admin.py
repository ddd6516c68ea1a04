"""Crawls in the console: start one, follow it, see what was taken and what was not."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from gallery.models import Image
from imagineer import words
from imagineer.console_rows import CappedPaginator
from imagineer.console_start import RunAdmin, StartForm
from imagineer.jobs import states
from imagineer.jobs.admin import log_after, log_context
from imagineer.jobs.models import Job
from imagineer.problems import Problem
from scraping import admin_sources, history
from scraping.addresses import site_of
from scraping.admin_preview import PreviewAdmin, preview_urls
from scraping.crawl_presets import CRAWL_PRESETS
from scraping.forms import ScrapeForm
from scraping.models import COUNTS, RefusedImage, ScrapeJob, Source
from scraping.runs import Asked, start_crawl
from scraping.statistics import COUNTED_AT_MOST, DAYS, refusals, statistics

__all__ = ["ScrapeJobAdmin", "admin_sources"]
PICTURES_SHOWN = 120
REFUSED_A_PAGE = 50
_FIELD_OF_PLACE = {"url": "urls"}
# Of counts, in the order of the console.
_LABELS = {
    "crawls": "Crawls",
    "pages": "Pages read",
    "discovered": "Found",
    "downloaded": "Downloaded",
    "filtered": "Left out",
    "duplicate": "Known already",
    "imported": "Taken",
    "errors": "Errors",
}


@admin.register(ScrapeJob)
class ScrapeJobAdmin(PreviewAdmin, RunAdmin):
    start_form = ScrapeForm
    start_name = "scraping_start"
    start_title = "Scrape"
    start_template = "admin/scraping/start.html"
    change_form_template = "admin/scraping/scrapejob/change_form.html"
    change_list_template = "admin/scraping/scrapejob/change_list.html"
    list_display = ("shown_site", "shown_album", "shown_state", "shown_counts", "shown_age")
    list_select_related = ("job", "album")
    search_fields = ("url", "album_name")
    search_help_text = "Address or album"

    # --- Starting -------------------------------------------------------------------------------

    def start_initial(self, request: HttpRequest) -> dict[str, Any]:
        """?url= and ?sources=: where to start; of one source alone, as it wants it."""
        initial = super().start_initial(request)
        if "url" in request.GET:
            initial.setdefault("urls", request.GET["url"])
        ids = [words.number_in(text) for text in initial.get("sources", ())]
        if len(ids) == 1 and ids[0] is not None:
            source = Source.objects.filter(pk=ids[0], enabled=True).first()
            if source is not None:
                wishes = {"max_images": source.max_images, **source.options}
                initial = {**wishes, "filled_in_for": str(source.pk), **initial}
        return initial

    def start_context(self, request: HttpRequest, form: StartForm) -> dict[str, Any]:
        has_sources = Source.objects.filter(enabled=True).exists()
        # It reads as optional only where something else can be chosen.
        form.fields["urls"].required = not has_sources
        return {
            "presets": {name: preset.options for name, preset in CRAWL_PRESETS.items()},
            "has_sources": has_sources,
        }

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        assert isinstance(form, ScrapeForm)
        try:
            return start_crawl(
                form.asked(),
                form.cleaned_data["album_name"],
                created_by=request.user,
                choices=form.choices(),
            ).job
        except Problem as problem:
            problem.field = _FIELD_OF_PLACE.get(problem.field or "", problem.field)
            raise

    def previewed(self, form: StartForm) -> tuple[Asked, dict[str, Any]]:
        assert isinstance(form, ScrapeForm)
        return form.asked()[0], form.choices()

    def started(self, request: HttpRequest, job: Any) -> HttpResponse:
        """To the crawl's own page, which has the job's log too."""
        response = super().started(request, job)
        page = reverse("admin:scraping_scrapejob_change", args=[job.scrape_job.pk])
        response["Location"] = page
        return response

    # --- The list -------------------------------------------------------------------------------

    @admin.display(description="Site", ordering="url")
    def shown_site(self, scrape: ScrapeJob) -> str:
        return site_of(scrape.url)

    @admin.display(description="Album")
    def shown_album(self, scrape: ScrapeJob) -> str:
        return str(scrape.album or scrape.album_name or "none")

    @admin.display(description="Taken")
    def shown_counts(self, scrape: ScrapeJob) -> str:
        return f"{words.thin(scrape.imported)} of {words.thin(scrape.discovered)} found"

    # --- One crawl ------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        live = self.admin_site.admin_view(self.live_view)
        told = self.admin_site.admin_view(self.statistics_view)
        return [
            path("statistics/", told, name="scraping_statistics"),
            path("<int:scrape_id>/live/", live, name="scraping_scrapejob_live"),
            *preview_urls(self),
            *super().get_urls(),
        ]

    def statistics_view(self, request: HttpRequest) -> HttpResponse:
        """What crawls gave in all, by source, and on each of the last 30 days that had one."""
        if not self.has_view_permission(request):
            return HttpResponse("Only admins may see this.", status=403)
        found = statistics()
        sources = [
            (str(source), source.get_absolute_url(), _in_order(counts))
            if source
            else ("Addresses of no source", "", _in_order(counts))
            for source, counts in found.by_source
        ]
        days = [
            (f"{day:%-d %b %Y}", "", _in_order(counts))
            for day, counts in found.by_day
            if counts["crawls"]
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": "Statistics",
            "opts": self.opts,
            "found": found,
            "most": COUNTED_AT_MOST,
            "totals": list(zip(_LABELS.values(), _in_order(found.totals), strict=True)),
            "tables": (
                ("By source", "Source", sources, "There was no crawl yet."),
                ("By day", "Day", days, f"There was no crawl in the last {DAYS} days."),
            ),
        }
        return TemplateResponse(request, "admin/scraping/statistics.html", context)

    def live_view(self, request: HttpRequest, scrape_id: int) -> HttpResponse:
        """What changes while it runs, as HTML parts, and the log lines after ``?after=<seq>``."""
        scrape = self.get_object(request, str(scrape_id))
        if scrape is None:
            return HttpResponse("There is no such crawl.", status=404)
        context = live_context(scrape)
        return JsonResponse(
            {
                "head": render_to_string("admin/scraping/scrapejob/head.html", context, request),
                "made": render_to_string("admin/jobs/job/made.html", context, request),
                "log": log_after(request, scrape.job),
                "ended": scrape.job.has_ended,
            }
        )

    def page_context(self, request: HttpRequest, row: ScrapeJob) -> dict[str, Any]:
        live = live_context(row)
        return {
            **live,
            "forgotten": sum(target.forgotten for target in live["targets"]),
            **refused_context(request, row),
            **log_context(row.job),
            "compared": history.compare(row) if row.job.has_ended else [],
        }


def _in_order(counts: dict[str, int]) -> list[int]:
    return [counts[name] for name in _LABELS]


def live_context(scrape: ScrapeJob) -> dict[str, Any]:
    """Counts, state, addresses and the newest pictures."""
    taken: QuerySet[Image] = Image.objects.filter(scraped_from__scrape_job=scrape)
    pictures = list(taken.order_by("-pk")[: PICTURES_SHOWN + 1])
    targets = list(scrape.targets.select_related("source"))
    return {
        "scrape": scrape,
        "job": scrape.job,
        "chosen": scrape.chosen,
        "counts": [(_LABELS[name], getattr(scrape, name)) for name in COUNTS],
        "unsettled": scrape.unsettled,
        "targets": targets,
        "pictures": pictures[:PICTURES_SHOWN],
        "more_pictures": len(pictures) > PICTURES_SHOWN,
        "can_retry": scrape.job.status in states.RETRIABLE,
    }


def refused_context(request: HttpRequest, scrape: ScrapeJob) -> dict[str, Any]:
    """What was not taken: how many for which reason, and one page of the list."""
    chosen = request.GET.get("reason", "")
    numbers = refusals(scrape)
    refused = scrape.refused_images.select_related("same_as")
    if chosen in RefusedImage.Reason.values:
        refused = refused.filter(reason=chosen)
    return {
        "chosen_reason": chosen,
        "reasons": [
            (value, label, numbers[value])
            for value, label in RefusedImage.Reason.choices
            if value in numbers
        ],
        "refused_total": sum(numbers.values()),
        "page": CappedPaginator(refused, REFUSED_A_PAGE).get_page(request.GET.get("p")),
    }
