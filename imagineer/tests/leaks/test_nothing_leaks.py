"""Without consent nobody sees a veiled picture sharp, and visitors nothing private at all.

A walk follows every address there could be, which the address tables
enumerate (imagineer.tests.addresses), and every one that is given out, for galleries in random
states. That the walk notices is tested in test_leaks_are_noticed.py.
"""

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.urls import resolve
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gallery.models import Rating
from imagineer.tests.addresses import EVERYWHERE
from imagineer.tests.leaks.findings import leaks
from imagineer.tests.leaks.walk import walk
from imagineer.tests.leaks.worlds import (
    ALL_SHELVES,
    EVERY_KIND,
    PICTURES,
    SHELVES,
    Rows,
    State,
    World,
    settle,
)

_state = st.builds(
    State,
    rating=st.sampled_from(Rating.values),
    is_public=st.sampled_from([True, True, True, False]),
    source_type=st.sampled_from(["upload", "scraped", "generated"]),
    trashed=st.sampled_from([False, False, False, True]),
    shelves=st.lists(st.integers(0, SHELVES - 1), unique=True, max_size=SHELVES).map(tuple),
    lora=st.booleans(),
)
_world = st.builds(
    World,
    pictures=st.lists(_state, min_size=PICTURES, max_size=PICTURES).map(tuple),
    public_shelves=st.lists(st.booleans(), min_size=SHELVES, max_size=SHELVES).map(tuple),
    public_lora=st.booleans(),
    public_base=st.booleans(),
    public_run=st.booleans(),
    public_training=st.booleans(),
)


def assert_tight(found: list[str]) -> None:
    assert not found, "\n".join(found)


@pytest.mark.parametrize("choice", ["hide", "blur", "show"])
def test_visitors_learn_nothing_that_is_not_theirs(rows: Rows, choice: str) -> None:
    @hypothesis_settings(
        max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(_world)
    def check(world: World) -> None:
        with transaction.atomic():
            settle(rows, world)
            assert_tight(leaks(Client(), rows, world, choice))
            transaction.set_rollback(True)

    check()


@pytest.mark.parametrize("world", [EVERY_KIND, ALL_SHELVES], ids=["private", "public"])
@pytest.mark.parametrize("choice", ["hide", "blur", "show"])
def test_a_gallery_with_every_kind_is_tight(rows: Rows, choice: str, world: World) -> None:
    settle(rows, world)
    assert_tight(leaks(Client(), rows, world, choice))


def test_who_is_signed_in_and_no_admin_is_a_visitor(rows: Rows) -> None:
    settle(rows, EVERY_KIND)
    client = Client()
    client.force_login(get_user_model().objects.create_user("plain", password="x"))
    assert_tight(leaks(client, rows, EVERY_KIND, "blur"))


def test_one_that_is_revealed_opens_no_other(rows: Rows) -> None:
    settle(rows, EVERY_KIND)
    client = Client()
    revealed, veiled = rows.images[1], rows.images[2]
    told = client.post(f"/images/{revealed.pk}/reveal", headers={"Accept": "application/json"})
    assert "promptpic1" not in told.json()["src"]
    assert client.get(told.json()["src"]).status_code == 200
    found = leaks(client, rows, EVERY_KIND, "blur")
    # All that is found is of the one, and only where its own pages and tiles are.
    assert [leak for leak in found if "EXPLICIT" not in leak and "counts" not in leak] == []
    assert any("EXPLICIT" in leak for leak in found)
    assert client.get(f"/images/{veiled.pk}/original").status_code == 404


def test_the_walk_comes_by_every_public_page(rows: Rows) -> None:
    settle(rows, ALL_SHELVES)
    visited = set()
    for address, answer in walk(Client(), rows).items():
        if answer.found and not address.startswith("/api/"):
            match = resolve(address.removesuffix(" [htmx]").partition("?")[0])
            visited.add(match.view_name)
    # Which only leads elsewhere.
    assert set(EVERYWHERE) - visited - {"gallery:album_source"} == {
        name for name in EVERYWHERE if name.startswith("/api/")
    }


def test_the_walk_gets_an_answer_of_every_public_operation(rows: Rows) -> None:
    settle(rows, ALL_SHELVES)
    for name in EVERYWHERE:
        if name.startswith("/api/"):
            answers = walk(Client(), rows, name).values()
            assert any(answer.found for answer in answers), name
            # A stream is found before it has told anything.
            assert not name.endswith("/events") or any("event: end" in a.told for a in answers)
