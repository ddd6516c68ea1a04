"""The walk of test_nothing_leaks.py is not blind.

Each surface is broken once, by what decides about it and by a word on its answer, and must be found
leaking.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.db.models import F, OuterRef, Q
from django.http import HttpResponse
from django.test import Client

from gallery import (
    feeds,
    listing,
    media_views,
    nsfw,
    search,
    search_names,
    similar,
    tag_counts,
    views,
)
from gallery import sitemaps as maps
from gallery.models import Album, AlbumImage, Exposure, Image
from generation import api as generation_api
from generation import lora_names
from generation import views as generation_views
from generation.models import GenerationItem, ModelVersion
from imagineer.jobs import api as jobs_api
from imagineer.jobs import describe, events
from imagineer.tests.addresses import EVERYWHERE
from imagineer.tests.leaks.findings import leaks
from imagineer.tests.leaks.worlds import ALL_SHELVES, EVERY_KIND, Rows, settle
from scraping import api as scraping_api
from training import api as training_api


def _always(value: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: value


def _for_admins(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, told that an admin asks."""

    def told(*args: Any, **kwargs: Any) -> Any:
        with mock.patch.object(nsfw, "is_admin", _always(True)):
            return function(*args, **kwargs)

    return told


_all_alike = mock.Mock(visible=lambda rows, request: rows, may_see_sharp=_always(True))
_all_told = mock.Mock(
    ALBUM_ORDER=listing.ALBUM_ORDER,
    tag_condition=_always(Q()),
    visible_members=lambda rows, request: rows,
)
_all_images = maps.Part(lambda: Image.everything.all(), maps._image)
_all_albums = maps.Part(lambda: Album.objects.all(), lambda row: maps.Place(row.get_absolute_url()))


def _all_rows(rows: Any, *more: Any, **also: Any) -> Any:
    return rows


def _all_cards(request: Any, with_empty: bool = False) -> Any:
    inside = listing.visible_members(AlbumImage.everything.filter(album=OuterRef("pk")), request)
    order, count = listing.ALBUM_ORDER, nsfw.count(request)
    return listing.with_pictures(Album.objects.all(), inside, order, image_count=count)


def _every_album(request: Any) -> Any:
    return Album.objects.all()


def _every_model(request: Any) -> Any:
    return ModelVersion.objects.all()


def _every_item(request: Any) -> Any:
    return GenerationItem.objects.select_related("image")


def _told_as_admins(job: Any, admin: bool) -> Any:
    return describe.described(job, admin=True)


def _sharp_key(request: Any, image: Image, width: int, sharp: bool) -> HttpResponse:
    return HttpResponse(image.sharp_key)


def _facet_of_loras() -> Any:
    return replace(lora_names.SEARCHED, facet=lambda ids, everything: [("loraname", 1)])


_of_its_kind = search._name


def _any_name(term: Any, everything: bool) -> Any:
    return _of_its_kind(term, everything=True)


_MOST = search.fact("most", Exposure.TRASHED.value)
_WHOLLY = (nsfw, "is_open", _always(True))

