import pytest

from gallery import bulk, trash
from gallery.tests.factories import make_album, make_row
from imagineer.problems import Problem
from labeling import selection
from labeling.selection import AT_MOST, ids_in, matching, of_album, of_ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("12, 15 21", [12, 15, 21]),
        ("20-24;3", [20, 21, 22, 23, 24, 3]),
        ("9-7,8,9", [9, 8, 7]),
        (" 5,,5 \n", [5]),
    ],
)
def test_numbers_are_read_as_people_and_forms_write_them(text, ids):
    assert ids_in(text) == ids


def test_what_the_images_list_writes_is_read_again():
    chosen = [90, 89, 88, 12, 5, 6, 7, 3]
    assert ids_in(bulk.to_ranges(chosen)) == chosen


@pytest.mark.parametrize("text", ["a", "1-", "-1", "1-2-3", "9" * 19, "1.5", "1 - 2", "٣", "\x00"])
def test_other_texts_are_refused_with_an_example(text):
    with pytest.raises(ValueError, match="for example: 12, 15, 20-24"):
        ids_in(text)


@pytest.mark.parametrize(
    "text", ["1-999999999999999999", f"1-{AT_MOST + 1}", f"1-{AT_MOST},{AT_MOST + 5}"]
)
def test_too_many_are_refused_before_they_are_counted_out(text):
    with pytest.raises(ValueError, match="more than 10\u202f000"):
        ids_in(text)
    assert len(ids_in(f"1-{AT_MOST}")) == AT_MOST


@pytest.mark.django_db
def test_what_is_in_the_trash_is_not_selected():
    kept, gone = make_row(prompt="a cat"), make_row(prompt="a cat")
    album = make_album(images=[gone, kept])
    trash.move_to_trash([gone.pk])
    for found in (of_album(album), of_ids([gone.pk, kept.pk, 999_999]), matching("cat")):
        assert found == [kept.pk]


@pytest.mark.django_db
def test_the_order_is_that_of_the_album_the_choice_or_the_newest_first():
    first, second, third = (make_row(prompt="a cat") for _ in range(3))
    assert of_album(make_album(images=[third, first, second])) == [third.pk, first.pk, second.pk]
    assert of_ids([second.pk, first.pk, second.pk]) == [second.pk, first.pk]
    assert matching("cat") == [third.pk, second.pk, first.pk]


@pytest.mark.django_db
def test_too_many_chosen_ones_are_refused(monkeypatch):
    monkeypatch.setattr(selection, "AT_MOST", 1)
    with pytest.raises(Problem) as caught:
        of_ids([1, 2])
    assert (caught.value.status, caught.value.field) == (422, "images")
