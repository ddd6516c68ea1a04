"""An album's captions in the console: figures, readiness for training, export and import."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from gallery.album_sources import SourceRefused
from gallery.caption_words import LONGEST_TRIGGER
from gallery.models import Album, Rating
from gallery.search_query import Query, Term
from imagineer.texts import is_line
from labeling.analytics import Figures, figures
from labeling.api_captions import sent
from labeling.caption_files import CaptionFileRefused
from labeling.caption_jobs import submit_caption_import
from labeling.export_captions import Export, Format, Words, export
from labeling.import_captions import ENDINGS
from labeling.models import LabelingRun

SOURCE_LABELS = {
    "manual": "by hand",
    "claude": "by Claude",
    "imported": "imported",
    "scraper": "from web pages",
    "local": "by the local labeler",
    "prompt": "generation prompts",
}
# How many classes the tag cloud has for how often a tag is used.
_SIZES = 5


class ExportForm(forms.Form):
    format = forms.ChoiceField(choices=Format.choices, initial=Format.TXT)
    words = forms.ChoiceField(
        choices=Words.choices, initial=Words.CAPTION, label="In each .txt", required=False
    )
    pictures = forms.BooleanField(required=False, label="With the pictures")
    repeats = forms.IntegerField(
        min_value=1, max_value=1000, initial=10, required=False, help_text="For kohya's folder."
    )
    trigger = forms.CharField(
        max_length=LONGEST_TRIGGER,
        required=False,
        label="Trigger word",
        help_text="For kohya's folder.",
    )

    def clean_trigger(self) -> str:
        text = str(self.cleaned_data["trigger"])
        if not is_line(text):
            raise forms.ValidationError("Write a single line.")
        return text

    def asked(self) -> Export:
        told = self.cleaned_data
        return Export(
            told["format"],
            told["words"] or Words.CAPTION,
            told["pictures"],
            told["repeats"] or 10,
            told["trigger"],
        )


def view(site: AdminSite) -> Callable[[HttpRequest, int], HttpResponseBase]:
    def captions(request: HttpRequest, album_id: int) -> HttpResponseBase:
        album = Album.objects.filter(pk=album_id).first() if album_id < 2**63 else None
        if album is None:
            raise Http404
        if request.method == "POST":
            return _import(site, request, album)
        form = ExportForm(request.GET if "format" in request.GET else None, label_suffix="")
        if form.is_bound and form.is_valid():
            return sent(export(album, form.asked()))
        return _page(site, request, album, form, 422 if form.is_bound else 200)

    return captions


def _import(site: AdminSite, request: HttpRequest, album: Album) -> HttpResponse:
    files = request.FILES.getlist("files")
    if not files:
        return _page(site, request, album, ExportForm(label_suffix=""), 422, error="Choose a file.")
    try:
        job = submit_caption_import(
            album, files, choose=request.POST.get("choose") == "on", created_by=request.user
        )
    except (SourceRefused, CaptionFileRefused) as refused:
        return _page(site, request, album, ExportForm(label_suffix=""), 422, error=str(refused))
    address = reverse("admin:jobs_job_change", args=[job.pk])
    messages.success(request, format_html('A <a href="{}">job</a> reads the captions.', address))
    return HttpResponseRedirect(request.path)


def _page(
    site: AdminSite,
    request: HttpRequest,
    album: Album,
    form: ExportForm,
    status: int,
    error: str = "",
) -> TemplateResponse:
    found = figures(album)
    context = {
        **site.each_context(request),
        "title": f"Captions of {album}",
        "opts": LabelingRun._meta,
        "album": album,
        "figures": found,
        "sources": [(SOURCE_LABELS.get(key, key), n) for key, n in found.sources.items()],
        "ratings": [(Rating(key).label, n) for key, n in found.ratings.items()],
        "cloud": cloud(found),
        "export": form,
        "import_error": error,
        "endings": ",".join(ENDINGS),
    }
    return TemplateResponse(request, "admin/labeling/captions.html", context, status=status)


def cloud(found: Figures) -> list[dict[str, Any]]:
    """The tags by name, each with its count, a size of 1 to 5 and the search for its pictures."""
    most = max((count for _, count in found.tags), default=1)
    return [
        {
            "name": name,
            "count": count,
            "size": 1 + (_SIZES - 1) * count // most,
            "search": str(Query((Term(name, "tag"),))),
        }
        for name, count in sorted(found.tags)
    ]
