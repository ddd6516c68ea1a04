"""Several admins at the same picture in the same moment."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from gallery import labels
from gallery.models import Image, Label
from gallery.tests.factories import make_admin, make_label, make_row
from imagineer.problems import Problem
from labeling.review_actions import accept, change_tags, choose_caption, rate

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 6


def all_at_once(act: Callable[[int], Any]) -> list[str]:
    """What came of each: "done", or the code of what was refused."""
    ready = Barrier(AT_ONCE)

    def one(number: int) -> str:
        ready.wait()
        try:
            act(number)
        except Problem as problem:
            return problem.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


@pytest.fixture
def image() -> Image:
    made = make_row()
    make_label(made, "an ace", source="claude")
    return made


def test_of_all_who_saw_the_same_caption_one_decides_and_the_others_hear_it(image: Image) -> None:
    admins = [make_admin() for _ in range(AT_ONCE)]
    outcomes = all_at_once(
        lambda number: accept(image.pk, f"words {number}", "an ace", admins[number])
    )
    assert Counter(outcomes) == {"done": 1, "changed_meanwhile": AT_ONCE - 1}
    winner = outcomes.index("done")
    pinned = image.labels.get(is_pinned=True)
    assert (pinned.text, pinned.created_by) == (f"words {winner}", admins[winner])
    assert image.labels.count() == 2


def test_of_all_who_choose_one_choice_is_left(image: Image) -> None:
    admins = [make_admin() for _ in range(AT_ONCE)]
    chosen = [make_label(image, f"words {number}", source="local") for number in range(AT_ONCE)]
    outcomes = all_at_once(
        lambda number: choose_caption(image.pk, chosen[number].pk, admins[number])
    )
    assert outcomes == ["done"] * AT_ONCE
    assert image.labels.filter(is_pinned=True).count() == 1


def test_pins_from_elsewhere_leave_one_as_well(image: Image) -> None:
    chosen = [make_label(image, f"words {number}", source="local") for number in range(AT_ONCE)]
    assert all_at_once(lambda number: labels.pin(chosen[number])) == ["done"] * AT_ONCE
    assert image.labels.filter(is_pinned=True).count() == 1
    written = all_at_once(
        lambda number: labels.write_label(image, "caption", f"by hand {number}", is_pinned=True)
    )
    assert written == ["done"] * AT_ONCE
    assert image.labels.filter(is_pinned=True).count() == 1
    assert image.labels.filter(source="manual").count() == AT_ONCE


def test_the_same_tag_of_all_is_one(image: Image) -> None:
    admins = [make_admin() for _ in range(AT_ONCE)]
    all_at_once(lambda number: change_tags(image.pk, ["fox"], [], admins[number]))
    assert list(image.tags.values_list("name", flat=True)) == ["fox"]
    assert Label.objects.filter(kind="tag").count() == 1


def test_all_rate_and_one_rating_is_left(image: Image) -> None:
    admins = [make_admin() for _ in range(AT_ONCE)]
    words = ["SAFE", "SUGGESTIVE"] * (AT_ONCE // 2)
    outcomes = all_at_once(lambda number: rate(image.pk, words[number], None, admins[number]))
    assert outcomes == ["done"] * AT_ONCE
    image.refresh_from_db()
    assert image.rating in words
