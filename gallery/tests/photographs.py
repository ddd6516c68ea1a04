"""Drawn pictures with as much detail as photographs have, in as many different files as wanted."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

NUMBER = b"picture 0000000000"
"""What a WebP file must hold (as XMP) to be numbered."""


def photograph(seed: int, size: tuple[int, int]) -> Picture.Image:
    """Structure of every size, the finer the fainter, with sharp edges and a sensor's noise."""
    chance = np.random.default_rng(seed)
    light, warm, green, edge = (_clouds(chance, *size) for _ in range(4))
    light = np.where(edge > 0.4, light * 0.5 + 0.8, light)
    channels = [light * 45 + warm * 18 * side + green * 12 * (side or -2) for side in (-1, 0, 1)]
    pixels = 120 + np.stack(channels, axis=-1)
    pixels += 2.5 * chance.standard_normal(pixels.shape, dtype=np.float32)
    return Picture.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _clouds(chance: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    found = np.zeros((height, width), np.float32)
    cells, strength = 4, 1.0
    while cells < width:
        grid = chance.standard_normal((max(2, cells * height // width), cells))
        layer = Picture.fromarray(grid.astype(np.float32))
        found += strength * np.asarray(layer.resize((width, height), Picture.Resampling.BICUBIC))
        cells, strength = cells * 2, strength * 0.76
    return found


def numbered(data: bytes, kind: str, number: int) -> bytes:
    """The same picture as another file: its metadata say its number. kind: jpeg, png or webp."""
    text = b"picture %010d" % number
    if kind == "jpeg":
        return data[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + data[2:]
    if kind == "png":
        named = b"tEXtComment\x00" + text
        chunk = struct.pack(">I", len(named) - 4) + named + struct.pack(">I", zlib.crc32(named))
        return data[:33] + chunk + data[33:]
    assert data.count(NUMBER) == 1
    return data.replace(NUMBER, text)
