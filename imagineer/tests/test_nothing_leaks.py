"""Without consent nobody sees a veiled picture sharp, and visitors nothing private at all.

A walk follows every address that the public site gives out, beginning with every address that there
could be, for galleries in random states. Each picture, album, tag and LoRA bears a word of its own,
so that whatever tells of it is noticed; picture files are compared with the sharp ones. That the
walk notices is itself tested: each surface is broken once, and must be found leaking.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, OuterRef, Q
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gallery import (
    feeds,
    image_index,
    listing,
    nsfw,
    renditions,
    search,
    similar,
    tag_counts,
    tag_names,
    views,
)
from gallery import sitemaps as maps
from gallery.models import Album, AlbumImage, Exposure, Image, ImageTag, Label, Rating, Tag
from gallery.models import is_veiled as veiled_by
from gallery.tests.factories import make_image
from generation.models import ImageModel, ModelVersion
from generation.tests.factories import make_lora
from imagineer.tests.rows import make_row
from scraping.models import ScrapedImage, ScrapeJob

PICTURES = 5
SHELVES = 2


@dataclass(frozen=True)
class State:
    """What chance decides of one picture. shelves: the albums it is in."""

    rating: str
    is_public: bool = True
    source_type: str = "upload"
    trashed: bool = False
    shelves: tuple[int, ...] = ()
    lora: bool = False


@dataclass(frozen=True)
class World:
    pictures: tuple[State, ...]
    public_shelves: tuple[bool, ...]
    public_lora: bool


@dataclass
class Rows:
    images: list[Image]
    albums: list[Album]
    lora: ModelVersion
    scrape: ScrapeJob
    files: dict[int, set[bytes]] = field(default_factory=dict)


@pytest.fixture
def rows(db: None, tmp_path: Path, settings: Any) -> Rows:
    """The pictures with their files and all that is said of them; states come later."""
    settings.MEDIA_ROOT = tmp_path
    images = []
    scrape = make_row(ScrapeJob)
    for number in range(PICTURES):
        image = make_image(
            seed=number + 1,
            width=40 + number,
            height=30,
            original_name=f"namepic{number}.png",
            prompt=f"promptpic{number} common",
            negative_prompt=f"negativepic{number}",
            generation_params={"seed": 5, "note": f"parampic{number}"},
        )
        Label.objects.create(image=image, kind="caption", text=f"captionpic{number} common")
        Label.objects.create(image=image, kind="tag", text=f"tagpic{number}")
        tag_names.add_alias(f"otherpic{number}", f"tagpic{number}")
        tag_names.add_implication(f"tagpic{number}", f"impliedpic{number}")
        Label.objects.create(image=image, kind="tag", text="commontag")
        ScrapedImage.objects.create(
            image=image,
            scrape_job=scrape,
            page_url=f"https://a.example/pagepic{number}",
            image_url=f"https://a.example/filepic{number}.png",
            alt_text=f"altpic{number}",
        )
        images.append(image)
    albums = [Album.objects.create(name=f"shelfname{number}") for number in range(SHELVES)]
    files = {image.pk: _sharp_files(image) for image in images}
    return Rows(images, albums, make_lora(name="loraname"), scrape, files)


def _sharp_files(image: Image) -> set[bytes]:
    names = [
        renditions.name(image.sha256, image.sharp_key, width)
        for width in renditions.sharp_widths(image.width)
    ]
    found = set()
    for name in (*names, str(image.file.name)):
        with default_storage.open(name) as file:
            found.add(file.read())
    return found


def settle(rows: Rows, world: World) -> None:
    """Bring the rows into the state, as the platform's own code leaves them."""
    AlbumImage.everything.all().delete()
    ImageModel.everything.all().delete()
    for album, public in zip(rows.albums, world.public_shelves, strict=True):
        album.is_public = public
        album.save()
    rows.lora.is_public = world.public_lora
    rows.lora.save()
    for image, state in zip(rows.images, world.pictures, strict=True):
        Image.everything.filter(pk=image.pk).update(
            rating=state.rating,
            is_nsfw=state.rating in ("ADULT", "EXPLICIT"),
            is_veiled=veiled_by(state.rating, state.source_type),
            is_public=state.is_public,
            phash=image.pk % 4,  # All look alike.
            source_type=state.source_type,
            deleted_at="2026-01-01T00:00:00Z" if state.trashed else None,
        )
        for place in state.shelves:
            AlbumImage.objects.create(album=rows.albums[place], image=image)
        if state.lora:
            ImageModel.objects.create(image=image, model_version=rows.lora)
    image_index.refresh([image.pk for image in rows.images])


# --- The walk ------------------------------------------------------------------------------------

