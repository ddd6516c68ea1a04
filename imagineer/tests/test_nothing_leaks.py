"""Without consent nobody sees a veiled picture sharp, and visitors nothing private at all.

A walk (imagineer.tests.leaks) follows every address there could be, which the address tables
enumerate (imagineer.tests.addresses), and every one that is given out, for galleries in random
states. That the walk notices is itself tested: each surface is broken once, by what decides about
it and by a word on its answer, and must be found leaking.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, OuterRef, Q
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

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
from gallery.models import Album, AlbumImage, Exposure, Image, Rating
from generation import api as generation_api
from generation import lora_names
from generation import views as generation_views
from generation.models import GenerationItem, ModelVersion
from imagineer.jobs import api as jobs_api
from imagineer.jobs import describe, events
from imagineer.tests.addresses import EVERYWHERE
from imagineer.tests.leaks import (
    PICTURES,
    SHELVES,
    Rows,
    State,
    World,
    addresses_of,
    leaks,
    make_rows,
    settle,
    walk,
)
from scraping import api as scraping_api
from training import api as training_api


class AtOnce(Executor):
    """Runs in the thread that asks, and as if no loop ran there: with the test's connection.

    Within a loop Django opens another, which sees nothing of the test's transaction.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        try:
            future.set_result(fn(*args, **kwargs))
        finally:
            asyncio._set_running_loop(loop)
        return future


