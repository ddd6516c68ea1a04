"""Keywords that a picture file carries: IPTC, XMP's dc:subject, and Windows' XPKeywords. Pure.

Nothing here refuses a file: what cannot be read is left out, and nothing is read beyond a bound.
"""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.parsers import expat

from PIL import Image

from gallery import embedded_texts

MOST = 30
LONGEST = 100
_MOST_BYTES = 1_000_000
_FORMATS = {"jpeg": ("JPEG", "MPO"), "png": ("PNG",), "webp": ("WEBP",)}
_PNG_XMP = "XML:com.adobe.xmp"
# Photoshop's resource that holds IPTC-IIM, of which record 2, data set 25 is a keyword.
_IPTC_RESOURCE = 0x0404
_KEYWORD = b"\x1c\x02\x19"
_XP_KEYWORDS = 0x9C9E
_SUBJECT = "http://purl.org/dc/elements/1.1/ subject"
_ITEM = "http://www.w3.org/1999/02/22-rdf-syntax-ns# li"
_SEPARATORS = re.compile(r"[;,\n\r]")


def read(data: bytes, kind: str) -> tuple[str, ...]:
    """At most MOST keywords of at most LONGEST characters, in the order of the file.

    kind: the file's format; JPEG, PNG and WebP carry keywords.
    """
    found: dict[str, str] = {}
    for raw in _raw(data, kind):
        for word in _SEPARATORS.split(raw):
            plain = " ".join("".join(c if c.isprintable() else " " for c in word).split())
            if plain and len(plain) <= LONGEST:
                found.setdefault(plain.casefold(), plain)
            if len(found) == MOST:
                return tuple(found.values())
    return tuple(found.values())


def _raw(data: bytes, kind: str) -> Iterator[str]:
    if kind not in _FORMATS:
        return
    info, exif = _opened(data, kind)
    resources = info.get("photoshop")
    if isinstance(resources, dict) and isinstance(resources.get(_IPTC_RESOURCE), bytes):
        yield from iptc_keywords(resources[_IPTC_RESOURCE])
    xmp: Any = info.get("xmp")
    if kind == "png":
        xmp = embedded_texts.read(data, kind).get(_PNG_XMP, "").encode()
    if isinstance(xmp, bytes):
        yield from xmp_subjects(xmp)
    if isinstance(exif, bytes):
        yield exif[:_MOST_BYTES].decode("utf-16-le", errors="replace").replace("\ufffd", "")


def _opened(data: bytes, kind: str) -> tuple[dict[Any, Any], Any]:
    """(what Pillow reads of the file's head, XPKeywords)."""
    info: dict[Any, Any] = {}
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS[kind]) as opened:
            info = dict(opened.info)
            return info, opened.getexif().get(_XP_KEYWORDS)
    except Exception:
        # Metadata is never a reason to refuse a picture, and Pillow's parser raises anything.
        return info, None


def iptc_keywords(data: bytes) -> list[str]:
    """The keywords of an IPTC-IIM stream (IIM 4.2): tag, length in two bytes, text."""
    found: list[str] = []
    place = 0
    while len(found) < MOST and place + 5 <= len(data) and data[place] == 0x1C:
        length = int.from_bytes(data[place + 3 : place + 5], "big")
        if length & 0x8000:
            # An extended length: no keyword is that long.
            break
        text = data[place + 5 : place + 5 + length]
        if data.startswith(_KEYWORD, place):
            found.append(_decoded(text))
        place += 5 + length
    return found


def _decoded(text: bytes) -> str:
    """UTF-8, which most write whatever the stream says of its character set, else Latin-1."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def xmp_subjects(data: bytes) -> list[str]:
    """The items of dc:subject in an XMP packet, up to where it cannot be read."""
    reader = _Subjects()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(data[:_MOST_BYTES].rstrip(b"\x00"), True)
    except (expat.ExpatError, _Stop, ValueError, LookupError):
        pass
    return reader.found


class _Stop(Exception):
    """Enough, or more than is safe to read."""


class _Subjects:
    """What expat calls back: collects the items within dc:subject."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._inside = False
        self._item: list[str] | None = None

    def start(self, name: str, attributes: Iterable[str]) -> None:
        if name == _SUBJECT:
            self._inside = True
        elif self._inside and name == _ITEM:
            self._item = []

    def text(self, text: str) -> None:
        if self._item is not None:
            self._item.append(text)

    def end(self, name: str) -> None:
        if name == _SUBJECT:
            self._inside = False
        elif name == _ITEM and self._item is not None:
            self.found.append("".join(self._item))
            self._item = None
            if len(self.found) == MOST:
                raise _Stop

    def doctype(self, *_: Any) -> None:
        """With it come entities, which can unpack to anything."""
        raise _Stop
