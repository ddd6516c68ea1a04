"""Finding tags by how they begin."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery import tags
from gallery.models import Tag

pytestmark = pytest.mark.django_db


def make(name: str, count: int = 0, private: int = 0) -> Tag:
    return Tag.objects.create(name=name, open_count=count, private_count=private)


def names(prefix: str, **more: int) -> list[str]:
    return [tag.name for tag in tags.starting_with(prefix, **more)]


def test_the_most_used_come_first() -> None:
    for name, count in (("red fox", 1), ("red hair", 5), ("river", 9), ("red", 5)):
        make(name, count)
    assert names("red") == ["red", "red hair", "red fox"]
    assert names("r", limit=2) == ["river", "red"]
    assert names("rex") == []


def test_pictures_that_visitors_do_not_see_count_as_well() -> None:
    make("red", 1)
    make("redder", 0, private=2)
    assert names("red") == ["redder", "red"]


def test_without_a_beginning_the_most_used_of_all_are_told() -> None:
    make("a", 1)
    make("b", 2)
    assert names("") == ["b", "a"]


@pytest.mark.parametrize("prefix", ["100%", "a_b", "[x", "ä", "猫", "'", "\\"])
def test_every_letter_means_itself(prefix: str) -> None:
    make(f"{prefix} tag")
    make("100 a b x")
    assert names(prefix) == [f"{prefix} tag"]


def test_rare_ones_are_found_behind_many_that_are_used_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tags, "WALKED", 3)
    for number in range(10):
        make(f"common {number}", 10)
    make("rare", 0)
    assert names("rar") == ["rare"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Plans depend on statistics elsewhere.")
def test_they_are_found_along_indices() -> None:
    with CaptureQueriesContext(connection) as asked:
        tags.starting_with("red")
    assert len(asked) == 2
    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            steps = [step[3] for step in cursor.fetchall()]
        assert all("USING INDEX" in step for step in steps), steps
