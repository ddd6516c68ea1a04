"""Labels by hand and taken away, and the tags of their pictures."""

from typing import Any

import pytest

from gallery import labels, rejected_tags, tag_names
from gallery.models import Image, Label
from gallery.tag_models import RejectedTag
from gallery.tests.factories import make_label, make_row, make_tagged

pytestmark = pytest.mark.django_db
CLAUDE, TAG = Label.Source.CLAUDE, Label.Kind.TAG


def tags(image: Image) -> set[str]:
    return set(image.tags.values_list("name", flat=True))


def test_a_tag_taken_from_a_machine_stays_off_when_it_says_it_again(admin_user: Any) -> None:
    image = make_tagged("dog", "night", source=CLAUDE)
    labels.delete_label(image.labels.get(text="dog"), admin_user)
    make_label(image, "Dog", kind=TAG, source=CLAUDE)
    assert tags(image) == {"night"}
    assert RejectedTag.objects.get().rejected_by == admin_user


def test_a_persons_tag_is_only_taken_back(admin_user: Any) -> None:
    image = make_tagged("dog")
    labels.delete_label(image.labels.get(), admin_user)
    assert tags(image) == set()
    make_label(image, "dog", kind=TAG, source=CLAUDE)
    assert tags(image) == {"dog"}


def test_what_a_person_says_too_stays(admin_user: Any) -> None:
    tag_names.add_alias("hound", "dog")
    image = make_tagged("dog", source=CLAUDE)
    make_label(image, "Hound", kind=TAG)
    labels.delete_label(image.labels.get(source=CLAUDE), admin_user)
    assert tags(image) == {"dog"}
    assert not RejectedTag.objects.exists()


def test_a_caption_that_goes_takes_no_tag_along(admin_user: Any) -> None:
    image = make_row()
    label = make_label(image, "dog", source=CLAUDE)
    labels.delete_label(label, admin_user)
    assert not RejectedTag.objects.exists()


def test_a_tag_by_hand_stands_although_it_was_taken_off() -> None:
    image = make_tagged("dog", source=CLAUDE)
    rejected_tags.reject([image.pk], "dog")
    labels.write_label(image, TAG, "DOG")
    assert tags(image) == {"dog"}


def test_a_caption_by_hand_brings_no_tag_back() -> None:
    image = make_tagged("dog", source=CLAUDE)
    rejected_tags.reject([image.pk], "dog")
    labels.write_label(image, Label.Kind.CAPTION, "dog")
    assert tags(image) == set()


def test_new_words_for_a_tag_by_hand_count_as_said() -> None:
    image = make_tagged("dog")
    rejected_tags.reject([image.pk], "fox")
    labels.reword(image.labels.get(), "Fox")
    assert tags(image) == {"fox"}


def test_a_pin_alone_says_nothing_new() -> None:
    image = make_tagged("dog")
    rejected_tags.reject([image.pk], "dog")
    label = image.labels.get()
    labels.save_label(label, is_new_word=False)
    assert tags(image) == set()
    labels.save_label(label, is_new_word=True)
    assert tags(image) == {"dog"}
