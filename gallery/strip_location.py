"""Removing where a picture was taken, without touching a pixel.

JPEG, PNG and WebP keep metadata in segments or chunks of their own, so these can be edited or left
out while the compressed picture stays as it is. Removed are the GPS directory of EXIF, XMP packets
and IPTC records that name a place, and whatever follows the end of the picture (phones append
second pictures and videos there, with places of their own). Everything else stays: orientation,
colour profile, camera, the prompt that made a picture. What cannot be parsed and might hold a
place is left out: in doubt for privacy.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from gallery import image_headers

GPS_TAG = 0x8825
# Directories of EXIF that may hold a GPS pointer or further directories.
_SUB_DIRECTORIES = (0x8769, 0x014A, 0xA005)
# XMP, IPTC and Photoshop blocks that stand within EXIF.
_PACKETS = (0x02BC, 0x83BB, 0x8649)
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MAX_DIRECTORIES = 20
_MAX_TEXT = 16 * 1024 * 1024

# Names of properties (exif:GPSLatitude, photoshop:City, Iptc4xmpExt:LocationShown, …) and of text
# chunks; Latitude alone is what drones write.
_PLACE = re.compile(
    rb"GPS|Latitude|Longitude|Location|:(?:City|State|Country)\b|CountryCode|CountryName"
    rb"|ProvinceState|GeoTag|\bgeo:",
    re.IGNORECASE,
)
# IPTC-IIM application records: content location, city, sublocation, state, country code and name.
_IPTC_PLACES = frozenset({26, 27, 90, 92, 95, 100, 101})
_EXIF_HEADERS = (b"Exif\x00\x00", b"Exif\x00\xff")
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
_XMP_MORE_HEADER = b"http://ns.adobe.com/xmp/extension/\x00"
_XMP_MORE_PREFIX = len(_XMP_MORE_HEADER) + 40
# How the pixels become colours, in blocks that hold no words of people.
_JPEG_COLOURS = (b"JFIF\x00", b"ICC_PROFILE\x00", b"Adobe\x00")
_XMP_GIF = b"XMP DataXMP"
# Within compressed pixels FF is followed by 00, or by a restart marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def strip(data: bytes, kind: str) -> bytes:
    """The file without places; the very same object where there was none.

    kind: jpeg, png, webp, gif or bmp (which carries no metadata). Never raises.
    """
    workers = {"jpeg": _strip_jpeg, "png": _strip_png, "webp": _strip_webp, "gif": _strip_gif}
    worker = workers.get(kind)
    stripped = data if worker is None else worker(data)
    return data if stripped == data else stripped


def names_place(packet: bytes) -> bool:
    """Whether an XMP packet (or other text) holds a property that names a place."""
    # Without NUL, so that UTF-16 is found as well.
    return _PLACE.search(packet.replace(b"\x00", b"")) is not None


# --- EXIF --------------------------------------------------------------------------------------


def strip_exif(tiff: bytes) -> bytes | None:
    """The EXIF block (a TIFF structure) with GPS directories wiped in place, all offsets kept.

    None if it cannot be parsed and might hold a place.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    wiped = bytearray(tiff)
    try:
        if order is None:
            raise ValueError("This is no TIFF structure.")
        _wipe_directories(wiped, order)
    except (struct.error, ValueError, IndexError):
        suspicious = b"\x88\x25" in tiff or b"\x25\x88" in tiff or names_place(tiff)
        return None if suspicious else tiff
    return bytes(wiped)


def _wipe_directories(tiff: bytearray, order: str) -> None:
    (first,) = struct.unpack_from(order + "I", tiff, 4)
    waiting: list[int] = [first]
    seen: set[int] = set()
    while waiting:
        if len(seen) > _MAX_DIRECTORIES:
            raise ValueError("These are more directories than any camera writes.")
        offset = waiting.pop()
        if offset == 0 or offset in seen:
            continue
        seen.add(offset)
        (count,) = struct.unpack_from(order + "H", tiff, offset)
        end = offset + 2 + 12 * count
        entries = [bytes(tiff[place : place + 12]) for place in range(offset + 2, end, 12)]
        kept = []
        for entry in entries:
            tag, _, length, value = struct.unpack(order + "HHII", entry)
            if tag == GPS_TAG:
                _wipe_directory(tiff, order, value)
                continue
            if tag in _PACKETS and _packet_names_place(packet := bytes(tiff[value:][:length])):
                _zero(tiff, value, len(packet))
                continue
            if tag in _SUB_DIRECTORIES:
                waiting += _targets(tiff, order, length, value)
            kept.append(entry)
        (following,) = struct.unpack_from(order + "I", tiff, end) if end + 4 <= len(tiff) else (0,)
        waiting.append(following)
        if len(kept) != len(entries):
            body = struct.pack(order + "H", len(kept)) + b"".join(kept)
            body += struct.pack(order + "I", following)
            tiff[offset : end + 4] = body.ljust(end + 4 - offset, b"\x00")[: len(tiff) - offset]


