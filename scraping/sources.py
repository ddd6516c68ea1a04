"""Sources as admins write them, in the console and over the API: what each field may hold."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from imagineer import texts, words
from imagineer.problems import Problem, invalid
from scraping import field_mapping, schedule
from scraping.addresses import LONGEST_URL
from scraping.models import CrawlTarget, ScrapeJob, Source
from scraping.options import BOUNDS, NAMES, OptionRefused, checked
from scraping.runs import checked_address
from scraping.sealed import seal

LONGEST_NAME = 100
LONGEST_KEY = 2000
LONGEST_JSON = 20_000
RATES = (1, 6000)
MOST_IMAGES = (1, int(BOUNDS["max_images"][1]))
# Options that a source has in columns of its own.
COLUMNS = ("max_images", "render_javascript")
WANTED = tuple(name for name in NAMES if name not in COLUMNS)
"""The options that a source may have wishes about."""


def create(values: Mapping[str, Any], created_by: Any) -> Source:
    """A new source. values: as in :func:`change`, ``name`` and ``base_url`` at least."""
    for name in ("name", "base_url"):
        if not str(values.get(name, "")).strip():
            raise invalid(name, "Give the source a name." if name == "name" else "Say where it is.")
    return change(Source(created_by=created_by), values)


def change(source: Source, values: Mapping[str, Any]) -> Source:
    """Put in the values and save.

    values: by field of CHECKS. Raises Problem: 422 for what a field may not hold, 409 for a name
    that another source has.
    """
    put_in(source, values)
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError:
        raise name_taken(source.name) from None
    return source


def put_in(source: Source, values: Mapping[str, Any]) -> None:
    """The same without saving."""
    for name, value in values.items():
        value = CHECKS[name](value)
        if name == "api_key":
            source.sealed_api_key = seal(value) if value else ""
        else:
            setattr(source, name, value)
    check_mapping(source.kind, source.mapping)
    if Source.objects.filter(name=source.name).exclude(pk=source.pk).exists():
        raise name_taken(source.name)


def check_mapping(kind: str, mapping: Any) -> None:
    """An API needs a mapping that is possible. Raises Problem 422."""
    if kind == Source.Kind.API:
        try:
            field_mapping.checked(mapping)
        except field_mapping.MappingRefused as refused:
            raise invalid("mapping", str(refused)) from refused


def switch(chosen: Iterable[Source], *, enabled: bool) -> int:
    """Switch sources on or off, with their next crawls; how many there are."""
    number = 0
    for source in chosen:
        source.enabled = enabled
        source.save(update_fields=["enabled"])
        number += 1
    return number


def crawled_now(chosen: Iterable[Source]) -> list[ScrapeJob]:
    """Crawls of these sources that have not ended: these still need rate, key and mapping."""
    targets = CrawlTarget.objects.filter(source__in=chosen, state__in=CrawlTarget.OPEN)
    return list(ScrapeJob.objects.filter(pk__in=targets.values("scrape_job")))


def delete(source: Source) -> None:
    """Its crawls and what they took stay. Raises Problem 409 while one has not ended."""
    with transaction.atomic():
        if crawls := crawled_now([source]):
            said = f"Crawl {crawls[0].pk} of this source has not ended: stop it first."
            raise Problem(409, "in_use", said)
        source.delete()


def name_taken(name: str) -> Problem:
    said = f"There is a source named “{name}” already; choose another name."
    return Problem(409, "name_taken", said, "name")


def _name(value: str) -> str:
    name = value.strip()
    if not name:
        raise invalid("name", "Give the source a name.")
    if len(name) > LONGEST_NAME:
        raise invalid("name", f"Write at most {LONGEST_NAME} characters.")
    if not texts.is_line(name):
        raise invalid("name", texts.NOT_A_LINE)
    return name


def _lookup_url(value: str) -> str:
    url = value.strip()
    if not url:
        return ""
    if "{name}" not in url:
        raise invalid("lookup_url", "Write {name} where the name that is looked up belongs.")
    if len(url) > LONGEST_URL:
        raise invalid("lookup_url", f"The address is longer than {LONGEST_URL} characters.")
    checked_address(url.replace("{name}", "name"), "lookup_url")
    return url


def _api_key(value: str) -> str:
    key = value.strip()
    if len(key) > LONGEST_KEY:
        raise invalid("api_key", f"A key has at most {LONGEST_KEY} characters.")
    if not key.isprintable() or " " in key:
        raise invalid("api_key", "A key has no spaces and no line breaks.")
    return key


def _schedule(value: str) -> str:
    if not value.strip():
        return ""
    try:
        return schedule.checked(value)
    except schedule.ScheduleRefused as refused:
        raise invalid("schedule", str(refused)) from refused


def _number(field: str, bounds: tuple[int, int]) -> Callable[[int], int]:
    def check(value: int) -> int:
        if not bounds[0] <= value <= bounds[1]:
            raise invalid(field, f"Enter a number from {words.bounds(*bounds)}.")
        return value

    return check


def _choice(field: str, choices: list[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise invalid(field, f"Choose one of {', '.join(choices)}.")
        return value

    return check


def _mapping(value: Any) -> dict[str, Any]:
    return _json_object("mapping", value)


def _options(value: Any) -> dict[str, Any]:
    given = _json_object("options", value)
    for name in given:
        if name in COLUMNS:
            raise invalid("options", f"“{name}” has a field of its own.")
    try:
        chosen = checked(given).as_json()
    except OptionRefused as refused:
        raise invalid("options", f"{refused.field}: {refused}") from refused
    # What is not spoken of stays open, for the form and the presets.
    return {name: chosen[name] for name, value in given.items() if value is not None}


def _json_object(field: str, value: Any) -> dict[str, Any]:
    """An object that both databases can hold."""
    if not isinstance(value, dict):
        raise invalid(field, "Write a JSON object, between { and }.")
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        has_control = any(texts.has_control(word) for word in _words(value))
    except (ValueError, RecursionError):
        raise invalid(field, "JSON has no NaN or Infinity, and is nested less deeply.") from None
    if len(text) > LONGEST_JSON:
        raise invalid(field, f"Write at most {words.thin(LONGEST_JSON)} characters.")
    if has_control:
        raise invalid(field, texts.CONTROL)
    return value


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [word for pair in value.items() for part in pair for word in _words(part)]
    if isinstance(value, list):
        return [word for part in value for word in _words(part)]
    return []


CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "base_url": lambda value: checked_address(value, "base_url"),
    "kind": _choice("kind", Source.Kind.values),
    "enabled": bool,
    "rate_limit": _number("rate_limit", RATES),
    "trust_level": _choice("trust_level", Source.Trust.values),
    "max_images": _number("max_images", MOST_IMAGES),
    "render_javascript": _choice("render_javascript", Source.Rendering.values),
    "lookup_url": _lookup_url,
    "api_key": _api_key,
    "mapping": _mapping,
    "options": _options,
    "schedule": _schedule,
}
"""Field → what makes a value of it, or raises Problem."""
