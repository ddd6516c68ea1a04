"""The placeholder's bytes, checked against the format's definition written out plainly."""

import math
import random

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Picture

from gallery import thumbhash
from gallery.tests.factories import picture


def pixels(seed: int, width: int, height: int, clear: bool = False) -> NDArray[np.uint8]:
    drawn = picture(seed, width, height).convert("RGBA")
    if clear:
        drawn.putalpha(picture(seed + 1, width, height).convert("L"))
    return np.asarray(drawn)


def channel_by_definition(values: NDArray[np.float64], cx: int, cy: int) -> float:
    height, width = len(values), len(values[0])
    total = sum(
        float(values[y, x])
        * math.cos(math.pi / width * cx * (x + 0.5))
        * math.cos(math.pi / height * cy * (y + 0.5))
        for y in range(height)
        for x in range(width)
    )
    return total / float(width * height)


def test_the_header_holds_mean_colour_shape_and_opacity() -> None:
    rgba = pixels(3, 30, 20)
    data = thumbhash.encode(rgba)
    red, green, blue = (rgba[..., place].mean() / 255 for place in range(3))
    header = int.from_bytes(data[:3], "little")
    assert header & 63 == round(63 * (red + green + blue) / 3)
    assert header >> 6 & 63 == round(31.5 + 31.5 * ((red + green) / 2 - blue))
    assert header >> 12 & 63 == round(31.5 + 31.5 * (red - green))
    assert header >> 23 == 0
    second = int.from_bytes(data[3:5], "little")
    assert second >> 15 == 1
    assert second & 7 == round(7 * 20 / 30)


def test_the_first_coefficient_is_the_widest_wave() -> None:
    rgba = pixels(4, 20, 30)
    grey = rgba[..., :3].mean(axis=2) / 255
    data = thumbhash.encode(rgba)
    scale = (int.from_bytes(data[:3], "little") >> 18 & 31) / 31
    first = ((data[5] & 15) / 7.5 - 1) * scale
    assert first == pytest.approx(channel_by_definition(grey, 1, 0), abs=scale / 7 + 1 / 31)


@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize(("width", "height"), [(100, 100), (100, 7), (7, 100), (1, 1), (33, 80)])
def test_it_reads_back_what_it_wrote(width: int, height: int, clear: bool) -> None:
    rgba = pixels(7, width, height, clear)
    shown = thumbhash.decode(thumbhash.encode(rgba))
    assert max(shown.shape[:2]) == 32
    assert (shown.shape[1] > shown.shape[0]) == (width > height)
    mean = np.asarray(Picture.fromarray(shown).convert("RGB")).mean(axis=(0, 1))
    if not clear:
        assert np.abs(mean - rgba[..., :3].mean(axis=(0, 1))).max() < 30


def test_a_gradient_is_recognised() -> None:
    ramp = np.linspace(0, 255, 60).astype(np.uint8)
    rgba = np.dstack([np.tile(ramp, (40, 1))] * 3 + [np.full((40, 60), 255, np.uint8)])
    shown = thumbhash.decode(thumbhash.encode(rgba)).astype(int)
    assert shown[10, 2, 0] < 70
    assert shown[10, -3, 0] > 180


def test_a_wholly_transparent_picture_has_a_hash() -> None:
    shown = thumbhash.decode(thumbhash.encode(np.zeros((10, 10, 4), np.uint8)))
    assert shown[..., 3].max() <= 8


@pytest.mark.parametrize("shape", [(101, 10, 4), (10, 10, 3), (0, 10, 4), (10, 10)])
def test_other_arrays_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="100×100"):
        thumbhash.encode(np.zeros(shape, np.uint8))


def test_other_bytes_are_read_or_refused() -> None:
    chance = random.Random(1)
    for _ in range(500):
        data = chance.randbytes(chance.randrange(40))
        try:
            shown = thumbhash.decode(data)
        except ValueError:
            continue
        assert shown.shape[2] == 4
