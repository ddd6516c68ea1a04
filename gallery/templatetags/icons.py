"""``{% icon "copy" %}``: a lucide icon, inlined so that it takes the text's colour."""

import re
from functools import cache

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
FOLDER = settings.BASE_DIR / "static" / "icons" / "lucide"


@cache
def _shapes(name: str) -> SafeString:
    """What stands between <svg> and </svg> in a vendored file."""
    try:
        text = (FOLDER / f"{name}.svg").read_text()
    except FileNotFoundError:
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.svg")))
        raise template.TemplateSyntaxError(
            f"There is no icon “{name}” in static/icons/lucide; there are: {known}."
        ) from None
    inner = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    return mark_safe(re.sub(r"\s*\n\s*", "", inner))  # noqa: S308 - our own file


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """A decorative icon, ``size`` px square: whatever holds it carries the words."""
    return format_html(
        '<svg class="icon" width="{0}" height="{0}" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="1.75" stroke-linecap="round" '
        'stroke-linejoin="round" aria-hidden="true" focusable="false">{1}</svg>',
        size,
        _shapes(name),
    )
