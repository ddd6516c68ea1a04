"""What a picture file's first bytes say, read before any decoder allocates a pixel.

Pillow opens JPEG, PNG, BMP and GIF lazily, but its WebP reader asks for the whole canvas at
once, and it counts an animation's frames only by walking through all of them. Both are read here
from the containers themselves (RFC 9649 for WebP, GIF89a, PNG third edition).
"""

import struct
from collections import deque
from collections.abc import Iterator
from itertools import islice

SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
)
# What people try as well, so that the refusal can name it.
OTHERS = (
    (b"II*\x00", "a TIFF file"),
    (b"MM\x00*", "a TIFF file"),
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop file"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\x00\x00\x00\x0cJXL", "a JPEG XL file"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"PK\x03\x04", "a ZIP archive"),
)
BRANDS = {
    b"avif": "an AVIF file",
    b"avis": "an AVIF file",
    b"heic": "a HEIC file",
    b"heix": "a HEIC file",
    b"mif1": "a HEIC file",
    b"msf1": "a HEIC file",
}
# A large PNG has some thousands.
MAX_PNG_CHUNKS = 100_000
MARKUP = (b"<!doctype html", b"<html", b"<head", b"<script", b"<body")


def sniff(data: bytes) -> str | None:
    """jpeg, png, webp, gif or bmp by the first bytes; None for anything else."""
    for signature, name in SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def describe_other(data: bytes) -> str | None:
    """A known kind of file that is not taken ("a TIFF file"), for the sentence of refusal."""
    for signature, name in OTHERS:
        if data.startswith(signature):
            return name
    if data[4:8] == b"ftyp":
        return BRANDS.get(data[8:12], "a video")
    text = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml")) and b"<svg" in text:
        return "an SVG drawing"
    return "a web page" if text.startswith(MARKUP) else None


def webp_canvas(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a WebP file's canvas; None where its header is damaged."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L" and len(data) >= 25 and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(data) >= 30 and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def frames(data: bytes, kind: str, stop: int) -> int:
    """How many frames a file holds, at least 1; counting ends once it exceeds ``stop``."""
    if kind == "gif":
        return max(1, _count(_gif_frames(data), stop))
    if kind == "webp":
        return max(1, _count((name for name in _riff_chunks(data) if name == b"ANMF"), stop))
    if kind == "png":
        return _png_frames(data)
    return 1


def png_is_plain(data: bytes) -> bool:
    """Whether a PNG has 8 bits a channel, and nothing behind its pixels says how to show them."""
    chunks = list(islice(_png_chunks(data), MAX_PNG_CHUNKS))
    names = [name for name, _, _ in chunks]
    if names[:1] != [b"IHDR"] or data[24:25] != b"\x08" or len(chunks) == MAX_PNG_CHUNKS:
        return False
    return b"IDAT" in names and b"eXIf" not in names[names.index(b"IDAT") :]


def _count(found: Iterator[object], stop: int) -> int:
    number = 0
    for _ in found:
        number += 1
        if number > stop:
            break
    return number


def _riff_chunks(data: bytes) -> Iterator[bytes]:
    position = 12
    while position + 8 <= len(data):
        yield data[position : position + 4]
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8 + size + (size & 1)


def gif_extensions(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) of every extension block of a GIF."""
    return ((start, end) for kind, start, end in _gif_blocks(data) if kind == 0x21)


def gif_is_cut(data: bytes) -> bool:
    """Whether a GIF ends within a block; that the last bytes which end it are missing is usual."""
    last = deque(_gif_blocks(data), maxlen=1)
    if not last:
        return False
    kind, _, end = last[0]
    return end > len(data) + (kind == 0x2C) or data[end : end + 1] == b"\x2c"


def _gif_frames(data: bytes) -> Iterator[int]:
    return (start for kind, start, _ in _gif_blocks(data) if kind == 0x2C)


def _gif_blocks(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(introducer, start, end) of the blocks; stops quietly where the file does.

    The end of a block that is cut off lies behind the file's.
    """
    length = len(data)
    if length < 13:
        return
    position = 13 + _colour_table(data[10])
    while position < length:
        start, kind = position, data[position]
        if kind == 0x2C and position + 10 < length:
            position += 11 + _colour_table(data[position + 9])
        elif kind == 0x21:
            position += 2
        else:
            return
        while position < length and data[position]:
            position += 1 + data[position]
        position += 1
        yield kind, start, position


def _colour_table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _png_frames(data: bytes) -> int:
    """The number an APNG announces; 1 for a still PNG."""
    for name, start, size in _png_chunks(data):
        if name == b"acTL" and size == 8:
            return max(1, int.from_bytes(data[start : start + 4], "big"))
        if name == b"IDAT":
            break
    return 1


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its body starts, the body's length) of every chunk; stops where the file does.

    The last body may be cut off.
    """
    position = 8
    while position + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        yield name, position + 8, size
        position += 12 + size
