"""When a source is crawled anew: cron expressions, checked, reckoned and put into words. Pure.

Five fields (minute, hour, day of the month, month, day of the week) or a name such as @daily.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from croniter import croniter
from croniter.croniter import CroniterError

LEAST = timedelta(minutes=10)
LONGEST = 100
EXAMPLE = "“0 3 * * *” is every day at 03:00."
_NAMES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
# Without croniter's own R and H, which mean another time in every process.
_FIELD = re.compile(
    r"(?:[\d*,/#-]|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|l)+",
    re.IGNORECASE,
)
# More than two days of the densest schedule, so that every gap between two times is among them.
_LOOKED_AT = 400
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MOST_TIMES = 6


class ScheduleRefused(ValueError):
    """Nothing is crawled by this expression; the text says why."""


def checked(expression: str) -> str:
    """The expression with single spaces. Raises ScheduleRefused."""
    expression = _plain(expression)
    try:
        _check_gaps(expression)
    except CroniterError as error:
        if "failed to find next date" in str(error):
            raise ScheduleRefused("This never comes.") from error
        raise ScheduleRefused(f"This is not a cron expression. {EXAMPLE}") from error
    return expression


def _plain(expression: str) -> str:
    """What looks like an expression, with single spaces."""
    expression = " ".join(expression.split())
    if len(expression) > LONGEST:
        raise ScheduleRefused(f"A cron expression has at most {LONGEST} characters.")
    fields = expression.split(" ")
    if expression.lower() not in _NAMES and (
        len(fields) != 5 or not all(_FIELD.fullmatch(field) for field in fields)
    ):
        raise ScheduleRefused(
            "A cron expression has five fields: minute, hour, day of the month, month, day of the "
            f"week. {EXAMPLE}"
        )
    return expression


def _check_gaps(expression: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = croniter(expression, start)
    before = times.get_next(datetime)
    for _ in range(_LOOKED_AT):
        following = times.get_next(datetime)
        if following - before < LEAST:
            minutes = int(LEAST.total_seconds() // 60)
            raise ScheduleRefused(f"A source is crawled every {minutes} minutes at most.")
        before = following
        if following - start > timedelta(days=500):
            return


def next_time(expression: str, after: datetime) -> datetime | None:
    """The first time after a moment, in that moment's time zone. None if it is not possible."""
    try:
        found: datetime = croniter(_plain(expression), after).get_next(datetime)
    except (ScheduleRefused, CroniterError):
        return None
    return found


def in_words(expression: str) -> str:
    """“every day at 03:00”; the expression itself where no short sentence says it."""
    try:
        (minutes, hours, *days), nth = croniter.expand(_plain(expression))
    except (ScheduleRefused, CroniterError):
        return ""
    when = _time(minutes, hours)
    which = _day(*days)
    if when is None or which is None or nth:
        return f"at the times of “{expression}”"
    if which == "every day" and when.startswith("every"):
        return when
    return f"{when} {which}" if when.startswith("every") else f"{which} {when}"


def _is_any(values: Sequence[Any]) -> bool:
    return list(values) == ["*"]


def _time(minutes: Sequence[Any], hours: Sequence[Any]) -> str | None:
    """ "every 15 minutes", "every 6 hours", "at 03:00 and 15:00"; None for many times."""
    if _is_any(hours):
        if step := _step(minutes, 60):
            return "every hour" if step == 60 else f"every {step} minutes"
        return f"every hour, {_listed([str(minute) for minute in minutes])} minutes past"
    if len(minutes) == 1 and len(hours) > 1 and (step := _step(hours, 24)):
        past = f", {minutes[0]} minutes past" if minutes[0] else ""
        return f"every {step} hours{past}"
    if len(minutes) * len(hours) > _MOST_TIMES:
        return None
    return f"at {_listed([f'{hour:02}:{minute:02}' for hour in hours for minute in minutes])}"


def _step(values: Sequence[Any], whole: int) -> int | None:
    """The step of values that go evenly round the clock from 0: 15 for 0, 15, 30, 45 of 60."""
    step = whole // len(values)
    return step if list(values) == list(range(0, whole, step)) else None


def _day(dates: Sequence[Any], months: Sequence[Any], weekdays: Sequence[Any]) -> str | None:
    """ "every day", "every Monday", "on the 1st of every month"; None for many dates."""
    in_month = (
        "every month" if _is_any(months) else _listed([_MONTHS[month - 1] for month in months])
    )
    of_week = "" if _is_any(weekdays) else _weekdays(sorted(weekdays))
    if _is_any(dates):
        where = "" if _is_any(months) else f" in {in_month}"
        return f"{of_week or 'every day'}{where}"
    if len(dates) > _MOST_TIMES:
        return None
    of_month = f"on the {_listed([_ordinal(date) for date in dates])} of {in_month}"
    return f"{of_month} and {of_week}" if of_week else of_month


def _weekdays(numbers: Sequence[int]) -> str:
    if list(numbers) == [1, 2, 3, 4, 5]:
        return "on weekdays"
    return f"every {_listed([_DAYS[number] for number in numbers])}"


def _ordinal(date: Any) -> str:
    """1 → "1st"."""
    if date == "l":
        return "last day"
    ending = "th" if date in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(date % 10, "th")
    return f"{date}{ending}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
