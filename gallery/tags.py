"""The one spelling of a tag. Pure but for :func:`rows`, which finds or makes the rows."""

import re
import unicodedata
from collections.abc import Iterable

from gallery.models import Tag

MAX_LENGTH = 100
# A slash would end a tag in its page's address.
_SPACES = re.compile(r"[\s_/\\]+")


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
            found[name], _ = Tag.objects.get_or_create(name=name)
    return found
