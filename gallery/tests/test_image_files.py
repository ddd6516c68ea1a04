"""Decoding: what is taken, what is refused with which sentence, and that colours stay right."""

import contextlib
import random
from pathlib import Path

import pytest
from PIL import Image as Picture
from PIL import ImageCms
from pytest_django import Settings

from gallery import image_files, libvips
from gallery.image_files import ImageRefused, decode
from gallery.tests import files
from gallery.tests.factories import picture, picture_file

KINDS = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp"}


@pytest.fixture(autouse=True, params=[libvips.WORTH_IT, 0], ids=["small", "large"])
def read_as(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is read once as it is, and once as if it were large: through libvips."""
    monkeypatch.setattr(libvips, "WORTH_IT", request.param)


def close(one: tuple[int, ...], other: tuple[int, ...], by: int = 6) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def middle(drawn: Picture.Image) -> tuple[int, ...]:
    return drawn.getpixel((drawn.width // 2, drawn.height // 2))  # type: ignore[return-value]


def refusal(data: bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_it_knows_a_format_by_its_bytes(kind: str) -> None:
    decoded = decode(picture_file(1, 64, 96, kind))
    assert (decoded.format, decoded.width, decoded.height) == (KINDS[kind], 64, 96)
    assert decoded.picture.size == (64, 96)
    assert decoded.picture.mode == "RGB"
    assert decoded.frames == 1


@pytest.mark.parametrize("kind", KINDS)
def test_it_scales_down_to_what_is_asked_for(kind: str) -> None:
    decoded = decode(picture_file(1, 640, 480, kind), max_width=100)
    assert (decoded.width, decoded.height) == (640, 480)
    assert decoded.picture.size == (100, 75)


def test_it_never_scales_up() -> None:
    assert decode(picture_file(1, 64, 96), max_width=300).picture.size == (64, 96)


def test_a_limit_in_height_holds_too() -> None:
    assert decode(picture_file(1, 20, 400), max_width=300, max_height=100).picture.size == (5, 100)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_it_makes_rgb_of_every_mode(kind: str, mode: str) -> None:
    if kind in ("JPEG", "WEBP") and mode != "L":
        mode = "L"
    decoded = decode(files.saved(picture(3).convert(mode), kind))
    assert decoded.picture.mode == "RGB"
    assert close(middle(decoded.picture), middle(picture(3).convert(mode).convert("RGB")), 40)


@pytest.mark.parametrize(("value", "grey"), [(0, 0), (257 * 100, 100), (65535, 255)])
def test_sixteen_bits_of_grey_keep_their_lightness(value: int, grey: int) -> None:
    assert middle(decode(files.grey16(value)).picture) == (grey, grey, grey)


def test_cmyk_keeps_its_colour() -> None:
    red = decode(files.cmyk_jpeg((0, 255, 255, 0))).picture
    assert close(middle(red), (255, 0, 0), 30)
    white = decode(files.cmyk_jpeg((0, 0, 0, 0))).picture
    assert close(middle(white), (255, 255, 255))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_is_kept(kind: str) -> None:
    drawn = files.plain((10, 200, 30, 128), "RGBA")
    options = {"lossless": True} if kind == "WEBP" else {}
    decoded = decode(files.saved(drawn, kind, **options))
    assert decoded.picture.mode == "RGBA"
    assert close(middle(decoded.picture), (10, 200, 30, 128))


def test_a_palette_with_a_transparent_entry_is_transparent() -> None:
    drawn = files.plain((0,), "P")
    drawn.putpalette([1, 2, 3, 250, 0, 0])
    drawn.paste(1, (0, 0, 20, 30))
    decoded = decode(files.saved(drawn, "GIF", transparency=0))
    assert decoded.picture.getpixel((30, 15))[3] == 0  # type: ignore[index]
    assert decoded.picture.getpixel((5, 15)) == (250, 0, 0, 255)


def test_grey_with_transparency() -> None:
    decoded = decode(files.saved(files.plain((90, 60), "LA"), "PNG"))
    assert middle(decoded.picture) == (90, 90, 90, 60)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_shows_its_first_frame(kind: str) -> None:
    decoded = decode(files.animation(kind))
    assert decoded.frames == 3
    assert close(middle(decoded.picture), middle(picture(0, 40, 30)), 40)


# Where red (left when stored) is seen after turning: the centre of that half.
SEEN = {
    1: (0.25, 0.5), 2: (0.75, 0.5), 3: (0.75, 0.5), 4: (0.25, 0.5),
    5: (0.5, 0.25), 6: (0.5, 0.25), 7: (0.5, 0.75), 8: (0.5, 0.75),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", SEEN)
def test_pictures_are_turned_upright(kind: str, orientation: int) -> None:
    decoded = decode(files.turned(orientation, kind))
    size = (40, 80) if orientation >= 5 else (80, 40)
    assert (decoded.width, decoded.height) == size == decoded.picture.size
    x, y = SEEN[orientation]
    seen = decoded.picture.getpixel((int(size[0] * x), int(size[1] * y)))
    assert close(seen, (200, 0, 0), 12)  # type: ignore[arg-type]


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    data = files.saved(files.plain((1, 2, 3), size=(80, 40)), "PNG")
    exif = Picture.Exif()
    exif[0x0112] = 6
    chunk = files.png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\x00\x00"))
    decoded = decode(data[:-12] + chunk + data[-12:], max_width=20)
    assert (decoded.width, decoded.height, decoded.picture.size) == (40, 80, (20, 40))


@pytest.mark.parametrize("behind", [False, True])
def test_exif_of_a_large_png_counts_wherever_it_stands(behind: bool) -> None:
    exif = Picture.Exif()
    exif[0x0112] = 6
    chunk = files.png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\x00\x00"))
    data = files.saved(files.plain((1, 2, 3), size=(800, 400)), "PNG")
    place = len(data) - 12 if behind else 33
    decoded = decode(data[:place] + chunk + data[place:], max_width=100)
    assert (decoded.width, decoded.height, decoded.picture.size) == (400, 800, (100, 200))


def test_a_turned_jpeg_is_scaled_by_its_upright_width() -> None:
    decoded = decode(files.turned(6, size=(1600, 800)), max_width=100)
    assert (decoded.width, decoded.height) == (800, 1600)
    assert decoded.picture.size == (100, 200)


@pytest.mark.parametrize("exif", [b"Exif\x00\x00", b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"xx"])
def test_damaged_exif_is_no_reason_to_refuse(exif: bytes) -> None:
    assert decode(picture_file(1, 64, 96, "JPEG", exif=exif)).width == 64


@pytest.mark.parametrize("orientation", [0, 9, 60000])
def test_an_unknown_orientation_is_upright(orientation: int) -> None:
    assert decode(files.turned(orientation)).width == 80


def test_an_embedded_profile_is_applied() -> None:
    # Linear light: the number 55 of 255 is then a middle grey of about 128 in sRGB.
    drawn = files.saved(files.plain((55, 55, 55)), "PNG", icc_profile=linear_profile())
    assert close(middle(decode(drawn).picture), (128, 128, 128), 4)


def test_a_profile_keeps_transparency() -> None:
    drawn = files.plain((55, 55, 55, 100), "RGBA")
    data = files.saved(drawn, "PNG", icc_profile=linear_profile())
    assert close(middle(decode(data).picture), (128, 128, 128, 100), 4)


@pytest.mark.parametrize("profile", [b"nonsense", bytes(200), b"\x00" * 128 + b"acsp" * 50])
def test_a_damaged_profile_is_ignored(profile: bytes) -> None:
    data = files.saved(files.plain((55, 60, 70)), "PNG", icc_profile=profile)
    assert middle(decode(data).picture) == (55, 60, 70)


def test_a_profile_for_another_mode_is_ignored() -> None:
    data = files.saved(files.plain((55,), "L"), "PNG", icc_profile=linear_profile())
    assert close(middle(decode(data).picture), (55, 55, 55), 80)


def test_the_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = files.saved(files.plain((55, 60, 70)), "PNG", icc_profile=profile)
    assert middle(decode(data).picture) == (55, 60, 70)


def linear_profile() -> bytes:
    """sRGB's primaries with a straight tone curve: built by hand, 3 XYZ tags and one curve."""

    def s15(value: float) -> bytes:
        return round(value * 65536).to_bytes(4, "big", signed=True)

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(s15(value) for value in values)

    curve = b"curv" + bytes(4) + (0).to_bytes(4, "big")
    tags = {
        b"rXYZ": xyz(0.4360, 0.2225, 0.0139), b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141), b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    offset = 128 + 4 + 12 * len(tags)
    table, body = len(tags).to_bytes(4, "big"), b""
    for name, data in tags.items():
        table += name + (offset + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data.ljust(-(-len(data) // 4) * 4, b"\x00")
    size = 128 + len(table) + len(body)
    head = size.to_bytes(4, "big") + bytes(4) + bytes.fromhex("02400000") + b"mntrRGB XYZ "
    head += bytes(12) + b"acsp" + bytes(28) + s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b"\x00") + table + body


# --- Refusals ----------------------------------------------------------------------------------


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"").code == "empty"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"<?xml version='1.0'?>\n<svg/>", "an SVG drawing"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "a web page"),
        (b"II*\x00" + bytes(100), "a TIFF file"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(50), "a HEIC file"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(50), "an AVIF file"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(50), "a video"),
        (b"PK\x03\x04" + bytes(50), "a ZIP archive"),
        (b"hello, this is text", "not a picture"),
        (b"\x00", "not a picture"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, words: str) -> None:
    refused = refusal(data)
    assert refused.code == "not_an_image"
    assert words in refused.sentence
    assert "JPEG, PNG, WebP, GIF and BMP are taken" in refused.sentence


def test_a_file_over_the_limit_is_refused(settings: Settings) -> None:
    settings.MAX_IMAGE_BYTES = 1024 * 1024
    refused = refusal(bytes(1024 * 1024 + 1))
    assert (refused.code, "1 MB" in refused.sentence) == ("too_large", True)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_file_is_refused_or_decoded(kind: str) -> None:
    data = picture_file(1, 64, 96, kind)
    for share in (0.02, 0.1, 0.3, 0.5, 0.8):
        cut = data[: max(12, int(len(data) * share))]
        assert refusal(cut).code == "damaged"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_that_is_cut_within_any_frame_is_refused(kind: str) -> None:
    data = files.animation(kind, 4)
    for size in range(12, len(data) * 95 // 100):
        # Between two blocks of a GIF, its last byte (0) there or not, all frames so far are whole.
        between = kind == "GIF" and any(
            data[place : place + 2] in (b"\x00\x21", b"\x00\x2c") for place in (size - 1, size)
        )
        if not between:
            assert refusal(data[:size]).code == "damaged", size


def test_a_gif_without_its_last_bytes_is_taken() -> None:
    data = files.animation("GIF", 4)
    assert data.endswith(b"\x00\x3b")
    for kept in (data, data[:-1], data[:-2], data + b"appended"):
        assert decode(kept).frames == 4


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_the_damaged_frame_is_named(kind: str) -> None:
    data = files.animation(kind, 4)
    assert refusal(data[: len(data) * 3 // 5]).sentence == (
        f"Frame 3 of this {kind} animation cannot be decoded: the file is cut off or damaged."
    )


def test_frames_are_decoded_one_at_a_time(settings: Settings) -> None:
    settings.MAX_IMAGE_PIXELS = 50_000_000
    data = files.animation("GIF", 40, (1000, 1000))
    before = peak_memory()
    assert decode(data, 600, 1200).frames == 40
    assert peak_memory() - before < 60 * 1024 * 1024


@pytest.mark.parametrize(
    "data",
    [
        files.png_bomb(50_000, 50_000),
        files.png_bomb(2**31 - 1, 1),
        files.webp_bomb(16_000, 16_000),
        files.gif_bomb(20_000),
        files.gif_bomb(2000, (500, 500)),
        files.gif_bomb(1, (65_000, 65_000)),
    ],
    ids=["png", "wide png", "webp", "gif frames", "gif frames by size", "gif"],
)
def test_a_bomb_is_refused_before_its_pixels_are_made(data: bytes) -> None:
    before = peak_memory()
    assert refusal(data).code == "too_many_pixels"
    assert peak_memory() - before < 100 * 1024 * 1024


def peak_memory() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize(
    ("error", "code"),
    [(MemoryError, "damaged"), (Picture.DecompressionBombError, "too_many_pixels")],
)
def test_what_pillow_refuses_is_refused(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], code: str
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(Picture, "open", refuse)
    assert refusal(picture_file(1)).code == code


def test_an_announced_number_of_frames_counts(settings: Settings) -> None:
    settings.MAX_IMAGE_PIXELS = 40 * 30 * 2
    refused = refusal(files.animation("WEBP"))
    assert refused.code == "too_many_pixels"
    assert "3 frames of 40 × 30 pixels" in refused.sentence


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_is_exact(kind: str, settings: Settings) -> None:
    data = picture_file(1, 64, 96, kind)
    settings.MAX_IMAGE_PIXELS = 64 * 96
    assert decode(data).width == 64
    settings.MAX_IMAGE_PIXELS = 64 * 96 - 1
    assert refusal(data).code == "too_many_pixels"


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_refused_or_decoded_but_never_crash(kind: str) -> None:
    chance = random.Random(kind)
    good = picture_file(1, 48, 48, kind)
    for _ in range(120):
        data = bytearray(good)
        for _ in range(chance.choice([1, 1, 2, 8, 40])):
            place = chance.randrange(len(data))
            what = chance.randrange(3)
            if what == 0:
                data[place] = chance.randrange(256)
            elif what == 1:
                del data[place : place + chance.randrange(1, 20)]
            else:
                data[place:place] = chance.randbytes(chance.randrange(1, 20))
            if not data:
                break
        # Anything but a refusal fails the test.
        with contextlib.suppress(ImageRefused):
            assert decode(bytes(data), 300, 1200).picture.mode in ("RGB", "RGBA")


def test_a_picture_carries_nothing_of_its_file() -> None:
    decoded = decode(files.turned(6))
    assert decoded.picture.info == {}
    assert type(decoded.picture) is Picture.Image


def test_on_white_fills_what_is_transparent() -> None:
    clear = files.plain((0, 0, 0, 0), "RGBA")
    assert middle(image_files.on_white(clear)) == (255, 255, 255)


def test_pixels_are_told_without_decoding() -> None:
    data = picture_file(1, 300, 200)
    assert image_files.pixels(data) == image_files.pixels(data[:200]) == 60_000
    assert image_files.pixels(b"") == image_files.pixels(b"GIF89a") == 0
    assert image_files.pixels(b"Not a picture") == 0
