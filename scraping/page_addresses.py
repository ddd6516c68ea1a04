"""Addresses as pages write them: made whole, and told by what lies behind them. Pure."""

import re
from urllib.parse import urljoin, urlsplit

LONGEST_URL = 2000

IMAGE_FILE = re.compile(r"\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp)$", re.IGNORECASE)
DRAWING_FILE = re.compile(r"\.(?:svgz?|ico|cur)$", re.IGNORECASE)
# Pictures that the gallery does not take; sites offer another format beside them.
FOREIGN_FILE = re.compile(r"\.(?:avif|jxl|heic|heif|jp2|tiff?)$", re.IGNORECASE)
# A wiki's page about a file: "File:Boat.jpg".
_PAGE_OF_FILE = re.compile(r"^[^\W\d_]{3,20}(?::|%3A)", re.IGNORECASE)


def absolute(address: str | None, base: str) -> str | None:
    """The absolute http(s) address without its fragment, or None for anything else."""
    address = re.sub(r"[\t\n\r]", "", address or "").strip(" \x00\f\v")
    if not address or len(address) > LONGEST_URL:
        return None
    try:
        joined = urljoin(base, address)
        parts = urlsplit(joined)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    whole = parts._replace(fragment="").geturl()
    whole = "".join(_quoted(character) for character in whole)
    encodable = not any("\ud800" <= character <= "\udfff" for character in whole)
    return whole if encodable and len(whole) <= LONGEST_URL else None


def _quoted(character: str) -> str:
    """Spaces and the like are percent-encoded, as browsers do."""
    if character in ' "<>\\^`{|}' or ord(character) < 32:
        return f"%{ord(character):02X}"
    return character


def is_image_file(url: str) -> bool:
    """Whether the name in the address is a picture's that the gallery takes."""
    path = urlsplit(url).path
    return bool(IMAGE_FILE.search(path)) and not _PAGE_OF_FILE.match(path.rpartition("/")[2])


def is_drawing_file(url: str) -> bool:
    """Icons and vector drawings, which the gallery does not take."""
    return bool(DRAWING_FILE.search(urlsplit(url).path))


def is_foreign_file(url: str) -> bool:
    """Pictures in formats that the gallery does not take."""
    return bool(FOREIGN_FILE.search(urlsplit(url).path))
