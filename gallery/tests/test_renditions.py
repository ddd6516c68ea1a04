import io

import numpy as np
import pytest
from PIL import Image as Picture

from gallery import renditions
from gallery.image_files import decode
from gallery.tests import files
from gallery.tests.factories import picture, picture_file


@pytest.mark.parametrize(
    ("native", "made"),
    [
        (1, (1,)), (64, (64,)), (299, (299,)), (300, (300,)), (301, (300, 301)),
        (600, (300, 600)), (1199, (300, 600, 1199)), (1200, (300, 600, 1200)),
        (1201, (300, 600, 1200)), (9000, (300, 600, 1200)),
    ],
)  # fmt: skip
def test_widths_never_exceed_the_picture(native: int, made: tuple[int, ...]) -> None:
    assert renditions.sharp_widths(native) == made


@pytest.mark.parametrize(
    ("native", "wanted", "best"),
    [(64, 300, 64), (450, 100, 300), (450, 301, 450), (5000, 601, 1200), (5000, 9999, 1200)],
)
def test_the_best_width_fills_what_is_wanted(native: int, wanted: int, best: int) -> None:
    assert renditions.best_width(native, wanted) == best


def opened(data: bytes) -> Picture.Image:
    return Picture.open(io.BytesIO(data))


@pytest.mark.parametrize("size", [(64, 96), (128, 192)])
def test_tiny_pictures_lose_nothing(size: tuple[int, int]) -> None:
    drawn = picture(3, *size)
    made = renditions.render(decode(files.saved(drawn, "PNG")))
    shown = opened(made.sharp[size[0]]).convert("RGB")
    assert np.array_equal(np.asarray(shown), np.asarray(drawn))


def test_colours_and_transparency_survive() -> None:
    drawn = files.plain((10, 200, 30, 128), "RGBA", (400, 300))
    made = renditions.render(decode(files.saved(drawn, "PNG")))
    red, green, blue, alpha = opened(made.sharp[300]).convert("RGBA").getpixel((150, 100))  # type: ignore[misc]
    assert abs(red - 10) < 8
    assert abs(green - 200) < 8
    assert abs(blue - 30) < 8
    assert alpha == 128


def test_a_very_tall_picture_stays_within_bounds() -> None:
    made = renditions.render(decode(picture_file(1, 400, 8000), 1200, 4800))
    assert {width: opened(data).size for width, data in made.sharp.items()} == {
        300: (60, 1200),
        400: (80, 1600),
    }


def test_a_very_wide_picture_is_at_least_one_pixel_high() -> None:
    made = renditions.render(decode(picture_file(1, 5000, 2), 1200, 4800))
    assert opened(made.sharp[300]).size == (300, 1)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 700), (64, 96), (301, 200)])
def test_every_size_can_be_rendered(size: tuple[int, int]) -> None:
    made = renditions.render(decode(picture_file(1, *size)))
    assert tuple(sorted(made.sharp)) == renditions.sharp_widths(size[0])
    assert tuple(made.blurred) == (renditions.blurred_width(size[0]),)


def test_nothing_can_be_recognised_in_the_blurred_one() -> None:
    # Letters and edges are fine detail: of a chequerboard of 20 px nothing but grey may be left.
    board = np.indices((600, 600)).sum(axis=0) // 20 % 2 * 255
    drawn = Picture.fromarray(board.astype(np.uint8)).convert("RGB")
    made = renditions.render(decode(files.saved(drawn, "PNG")))
    values = np.asarray(opened(made.blurred[300]).convert("L"), dtype=float)
    assert values.std() < 8


def test_the_blurred_one_holds_few_patches_only() -> None:
    made = renditions.render(decode(picture_file(5, 900, 600)))
    blurred = opened(made.blurred[300]).convert("RGB")
    assert blurred.size == (300, 200)
    # It is a smooth interpolation of a few patches: shrinking it to these and back loses nothing.
    small = blurred.resize((20, 14), Picture.Resampling.BOX)
    back = small.resize(blurred.size, Picture.Resampling.BICUBIC)
    difference = np.abs(np.asarray(blurred, dtype=int) - np.asarray(back, dtype=int))
    assert difference.mean() < 3
    assert len(made.blurred[300]) < 3000


def test_blurring_transparent_pictures_shows_them_on_white() -> None:
    made = renditions.render(decode(files.saved(files.plain((0, 0, 0, 0), "RGBA"), "PNG")))
    shown = opened(made.blurred[40])
    assert shown.mode == "RGB"
    assert min(shown.getpixel((20, 15))) > 250  # type: ignore[arg-type]
