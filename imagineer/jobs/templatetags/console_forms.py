"""Form fields in the console's own templates: ``{% load console_forms %}``."""

from typing import Any

from django import template
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def named(field: Any, name: str) -> SafeString | str:
    """The field's widget with this name for screen readers, where no <label> stands beside it."""
    if not isinstance(field, BoundField):
        return str(field)
    return field.as_widget(attrs={"aria-label": name})
