"""What can be done to many pictures at once: the bar below the grid, and its actions."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from gallery import admin_trash, albums, ratings, trash
from gallery.models import Album, Image, Rating
from imagineer.texts import has_control
from imagineer.words import number_in, thin

AT_MOST = 2_000
NAMES_OFFERED = 200


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
    return {"album_names": album_names(), "ratings": Rating.choices, "at_most": AT_MOST}


Action = Callable[[Any, HttpRequest, QuerySet[Image]], HttpResponse | None]


def _chosen(request: HttpRequest, queryset: QuerySet[Image]) -> list[int] | None:
    """The ids in list order; None (and a message) if there are too many for one request."""
    chosen = list(queryset.values_list("pk", flat=True)[: AT_MOST + 1])
    if len(chosen) > AT_MOST:
        messages.error(
            request, f"These are more than {thin(AT_MOST)} pictures; narrow the filter and repeat."
        )
        return None
    return chosen


def _done(request: HttpRequest) -> HttpResponse | None:
    """Back to the page that the form named, if it is ours; None: to the list."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        return HttpResponseRedirect(target)
    return None


def pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{thin(count)} pictures"


@admin.action(description="Add to album")
def add_to_album(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    chosen = _chosen(request, queryset)
    if chosen is None:
        return _done(request)
    try:
        album = album_named(request.POST.get("album", ""), request.user)
    except ValidationError as error:
        messages.error(request, f"Name an album, existing or new. {' '.join(error.messages)}")
        return _done(request)
    try:
        added = albums.put_many(album, chosen, added_by=request.user)
    except (IntegrityError, Album.DoesNotExist):
        messages.error(request, "The album or a picture was deleted meanwhile; nothing was added.")
        return _done(request)
    known = len(chosen) - added
    rest = f"; {pictures(known)} {'was' if known == 1 else 'were'} in it before" if known else ""
    messages.success(request, f"{pictures(added)} added to “{album}”{rest}.")
    return _done(request)


@admin.action(description="Remove from album")
def remove_from_album(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    chosen = _chosen(request, queryset)
    if chosen is None:
        return _done(request)
    name = request.POST.get("album", "").strip()
    album = None if has_control(name) else Album.objects.filter(name=name).first()
    if album is None:
        messages.error(request, "Name the album that they should leave.")
        return _done(request)
    removed = albums.remove_many(album, chosen)
    messages.success(
        request, f"{pictures(removed)} removed from “{album}”. They stay in the gallery."
    )
    return _done(request)


@admin.action(description="Set rating")
def set_rating(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    rating = request.POST.get("rating", "")
    if rating not in Rating.values:
        messages.error(request, "Choose a rating.")
        return _done(request)
    chosen = _chosen(request, queryset)
    if chosen is not None:
        changed = rate(chosen, rating)
        messages.success(request, f"{pictures(changed)} rated {Rating(rating).label.lower()}.")
    return _done(request)


def rate(image_ids: Sequence[int], rating: str) -> int:
    """Change the ratings that differ; how many did."""
    return ratings.change_rating(
        Image.objects.filter(pk__in=image_ids).exclude(rating=rating), rating
    )


def publish(image_ids: Sequence[int], is_public: bool) -> int:
    """Open or close the pictures that are not so already; how many changed."""
    differing = Image.objects.filter(pk__in=image_ids).exclude(is_public=is_public)
    return ratings.change_visibility(differing, is_public)


def _publish(request: HttpRequest, queryset: QuerySet[Image], public: bool) -> HttpResponse | None:
    chosen = _chosen(request, queryset)
    if chosen is not None:
        changed = publish(chosen, public)
        messages.success(request, f"{pictures(changed)} made {'public' if public else 'private'}.")
    return _done(request)


@admin.action(description="Make public")
def make_public(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    return _publish(request, queryset, True)


@admin.action(description="Make private")
def make_private(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    return _publish(request, queryset, False)


@admin.action(description="Delete", permissions=["delete"])
def delete_pictures(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    """Into the trash, without asking first: the next page offers to take them out again."""
    chosen = _chosen(request, queryset)
    if chosen is not None:
        deleted = trash.move_to_trash(chosen, deleted_by=request.user)
        messages.success(request, f"{pictures(deleted)} moved to the trash.")
        admin_trash.remember(request, chosen)
    return _done(request)


ACTIONS: tuple[Action, ...] = (
    add_to_album,
    remove_from_album,
    set_rating,
    make_public,
    make_private,
    delete_pictures,
)
