"""Scraping in the console: start a crawl, follow it, see what was taken and what was not."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from gallery.albums import LONGEST_NAME
from gallery.models import Image
from imagineer import words
from imagineer.console_start import RunAdmin, StartForm, number_field
from imagineer.jobs import states
from imagineer.jobs.models import Job
from imagineer.problems import Problem
from scraping import history
from scraping.addresses import site_of
from scraping.models import RefusedImage, ScrapeJob
from scraping.options import BOUNDS, CrawlOptions, checked
from scraping.runs import Asked, checked_address, start_crawl

PICTURES_SHOWN = 120
REFUSED_A_PAGE = 50


def _bounded(name: str, told: str = ".", **options: Any) -> forms.IntegerField:
    least, most = BOUNDS[name]
    return number_field(int(least), int(most), told, initial=getattr(CrawlOptions, name), **options)


class ScrapeForm(StartForm):
    first = ("url", "album_name", "depth", "max_images")
    intro = (
        "Reads the pages of one site and takes their pictures, with the words beside them as "
        "captions. It obeys robots.txt and keeps pauses."
    )

    url = forms.CharField(
        label="Address",
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/gallery/"}),
    )
    album_name = forms.CharField(
        label="Name of the album",
        max_length=LONGEST_NAME,
        required=False,
        help_text="“Scraped” and the site's name, if you leave it empty.",
    )
    depth = _bounded(
        "depth",
        "; 0 reads that page alone, 1 also the pages it links to.",
        label="Links to follow",
    )
    max_images = _bounded("max_images", label="Pictures at most")
    max_pages = _bounded("max_pages", label="Pages at most")
    min_width = _bounded("min_width", label="Width at least")
    min_height = _bounded("min_height", label="Height at least")

    def clean_url(self) -> str:
        try:
            return checked_address(self.cleaned_data["url"])
        except Problem as problem:
            raise forms.ValidationError(problem.message) from problem

    @property
    def cost(self) -> str:
        pictures, pages = self.value("max_images"), self.value("max_pages")
        if not (pictures and pages):
            return ""
        if self.value("depth") == 0:
            pages = 1
        longest = (pictures + pages) * settings.SCRAPE_DELAY
        pause = f"{settings.SCRAPE_DELAY:g} s between requests"
        return f"At most about {words.span(longest)} with {pause}." if longest else ""

    @property
    def verb(self) -> str:
        try:
            return f"Scrape {site_of(checked_address(str(self.value('url') or '')))}"
        except Problem:
            return "Scrape"


@admin.register(ScrapeJob)
class ScrapeJobAdmin(RunAdmin):
    start_form = ScrapeForm
    start_name = "scraping_start"
    start_title = "Scrape a site"
    change_form_template = "admin/scraping/scrapejob/change_form.html"
    list_display = ("shown_site", "album_name", "shown_state", "shown_counts", "shown_age")
    list_select_related = ("job", "album")
    search_fields = ("url", "album_name")
    search_help_text = "Address or album"

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        given = dict(form.cleaned_data)
        asked, name = Asked(given.pop("url")), given.pop("album_name")
        return start_crawl([asked], name, checked(given), created_by=request.user).job

    @admin.display(description="Site", ordering="url")
    def shown_site(self, scrape: ScrapeJob) -> str:
        return site_of(scrape.url)

    @admin.display(description="Taken")
    def shown_counts(self, scrape: ScrapeJob) -> str:
        return f"{words.thin(scrape.imported)} of {words.thin(scrape.discovered)} found"

    def get_urls(self) -> list[URLPattern]:
        live = self.admin_site.admin_view(self.live_view)
        return [
            path("<int:scrape_id>/live/", live, name="scraping_scrapejob_live"),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest, scrape_id: int) -> HttpResponse:
        """The part of a crawl's page that changes while it runs."""
        scrape = self.get_object(request, str(scrape_id))
        if scrape is None:
            return HttpResponse("There is no such crawl.", status=404)
        response = render(request, "admin/scraping/scrapejob/live.html", live_context(scrape))
        if scrape.job.has_ended:
            response["X-Ended"] = "1"
        return response

    def page_context(self, request: HttpRequest, row: ScrapeJob) -> dict[str, Any]:
        compared = history.compare(row) if row.job.has_ended else []
        return live_context(row) | refused_context(request, row) | {"compared": compared}


def live_context(scrape: ScrapeJob) -> dict[str, Any]:
    """Counts, state and the newest pictures."""
    taken: QuerySet[Image] = Image.objects.filter(scraped_from__scrape_job=scrape)
    pictures = list(taken.order_by("-pk")[: PICTURES_SHOWN + 1])
    return {
        "scrape": scrape,
        "chosen": scrape.chosen,
        "counts": (
            ("Pages read", scrape.pages),
            ("Found", scrape.discovered),
            ("Downloaded", scrape.downloaded),
            ("Left out", scrape.filtered),
            ("Known already", scrape.duplicate),
            ("Taken", scrape.imported),
        ),
        "pictures": pictures[:PICTURES_SHOWN],
        "more_pictures": len(pictures) > PICTURES_SHOWN,
        "can_retry": scrape.job.status in states.RETRIABLE,
    }


def refused_context(request: HttpRequest, scrape: ScrapeJob) -> dict[str, Any]:
    """What was not taken: how many for which reason, and one page of the list."""
    chosen = request.GET.get("reason", "")
    refused = scrape.refused_images.select_related("same_as")
    numbers: dict[str, int] = dict(
        scrape.refused_images.order_by().values_list("reason").annotate(number=Count("id"))
    )
    if chosen in RefusedImage.Reason.values:
        refused = refused.filter(reason=chosen)
    return {
        "chosen": chosen,
        "reasons": [
            (value, label, numbers[value])
            for value, label in RefusedImage.Reason.choices
            if value in numbers
        ],
        "refused_total": sum(numbers.values()),
        "page": Paginator(refused, REFUSED_A_PAGE).get_page(request.GET.get("p")),
    }
