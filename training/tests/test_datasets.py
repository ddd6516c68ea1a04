"""Freezing albums into dataset versions."""

from typing import Any

import pytest

from gallery.models import Label
from gallery.tests.factories import make_album, make_label, make_row
from gallery.token_count import LIMIT
from imagineer.problems import Problem
from training.datasets import freeze, select
from training.models import DatasetItem, DatasetVersion

pytestmark = pytest.mark.django_db


def captioned(text: str = "a card", **columns: Any) -> Any:
    image = make_row()
    make_label(image, text, **columns)
    return image


def test_a_picture_in_two_albums_is_taken_once_where_it_comes_first() -> None:
    shared, second, third = captioned("one"), captioned("two"), captioned("three")
    older = make_album("Older", [second, shared])
    newer = make_album("Newer", [shared, third])
    assert [p.image for p in select([newer, older]).pictures] == [second, shared, third]


def test_pictures_without_a_caption_are_left_out_and_counted() -> None:
    album = make_album("Mixed", [captioned(), make_row(), make_row(prompt="an ace")])
    dataset = freeze("cards", [album])
    assert dataset.items.count() == 2
    assert dataset.stats["pictures"] == 2
    assert dataset.stats["left_out"] == 1
    assert dataset.stats["sources"] == {"manual": 1, "prompt": 1}


def test_other_kinds_of_label_are_no_captions() -> None:
    image = make_row()
    make_label(image, "SAFE", kind=Label.Kind.RATING)
    make_label(image, "cards", kind=Label.Kind.TAG)
    assert select([make_album("Tags", [image])]).left_out == 1


def test_an_item_remembers_its_label_and_its_text() -> None:
    image = captioned("a card of old")
    item = freeze("cards", [make_album("A", [image])]).items.get()
    label = image.labels.get()
    assert (item.image, item.label, item.caption) == (image, label, "a card of old")
    assert (item.index, item.sha256, item.caption_source) == (1, image.sha256, "manual")
    image.delete()
    item.refresh_from_db()
    assert (item.image, item.label, item.caption) == (None, None, "a card of old")


def test_the_same_content_under_the_same_name_is_the_same_version() -> None:
    album = make_album("A", [captioned("one"), captioned("two")])
    first = freeze("cards", [album])
    assert freeze("cards", [album]) == first
    assert DatasetItem.objects.count() == 2
    assert freeze("other", [album]) != first


def test_a_new_caption_makes_a_new_version_and_leaves_the_old_one() -> None:
    image = captioned("one")
    album = make_album("A", [image])
    first = freeze("cards", [album])
    make_label(image, "one, better", is_pinned=True)
    second = freeze("cards", [album])
    assert (first.number, second.number) == (1, 2)
    assert first.digest != second.digest
    assert first.items.get().caption == "one"
    assert str(second) == "cards v2"


def test_the_digest_depends_on_pictures_captions_and_order() -> None:
    one, two = captioned("one"), captioned("two")
    assert (
        select([make_album("A", [one, two])]).digest != select([make_album("B", [two, one])]).digest
    )
    assert (
        select([make_album("C", [one, two])]).digest == select([make_album("D", [one, two])]).digest
    )


@pytest.mark.parametrize("images", [0, 1])
def test_nothing_to_train_on_is_refused(images: Any) -> None:
    album = make_album("Bare", [make_row() for _ in range(images)])
    with pytest.raises(Problem) as caught:
        freeze("cards", [album])
    assert caught.value.code == "nothing_to_train_on"
    assert not DatasetVersion.objects.exists()


def test_long_captions_are_told_apart() -> None:
    album = make_album("Long", [captioned("ace " * 80), captioned("ace of hearts")])
    tokens = freeze("cards", [album]).stats["tokens"]
    assert tokens["too_long"] == 1
    assert tokens["longest"] == 82
    assert tokens["histogram"][0] == ["1–15", 1]
    assert tokens["histogram"][-1] == [f"over {LIMIT}", 1]


def test_the_number_of_queries_does_not_grow_with_the_pictures(
    django_assert_max_num_queries: Any,
) -> None:
    album = make_album("Big", [captioned() for _ in range(30)])
    with django_assert_max_num_queries(4):
        select([album])