def _packet_names_place(packet: bytes) -> bool:
    return photoshop_names_place(packet) or _iptc_names_place(packet) or names_place(packet)


def _targets(tiff: bytearray, order: str, length: int, value: int) -> list[int]:
    """The directories a pointer entry names; several stand in a list elsewhere."""
    if length <= 1:
        return [value]
    return list(struct.unpack_from(f"{order}{min(length, _MAX_DIRECTORIES)}I", tiff, value))


def _wipe_directory(tiff: bytearray, order: str, offset: int) -> None:
    """Zero a directory and the values it points to."""
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    for place in range(offset + 2, offset + 2 + 12 * count, 12):
        _, kind, length, value = struct.unpack_from(order + "HHII", tiff, place)
        size = _TYPE_SIZES.get(kind, 1) * length
        if size > 4:
            _zero(tiff, value, size)
    _zero(tiff, offset, 2 + 12 * count + 4)


def _zero(tiff: bytearray, start: int, size: int) -> None:
    end = min(len(tiff), start + size)
    if start < end:
        tiff[start:end] = bytes(end - start)


# --- JPEG --------------------------------------------------------------------------------------


def _strip_jpeg(data: bytes) -> bytes:
    pieces = list(_jpeg_pieces(data))
    if not pieces:
        return data
    end = pieces[-1][2]
    appended = any(data[end:])
    drop_xmp = names_place(b"".join(_xmp_text(data[start + 4 : stop]) for _, start, stop in pieces))
    parts = [data[:2]]
    for marker, start, stop in pieces:
        raw, body = data[start:stop], data[start + 4 : stop]
        if marker == 0xE1 and body.startswith(_EXIF_HEADERS):
            raw = _jpeg_exif(raw, body)
        elif marker == 0xE1 and body.startswith((_XMP_HEADER, _XMP_MORE_HEADER)):
            raw = b"" if drop_xmp else raw
        elif marker == 0xE2 and body.startswith(b"MPF\x00"):
            # The index of the pictures that were appended.
            raw = b"" if appended else raw
        elif marker == 0xED:
            raw = b"" if photoshop_names_place(body) else raw
        elif 0xE0 <= marker <= 0xEF and not body.startswith(_JPEG_COLOURS):
            raw = b"" if names_place(body) else raw
        parts.append(raw)
    if not appended:
        parts.append(data[end:])
    return b"".join(parts)


def _jpeg_pieces(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) from behind SOI to the end of EOI; marker 0 for compressed pixels.

    Bytes between segments and a segment that runs over the end belong to no piece.
    """
    position = 2
    while (found := data.find(b"\xff", position)) != -1 and found + 1 < len(data):
        marker = data[found + 1]
        if marker in (0x00, 0xFF):
            position = found + 1
            continue
        if marker == 0xD9 or marker in _ALONE:
            position = found + 2
            yield marker, found, position
            if marker == 0xD9:
                return
            continue
        length = int.from_bytes(data[found + 2 : found + 4], "big")
        position = found + 2 + length
        if length < 2 or position > len(data):
            return
        yield marker, found, position
        if marker == 0xDA:
            following = _MARKER.search(data, position)
            stop = following.start() if following else len(data)
            yield 0, position, stop
            position = stop


def _jpeg_exif(raw: bytes, body: bytes) -> bytes:
    exif = strip_exif(body[6:])
    return b"" if exif is None else raw[:10] + exif


def _xmp_text(body: bytes) -> bytes:
    """A packet's own text, so that a packet spread over segments is read as one."""
    if body.startswith(_XMP_MORE_HEADER):
        return body[_XMP_MORE_PREFIX:]
    return body[len(_XMP_HEADER) :] if body.startswith(_XMP_HEADER) else b""


def photoshop_names_place(body: bytes) -> bool:
    """Whether a Photoshop block (8BIM resources) holds IPTC records that name a place."""
    position = body.find(b"8BIM")
    while position != -1:
        name_length = body[position + 6] if position + 6 < len(body) else 0
        start = position + 6 + (name_length + 2) // 2 * 2
        size = int.from_bytes(body[start : start + 4], "big")
        if body[position + 4 : position + 6] == b"\x04\x04" and _iptc_names_place(
            body[start + 4 : start + 4 + size]
        ):
            return True
        position = body.find(b"8BIM", position + 4)
    return False


def _iptc_names_place(records: bytes) -> bool:
    position = 0
    while position + 5 <= len(records) and records[position] == 0x1C:
        record, dataset = records[position + 1], records[position + 2]
        if record == 2 and dataset in _IPTC_PLACES:
            return True
        position += 5 + int.from_bytes(records[position + 3 : position + 5], "big")
    return False


