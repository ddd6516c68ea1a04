from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from scraping.schedule import ScheduleRefused, checked, in_words, next_time

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 3 * * *", "every day at 03:00"),
        ("@daily", "every day at 00:00"),
        ("@midnight", "every day at 00:00"),
        ("@hourly", "every hour"),
        ("@weekly", "every Sunday at 00:00"),
        ("@monthly", "on the 1st of every month at 00:00"),
        ("@yearly", "on the 1st of January at 00:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0 * * * *", "every hour"),
        ("20 * * * *", "every hour, 20 minutes past"),
        ("5,35 * * * *", "every hour, 5 and 35 minutes past"),
        ("0 */6 * * *", "every 6 hours"),
        ("30 */6 * * *", "every 6 hours, 30 minutes past"),
        ("0 3,15 * * *", "every day at 03:00 and 15:00"),
        ("15 3 * * 1", "every Monday at 03:15"),
        ("15 3 * * mon,fri", "every Monday and Friday at 03:15"),
        ("0 3 * * 7", "every Sunday at 03:00"),
        ("0 9 * * 1-5", "on weekdays at 09:00"),
        ("*/20 * * * 1-5", "every 20 minutes on weekdays"),
        ("0 3 1,15,22,23 * *", "on the 1st, 15th, 22nd and 23rd of every month at 03:00"),
        ("0 3 11,12,13,3 * *", "on the 3rd, 11th, 12th and 13th of every month at 03:00"),
        ("0 3 l * *", "on the last day of every month at 03:00"),
        ("0 3 24 12 *", "on the 24th of December at 03:00"),
        ("0 3 * 6-8 *", "every day in June, July and August at 03:00"),
        ("0 3 1 * 1", "on the 1st of every month and every Monday at 03:00"),
        ("0 3 * * 1#1", "at the times of “0 3 * * 1#1”"),
        ("0,20,40 1-9 * * *", "at the times of “0,20,40 1-9 * * *”"),
        ("0 3 */2 * *", "at the times of “0 3 */2 * *”"),
        ("nonsense", ""),
    ],
)
def test_an_expression_is_put_into_words(expression: str, words: str) -> None:
    assert in_words(expression) == words


def test_spaces_are_made_single() -> None:
    assert checked("  0  3 * *\t* ") == "0 3 * * *"


@pytest.mark.parametrize(
    "expression",
    [
        "", "x", "0 3 * *", "0 3 * * * *", "60 * * * *", "0 25 * * *", "*/0 * * * *", "@reboot",
        "R * * * *", "H H * * *", "0 3 * * funday", "0 3 * * 1-", "0 3 * * * 2030", "é 3 * * *",
    ],
)  # fmt: skip
def test_what_is_no_cron_expression_is_refused_with_an_example(expression: str) -> None:
    with pytest.raises(ScheduleRefused, match="“0 3 "):
        checked(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *", "*/5 * * * *", "0,5 3 * * *", "0,55 * * * *", "55,0 23,0 * * *",
        "0,5 3 1 1 *", "0,55 0,23 1,31 * *", "0,5 3 29 2 *",
    ],
)  # fmt: skip
def test_no_source_is_crawled_more_often_than_every_ten_minutes(expression: str) -> None:
    with pytest.raises(ScheduleRefused, match="every 10 minutes"):
        checked(expression)


def test_ten_minutes_are_not_too_often() -> None:
    assert checked("*/10 * * * *") == "*/10 * * * *"


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(ScheduleRefused, match="never comes"):
        checked("0 3 30 2 *")
    with pytest.raises(ScheduleRefused, match="at most 100"):
        checked("0 " * 80)


def test_the_next_time_is_after_the_moment_and_in_its_time_zone() -> None:
    three = datetime(2026, 7, 1, 3, tzinfo=BERLIN)
    assert next_time("0 3 * * *", three) == datetime(2026, 7, 2, 3, tzinfo=BERLIN)
    assert next_time("0 3 * * *", datetime(2026, 7, 1, tzinfo=UTC)) == datetime(
        2026, 7, 1, 3, tzinfo=UTC
    )
    assert next_time("nonsense", three) is None


def test_a_time_that_the_clocks_leave_out_comes_when_they_have_been_put_forward() -> None:
    found = next_time("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=BERLIN))
    assert found == datetime(2026, 3, 29, 3, tzinfo=BERLIN)
