"""libvips reads and scales as Pillow does, only faster; what it cannot do it leaves to Pillow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image as Picture

from gallery import image_files, libvips, renditions
from gallery.add_image import decode_for_renditions
from gallery.fingerprint import distance
from gallery.image_files import ImageRefused
from gallery.tests import files
from gallery.tests.photographs import photograph
from gallery.tests.test_mutated_files import mutated

SIZE = (800, 600)
PLAIN = {"PNG": {}, "WEBP": {"quality": 95}}


def drawn_in(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Picture.Image:
    return photograph(7, size).convert(mode)


def ideal(drawn: Picture.Image, size: tuple[int, int]) -> NDArray[np.float64]:
    """Scaled with Lanczos windows in floating point, without any shortcut."""
    channels = [
        Picture.fromarray(np.asarray(channel, dtype=np.float32)).resize(
            size, Picture.Resampling.LANCZOS
        )
        for channel in drawn.split()
    ]
    return np.stack([np.asarray(channel, dtype=float) for channel in channels], axis=-1).clip(
        0, 255
    )


def psnr(got: Picture.Image, wanted: NDArray[np.float64]) -> float:
    """Decibels; 255 is the peak."""
    error = ((np.asarray(got, dtype=float).reshape(wanted.shape) - wanted) ** 2).mean()
    return float(10 * np.log10(255**2 / error))


def without_libvips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libvips, "decoded", lambda *_: None)
    monkeypatch.setattr(libvips, "scaled", lambda *_: None)


# --- Scaling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(600, 450), (300, 225), (799, 599), (120, 90)])
def test_scaling_is_as_good_as_lanczos_can_be(size: tuple[int, int]) -> None:
    drawn = drawn_in()
    scaled = libvips.scaled(drawn, size)
    assert scaled is not None
    assert (scaled.mode, scaled.size) == ("RGB", size)
    assert psnr(scaled, ideal(drawn, size)) > 48


@pytest.mark.parametrize(
    ("size", "wanted"), [((60_000, 2), (300, 1)), ((2, 60_000), (1, 300)), (SIZE, (1, 1))]
)
def test_a_narrow_picture_can_be_scaled(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    scaled = libvips.scaled(drawn_in(size=size), wanted)
    assert scaled is not None
    assert scaled.size == wanted


def test_hidden_colours_do_not_shine_through() -> None:
    drawn = files.plain((0, 0, 255, 255), "RGBA", SIZE)
    drawn.paste((255, 0, 0, 0), (0, 0, SIZE[0] // 2 + 1, SIZE[1]))
    scaled = libvips.scaled(drawn, (300, 225))
    assert scaled is not None
    seen = np.asarray(image_files.on_white(scaled)).astype(int)
    # Between white and blue there is nothing redder than green.
    assert (seen[..., 0] - seen[..., 1]).max() <= 2
    assert tuple(seen[100, 10]) == (255, 255, 255)
    assert tuple(seen[100, 290]) == (0, 0, 255)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_rare_modes_are_left_to_pillow(mode: str) -> None:
    assert libvips.scaled(drawn_in(mode), (300, 225)) is None


def test_few_pixels_are_left_to_pillow() -> None:
    drawn = drawn_in(size=(300, 300))
    assert libvips.scaled(drawn, (100, 100)) is None
    assert libvips.decoded(files.saved(drawn, "PNG"), "png", (300, 300), (100, 100)) is None


# --- Decoding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_png_has_the_very_pixels_that_pillow_reads(mode: str) -> None:
    drawn = drawn_in(mode)
    read = libvips.decoded(files.saved(drawn, "PNG"), "png", SIZE, SIZE)
    assert read is not None
    assert read.mode == mode
    assert np.array_equal(np.asarray(read), np.asarray(drawn))


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("size", [(600, 450), (300, 225)])
def test_a_file_is_scaled_while_it_is_decoded(kind: str, size: tuple[int, int]) -> None:
    data = files.saved(drawn_in(), kind, **PLAIN[kind])
    read = libvips.decoded(data, kind.lower(), SIZE, size)
    assert read is not None
    assert (read.mode, read.size) == ("RGB", size)
    whole = image_files.decode(data).picture
    assert psnr(read, ideal(whole, size)) > (48 if kind == "PNG" else 36)


def test_webp_at_its_own_size_is_left_to_pillow() -> None:
    data = files.saved(drawn_in(), "WEBP")
    assert libvips.decoded(data, "webp", SIZE, SIZE) is None


@pytest.mark.parametrize("kind", PLAIN)
def test_a_damaged_file_is_left_to_pillow(kind: str) -> None:
    data = files.saved(drawn_in(), kind, **PLAIN[kind])
    for share in (0.01, 0.3, 0.9, 0.99):
        cut = data[: int(len(data) * share)]
        assert libvips.decoded(cut, kind.lower(), SIZE, (300, 225)) is None
        with pytest.raises(ImageRefused):
            decode_for_renditions(cut)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_renditions_look_as_those_that_pillow_makes(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what WebP itself loses, nothing is lost."""
    data = files.saved(drawn_in(size=(2400, 1800)), kind, **PLAIN.get(kind, {"quality": 95}))
    whole = image_files.decode(data).picture
    made = renditions.render(decode_for_renditions(data))
    without_libvips(monkeypatch)
    before = renditions.render(decode_for_renditions(data))
    for width in renditions.WIDTHS:
        wanted = ideal(whole, (width, width * 3 // 4))
        quality = [
            psnr(image_files.decode(each.sharp[width]).picture, wanted) for each in (made, before)
        ]
        assert quality[0] > quality[1] - 0.5, width
    assert made.phash is not None
    assert before.phash is not None
    assert distance(made.phash, before.phash) <= 2


def test_no_damaged_file_is_taken_that_pillow_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is taken looks the same."""
    monkeypatch.setattr(libvips, "WORTH_IT", 0)
    asked = 0
    for kind in ("RGB PNG", "WebP"):
        for number in range(300):
            data = mutated(kind, number)
            fast = _decoded(data)
            with monkeypatch.context() as patch:
                without_libvips(patch)
                slow = _decoded(data)
            if isinstance(fast, str) or isinstance(slow, str):
                assert fast == slow, (kind, number)
                continue
            asked += 1
            assert fast.size == slow.size, (kind, number)
            difference = np.abs(np.asarray(fast, dtype=int) - np.asarray(slow, dtype=int))
            assert difference.mean() < 4, (kind, number)
    assert asked > 50


def _decoded(data: bytes) -> Picture.Image | str:
    try:
        return image_files.decode(data, 20, 80).picture
    except ImageRefused as refused:
        return refused.sentence


# --- Processes -----------------------------------------------------------------------------------

FORKED = """
import io, os
from PIL import Image
from gallery import libvips

drawn = Image.effect_noise((800, 600), 90).convert("RGB")
file = io.BytesIO()
drawn.save(file, "WEBP")

def read():
    return libvips.decoded(file.getvalue(), "webp", (800, 600), (200, 150))

assert read() is not None
child = os.fork()
if not child:
    os._exit(0 if read() is None and libvips.scaled(drawn, (300, 225)) is None else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert read() is not None
"""


def test_a_forked_process_goes_on_without_it() -> None:
    """Its threads have stayed behind: it would wait for them for ever."""
    subprocess.run(
        [sys.executable, "-c", FORKED], cwd=Path(settings.BASE_DIR), check=True, timeout=60
    )
