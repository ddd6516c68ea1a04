from datetime import UTC, datetime, timedelta

import pytest

from imagineer import words

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1500, "1\u202f500"), (1234567, "1\u202f234\u202f567")],
)
def test_numbers_have_thin_spaces(number: int, text: str) -> None:
    assert words.thin(number) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(1, 5000, "1 to 5\u202f000"), (-2.0, 2.0, "-2 to 2"), (1e-7, 0.5, "0.0000001 to 0.5")],
)
def test_bounds_are_written_out(low: float, high: float, text: str) -> None:
    assert words.bounds(low, high) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (2_430_000, "2.4 MB"), (999_600, "1.0 MB"),
     (123_456_789, "123 MB"), (5 * 10**15, "5000 TB")],
)  # fmt: skip
def test_sizes_are_decimal(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (200, "3 min 20 s"),
     (3600, "1 h"), (7500, "2 h 5 min"), (100_000, "1 d 3 h")],
)  # fmt: skip
def test_spans_have_two_units_at_most(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("before", "text"),
    [({"seconds": -30}, "just now"), ({"seconds": 20}, "just now"), ({"seconds": 50}, "1 min ago"),
     ({"minutes": 3}, "3 min ago"), ({"hours": 2}, "2 h ago"), ({"days": 5}, "5 d ago"),
     ({"days": 60}, "5 Mar 2026")],
)  # fmt: skip
def test_moments_are_worded(before: dict[str, int], text: str) -> None:
    assert words.ago(NOW - timedelta(**before), NOW) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), (" 7 ", 7), ("", None), ("-1", None), ("1.5", None), ("²", None), ("٣", None),
     ("9" * 19, None)],
)  # fmt: skip
def test_row_numbers_are_read(text: str, number: int | None) -> None:
    assert words.number_in(text) == number


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "now"), (59, "now"), (60, "in 1 min"), (3_540, "in 59 min"), (3_600, "in 1 h"),
        (86_400 * 3, "in 3 d"), (86_400 * 40, "10 Feb 2026"),
    ],
)  # fmt: skip
def test_a_time_to_come_is_told_by_how_far_it_is(seconds: int, expected: str) -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert words.ahead(now + timedelta(seconds=seconds), now) == expected
