"""Aliases and implications: made, refused, taken away, and what pictures carry by them."""

import pytest
from django.db import IntegrityError, transaction

from gallery import image_index, rejected_tags, tag_names
from gallery.models import Image, ImageTag, Label, SearchDocument, Tag
from gallery.tag_models import RejectedTag, TagAlias, TagImplication
from gallery.tag_names import TagRefused
from gallery.tests.factories import make_label, make_row, make_tagged

pytestmark = pytest.mark.django_db


def carried(image: Image) -> set[str]:
    image_index.refresh([image.pk])
    return set(image.tags.values_list("name", flat=True))


def aliases() -> dict[str, str]:
    return dict(TagAlias.objects.values_list("name", "tag__name"))


def implications() -> set[tuple[str, str]]:
    return set(TagImplication.objects.values_list("tag__name", "implied__name"))


def test_labels_keep_their_words_and_count_for_the_tag() -> None:
    image = make_tagged("Puss", "night")
    tag_names.add_alias("puss", "Cat")
    assert carried(image) == {"cat", "night"}
    assert set(image.labels.values_list("text", flat=True)) == {"Puss", "night"}


def test_what_is_implied_is_carried_too() -> None:
    image = make_tagged("kitten")
    tag_names.add_implication("kitten", "cat")
    tag_names.add_implication("cat", "animal")
    assert carried(image) == {"kitten", "cat", "animal"}
    tag_names.remove_implication(TagImplication.objects.get(tag__name="cat"))
    assert carried(image) == {"kitten", "cat"}


def test_a_category_counts_as_a_tag() -> None:
    image = make_row()
    make_label(image, "Pets", kind=Label.Kind.CATEGORY)
    tag_names.add_alias("pets", "animal")
    assert carried(image) == {"animal"}


def test_words_find_what_they_mean_but_not_what_was_taken_off() -> None:
    image = make_tagged("kitten", "dog")
    tag_names.add_implication("kitten", "cat")
    rejected_tags.reject([image.pk], "dog")
    assert carried(image) == {"kitten", "cat"}
    words = SearchDocument.objects.get(pk=image.pk).words
    assert "kitten" in words
    assert "cat" in words
    assert "dog" not in words


def test_saying_it_twice_changes_nothing() -> None:
    first = tag_names.add_alias("puss", "cat")
    again = tag_names.add_alias("Puss", "CAT")
    assert (first.row, first.concerns) == (again.row, again.concerns)
    implied = tag_names.add_implication("cat", "animal")
    assert implied.concerns == (Tag.objects.get(name="cat").pk,)
    assert tag_names.add_implication("cat", "animal").concerns == ()


def test_an_alias_of_an_alias_is_one_of_its_tag() -> None:
    tag_names.add_alias("puss", "cat")
    tag_names.add_alias("mog", "puss")
    assert aliases() == {"puss": "cat", "mog": "cat"}
    tag_names.add_alias("cat", "felis")
    assert aliases() == {"puss": "felis", "mog": "felis", "cat": "felis"}


@pytest.mark.parametrize(
    ("name", "to", "sentence", "field"),
    [
        ("cat", "Cat", "A tag is no alias of itself.", "name"),
        ("", "cat", "Write a word; signs alone are no tag.", "name"),
        ("cat", "#.", "Write a word; signs alone are no tag.", "to"),
        (
            "cat", "puss",
            "“puss” is an alias of “cat” already; both would stand for each other.", "to",
        ),
        ("puss", "dog", "“puss” is an alias of “cat” already. Remove that first.", "name"),
    ],
)  # fmt: skip
def test_an_alias_that_cannot_be_is_refused(name: str, to: str, sentence: str, field: str) -> None:
    tag_names.add_alias("puss", "cat")
    with pytest.raises(TagRefused) as refused:
        tag_names.add_alias(name, to)
    assert (str(refused.value), refused.value.field) == (sentence, field)
    assert aliases() == {"puss": "cat"}


def test_circles_of_implications_are_refused_with_the_way() -> None:
    tag_names.add_implication("kitten", "cat")
    tag_names.add_implication("cat", "animal")
    with pytest.raises(TagRefused) as refused:
        tag_names.add_implication("animal", "kitten")
    assert str(refused.value) == (
        "“kitten” implies “animal” already (kitten → cat → animal): that would be a circle."
    )
    assert refused.value.field == "implied"
    assert implications() == {("kitten", "cat"), ("cat", "animal")}


