"""Makes a valid enough row of any model, with the rows that it needs."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

_numbers = itertools.count(1)


def make_row(model: type[models.Model], **given: Any) -> Any:
    """Save a row; required columns without a default get made-up values, foreign rows are made."""
    values = dict(given)
    for field in model._meta.concrete_fields:
        if field.name in values or isinstance(field, models.AutoField) or field.primary_key:
            continue
        if isinstance(field, models.ForeignKey):
            if not field.null and not field.has_default():
                values[field.name] = make_row(field.related_model)
        elif _needs_value(field):
            values[field.name] = _value(field)
    return model._default_manager.create(**values)


def _needs_value(field: Any) -> bool:
    if field.null or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return False
    return not field.has_default() or (field.unique and not callable(field.default))


def _value(field: Any) -> Any:
    number = next(_numbers)
    if field.choices:
        return field.choices[0][0]
    by_type: list[tuple[type[Any], Any]] = [
        (models.UUIDField, uuid.uuid4()),
        (models.BooleanField, False),
        (models.FloatField, 1.0),
        (models.DecimalField, 1),
        (models.IntegerField, number),
        (models.DateTimeField, timezone.now() + timedelta(days=1)),
        (models.URLField, f"https://example.org/{number}"),
        (models.EmailField, f"person{number}@example.org"),
        (models.FileField, f"uploads/file-{number}.png"),
        (models.JSONField, {}),
    ]
    for kind, value in by_type:
        if isinstance(field, kind):
            return value
    text = f"{field.name} {number}" if isinstance(field, models.TextField) else f"name-{number}"
    return text[: field.max_length] if field.max_length else text