# Not walked: what only an admin gets, and what writes.
_NOT_PUBLIC = re.compile(r"^/(admin|accounts)/|^/preferences/|/reveal$")
_ADDRESS = re.compile(
    r"""(?:href|src|action|content)="(/[^"]*|http://testserver/[^"]*)"|"(/(?:api|i|images|albums)/[^"\s]*)"|"""
    r"""<(?:loc|image:loc|id)>http://testserver(/[^<]*)<|(/i/[0-9a-f]+-\d+\.webp)"""
)


def first_addresses(rows: Rows) -> Iterator[str]:
    """Every address there could be, given out or not."""
    yield from (
        "/", "/albums/", "/tags/", "/loras/", "/templates/", "/search/", "/search/?q=common",
        "/feed.atom", "/sitemap.xml", "/robots.txt", "/api/images", "/api/albums", "/api/loras",
        "/api/search?q=common", "/api/images?source_type=upload", "/tags/commontag/",
        "/tags/commontag/feed.atom", "/search/?q=-nothing", "/search/?q=tag:commontag",
        "/search/?q=rating:adult", "/api/images?label=common", "/api/batches",
        "/api/tags", "/api/tags?q=tagpic", "/api/tags/complete?q=tag",
    )  # fmt: skip
    words = "prompt", "negative", "caption", "tag", "implied", "name", "alt", "param"
    for number, image in enumerate(rows.images):
        pk = image.pk
        yield from (
            f"/images/{pk}/similar/", f"/api/images/{pk}/similar",
            f"/images/{pk}/", f"/images/{pk}/original", f"/api/images/{pk}",
            f"/api/images/{pk}/labels", f"/api/images/{pk}/thumbnail",
            f"/images/{pk}/?tag=commontag", f"/images/{pk}/?q=common",
            f"/images/{pk}/?lora={rows.lora.pk}",
            f"/tags/tagpic{number}/", f"/tags/tagpic{number}/feed.atom",
            f"/tags/otherpic{number}/", f"/tags/otherpic{number}/feed.atom",
            f"/api/tags?q=tagpic{number}", f"/api/tags/complete?q=otherpic{number}",
        )  # fmt: skip
        for album in rows.albums:
            yield f"/images/{pk}/?in={album.slug}"
        for word in words:
            yield f"/search/?q={word}pic{number}"
            yield f"/api/search?q={word}pic{number}"
        for width in (*renditions.sharp_widths(image.width), 300):
            yield f"/i/{image.sharp_key}-{width}.webp"
            yield f"/i/{image.blurred_key}-{width}.webp"
    for number, album in enumerate(rows.albums):
        yield from (
            f"/albums/{album.slug}/", f"/albums/{album.slug}/?view=spread",
            f"/albums/{album.slug}/source",
            f"/albums/{album.slug}/feed.atom", f"/api/albums/{album.pk}",
            f"/api/albums/{album.pk}/images", f"/api/albums/{album.pk}/tags",
            f"/search/?q=shelfname{number}", f"/search/?q=album:shelfname{number}",
            f"/api/images?album={album.pk}",
        )  # fmt: skip
    yield from (f"/loras/{rows.lora.pk}/", f"/api/loras/{rows.lora.pk}", "/search/?q=lora:loraname")


def walk(client: Client, rows: Rows) -> dict[str, bytes]:
    """address → answer, for everything that can be reached."""
    waiting = list(first_addresses(rows))
    seen: dict[str, bytes] = {}
    while waiting:
        address = waiting.pop()
        if address in seen or _NOT_PUBLIC.search(address) or address.startswith("/static/"):
            continue
        response = client.get(address)
        assert response.status_code < 500, address
        body = b"".join(response) if response.streaming else response.content
        found = response.status_code == 200
        # A redirect and a refusal may only repeat what was asked for.
        seen[address] = body if found else b""
        kind = response.headers.get("Content-Type", "")
        if found and not kind.startswith("image/"):
            for groups in _ADDRESS.findall(body.decode()):
                found_address = next(group for group in groups if group)
                plain = found_address.removeprefix("http://testserver").replace("&amp;", "&")
                # Searches lead to ever narrower ones; the first addresses have one of each kind.
                if "?q=" not in plain and "&q=" not in plain:
                    waiting.append(plain.partition("#")[0])
    return seen