# surface: (an address that must be found leaking, what is broken: where, what, instead)
PLANTS: dict[str, tuple[Any, ...]] = {
    "lists": ("/", (nsfw, "condition", _always(Q()))),
    "sharp files": ("/i/", (nsfw, "needs_consent", _always(False))),
    "tiles": ("/albums/", (nsfw, "needs_consent", _always(False))),
    "files by address": ("/i/", (media_views, "_check", _always(None))),
    "originals": ("/images/", (media_views, "_check", _always(None))),
    "pages of private pictures": ("/images/", (nsfw, "may_see", _always(True))),
    "words of veiled pictures": ("/images/", (nsfw, "may_see_sharp", _always(True))),
    "names in a spread": ("/albums/", (nsfw, "may_see_sharp", _always(True))),
    "search words": ("/search/", (search, "_columns", _always(("words", "veiled_words")))),
    "search words, API": ("/api/search", (search, "_columns", _always(("words", "veiled_words")))),
    "search visibility": ("/api/search", (search, "_visibility", _always([_MOST]))),
    "names that are searched": ("/search/", (search, "_name", _any_name)),
    "names that are searched, API": ("/api/search", (search, "_name", _any_name)),
    "facets": ("/api/search", (search, "_facets", _for_admins(search._facets))),
    "facet of LoRAs": ("/search/", (search_names, "registered", _always((_facet_of_loras(),)))),
    "tags": ("/tags/", (listing, "tag_condition", _always(Q()))),
    "tag counts": ("/tags/", (listing, "tag_count", _always(F("private_count") + 1))),
    "tags, API": ("/api/tags", (listing, "tag_count", _always(F("private_count") + 1))),
    "tags of an album": ("/api/albums/", (tag_counts, "listing", _all_told)),
    "albums": ("/albums/", (listing, "album_cards", _all_cards)),
    "albums, API": ("/api/albums", (listing, "album_cards", _all_cards)),
    "album counts": ("/api/albums/", (nsfw, "count", _always(F("private_count") + 1))),
    "covers": ("/albums/", (nsfw, "visible", _all_rows)),
    "feeds": ("/feed.atom", (feeds, "Exposure", mock.Mock(OPEN=Exposure.TRASHED)), _WHOLLY),
    "sitemap of pictures": ("/sitemap", (maps, "_parts", {"images": _all_images}), _WHOLLY),
    "sitemap of albums": ("/sitemap", (maps, "_parts", {"albums": _all_albums})),
    "shared cards": ("/", _WHOLLY),
    "shared words": ("/images/", _WHOLLY),
    "API pictures": ("/api/images", (nsfw, "may_see_sharp", _always(True))),
    "API thumbnails": ("/api/images", (media_views, "thumbnail", _sharp_key)),
    "more like this": ("/images/", (similar, "nsfw", _all_alike)),
    "more like this, API": ("/api/images", (similar, "nsfw", _all_alike)),
    "neighbours": ("/images/", (nsfw, "visible", _all_rows)),
    "picture tags": ("/images/", (views, "_tags", _always([("tagpic1", "/x")]))),
    "albums of a picture": ("/images/", (listing, "albums", _every_album)),
    "LoRAs": ("/loras/", (generation_views, "_visible", _every_model)),
    "LoRAs, API": ("/api/loras", (generation_api, "is_admin_request", _always(True))),
    "base models": ("/loras/", (generation_views, "leave_out_private_bases", _always(None))),
    "base models, API": ("/api/models", (generation_api, "is_admin_request", _always(True))),
    "runs": ("/templates/", (generation_views, "shown_runs", _always(Q()))),
    "runs, API": ("/api/batch", (generation_api, "shown_runs", _always(Q()))),
    "names in runs, API": ("/api/batch", (generation_api, "names_item", _always(True))),
    "pictures of runs, API": ("/api/batch", (generation_api, "shown_items", _every_item)),
    "words of runs, API": ("/api/batch", (generation_api, "is_admin_request", _always(True))),
    "jobs, API": ("/api/jobs", (jobs_api, "is_admin_request", _always(True))),
    "job events": ("/api/jobs/", (events, "described", _told_as_admins)),
    "crawls, API": ("/api/scraping", (scraping_api, "is_admin_request", _always(True))),
    "options of crawls, API": ("/api/scraping", (scraping_api, "PRIVATE", ())),
    "trainings, API": ("/api/training", (training_api, "is_admin_request", _always(True))),
}  # fmt: skip


@contextmanager
def planted(patches: tuple[tuple[Any, str, Any], ...]) -> Iterator[None]:
    with ExitStack() as stack:
        for where, what, instead in patches:
            stack.enter_context(mock.patch.object(where, what, instead))
        yield


@pytest.mark.parametrize("surface", PLANTS)
def test_a_leak_on_any_surface_is_found(rows: Rows, surface: str) -> None:
    address, *patches = PLANTS[surface]
    found = []
    for world in (EVERY_KIND, ALL_SHELVES):
        settle(rows, world)
        with planted(tuple(patches)):
            found += leaks(Client(), rows, world, "blur", under=address)
        if any(leak.startswith(address) for leak in found):
            return
    pytest.fail(f"Nothing was found at {address}, but {found}")


class Telling(Client):
    """Every address answers with a word, if only to say that nothing is there."""

    def __init__(self, word: bytes) -> None:
        super().__init__()
        self.word = word

    def request(self, **asked: Any) -> Any:
        return HttpResponse(self.word, status=404, content_type="text/plain")


WORDS_OF_ALL = {
    "a word of a private picture": b"promptpic3",
    "the address of a private picture": b"/images/{private}/",
    "a word of a deleted picture": b"promptpic4",
    "a word of a veiled picture": b"promptpic1",
    "a sharp address": b"/i/{sharp}-41.webp",
    "a private album": b"shelfname1",
    "a private LoRA": b"loraname",
    "a private base model": b"basename",
    "a run's theme": b"themeword",
    "a job's title": b"jobtitleword",
    "a crawl's address": b"https://site.example/crawlpath",
    "a pattern of addresses": b"crawlpattern",
    "an address of a crawl": b"targetpath",
    "why an address ended": b"targetend",
    "a source": b"sourcename",
}


@pytest.mark.parametrize("name", EVERYWHERE)
def test_no_answer_tells_what_it_should_not_unnoticed(rows: Rows, name: str) -> None:
    settle(rows, EVERY_KIND)
    stands_for = {
        b"{private}": str(rows.images[3].pk).encode(),
        b"{sharp}": rows.images[1].sharp_key.encode(),
    }
    for what, word in WORDS_OF_ALL.items():
        for placeholder, value in stands_for.items():
            word = word.replace(placeholder, value)
        assert leaks(Telling(word), rows, EVERY_KIND, "blur", only=name), what
    sharp = next(iter(rows.files[rows.images[1].pk]))
    assert leaks(Telling(sharp), rows, EVERY_KIND, "blur", only=name), "a sharp file"


def test_an_admin_sees_it_all(rows: Rows) -> None:
    """The walk is not blind: what visitors must not see is there to be seen."""
    settle(rows, EVERY_KIND)
    admin = Client()
    admin.force_login(get_user_model().objects.create_superuser("a", password="x"))
    found = leaks(admin, rows, EVERY_KIND, "blur")
    for word in ("pic3", "shelfname1", "loraname", "basename", "trainname", "jobtitleword"):
        assert any(word in leak for leak in found), word
