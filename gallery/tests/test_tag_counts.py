"""How often tags are used in an album and in a selection."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from gallery import nsfw, tag_counts, trash
from gallery.models import Album, Rating
from gallery.selections import Selection
from gallery.tag_counts import TooManyImages, of_album, rare
from gallery.tests.factories import make_admin, make_album, make_tagged
from imagineer.problems import Problem
from imagineer.tests.plans import is_walked, plan, reading

pytestmark = pytest.mark.django_db


def asking(choice: str = "blur", admin: bool = False) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = make_admin() if admin else AnonymousUser()
    nsfw.choose_for(request, choice)  # type: ignore[arg-type]
    return request


def counts(request: HttpRequest, album: Album) -> dict[str, int]:
    return {use.tag.name: use.count for use in of_album(request, album).items}


@pytest.fixture
def album() -> Album:
    """Each picture of another exposure bears a tag of its own and one that all bear."""
    trashed = make_tagged("all", "trashed")
    deck = make_album(
        "Deck",
        [
            make_tagged("all", "open", "twice"),
            make_tagged("all", "twice"),
            make_tagged("all", "veiled", rating=Rating.ADULT),
            make_tagged("all", "private", is_public=False),
            make_tagged("all", "both", is_public=False, rating=Rating.ADULT),
            trashed,
        ],
    )
    make_tagged("all", "outside")
    trash.move_to_trash([trashed.pk])
    return deck


@pytest.mark.parametrize(
    ("choice", "admin", "told"),
    [
        ("hide", False, {"all": 2, "twice": 2, "open": 1}),
        ("blur", False, {"all": 2, "twice": 2, "open": 1}),
        ("show", False, {"all": 3, "twice": 2, "open": 1, "veiled": 1}),
        ("hide", True, {"all": 3, "twice": 2, "open": 1, "private": 1}),
        (
            "blur", True,
            {"all": 5, "twice": 2, "open": 1, "veiled": 1, "private": 1, "both": 1},
        ),
    ],
)  # fmt: skip
def test_counts_are_of_what_the_request_may_know(
    album: Album, choice: str, admin: bool, told: dict[str, int]
) -> None:
    assert counts(asking(choice, admin), album) == told


def test_the_most_frequent_come_first_page_by_page(album: Album) -> None:
    request = asking(admin=True)
    names: list[str] = []
    cursor = None
    for _ in range(3):
        page = of_album(request, album, cursor, size=2)
        names += [use.tag.name for use in page.items]
        cursor = page.next
    assert cursor is None
    assert names[:2] == ["all", "twice"]
    assert names == list(counts(request, album))


def test_of_a_large_album_the_first_pictures_are_counted(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_counts, "COUNTED_AT_MOST", 2)
    page = of_album(asking(admin=True), album)
    assert {use.tag.name: use.count for use in page.items} == {"all": 2, "twice": 2, "open": 1}
    assert (page.counted, page.is_more) == (2, True)
    shown = of_album(asking("show"), album)
    assert (shown.counted, shown.is_more) == (2, True)
    # Of the third one no word is told.
    blurred = of_album(asking(), album)
    assert (blurred.counted, blurred.is_more) == (2, False)


@pytest.mark.parametrize("cursor", ["x", "WzFd", "WzEsICJhIl0", "WzEsIG51bGxd", "WzEsIC0xXQ"])
def test_a_cursor_that_no_list_gave_out_is_refused(album: Album, cursor: str) -> None:
    with pytest.raises(Problem):
        of_album(asking(), album, cursor)


@pytest.mark.parametrize("choice", ["hide", "blur", "show"])
@pytest.mark.parametrize("admin", [False, True])
def test_no_more_than_the_album_is_read(album: Album, choice: str, admin: bool) -> None:
    request = asking(choice, admin)
    with CaptureQueriesContext(connection) as asked:
        first = of_album(request, album, size=1)
        of_album(request, album, first.next)
    assert len(asked) <= 7
    for sql in reading(asked.captured_queries):
        # Nor a whole index, which is no table.
        steps = plan(sql)
        walked = [step for step in steps if is_walked(step) or step.startswith("SCAN gallery_")]
        assert not walked, (sql, steps)


def test_rare_tags_are_counted_in_any_selection(album: Album) -> None:
    assert rare(Selection(album=album.pk), 2) == {"open": 1, "veiled": 1, "private": 1, "both": 1}
    assert rare(Selection(q="tag:twice"), 3) == {"all": 2, "twice": 2, "open": 1}
    assert rare(Selection(everything=True), 3) == {
        "twice": 2, "open": 1, "veiled": 1, "private": 1, "both": 1, "outside": 1,
    }  # fmt: skip
    assert rare(Selection(everything=True), 3, tags_at_most=1) == {"twice": 2}
    assert list(rare(Selection(album=album.pk), 3, tags_at_most=1)) == ["twice"]


def test_a_selection_of_too_many_is_not_counted(
    album: Album, django_assert_num_queries: Any
) -> None:
    with pytest.raises(TooManyImages):
        rare(Selection(album=album.pk), 2, images_at_most=4)
    assert len(rare(Selection(album=album.pk), 2, images_at_most=5)) == 4
    with django_assert_num_queries(1):
        rare(Selection(everything=True), 2, images_at_most=0)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Plans of others depend on statistics.")
def test_the_gallerys_rare_tags_are_read_along_their_index(album: Album) -> None:
    with CaptureQueriesContext(connection) as asked:
        rare(Selection(everything=True), 3, tags_at_most=5)
    (sql,) = reading(asked.captured_queries)
    assert plan(sql) == ["SEARCH gallery_tag USING INDEX tag_most_live (<expr>>? AND <expr><?)"]
