"""What is trained on of an image's captions; which of them counts is the gallery's rule."""

import pytest

from gallery.captions import PROMPT
from gallery.models import Label
from gallery.tests.factories import make_label, make_row
from training.captions import Caption, caption_of, captions_of


@pytest.mark.django_db
def test_the_caption_that_counts_is_trained_on_in_one_line() -> None:
    image = make_row()
    make_label(image, "an owl", source="claude")
    best = make_label(image, " an ace\nof  hearts ", source="manual")
    make_label(image, "SAFE", kind=Label.Kind.RATING, source="manual")
    said = captions_of([image.pk])[image.pk]
    assert caption_of(said, "a prompt") == Caption("an ace of hearts", "manual", best.pk)


def test_the_prompt_stands_in_for_a_caption() -> None:
    assert caption_of([], "an ace\nof hearts") == Caption("an ace of hearts", PROMPT)
    assert caption_of([], " \n ") is None
