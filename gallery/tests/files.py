"""Picture files of every kind, good and bad, for the tests."""

import io
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
from PIL import Image as Picture

from gallery.tests.factories import picture


def saved(drawn: Picture.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    drawn.save(file, kind, **options)
    return file.getvalue()


def plain(
    colour: tuple[int, ...], mode: str = "RGB", size: tuple[int, int] = (40, 30)
) -> Picture.Image:
    return Picture.new(mode, size, colour)


def turned(orientation: int, kind: str = "JPEG", size: tuple[int, int] = (80, 40)) -> bytes:
    """A picture whose stored pixels must be turned: red on the left half, blue on the right."""
    drawn = plain((200, 0, 0), size=size)
    drawn.paste((0, 0, 200), (size[0] // 2, 0, *size))
    exif = Picture.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {}
    return saved(drawn, kind, exif=exif.tobytes(), **options)


def animation(kind: str, frames: int = 3, size: tuple[int, int] = (40, 30)) -> bytes:
    drawn = [picture(seed, *size) for seed in range(frames)]
    return saved(drawn[0], kind, save_all=True, append_images=drawn[1:], duration=100)


def grey16(value: int, size: tuple[int, int] = (40, 30)) -> bytes:
    """A 16-bit grey PNG of one value, 0..65535."""
    return saved(Picture.fromarray(np.full(size[::-1], value, np.uint16)), "PNG")


def cmyk_jpeg(colour: tuple[int, int, int, int]) -> bytes:
    return saved(plain(colour, "CMYK"), "JPEG", quality=95)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to be this large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(1000)))
        + png_chunk(b"IEND", b"")
    )


def gif_bomb(frames: int, size: tuple[int, int] = (1, 1)) -> bytes:
    """A GIF of many frames in few bytes."""
    head = b"GIF89a" + struct.pack("<HHBBB", *size, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b"\x3b"


def webp_bomb(width: int, height: int) -> bytes:
    """A WebP header that claims this canvas."""
    body = b"\x00" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()
