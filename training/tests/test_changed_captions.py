"""Which pictures a next dataset version would hold otherwise than the last one."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery import albums, full_text, image_index, labels, search
from gallery.models import Image
from gallery.tests.factories import make_album, make_label, make_row
from labeling.review import image_ids, items, queue_of
from training.changed_captions import Held, changed
from training.datasets import freeze

pytestmark = pytest.mark.django_db


def captioned(text: str = "a card") -> Image:
    image = make_row()
    make_label(image, text, source="claude")
    return image


def found() -> list[int]:
    """What the index tells, newest first."""
    return full_text.image_ids(search.fact("changed", 1), 100)


def test_a_picture_of_no_album_that_was_frozen_has_not_changed() -> None:
    make_album("Loose", [captioned()])
    assert found() == []


def test_a_caption_that_says_something_else_has_changed_until_it_is_frozen_again() -> None:
    image, other = captioned("one"), captioned("two")
    album = make_album("A", [image, other])
    first = freeze("cards", [album])
    assert found() == []
    labels.write_label(image, "caption", "one, better")
    assert found() == [image.pk]
    assert changed([image, other]) == {image.pk: Held(first.pk, "one")}
    freeze("cards", [album])
    assert found() == []


def test_a_caption_that_is_back_has_not_changed() -> None:
    image = captioned("one")
    freeze("cards", [make_album("A", [image])])
    label = labels.write_label(image, "caption", "better")
    assert found() == [image.pk]
    labels.delete_label(label)
    assert found() == []


def test_other_spaces_are_no_change() -> None:
    image = captioned("an ace")
    freeze("cards", [make_album("A", [image])])
    labels.write_label(image, "caption", " an\n ace ")
    assert found() == []


def test_a_picture_that_came_into_the_album_since_has_changed() -> None:
    album = make_album("A", [captioned("one")])
    version = freeze("cards", [album])
    added = captioned("two")
    albums.put(album, added)
    assert found() == [added.pk]
    assert changed([added]) == {added.pk: Held(version.pk)}


def test_a_picture_without_words_would_be_left_out_again() -> None:
    bare = make_row()
    album = make_album("A", [captioned("one"), bare])
    freeze("cards", [album])
    assert found() == []
    labels.write_label(bare, "caption", "at last")
    assert found() == [bare.pk]


def test_a_caption_that_is_gone_has_changed() -> None:
    image = captioned("one")
    freeze("cards", [make_album("A", [image, captioned("two")])])
    labels.delete_label(image.labels.get())
    assert found() == [image.pk]


def test_the_last_version_counts() -> None:
    image = captioned("one")
    album = make_album("A", [image])
    freeze("cards", [album])
    labels.write_label(image, "caption", "better")
    second = freeze("other", [album])
    assert found() == []
    labels.write_label(image, "caption", "best")
    assert changed([image]) == {image.pk: Held(second.pk, "better")}


def test_it_is_a_filter_of_the_review_and_says_what_was_frozen() -> None:
    image, added = captioned("one"), captioned("two")
    album = make_album("A", [image])
    freeze("cards", [album])
    labels.write_label(image, "caption", "better")
    albums.put(album, added)
    queue = queue_of({"filter": "changed", "album": str(album.pk)})
    assert image_ids(queue, 10) == [image.pk, added.pk]
    notes = [item.note for item in items(queue, image_ids(queue, 10))]
    assert notes == ["In cards v1: “one”", "Not in cards v1."]


def test_a_long_caption_is_quoted_in_part() -> None:
    image = captioned("x" * 400)
    freeze("cards", [make_album("A", [image])])
    labels.write_label(image, "caption", "better")
    (item,) = items(queue_of({"filter": "changed"}), [image.pk])
    assert item.note == f"In cards v1: “{'x' * 300}…”"


def test_more_pictures_take_no_more_queries() -> None:
    images = [captioned(f"card {number}") for number in range(6)]
    album = make_album("A", images)
    freeze("cards", [album])
    for image in images:
        labels.write_label(image, "caption", "better")

    def queries(number: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            image_index.refresh([image.pk for image in images[:number]])
        return len(asked)

    assert queries(2) == queries(6)


def test_all_that_had_changed_is_told_anew_part_by_part(monkeypatch: Any) -> None:
    monkeypatch.setattr("training.changed_captions._PART", 2)
    images = [captioned(f"card {number}") for number in range(5)]
    album = make_album("A", images)
    freeze("cards", [album])
    for image in images:
        labels.write_label(image, "caption", f"better {image.pk}")
    assert len(found()) == 5
    freeze("cards", [album])
    assert found() == []
