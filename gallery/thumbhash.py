"""ThumbHash: a picture's placeholder in about 25 bytes (format: evanw.github.io/thumbhash).

A few cosine coefficients of lightness, two colour differences and, if needed, opacity. Browsers
decode the same bytes; here they are written (and read back by tests and pages).
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MAX_SIDE = 100


def encode(rgba: NDArray[np.uint8]) -> bytes:
    """The hash of an (h, w, 4) array, h and w at most 100. Raises ValueError for other shapes."""
    sides = rgba.shape[:2]
    if rgba.ndim != 3 or rgba.shape[2] != 4 or not 1 <= min(sides) <= max(sides) <= MAX_SIDE:
        raise ValueError(f"A thumbhash is made from at most 100×100 RGBA pixels, not {rgba.shape}.")
    height, width = sides
    pixels = rgba.astype(np.float64) / 255
    alpha = pixels[..., 3]
    has_alpha = bool(alpha.min() < 1)
    lightness, yellow_blue, red_green = _channels(pixels[..., :3], alpha)
    limit = 5 if has_alpha else 7
    across = max(1, _round(limit * width / max(width, height)))
    down = max(1, _round(limit * height / max(width, height)))

    l_dc, l_ac, l_scale = _encode_channel(lightness, max(3, across), max(3, down))
    p_dc, p_ac, p_scale = _encode_channel(yellow_blue, 3, 3)
    q_dc, q_ac, q_scale = _encode_channel(red_green, 3, 3)
    header = (
        _round(63 * l_dc)
        | _round(31.5 + 31.5 * p_dc) << 6
        | _round(31.5 + 31.5 * q_dc) << 12
        | _round(31 * l_scale) << 18
        | has_alpha << 23
    )
    landscape = width > height
    second = (
        (down if landscape else across)
        | _round(63 * p_scale) << 3
        | _round(63 * q_scale) << 9
        | landscape << 15
    )
    result: bytes = header.to_bytes(3, "little") + second.to_bytes(2, "little")
    coefficients = l_ac + p_ac + q_ac
    if has_alpha:
        a_dc, a_ac, a_scale = _encode_channel(alpha, 5, 5)
        result += bytes([_round(15 * a_dc) | _round(15 * a_scale) << 4])
        coefficients += a_ac
    return result + _pack_nibbles([_round(15 * value) for value in coefficients])


def decode(data: bytes) -> NDArray[np.uint8]:
    """The placeholder as an (h, w, 4) array, 32 pixels on its longer side.

    Raises ValueError for bytes that are not a thumbhash.
    """
    if len(data) < 5:
        raise ValueError("A thumbhash has at least 5 bytes.")
    header = int.from_bytes(data[:3], "little")
    second = int.from_bytes(data[3:5], "little")
    has_alpha = bool(header >> 23)
    landscape = bool(second >> 15)
    longest = 5 if has_alpha else 7
    shortest = max(1, second & 7)
    across, down = (longest, shortest) if landscape else (shortest, longest)
    start = 6 if has_alpha else 5
    if len(data) < start:
        raise ValueError("The thumbhash ends early.")
    nibbles = (nibble for byte in data[start:] for nibble in (byte & 15, byte >> 4))
    # The numbers of lightness waves across and down tell the shape.
    width, height = _round(32 * across / longest), _round(32 * down / longest)

    def plane(dc: float, scale: float, nx: int, ny: int) -> Floats:
        return _decode_channel(dc, scale, nx, ny, nibbles, width, height)

    lightness = plane((header & 63) / 63, (header >> 18 & 31) / 31, max(3, across), max(3, down))
    # The format asks for colours a quarter stronger than written: coarse steps wash them out.
    p = plane((header >> 6 & 63) / 31.5 - 1, (second >> 3 & 63) / 63 * 1.25, 3, 3)
    q = plane((header >> 12 & 63) / 31.5 - 1, (second >> 9 & 63) / 63 * 1.25, 3, 3)
    alpha = np.ones((height, width))
    if has_alpha:
        alpha = plane((data[5] & 15) / 15, (data[5] >> 4) / 15, 5, 5)
    blue = lightness - 2 / 3 * p
    red = (3 * lightness - blue + q) / 2
    rgba = np.stack([red, red - q, blue, alpha], axis=-1)
    pixels: NDArray[np.uint8] = np.rint(rgba.clip(0, 1) * 255).astype(np.uint8)
    return pixels


def _channels(rgb: Floats, alpha: Floats) -> tuple[Floats, Floats, Floats]:
    """Lightness, yellow–blue and red–green, transparent parts filled with the mean colour."""
    opacity = alpha[..., None]
    total = alpha.sum()
    mean = (rgb * opacity).sum(axis=(0, 1)) / total if total else np.zeros(3)
    red, green, blue = np.moveaxis(mean * (1 - opacity) + rgb * opacity, -1, 0)
    return (red + green + blue) / 3, (red + green) / 2 - blue, red - green


def _encode_channel(channel: Floats, nx: int, ny: int) -> tuple[float, list[float], float]:
    """Mean, the other coefficients mapped to 0..1, and their largest absolute value."""
    height, width = channel.shape
    table = _cosines(ny, height) @ channel @ _cosines(nx, width).T / (width * height)
    values = [float(table[cy, cx]) for cy, cx in _triangle(nx, ny)]
    scale = max((abs(value) for value in values), default=0.0)
    if scale:
        values = [0.5 + 0.5 / scale * value for value in values]
    return float(table[0, 0]), values, scale


def _decode_channel(
    dc: float, scale: float, nx: int, ny: int, nibbles: Iterator[int], width: int, height: int
) -> Floats:
    table = np.zeros((ny, nx))
    for cy, cx in _triangle(nx, ny):
        nibble = next(nibbles, None)
        if nibble is None:
            raise ValueError("The thumbhash ends early.")
        table[cy, cx] = (nibble / 7.5 - 1) * scale * 2
    table[0, 0] = dc
    plane: Floats = _cosines(ny, height).T @ table @ _cosines(nx, width)
    return plane


def _cosines(count: int, length: int) -> Floats:
    """(count, length): the cosine waves sampled at pixel centres."""
    centres = np.arange(length) + 0.5
    waves: Floats = np.cos(np.pi / length * np.outer(np.arange(count), centres))
    return waves


def _triangle(nx: int, ny: int) -> Iterator[tuple[int, int]]:
    """(cy, cx) of the kept coefficients in the format's order, the mean left out."""
    for cy in range(ny):
        cx = 0 if cy else 1
        while cx * ny < nx * (ny - cy):
            yield cy, cx
            cx += 1


def _pack_nibbles(values: list[int]) -> bytes:
    padded = values + [0] * (len(values) % 2)
    return bytes(low | high << 4 for low, high in zip(padded[::2], padded[1::2], strict=True))


def _round(value: float) -> int:
    """Half up, as the format's reference does."""
    return math.floor(value + 0.5)
