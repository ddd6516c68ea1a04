"""The one spelling of a tag. Pure but for :func:`rows`, which finds or makes the rows."""

import re
import unicodedata
from collections.abc import Iterable

from django.db import transaction
from django.utils.text import slugify

from gallery.models import Tag

MAX_LENGTH = 100
_SPACES = re.compile(r"[\s_]+")


def normalised(text: str) -> str:
    """ "Red_Fox, " → "red fox"; empty if nothing is left."""
    plain = unicodedata.normalize("NFC", text).replace("\x00", "")
    return _SPACES.sub(" ", plain).strip(" ,.;:#\"'").casefold()[:MAX_LENGTH].strip()


def rows(names: Iterable[str]) -> dict[str, Tag]:
    """The tags of these (normalised) names, made where there is none. Inside a transaction.

    In the order of their names, so that two writers never wait for each other.
    """
    wanted = sorted({name for name in names if name})
    found = {tag.name: tag for tag in Tag.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            found[name] = _made(name)
    return found


def _made(name: str) -> Tag:
    stem = slugify(name, allow_unicode=True)[:90].strip("-_") or "tag"
    slug, number = stem, 1
    while Tag.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{stem}-{number}"
    with transaction.atomic():
        tag, _ = Tag.objects.get_or_create(name=name, defaults={"slug": slug})
    return tag
