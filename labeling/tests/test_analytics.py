"""What an album's labels amount to."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from gallery.models import NearDuplicate
from gallery.tests.factories import make_album, make_label, make_row
from labeling.analytics import Check, figures

pytestmark = pytest.mark.django_db


def album_of(*captions: str, **columns: Any) -> Any:
    """An album with a picture for each caption; an empty one has none."""
    rows = [make_row(**{"width": 640, "height": 640, **columns}) for _ in captions]
    for row, caption in zip(rows, captions, strict=True):
        if caption:
            make_label(row, caption, source="claude")
    return make_album("", rows)


def checks(album: Any) -> dict[str, Check]:
    album.refresh_from_db()
    return {check.name: check for check in figures(album).checks}


def test_how_much_is_labelled_and_by_whom() -> None:
    rows = [make_row(rating=rating) for rating in ("SAFE", "ADULT", "UNRATED", "UNRATED")]
    make_label(rows[0], "a lake", source="claude")
    make_label(rows[0], "a lake at dawn")
    make_label(rows[1], "snow", kind="tag")
    rows[2].prompt = "seven of hearts"
    rows[2].save()
    album = make_album("Cards", rows)
    album.refresh_from_db()
    found = figures(album)
    assert (found.pictures, found.labelled, found.captioned, found.rated, found.tagged) == (
        4, 2, 1, 2, 1,
    )  # fmt: skip
    assert found.sources == {"manual": 1, "prompt": 1}
    assert found.ratings == {"UNRATED": 2, "SAFE": 1, "ADULT": 1}
    assert found.tags == [("snow", 1)]
    assert found.words[0] == ["1–5", 1]
    assert 4 <= found.tokens["longest"] < 40


def test_an_album_of_good_captions_is_ready() -> None:
    album = album_of(*(f"a lake number {number}" for number in range(20)))
    album.refresh_from_db()
    found = figures(album)
    assert {check.level for check in found.checks} == {"good"}
    assert found.is_ready


def test_an_empty_album_is_not() -> None:
    album = make_album()
    found = figures(album)
    assert not found.is_ready
    assert found.pictures == found.read == 0
    assert found.checks[0].text == "There are no pictures in this album."


@pytest.mark.parametrize(("count", "level"), [(9, "bad"), (10, "fair"), (19, "fair"), (20, "good")])
def test_few_pictures(count: int, level: str) -> None:
    assert checks(album_of(*(f"caption {n}" for n in range(count))))["pictures"].level == level


def test_missing_captions() -> None:
    found = checks(album_of(*["", "", *(f"caption {n}" for n in range(10))]))["captions"]
    assert found.level == "bad"
    assert found.text.startswith("2 of 12 pictures have no caption")
    assert checks(album_of(*["", *(f"caption {n}" for n in range(39))]))["captions"].level == "fair"
    prompts = checks(album_of("", "a lake", prompt="drawn"))["captions"]
    assert prompts.level == "fair"


def test_captions_that_are_cut_off() -> None:
    found = checks(album_of("word " * 80, "a lake"))["length"]
    assert (found.level, found.text) == (
        "bad", "1 of 2 captions are cut off at 77 tokens. Shorten them.",
    )  # fmt: skip


def test_captions_that_are_all_alike() -> None:
    assert checks(album_of(*["a card"] * 10))["variety"].level == "fair"


def test_near_duplicates_inside_the_album() -> None:
    album = album_of("a", "b", "c")
    first, second, _ = album.images.order_by("pk")
    NearDuplicate.objects.create(first=first, second=second, distance=1)
    NearDuplicate.objects.create(first=first, second=make_row(), distance=1)
    assert checks(album)["duplicates"].text.startswith("1 pair of near-duplicates")


def test_small_pictures() -> None:
    assert "1 below the 512 px" in checks(album_of("a", width=300, height=900))["size"].text


def test_the_number_of_queries_does_not_grow_with_the_pictures(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    album = album_of(*(f"caption {number}" for number in range(60)))
    with django_assert_max_num_queries(12):
        figures(album)
