"""Perceptual hashes: 64 bits that hardly change when a picture is scaled or recompressed.

The hash is the field's pHash, as ``imagehash.phash`` computes it. Databases keep signed numbers,
so a hash travels as −2^63..2^63−1.
"""

import imagehash
import numpy as np
from PIL import Image

SIDE = 32
# A picture whose grey values spread less than this (0–255) has no structure to compare: all such
# pictures would collide.
FLAT = 2.0


def phash(picture: Image.Image) -> int | None:
    """The signed 64-bit pHash of a picture without transparency; None for a flat one."""
    grey = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    if np.asarray(grey).std() < FLAT:
        return None
    return to_signed(int(str(imagehash.phash(grey)), 16))


def to_signed(number: int) -> int:
    """0..2^64−1 to −2^63..2^63−1, same bits. Raises ValueError outside that range."""
    if not 0 <= number < 1 << 64:
        raise ValueError(f"{number} is not a 64-bit number.")
    return number - (1 << 64) if number >= 1 << 63 else number


def to_unsigned(number: int) -> int:
    """The inverse of to_signed."""
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{number} is not a signed 64-bit number.")
    return number & ((1 << 64) - 1)


def distance(one: int, other: int) -> int:
    """How many of the 64 bits differ, 0..64; both signed."""
    return ((one ^ other) & ((1 << 64) - 1)).bit_count()