def leaks(client: Client, rows: Rows, world: World, choice: str) -> list[str]:
    """What this visitor should not have learned, with where; empty if all is well."""
    client.cookies["nsfw"] = choice
    found = []
    states = list(zip(rows.images, world.pictures, strict=True))
    for address, body in walk(client, rows).items():
        asked = address.lower()
        for number, (image, state) in enumerate(states):
            hidden = state.trashed or not state.is_public
            veiled = veiled_by(state.rating, state.source_type) and choice != "show"
            if not hidden and not veiled:
                continue
            if body in rows.files[image.pk]:
                found.append(f"{address}: the file of {state}")
            words = re.findall(rf"\w*pic{number}\b".encode(), body)
            told = [word.decode() for word in words if word.decode() not in asked]
            if told:
                found.append(f"{address}: {told[0]} of {state}")
            if image.sharp_key.encode() in body:
                found.append(f"{address}: the sharp address of {state}")
            if re.search(rf"[a-z]pic{number}$", asked) and f"/images/{image.pk}/".encode() in body:
                found.append(f"{address}: that a word finds {state}")
            gone = hidden or choice == "hide"
            if gone and f"/images/{image.pk}/".encode() in body and not _own(address, image):
                found.append(f"{address}: that there is {state}")
            if hidden and image.blurred_key.encode() in body:
                found.append(f"{address}: the blurred address of {state}")
            if hidden and body and _own(address, image):
                found.append(f"{address}: anything at all of {state}")
        for number, public in enumerate(world.public_shelves):
            name = f"shelfname{number}"
            if not public and name.encode() in body and name not in asked:
                found.append(f"{address}: the private album {number}")
        if not world.public_lora and b"loraname" in body and "loraname" not in asked:
            found.append(f"{address}: the private LoRA")
    return found + wrong_counts(client, rows, world, choice)


def _own(address: str, image: Image) -> bool:
    return bool(re.search(rf"/images/{image.pk}(/|\b)", address))


def wrong_counts(client: Client, rows: Rows, world: World, choice: str) -> list[str]:
    """Counts that tell of more than may be listed."""
    found = []

    def listed(state: State, tags: bool = False) -> bool:
        if state.trashed or not state.is_public:
            return False
        veiled = veiled_by(state.rating, state.source_type)
        return not veiled or choice == "show" or (choice == "blur" and not tags)

    for number, album in enumerate(rows.albums):
        expected = sum(listed(state) for state in world.pictures if number in state.shelves)
        if world.public_shelves[number]:
            told = client.get(f"/api/albums/{album.pk}").json()["image_count"]
            if told != expected:
                found.append(f"/api/albums/: counts {told} of {expected}")
    expected = sum(listed(state, tags=True) for state in world.pictures)
    page = client.get("/tags/commontag/")
    told = page.context["tag"].image_count if page.status_code == 200 else 0
    if told != expected:
        found.append(f"/tags/: counts {told} of {expected}")
    told = sum(row["count"] for row in client.get("/api/tags?q=commontag").json()["items"])
    if told != expected:
        found.append(f"/api/tags: counts {told} of {expected}")
    for number, album in enumerate(rows.albums):
        if world.public_shelves[number]:
            inside = [state for state in world.pictures if number in state.shelves]
            shown = sum(listed(state, tags=True) for state in inside)
            items = client.get(f"/api/albums/{album.pk}/tags").json()["items"]
            told = sum(row["count"] for row in items if row["name"] == "commontag")
            if told != shown:
                found.append(f"/api/albums/: counts {told} of {shown} with a tag")
    # Words that are told of sharp pictures alone, and are asked for by all.
    total = client.get("/api/search?q=common").json()["total"]
    if total != expected:
        found.append(f"/api/search: counts {total} of {expected}")
    return found


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
)


@pytest.mark.parametrize("choice", ["hide", "blur", "show"])
def test_visitors_learn_nothing_that_is_not_theirs(rows: Rows, choice: str) -> None:
    @hypothesis_settings(
        max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(_world)
    def check(world: World) -> None:
        with transaction.atomic():
            settle(rows, world)
            assert leaks(Client(), rows, world, choice) == []
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
)


@pytest.mark.parametrize("choice", ["hide", "blur", "show"])
def test_a_gallery_with_every_kind_is_tight(rows: Rows, choice: str) -> None:
    settle(rows, EVERY_KIND)
    assert leaks(Client(), rows, EVERY_KIND, choice) == []


def test_the_walk_comes_by_every_public_address(rows: Rows, admin_user: Any) -> None:
    settle(rows, EVERY_KIND)
    seen = walk(Client(), rows)
    visited = {
        (match.namespaces[0] if match.namespaces else "", match.url_name)
        for match in (resolve(address.partition("?")[0]) for address, body in seen.items() if body)
    }
    missing = [
        name for name in public_names() if name not in visited and name not in NOTHING_TO_SHOW
    ]
    assert missing == []


# Pages that this gallery has nothing for: no template was ever drawn from, no LoRA is public.
NOTHING_TO_SHOW = {("generation", "lora_file"), ("generation", "lora"), ("generation", "template")}


