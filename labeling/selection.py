"""Which pictures a labeling run is about: an album's, a search's, or those that were chosen."""

import re
from collections.abc import Iterable

from gallery import full_text, search
from gallery.models import Album, Image
from gallery.search_query import SearchRefused, parse
from imagineer.problems import invalid
from imagineer.words import thin

# Of a search or a choice; an album may have more.
AT_MOST = 10_000
TOO_MANY = f"These are more than {thin(AT_MOST)} images; narrow the search and repeat."
_SEPARATORS = re.compile(r"[\s,;]+")
_RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?", re.ASCII)


def of_album(album: Album) -> list[int]:
    """Its images in their order. Raises Problem 422 if there are none."""
    ids = list(album.entries.order_by("position", "id").values_list("image_id", flat=True))
    if not ids:
        raise invalid("album", f"The album “{album.name}” has no images to label.")
    return ids


def of_ids(wanted: Iterable[int]) -> list[int]:
    """Those that exist outside the trash. Raises Problem 422 for none and for too many."""
    distinct = list(dict.fromkeys(wanted))
    if len(distinct) > AT_MOST:
        raise invalid("images", TOO_MANY)
    found = set(Image.objects.filter(pk__in=distinct).values_list("pk", flat=True))
    ids = [image_id for image_id in distinct if image_id in found]
    if not ids:
        raise invalid("images", "There are no images to label.")
    return ids


def matching(words: str) -> list[int]:
    """What a search finds for admins, the newest first; words: as in the search field.

    Raises Problem 422 for a search that cannot be made, that finds nothing or too much.
    """
    try:
        query = parse(words)
    except SearchRefused as refused:
        raise invalid("q", str(refused)) from None
    if not query:
        raise invalid("q", "Name at least one word to search for.")
    node = search.expression_for_admin(query)
    ids = [] if node is None else full_text.image_ids(node, AT_MOST + 1)
    if not ids:
        raise invalid("q", "No image matches.")
    if len(ids) > AT_MOST:
        raise invalid("q", TOO_MANY)
    return ids


def ids_in(text: str) -> list[int]:
    """Image numbers as people and forms write them: "12, 15, 20-24", runs in either direction.

    Raises ValueError with a sentence for another text, and for too many.
    """
    ids: dict[int, None] = {}
    for part in filter(None, _SEPARATORS.split(text)):
        read = _RANGE.fullmatch(part)
        if read is None:
            raise ValueError("Write the images' numbers, for example: 12, 15, 20-24.")
        first, last = int(read[1]), int(read[2] or read[1])
        if abs(last - first) >= AT_MOST:
            raise ValueError(TOO_MANY)
        step = 1 if first <= last else -1
        ids |= dict.fromkeys(range(first, last + step, step))
        if len(ids) > AT_MOST:
            raise ValueError(TOO_MANY)
    return list(ids)
