"""The texts that a picture file carries: chunks of a PNG, EXIF and comments of JPEG and WebP. Pure.

Tools that draw keep there what they drew with. Nothing here refuses a file: what cannot be read is
left out, and nothing is unpacked beyond a bound.
"""

import io
import struct
import zlib

from PIL import ExifTags, Image

MAX_TEXT = 2_000_000
MAX_CHUNKS = 500
_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF_TEXTS = {
    ExifTags.Base.ImageDescription: "ImageDescription",
    ExifTags.Base.Make: "Make",
    ExifTags.Base.Model: "Model",
}


def read(data: bytes, kind: str) -> dict[str, str]:
    """Keyword → text. kind: the file's format; of JPEG and WebP ``UserComment`` and others."""
    if kind == "png":
        return _png(data)
    if kind in ("jpeg", "webp"):
        return _exif(data, kind)
    return {}


def _png(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    place, left = len(_PNG), MAX_TEXT
    for _ in range(MAX_CHUNKS):
        if place + 8 > len(data) or left <= 0:
            break
        length, name = struct.unpack_from(">I4s", data, place)
        start = place + 8
        place += 12 + length
        if name == b"IEND":
            break
        if name in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, text = _chunk(name, data[start : start + length], left)
            left -= len(text)
            if keyword and text:
                found.setdefault(keyword, text)
    return found


def _chunk(name: bytes, body: bytes, limit: int) -> tuple[str, str]:
    keyword, _, rest = body.partition(b"\x00")
    plain = keyword[:79].decode("latin-1")
    if name == b"tEXt":
        # Some tools write UTF-8 where the format says Latin-1.
        return plain, _decoded(rest[:limit])
    if name == b"zTXt":
        return plain, _decoded(_unpacked(rest[1:], limit))
    packed, _, rest = rest[:1], rest[1:2], rest[2:]
    _, _, rest = rest.partition(b"\x00")
    _, _, rest = rest.partition(b"\x00")
    text = _unpacked(rest, limit) if packed == b"\x01" else rest[:limit]
    return plain, text.decode("utf-8", errors="replace")


def _unpacked(data: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error:
        return b""


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _exif(data: bytes, kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        with Image.open(io.BytesIO(data), formats=[kind.upper()]) as opened:
            comment = opened.info.get("comment")
            if isinstance(comment, bytes):
                found["comment"] = _decoded(comment[:MAX_TEXT])
            exif = opened.getexif()
            for tag, name in _EXIF_TEXTS.items():
                value = exif.get(tag)
                if isinstance(value, str):
                    found[name] = value[:MAX_TEXT]
            said = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    except Exception:
        # Metadata is never a reason to refuse a picture, and Pillow's parser raises anything.
        return found
    if isinstance(said, bytes):
        found["UserComment"] = _user_comment(said[: MAX_TEXT * 2])
    elif isinstance(said, str):
        found["UserComment"] = said[:MAX_TEXT]
    return {name: text for name, text in found.items() if text}


def _user_comment(data: bytes) -> str:
    """EXIF 2.32, UserComment: eight bytes say the character code. Byte orders differ by tool."""
    code, rest = data[:8], data[8:]
    if code == b"UNICODE\x00":
        big = rest.decode("utf-16-be", errors="replace")
        little = rest.decode("utf-16-le", errors="replace")
        best = max((big, little), key=lambda text: sum(1 for one in text[:2000] if one < "\u0250"))
        return best.strip("\ufeff\x00")
    plain = rest if code in (b"ASCII\x00\x00\x00", b"\x00" * 8) else data
    return _decoded(plain).strip("\x00")


__all__ = ["MAX_TEXT", "read"]
