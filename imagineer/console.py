"""The admins' console: Django's admin site with a rail by work and a live front page."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from imagineer import console_home, console_rooms, console_settings
from imagineer.accounts.permissions import is_admin
from imagineer.words import number_in
from labeling import admin_review

console_rooms.fill()
View = TypeVar("View", bound=Callable[..., HttpResponseBase])


@dataclass(frozen=True)
class RailEntry:
    """A place in the rail. targets: URL names; the first one that exists is linked.

    section: the entry is current on every page below these paths of the admin.
    """

    label: str
    icon: str
    targets: tuple[str, ...]
    section: tuple[str, ...] = ()


RAIL = (
    RailEntry("Home", "house", ("index",)),
    RailEntry(
        "Images", "image", ("gallery_image_changelist",), ("gallery/image/", "gallery/label/")
    ),
    RailEntry("Albums", "images", ("gallery_album_changelist",), ("gallery/album/",)),
    RailEntry(
        "Label",
        "tag",
        ("labeling_start", "labeling_labelingrun_changelist"),
        # Tags, their aliases and implications, and changes of many labels.
        ("labeling/", "gallery/tag", "gallery/labelchange/"),
    ),
    RailEntry("Review", "check", ("labeling_review",), ("labeling/review/",)),
    RailEntry(
        "Scrape", "globe", ("scraping_start", "scraping_scrapejob_changelist"), ("scraping/",)
    ),
    RailEntry("Datasets", "layers", ("training_datasetversion_changelist",), ("training/dataset",)),
    RailEntry(
        "Train",
        "graduation-cap",
        ("training_start", "training_trainingrun_changelist"),
        ("training/",),
    ),
    RailEntry(
        "Models", "box", ("generation_modelversion_changelist",), ("generation/modelversion/",)
    ),
    RailEntry(
        "Generate",
        "sparkles",
        ("generation_generate", "generation_generationrun_changelist"),
        ("generation/",),
    ),
    RailEntry(
        "Templates",
        "layout-template",
        ("generation_batchtemplate_changelist",),
        ("generation/batchtemplate/",),
    ),
    RailEntry("Jobs", "list-checks", ("jobs_job_changelist",), ("jobs/",)),
    RailEntry(
        "Settings",
        "settings",
        ("settings",),
        ("settings/", "auth/", "accounts/", "account/", "socialaccount/"),
    ),
)


def rail(request_path: str) -> list[dict[str, Any]]:
    """The entries whose pages exist; the one with the longest matching section is current."""
    root = reverse("admin:index")
    inside = request_path.removeprefix(root) if request_path.startswith(root) else None
    entries: list[dict[str, Any]] = []
    best, best_length = None, 0
    for entry in RAIL:
        url = _first_existing(entry.targets)
        if url is None:
            continue
        shown = {"label": entry.label, "icon": entry.icon, "url": url, "current": False}
        entries.append(shown)
        if inside == "" and url == root:
            shown["current"] = True
        for section in entry.section:
            if inside and inside.startswith(section) and len(section) > best_length:
                best, best_length = shown, len(section)
    if best is not None:
        best["current"] = True
    return entries


def _first_existing(names: tuple[str, ...]) -> str | None:
    for name in names:
        try:
            return reverse(f"admin:{name}")
        except NoReverseMatch:
            continue
    return None


def view_on_site(request: HttpRequest, kind: str, pk: str) -> HttpResponse:
    """To the page of any row that has one; 404 for all else, also for kinds without a table."""
    missing = Http404("There is no such row, or it has no page.")
    found = ContentType.objects.filter(pk=number_in(kind) or 0).first()
    if found is None or not hasattr(found.model_class(), "get_absolute_url"):
        raise missing
    try:
        return shortcut(request, kind, pk)
    except (ValidationError, NoReverseMatch):
        raise missing from None


def _is_key(text: str) -> bool:
    """Whether a row may have this key: a number or a UUID."""
    try:
        return number_in(text) is not None or bool(UUID(text))
    except ValueError:
        return False


class Console(admin.AdminSite):
    site_header = "Imagineer"
    site_title = "Imagineer"
    index_title = "Home"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return is_admin(request.user)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """As Django's, but a value in an address that no column can hold is a 404, not a crash:
        a number of more than 64 bits in SQLite, NUL in PostgreSQL. A selection that no list gave
        out is a 400.
        """

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
            if "action" in request.POST and not all(map(_is_key, selected)):
                raise BadRequest("What was selected is no row of a list.")
            try:
                return view(request, *args, **kwargs)
            except (OverflowError, DataError) as error:
                if request.method in ("GET", "HEAD"):
                    raise Http404("Nothing in this list has such a value.") from error
                raise

        return super().admin_view(cast(View, guarded), cacheable)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if context["has_permission"]:
            context["rail"] = rail(request.path)
        return context

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [
            path("live/", self.admin_view(self.live_view), name="live"),
            path("settings/", self.admin_view(self.settings_view), name="settings"),
            # Before Django's own, which crashes on kinds without a table and keys of another type.
            path("r/<path:kind>/<path:pk>/", self.admin_view(view_on_site)),
            *admin_review.urls(self),
        ]
        return [*own, *super().get_urls()]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = {
            **self.each_context(request),
            "title": self.index_title,
            **console_home.live(),
            **console_home.newest(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/index.html", context)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """The parts of the front page that change by themselves, as HTML in JSON."""
        return JsonResponse(
            {
                "live": render_to_string("admin/home_live.html", console_home.live(), request),
                "newest": render_to_string(
                    "admin/home_newest.html", console_home.newest(), request
                ),
            }
        )

    def settings_view(self, request: HttpRequest) -> HttpResponse:
        context = {
            **self.each_context(request),
            "title": "Settings",
            "app_list": self.get_app_list(request),
            **console_settings.context(),
        }
        return TemplateResponse(request, "admin/settings.html", context)

    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Nobody signs in here: visitors go to the site's one sign-in page."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if request.user.is_authenticated:
            return render(request, "admin/refused.html", status=403)
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Signed out, one is a visitor: at the gallery."""
        return LogoutView.as_view(next_page="/")(request)
