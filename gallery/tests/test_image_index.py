"""Several changes that are indexed together."""

import pytest
from django.db import transaction

from gallery import image_index
from gallery.models import Image, Label, SearchDocument
from gallery.tests.factories import make_label, make_row

pytestmark = pytest.mark.django_db


def test_once_indexes_at_its_end_what_was_asked_for_within_it() -> None:
    image = make_row(prompt="a quiet lake")
    with transaction.atomic(), image_index.once():
        make_label(image, "red boat", kind=Label.Kind.TAG)
        image_index.refresh([image.pk])
        image_index.refresh([image.pk])
        assert not image.tags.exists()
    assert [tag.name for tag in image.tags.all()] == ["red boat"]
    assert "lake" in SearchDocument.objects.get(pk=image.pk).words


def test_once_indexes_nothing_of_what_fails() -> None:
    image = make_row(prompt="a quiet lake")
    Image.objects.filter(pk=image.pk).update(prompt="a red boat")

    def fail() -> None:
        with transaction.atomic(), image_index.once():
            image_index.refresh([image.pk])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not SearchDocument.objects.filter(pk=image.pk, words__contains="boat").exists()
    image_index.refresh([image.pk])
    assert SearchDocument.objects.filter(pk=image.pk, words__contains="boat").exists()


@pytest.mark.django_db(transaction=True)
def test_once_needs_a_transaction_around_it() -> None:
    with pytest.raises(AssertionError), image_index.once():
        pass
