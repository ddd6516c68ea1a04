import pytest

from scraping.difference import Difference, difference


def test_nothing_before_makes_all_new() -> None:
    assert difference({"b": "1", "a": "2"}, {}) == Difference(new=("b", "a"))


def test_new_gone_changed_and_same_are_told_apart() -> None:
    now = {"same": "1", "other": "2", "new": "3"}
    before = {"gone": "9", "other": "1", "same": "1"}
    found = difference(now, before)
    assert (found.new, found.gone, found.changed, found.same) == (
        ("new",),
        ("gone",),
        ("other",),
        1,
    )


@pytest.mark.parametrize(("now", "before"), [("", "1"), ("1", ""), ("", "")])
def test_a_file_that_did_not_come_is_no_change(now: str, before: str) -> None:
    assert difference({"a": now}, {"a": before}) == Difference(same=1)