@pytest.fixture
def rows(db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Rows:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MODELS_DIR = tmp_path
    monkeypatch.setattr(events, "_readers", AtOnce())
    return make_rows(tmp_path)


# --- The property --------------------------------------------------------------------------------

_state = st.builds(
    State,
    rating=st.sampled_from(Rating.values),
    is_public=st.sampled_from([True, True, True, False]),
    source_type=st.sampled_from(["upload", "scraped", "generated"]),
    trashed=st.sampled_from([False, False, False, True]),
    shelves=st.lists(st.integers(0, SHELVES - 1), unique=True, max_size=SHELVES).map(tuple),
    lora=st.booleans(),
)
_world = st.builds(
    World,
    pictures=st.lists(_state, min_size=PICTURES, max_size=PICTURES).map(tuple),
    public_shelves=st.lists(st.booleans(), min_size=SHELVES, max_size=SHELVES).map(tuple),
    public_lora=st.booleans(),
    public_base=st.booleans(),
    public_run=st.booleans(),
    public_training=st.booleans(),
)


def assert_tight(found: list[str]) -> None:
    assert not found, "\n".join(found)


@pytest.mark.parametrize("choice", ["hide", "blur", "show"])
def test_visitors_learn_nothing_that_is_not_theirs(rows: Rows, choice: str) -> None:
    @hypothesis_settings(
        max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(_world)
    def check(world: World) -> None:
        with transaction.atomic():
            settle(rows, world)
            assert_tight(leaks(Client(), rows, world, choice))
            transaction.set_rollback(True)

    check()


# One of each kind: open, veiled by rating, veiled for want of one, private, in the trash.
EVERY_KIND = World(
    pictures=(
        State("SAFE", shelves=(0, 1), lora=True),
        State("EXPLICIT", shelves=(0, 1), lora=True),
        State("UNRATED", source_type="scraped", shelves=(0,)),
        State("SAFE", is_public=False, shelves=(0,), lora=True),
        State("SAFE", trashed=True, shelves=(0,), lora=True),
    ),
    public_shelves=(True, False),
    public_lora=False,
    public_base=False,
    public_run=False,
    public_training=False,
)
# The same pictures where all that holds them is public, but for the model below the LoRA.
ALL_SHELVES = World(EVERY_KIND.pictures, (True, True), public_lora=True, public_base=False)


@pytest.mark.parametrize("world", [EVERY_KIND, ALL_SHELVES], ids=["private", "public"])
@pytest.mark.parametrize("choice", ["hide", "blur", "show"])
def test_a_gallery_with_every_kind_is_tight(rows: Rows, choice: str, world: World) -> None:
    settle(rows, world)
    assert_tight(leaks(Client(), rows, world, choice))


def test_who_is_signed_in_and_no_admin_is_a_visitor(rows: Rows) -> None:
    settle(rows, EVERY_KIND)
    client = Client()
    client.force_login(get_user_model().objects.create_user("plain", password="x"))
    assert_tight(leaks(client, rows, EVERY_KIND, "blur"))


def test_one_that_is_revealed_opens_no_other(rows: Rows) -> None:
    settle(rows, EVERY_KIND)
    client = Client()
    revealed, veiled = rows.images[1], rows.images[2]
    told = client.post(f"/images/{revealed.pk}/reveal", headers={"Accept": "application/json"})
    assert "promptpic1" not in told.json()["src"]
    assert client.get(told.json()["src"]).status_code == 200
    found = leaks(client, rows, EVERY_KIND, "blur")
    # All that is found is of the one, and only where its own pages and tiles are.
    assert [leak for leak in found if "EXPLICIT" not in leak and "counts" not in leak] == []
    assert any("EXPLICIT" in leak for leak in found)
    assert client.get(f"/images/{veiled.pk}/original").status_code == 404


def test_the_walk_comes_by_every_public_page(rows: Rows) -> None:
    settle(rows, ALL_SHELVES)
    visited = set()
    for address, answer in walk(Client(), rows).items():
        if answer.found and not address.startswith("/api/"):
            match = resolve(address.removesuffix(" [htmx]").partition("?")[0])
            visited.add(match.view_name)
    # Which only leads elsewhere.
    assert set(EVERYWHERE) - visited - {"gallery:album_source"} == {
        name for name in EVERYWHERE if name.startswith("/api/")
    }


def test_the_walk_gets_an_answer_of_every_public_operation(rows: Rows) -> None:
    settle(rows, ALL_SHELVES)
    for name in EVERYWHERE:
        if name.startswith("/api/"):
            answers = walk(Client(), rows, name).values()
            assert any(answer.found for answer in answers), name
            # A stream is found before it has told anything.
            assert not name.endswith("/events") or any("event: end" in a.told for a in answers)


# --- Leaks that are made on purpose --------------------------------------------------------------


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
            found += leaks(Client(), rows, world, "blur")
        if any(leak.startswith(address) for leak in found):
            return
    pytest.fail(f"Nothing was found at {address}, but {found}")


class Telling(Client):
    """Answers of one page or operation tell a word that they should not."""

    def __init__(self, name: str, word: bytes) -> None:
        super().__init__()
        self.name, self.word = name, word

    def request(self, **asked: Any) -> Any:
        response: Any = super().request(**asked)
        if self.name == _name_of(asked["PATH_INFO"]):
            told = HttpResponse(self.word, status=response.status_code)
            told["Content-Type"] = "text/plain"
            return told
        return response


def _name_of(path: str) -> str:
    """As in EVERYWHERE: of a page its view, of an operation its path."""
    match = resolve(path)
    operation = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{match.route}")
    return operation if path.startswith("/api/") else match.view_name


def test_each_address_belongs_to_its_name(rows: Rows) -> None:
    """What follows plants a word by the name."""
    for name in EVERYWHERE:
        for address in addresses_of(name, rows):
            path = address.partition("?")[0]
            assert _name_of(path) == name, address


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
        assert leaks(Telling(name, word), rows, EVERY_KIND, "blur", only=name), what
    sharp = next(iter(rows.files[rows.images[1].pk]))
    assert leaks(Telling(name, sharp), rows, EVERY_KIND, "blur", only=name), "a sharp file"


def test_an_admin_sees_it_all(rows: Rows) -> None:
    """The walk is not blind: what visitors must not see is there to be seen."""
    settle(rows, EVERY_KIND)
    admin = Client()
    admin.force_login(get_user_model().objects.create_superuser("a", password="x"))
    found = leaks(admin, rows, EVERY_KIND, "blur")
    for word in ("pic3", "shelfname1", "loraname", "basename", "trainname", "jobtitleword"):
        assert any(word in leak for leak in found), word