# --- PNG ---------------------------------------------------------------------------------------


def _strip_png(data: bytes) -> bytes:
    parts = [data[:8]]
    position = 8
    while position + 12 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        end = position + 12 + size
        if end > len(data):
            break
        name, body = data[position + 4 : position + 8], data[position + 8 : end - 4]
        parts.append(_png_chunk(name, body, data[position:end]))
        position = end
        if name == b"IEND":
            # Whatever is appended is no part of the picture.
            return b"".join(parts) + (b"" if any(data[end:]) else data[end:])
    return b"".join(parts)


def _png_chunk(name: bytes, body: bytes, raw: bytes) -> bytes:
    """One chunk as it stays: whole, edited, or nothing."""
    if name == b"eXIf":
        prefix = body[:6] if body.startswith(_EXIF_HEADERS) else b""
        exif = strip_exif(body[len(prefix) :])
        if exif is None:
            return b""
        checked = name + prefix + exif
        return raw[:4] + checked + zlib.crc32(checked).to_bytes(4, "big")
    if name in (b"tEXt", b"zTXt", b"iTXt"):
        return b"" if _png_text_names_place(name, body) else raw
    return b"" if name == b"caBX" and names_place(body) else raw


def _png_text_names_place(name: bytes, body: bytes) -> bool:
    """Only metadata packets are read; a prompt may speak of places."""
    keyword, _, rest = body.partition(b"\x00")
    is_xmp = keyword == b"XML:com.adobe.xmp"
    is_raw = keyword.lower().startswith(b"raw profile type")
    if not is_xmp and not is_raw:
        return names_place(keyword)
    try:
        text = _png_text(name, rest)
        return _raw_profile_names_place(text) if is_raw else names_place(text)
    except (ValueError, zlib.error, IndexError):
        return True


def _png_text(name: bytes, rest: bytes) -> bytes:
    """The value of a text chunk. Raises ValueError, zlib.error, IndexError for damaged ones."""
    if name == b"tEXt":
        return rest
    if name == b"zTXt":
        return _inflate(rest[1:])
    compressed = rest[0] == 1
    text = rest[2:].split(b"\x00", 2)[2]
    return _inflate(text) if compressed else text


def _inflate(data: bytes) -> bytes:
    worker = zlib.decompressobj()
    text = worker.decompress(data, _MAX_TEXT)
    if worker.unconsumed_tail:
        raise ValueError("The text is too long to be metadata.")
    return text


def _raw_profile_names_place(text: bytes) -> bool:
    r"""ImageMagick's way to keep EXIF, IPTC and XMP: "\nname\n length\nhex digits"."""
    _, _, _, digits = text.split(b"\n", 3)
    profile = bytes.fromhex(digits.decode("ascii"))
    for header in _EXIF_HEADERS:
        if profile.startswith(header):
            tiff = profile[6:]
            return strip_exif(tiff) != tiff
    return _packet_names_place(profile)


# --- WebP and GIF ------------------------------------------------------------------------------


def _strip_webp(data: bytes) -> bytes:
    chunks: list[tuple[bytes, bytes]] = []
    position = 12
    while position + 8 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + size]
        if len(body) < size:
            break
        chunks.append((data[position : position + 4], body))
        position += 8 + size + (size & 1)
    kept = [(name, left) for name, body in chunks if (left := _webp_chunk(name, body)) is not None]
    if kept == chunks and int.from_bytes(data[4:8], "little") + 8 >= len(data):
        return data
    names = {name for name, _ in kept}
    flags = (0 if b"EXIF" in names else 0x08) | (0 if b"XMP " in names else 0x04)
    body = b"".join(
        name
        + len(chunk).to_bytes(4, "little")
        + (bytes([chunk[0] & ~flags]) + chunk[1:] if name == b"VP8X" and chunk else chunk)
        + b"\x00" * (len(chunk) & 1)
        for name, chunk in kept
    )
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


_WEBP_PICTURE = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP")


def _webp_chunk(name: bytes, body: bytes) -> bytes | None:
    """The chunk's body as it stays; None to leave it out."""
    if name in _WEBP_PICTURE:
        return body
    if name == b"EXIF":
        prefix = body[:6] if body.startswith(_EXIF_HEADERS) else b""
        exif = strip_exif(body[len(prefix) :])
        return None if exif is None else prefix + exif
    return None if names_place(body) else body


def _strip_gif(data: bytes) -> bytes:
    """GIF keeps XMP in an application extension whose end is found as that of any other."""
    parts: list[bytes] = []
    done = 0
    for start, end in image_headers.gif_extensions(data):
        if data[start + 3 : start + 14] == _XMP_GIF and names_place(data[start:end]):
            parts.append(data[done:start])
            done = end
    return b"".join([*parts, data[done:]])
