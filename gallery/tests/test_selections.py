"""Which images a change is made of."""

import pytest

from gallery import trash
from gallery.full_text import AllOf
from gallery.models import Exposure, Image
from gallery.search import tagged
from gallery.selections import Selection, SelectionRefused
from gallery.tests.factories import make_album, make_row, make_tagged

pytestmark = pytest.mark.django_db


def ids(selection: Selection, size: int = 2) -> list[int]:
    parts = list(selection.parts(size))
    assert all(len(part) <= size for part in parts)
    return [pk for part in parts for pk in part]


def test_an_album_is_walked_from_its_newest_picture_on() -> None:
    first, other, second, private = make_row(), make_row(), make_row(), make_row(is_public=False)
    album = make_album("Deck", [second, first, private])
    assert ids(Selection(album=album.pk)) == [private.pk, second.pk, first.pk]
    assert other.pk not in ids(Selection(album=album.pk))


def test_a_search_finds_private_and_veiled_pictures_too() -> None:
    images = [make_tagged("fox"), make_tagged("fox", is_public=False)]
    veiled = make_tagged("fox", rating="ADULT")
    make_tagged("owl")
    assert ids(Selection(q="tag:fox")) == [veiled.pk, images[1].pk, images[0].pk]
    assert ids(Selection(q="tag:nothing")) == []
    assert ids(Selection(q="-fox -owl")) == []


def test_everything_is_all_but_the_trash() -> None:
    images = [make_row() for _ in range(5)]
    trash.move_to_trash([images[2].pk])
    live = [image.pk for image in images if image != images[2]]
    assert ids(Selection(everything=True)) == live[::-1]
    assert ids(Selection(images=tuple(image.pk for image in images))) == live
    assert Image.everything.filter(exposure=Exposure.TRASHED).count() == 1


def test_chosen_pictures_keep_their_order() -> None:
    images = [make_row() for _ in range(3)]
    wanted = (images[1].pk, images[2].pk, images[0].pk, 10**9)
    assert ids(Selection(images=wanted)) == list(wanted[:3])


def test_a_further_question_narrows_what_is_not_chosen() -> None:
    fox, owl = make_tagged("fox"), make_tagged("owl")
    tag = tagged(fox.tags.get().pk)
    found = Selection(everything=True).parts(9, lambda node: AllOf((node, tag)))
    assert list(found) == [[fox.pk]]
    chosen = Selection(images=(fox.pk, owl.pk)).parts(9, lambda node: AllOf((node, tag)))
    assert list(chosen) == [[fox.pk, owl.pk]]


@pytest.mark.parametrize(
    "selection",
    [
        Selection(images=(9, 8, 7, 3)), Selection(q="tag:fox -owl"), Selection(album=4),
        Selection(everything=True),
    ],
)  # fmt: skip
def test_it_is_kept_as_json(selection: Selection) -> None:
    assert Selection.from_params(selection.params()) == selection


@pytest.mark.parametrize(
    ("selection", "field"),
    [
        (Selection(), "selection"),
        (Selection(album=1, everything=True), "selection"),
        (Selection(images=(1,), q="fox"), "selection"),
        (Selection(album=10**9), "selection.album_id"),
        (Selection(q="source:moon"), "selection.q"),
        (Selection(q="x" * 301), "selection.q"),
        (Selection(q="…"), "selection.q"),
    ],
)
def test_what_names_no_pictures_is_refused(selection: Selection, field: str) -> None:
    with pytest.raises(SelectionRefused) as refused:
        selection.check()
    assert refused.value.field == field
    assert str(refused.value)


def test_it_is_named_in_words() -> None:
    album = make_album("Deck")
    assert Selection(album=album.pk).described() == "“Deck”"
    assert Selection(album=10**9).described() == "an album that is gone"
    assert Selection(images=(1, 2)).described() == "2 pictures"
    assert Selection(q="tag:fox").described() == "what “tag:fox” finds"
    assert Selection(everything=True).described() == "the whole gallery"