def public_names() -> Iterator[tuple[str, str]]:
    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, URLResolver) and resolver.namespace in ("gallery", "generation"):
            for pattern in resolver.url_patterns:
                assert isinstance(pattern, URLPattern)
                name = pattern.name or ""
                # What only changes a choice, or leads elsewhere.
                if name not in ("nsfw", "theme", "reveal", "album_source"):
                    yield resolver.namespace, name


# --- Leaks that are made on purpose --------------------------------------------------------------


def _always(value: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: value


_all_told = mock.Mock(
    ALBUM_ORDER=listing.ALBUM_ORDER,
    tag_condition=_always(Q()),
    visible_members=lambda rows, request: rows,
)
_all_alike = mock.Mock(visible=lambda rows, request: rows, may_see_sharp=_always(True))


def _all_cards(request: Any, with_empty: bool = False) -> Any:
    inside = listing.visible_members(AlbumImage.everything.filter(album=OuterRef("pk")), request)
    order, count = listing.ALBUM_ORDER, nsfw.count(request)
    return listing.with_pictures(Album.objects.all(), inside, order, image_count=count)


PLANTS: dict[str, tuple[Any, str, Any, str]] = {
    # surface: (where, what, instead, the address that must be found leaking)
    "lists": (nsfw, "condition", _always(Q()), "/"),
    "sharp files, tiles, originals": (nsfw, "needs_consent", _always(False), "/i/"),
    "pages of private pictures": (nsfw, "may_see", _always(True), "/images/"),
    "words of veiled pictures": (nsfw, "may_see_sharp", _always(True), "/images/"),
    "search words": (search, "_columns", _always(("words", "veiled_words")), "/search/"),
    "search visibility": (search, "_visibility", _always([search.fact("most", 3)]), "/api/search"),
    "tags": (listing, "tag_condition", _always(Q()), "/tags/"),
    "tags, API": (listing, "tag_count", _always(F("private_count") + 1), "/api/tags"),
    "tags of an album": (tag_counts, "listing", _all_told, "/api/albums/"),
    "tag counts": (listing, "tag_count", _always(F("private_count") + 1), "/tags/"),
    "albums of a picture": (listing, "albums", lambda request: Album.objects.all(), "/images/"),
    "albums": (listing, "album_cards", _all_cards, "/albums/"),
    "album counts": (nsfw, "count", _always(F("private_count") + 1), "/api/albums/"),
    "feeds": (feeds, "Exposure", mock.Mock(OPEN=Exposure.TRASHED), "/feed.atom"),
    "sitemap": (nsfw, "is_open", _always(True), "/sitemap"),
    "shared cards": (nsfw, "is_open", _always(True), "/"),
    "API pictures": (nsfw, "may_see_sharp", _always(True), "/api/images"),
    "more like this": (similar, "nsfw", _all_alike, "/images/"),
    "more like this, API": (similar, "nsfw", _all_alike, "/api/images"),
    "picture tags": (views, "_tags", _always([("tagpic1", "/x")]), "/images/"),
}  # fmt: skip


@pytest.mark.parametrize("surface", PLANTS)
def test_a_leak_on_any_surface_is_found(rows: Rows, surface: str) -> None:
    where, what, instead, address = PLANTS[surface]
    settle(rows, EVERY_KIND)
    if surface == "sitemap":
        # Its rows are asked for by exposure too; both must be broken to leak.
        part = maps.Part(lambda: Image.everything.all(), maps._image)
        with (
            mock.patch.dict(maps._parts, {"images": part}),
            mock.patch.object(where, what, instead),
        ):
            found = leaks(Client(), rows, EVERY_KIND, "blur")
    elif surface == "feeds":
        with (
            mock.patch.object(where, what, instead),
            mock.patch.object(nsfw, "is_open", _always(1)),
        ):
            found = leaks(Client(), rows, EVERY_KIND, "blur")
    else:
        with mock.patch.object(where, what, instead):
            found = leaks(Client(), rows, EVERY_KIND, "blur")
    assert [leak for leak in found if leak.startswith(address)], found


def test_an_admin_sees_it_all(rows: Rows) -> None:
    """The walk is not blind: what visitors must not see is there to be seen."""
    settle(rows, EVERY_KIND)
    admin = Client()
    admin.force_login(get_user_model().objects.create_superuser("a", password="x"))
    found = leaks(admin, rows, EVERY_KIND, "blur")
    assert any("pic3" in leak for leak in found)
    assert any("the private album" in leak for leak in found)
    assert any("the private LoRA" in leak for leak in found)
    assert Tag.objects.count() == 2 * PICTURES + 1
    assert ImageTag.objects.count() == 3 * (PICTURES - 1)
