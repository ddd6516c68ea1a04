from datetime import UTC, datetime

import pytest

from scraping.retry_after import seconds

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("999999999999999999999", 999_999_999_999),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90),
        ("Sun Mar  1 12:01:30 2026", 90),
        ("Sun, 01 Mar 2026 14:01:30 +0200", 90),
        ("Sun, 01 Mar 2020 12:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
    ],
)
def test_seconds_and_dates_are_understood(header: str, expected: float | None) -> None:
    assert seconds(header, NOW) == expected
