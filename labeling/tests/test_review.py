"""What there is to review: filters, order, places, and all that is told of a picture."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gallery import image_index, labels, tag_names
from gallery.models import Image
from gallery.tests.factories import make_admin, make_album, make_label, make_row
from imagineer.problems import Problem
from labeling import review
from labeling.review import Place, ids_before, image_ids, items, place_of, queue_of

pytestmark = pytest.mark.django_db


def found(**asked: Any) -> list[int]:
    return image_ids(queue_of({name: str(value) for name, value in asked.items()}), 100)


def captioned(text: str = "a card", **columns: Any) -> Image:
    image = make_row()
    make_label(image, text, **{"source": "claude", **columns})
    return image


def test_what_nobody_decided_is_to_be_reviewed() -> None:
    bare, open_, done = make_row(), captioned(), captioned(is_pinned=True)
    assert found() == found(filter="open") == [open_.pk, bare.pk]
    assert found(filter="reviewed") == [done.pk]
    assert found(filter="all") == [done.pk, open_.pk, bare.pk]
    labels.pin(open_.labels.get())
    assert found() == [bare.pk]


def test_pictures_without_a_caption() -> None:
    bare = make_row(prompt="a prompt is no caption")
    captioned()
    assert found(filter="uncaptioned") == [bare.pk]


def test_captions_of_which_their_labeler_was_unsure(settings: Any) -> None:
    unsure, surer = captioned(confidence=0.69), captioned(confidence=0.7)
    captioned(confidence=None)
    captioned(confidence=0.1, is_pinned=True)
    assert found(filter="unsure") == [unsure.pk]
    settings.LABELING_LOW_CONFIDENCE = 0.75
    assert found(filter="unsure") == [surer.pk, unsure.pk]
    settings.LABELING_LOW_CONFIDENCE = 0.05
    assert found(filter="unsure") == []


def test_pictures_that_labelers_rate_differently() -> None:
    image = make_row()
    make_label(image, "SAFE", kind="rating", source="claude")
    assert found(filter="disputed") == []
    make_label(image, "ADULT", kind="rating", source="local")
    assert found(filter="disputed") == [image.pk]


def test_an_album_is_gone_through_from_its_oldest_picture_on() -> None:
    images = [captioned() for _ in range(3)]
    captioned()
    album = make_album("A", images)
    pks = [image.pk for image in images]
    assert found(album=album.pk) == pks
    assert found(album=album.pk, order="newest") == pks[::-1]
    assert found(order="oldest")[:3] == pks


def test_words_narrow_it_down() -> None:
    fox, owl = captioned("a red fox"), captioned("an owl")
    make_label(owl, "bird", kind="tag")
    assert found(q="fox") == [fox.pk]
    assert found(q="tag:bird -fox") == [owl.pk]
    assert found(q="album:nowhere") == []
    assert found(q="badger") == []


def test_private_and_veiled_pictures_are_reviewed_and_those_in_the_trash_are_not() -> None:
    private = make_row(is_public=False)
    veiled = make_row(rating="ADULT")
    gone = make_row()
    Image.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    image_index.refresh([gone.pk])
    assert found() == [veiled.pk, private.pk]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"filter": "best"}, "filter"), ({"filter": "\x00"}, "filter"),
        ({"album": "x"}, "album"), ({"album": "999"}, "album"), ({"album": "9" * 30}, "album"),
        ({"order": "random"}, "order"), ({"q": "source:moon"}, "q"), ({"q": "x" * 400}, "q"),
        ({"q": "a\x00b"}, "q"), ({"q": "\ud800"}, "q"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_said(asked: dict[str, str], field: str) -> None:
    with pytest.raises(Problem) as caught:
        queue_of(asked).node()
    assert (caught.value.status, caught.value.field) == (422, field)


def test_a_queue_stands_in_an_address_and_is_read_from_it() -> None:
    album = make_album("A")
    queue = queue_of({"filter": "all", "album": str(album.pk), "q": "red fox", "order": "newest"})
    assert queue.query() == f"filter=all&album={album.pk}&q=red+fox&order=newest"
    assert queue.query(album=None, image=5) == "filter=all&q=red+fox&order=newest&image=5"


# --- Walking -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_it_is_walked_in_parts_in_both_directions(order: str) -> None:
    pks = [captioned().pk for _ in range(7)]
    queue = queue_of({"order": order})
    walked = pks if order == "oldest" else pks[::-1]
    assert image_ids(queue, 3) == walked[:3]
    assert image_ids(queue, 3, behind=walked[2]) == walked[3:6]
    assert image_ids(queue, 3, behind=walked[6]) == []
    assert ids_before(queue, 2, walked[4]) == [walked[3], walked[2]]
    assert ids_before(queue, 2, walked[0]) == []
    assert place_of(queue, walked[3]) == Place(4, 7, False, walked[2], walked[4])
    assert place_of(queue, walked[0]) == Place(1, 7, False, None, walked[1])


def test_a_picture_that_left_the_queue_keeps_its_place_in_it() -> None:
    images = [captioned() for _ in range(5)]
    labels.pin(images[2].labels.get())
    place = place_of(queue_of({}), images[2].pk)
    assert place == Place(3, 5, False, images[3].pk, images[1].pk)


def test_places_are_counted_no_further_than_it_says(monkeypatch: Any) -> None:
    monkeypatch.setattr(review, "COUNTED_AT_MOST", 3)
    images = [captioned() for _ in range(5)]
    queue = queue_of({})
    assert review.total(queue) == 4
    assert place_of(queue, images[0].pk) == Place(3, 3, True, images[1].pk, None)
    assert place_of(queue, images[4].pk).number == 1


def test_of_a_question_that_nothing_can_match_there_is_no_place() -> None:
    image = captioned()
    queue = queue_of({"q": "album:nowhere"})
    assert (review.total(queue), place_of(queue, image.pk)) == (0, Place(1, 1))
    assert ids_before(queue, 5, image.pk) == []


# --- What is told of a picture -------------------------------------------------------------------


def test_all_that_was_said_is_told() -> None:
    anna = make_admin("anna")
    image = captioned("an ace", confidence=0.5)
    labels.delete_label(make_label(image, "an old word", source="local"), anna)
    chosen = labels.write_label(image, "caption", "the ace", created_by=anna, is_pinned=True)
    for source in ("claude", "local"):
        make_label(image, "Red_Card", kind="tag", source=source)
    make_label(image, "poker", kind="category", source="claude")
    make_label(image, "ADULT", kind="rating", source="claude", model="m")
    make_label(image, "SAFE", kind="rating", source="claude", model="m")
    (item,) = items(queue_of({}), [image.pk])
    assert (item.chosen, item.text, item.seen) == (chosen, "the ace", "the ace")
    assert item.is_reviewed
    assert [told.said.text for told in item.others] == ["an ace"]
    assert [told.said.text for told in item.former] == ["an old word"]
    assert [(tag.name, tag.sources) for tag in item.tags] == [
        ("red card", ("Claude", "Local")), ("poker", ("Claude",)),
    ]  # fmt: skip
    assert [(label.model, label.text) for label in item.ratings] == [("m", "SAFE")]
    assert (item.is_disputed, item.note, item.tokens.tokens) == (False, "", 4)


def test_the_tags_are_those_that_the_picture_carries() -> None:
    tag_names.add_alias("puss", "cat")
    tag_names.add_implication("cat", "animal")
    image = captioned()
    for word in ("Puss", "night", "snow"):
        make_label(image, word, kind="tag", source="claude")
    labels.take_tag_off(image, "night")
    (item,) = items(queue_of({}), [image.pk])
    assert [(tag.name, tag.sources) for tag in item.tags] == [
        ("cat", ("Claude",)), ("snow", ("Claude",)), ("animal", ()),
    ]  # fmt: skip
    assert {tag.name for tag in item.tags} == set(image.tags.values_list("name", flat=True))


def test_the_prompt_stands_in_for_a_caption() -> None:
    (item,) = items(queue_of({}), [make_row(prompt=" a prompt ").pk])
    assert (item.text, item.seen, item.chosen, item.is_reviewed) == ("a prompt", "", None, False)


def test_what_the_text_encoder_does_not_read_is_told_apart() -> None:
    words = "ace of hearts " * 25
    (item,) = items(queue_of({}), [captioned(f"{words}and spades").pk])
    assert (item.read, item.unread) == (words, "and spades")
    (item,) = items(queue_of({}), [captioned("ace").pk])
    assert (item.read, item.unread) == ("ace", "")


def test_pictures_that_are_gone_are_left_out_and_the_order_is_kept() -> None:
    first, second, gone = captioned(), captioned(), captioned()
    pks = [second.pk, gone.pk, first.pk]
    gone.delete()
    assert [item.image.pk for item in items(queue_of({}), pks)] == [second.pk, first.pk]


def test_more_pictures_take_no_more_queries() -> None:
    anna = make_admin("anna")
    for _ in range(6):
        image = captioned(created_by=anna)
        labels.reword(labels.write_label(image, "caption", "one", created_by=anna), "two", anna)
    queue = queue_of({})

    def queries(number: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            for item in items(queue, image_ids(queue, number)):
                assert [str(told.said.created_by) for told in item.captions]
        return len(asked)

    assert queries(2) == queries(6) <= 5
