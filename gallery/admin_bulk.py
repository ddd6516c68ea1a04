"""What can be done to many pictures at once: the bar below the grid, and its actions."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme

from gallery import admin_trash, albums, bulk
from gallery.bulk import Change, ChangeRefused
from gallery.models import Album, Image, Rating
from imagineer.texts import has_control
from imagineer.words import number_in, thin

NAMES_OFFERED = 200
# One by one; beyond that people select all that match.
MOST_ELSEWHERE = 10_000


class AlbumNameField(forms.CharField):
    """The name of an existing album or of one to be made."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", Album._meta.get_field("name").max_length)
        super().__init__(**kwargs)
        self.widget.attrs.update({"list": "album-names", "autocomplete": "off"})


def album_names() -> list[str]:
    """The names that a field for an album offers, newest first."""
    return list(Album.objects.values_list("name", flat=True)[:NAMES_OFFERED])


def clean_album_name(name: str) -> str:
    """The name as an album bears it. Raises ValidationError for a bad one."""
    return str(AlbumNameField().clean(name))


def album_named(name: str, user: Any) -> Album:
    """The album of this name, made if there is none. Raises ValidationError for a bad name."""
    return albums.named(clean_album_name(name), created_by=user)


def album_numbered(text: str) -> Album | None:
    """The album whose number an address says."""
    number = number_in(text)
    return None if number is None else Album.objects.filter(pk=number).first()


def bar() -> dict[str, Any]:
    """What the template of the selection bar needs."""
    return {"album_names": album_names(), "ratings": Rating.choices}


def add_what_was_picked_elsewhere(request: HttpRequest) -> bool:
    """Let the pictures selected on other pages of the list count too (console-select.js).

    False if they are too many: nothing is to be done then, and the next page says so.
    """
    told = request.POST.get("elsewhere", "").split(",", MOST_ELSEWHERE)
    if len(told) > MOST_ELSEWHERE:
        messages.error(
            request,
            f"These are more than {thin(MOST_ELSEWHERE)} pictures, picked one by one; narrow the "
            "filter and select all that match.",
        )
        return False
    elsewhere = [text for text in told if number_in(text) is not None]
    if not elsewhere:
        return True
    data = request.POST.copy()
    picked = [*data.getlist(ACTION_CHECKBOX_NAME), *elsewhere]
    data.setlist(ACTION_CHECKBOX_NAME, list(dict.fromkeys(picked)))
    request.POST = data  # type: ignore[assignment]
    return True


Action = Callable[[Any, HttpRequest, QuerySet[Image]], HttpResponse | None]


def _done(request: HttpRequest) -> HttpResponse | None:
    """Back to the page that the form named, if it is ours; None: to the list."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        return HttpResponseRedirect(target)
    return None


def _change(
    request: HttpRequest, queryset: QuerySet[Image], change: Callable[[], Change]
) -> HttpResponse | None:
    """Make the change of the chosen, in list order; change() may raise ChangeRefused."""
    chosen = list(queryset.values_list("pk", flat=True)[: bulk.AT_MOST + 1])
    if len(chosen) > bulk.AT_MOST:
        messages.error(
            request,
            f"These are more than {thin(bulk.AT_MOST)} pictures; narrow the filter and repeat.",
        )
        return _done(request)
    try:
        wanted = change()
        if len(chosen) > bulk.AT_ONCE:
            return _by_job(request, wanted, chosen)
        changed = bulk.apply(wanted, chosen, changed_by=request.user)
    except ChangeRefused as refused:
        messages.error(request, str(refused))
        return _done(request)
    messages.success(request, bulk.told(wanted, len(chosen), changed))
    if wanted.action == bulk.Action.DELETE:
        admin_trash.remember(request, chosen)
    return _done(request)


def _by_job(request: HttpRequest, change: Change, chosen: list[int]) -> HttpResponse | None:
    job = bulk.submit_change(change, chosen, created_by=request.user)
    messages.success(
        request,
        format_html(
            '{}: a <a href="{}">job</a> does it.',
            job.title,
            reverse("admin:jobs_job_change", args=[job.pk]),
        ),
    )
    if change.action == bulk.Action.DELETE:
        admin_trash.remember(request, chosen, job)
    return _done(request)


def _album_told(request: HttpRequest) -> Album:
    """The album that the bar names, made if there is none. Raises ChangeRefused."""
    try:
        return album_named(request.POST.get("album", ""), request.user)
    except ValidationError as error:
        raise ChangeRefused(
            f"Name an album, existing or new. {' '.join(error.messages)}"
        ) from error


@admin.action(description="Add to album")
def add_to_album(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    return _change(
        request, queryset, lambda: Change(bulk.Action.ADD_TO_ALBUM, album=_album_told(request).pk)
    )


@admin.action(description="Move to album")
def move_to_album(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    """Out of the album that the list is filtered by."""

    def change() -> Change:
        leaving = album_numbered(request.POST.get("leaving", ""))
        if leaving is None:
            raise ChangeRefused("Open the album that they should leave, and move them from there.")
        album = _album_told(request)
        if album == leaving:
            raise ChangeRefused(f"They are in “{album}” already. Name the album to move them to.")
        return Change(bulk.Action.MOVE_TO_ALBUM, album=album.pk, leaving=leaving.pk)

    return _change(request, queryset, change)


@admin.action(description="Remove from album")
def remove_from_album(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    def change() -> Change:
        name = request.POST.get("album", "").strip()
        album = None if has_control(name) else Album.objects.filter(name=name).first()
        if album is None:
            raise ChangeRefused("Name the album that they should leave.")
        return Change(bulk.Action.REMOVE_FROM_ALBUM, leaving=album.pk)

    return _change(request, queryset, change)


@admin.action(description="Set rating")
def set_rating(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    def change() -> Change:
        rating = request.POST.get("rating", "")
        if rating not in Rating.values:
            raise ChangeRefused("Choose a rating.")
        return Change(bulk.Action.SET_RATING, rating=rating)

    return _change(request, queryset, change)


@admin.action(description="Make public")
def make_public(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    return _change(request, queryset, lambda: Change(bulk.Action.MAKE_PUBLIC))


@admin.action(description="Make private")
def make_private(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    return _change(request, queryset, lambda: Change(bulk.Action.MAKE_PRIVATE))


@admin.action(description="Delete", permissions=["delete"])
def delete_pictures(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    """Into the trash, without asking first: the next page offers to take them out again."""
    return _change(request, queryset, lambda: Change(bulk.Action.DELETE))


ACTIONS: tuple[Action, ...] = (
    add_to_album,
    move_to_album,
    remove_from_album,
    set_rating,
    make_public,
    make_private,
    delete_pictures,
)