def test_a_tag_implies_neither_itself_nor_another_name_of_it() -> None:
    tag_names.add_alias("puss", "cat")
    with pytest.raises(TagRefused, match="implies itself in any case"):
        tag_names.add_implication("cat", "CAT")
    with pytest.raises(TagRefused, match="“puss” and “cat” are one tag"):
        tag_names.add_implication("puss", "cat")
    tag = Tag.objects.get(name="cat")
    with transaction.atomic(), pytest.raises(IntegrityError):
        TagImplication.objects.create(tag=tag, implied=tag)


def test_implications_are_between_tags_not_their_other_names() -> None:
    tag_names.add_alias("puss", "cat")
    tag_names.add_implication("puss", "animal")
    tag_names.add_implication("kitten", "puss")
    assert implications() == {("cat", "animal"), ("kitten", "cat")}


def test_a_tag_that_becomes_another_name_hands_its_rules_over() -> None:
    for pair in (("mog", "pet"), ("cat", "pet"), ("kitten", "mog"), ("mog", "cat"), ("mog", "x")):
        tag_names.add_implication(*pair)
    ruled = tag_names.add_alias("mog", "cat")
    assert implications() == {("cat", "pet"), ("kitten", "cat"), ("cat", "x")}
    names = set(Tag.objects.filter(pk__in=ruled.concerns).values_list("name", flat=True))
    assert names == {"mog", "cat"}


def test_two_tags_that_would_imply_each_other_over_a_third_do_not_become_one() -> None:
    tag_names.add_implication("kitten", "feline")
    tag_names.add_implication("feline", "cat")
    for pair in (("kitten", "cat"), ("cat", "kitten")):
        with pytest.raises(TagRefused, match="“kitten” implies “cat” over others"):
            tag_names.add_alias(*pair)
    assert implications() == {("kitten", "feline"), ("feline", "cat")}
    assert not aliases()


def test_a_name_that_is_given_back_means_itself_again() -> None:
    image = make_tagged("puss")
    alias = tag_names.add_alias("puss", "cat").row
    assert carried(image) == {"cat"}
    tag_names.remove_alias(alias)
    assert carried(image) == {"puss"}


def test_a_circle_in_the_rows_ends_nothing() -> None:
    """No rule makes one, but rows that were written past the rules must not hang a worker."""
    image = make_tagged("a")
    first, second = Tag.objects.get(name="a"), Tag.objects.create(name="b")
    TagImplication.objects.create(tag=first, implied=second)
    TagImplication.objects.create(tag=second, implied=first)
    assert carried(image) == {"a", "b"}


# --- What was taken off --------------------------------------------------------------------------


def test_what_is_taken_off_stays_off_whoever_says_it_again() -> None:
    image = make_tagged("dog")
    assert rejected_tags.reject([image.pk], "Dog") == 1
    assert rejected_tags.reject([image.pk], "dog") == 0
    make_label(image, "dog", kind=Label.Kind.TAG, source=Label.Source.CLAUDE)
    assert carried(image) == set()
    assert image.labels.count() == 2


def test_it_comes_back_when_the_word_against_it_is_taken_back() -> None:
    image = make_tagged("dog")
    rejected_tags.reject([image.pk], "dog")
    assert rejected_tags.accept([image.pk], "DOG ") == 1
    assert rejected_tags.accept([image.pk], "dog") == 0
    assert carried(image) == {"dog"}


def test_other_names_are_taken_off_with_the_tag() -> None:
    image = make_tagged("puss")
    rejected_tags.reject([image.pk], "puss")
    tag_names.add_alias("puss", "cat")
    make_label(image, "cat", kind=Label.Kind.TAG)
    assert carried(image) == set()
    assert rejected_tags.accept([image.pk], "cat") == 1
    assert carried(image) == {"cat"}


def test_signs_alone_are_not_taken_off() -> None:
    image = make_tagged("dog")
    assert rejected_tags.reject([image.pk], "#.") == 0
    assert not RejectedTag.objects.exists()


def test_counts_follow_the_rules() -> None:
    make_tagged("puss"), make_tagged("cat")
    tag_names.add_alias("puss", "cat")
    image_index.refresh(Image.objects.values_list("pk", flat=True))
    assert Tag.objects.get(name="cat").open_count == 2
    assert Tag.objects.get(name="puss").live_count == 0
    assert ImageTag.everything.count() == 2
