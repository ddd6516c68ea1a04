"""What people and scripts send that is no picture to keep: a sentence each, and nothing stored."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Picture

from gallery import renditions
from gallery.models import Album, Image
from gallery.tests import files
from gallery.tests.factories import make_admin, picture_file

pytestmark = pytest.mark.django_db

HTML = b"<!doctype html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.fixture
def admin(media: Path) -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def refusal(admin: Client, name: str, data: bytes) -> str:
    """The sentence that an upload of this file is refused with."""
    response = admin.post(
        "/api/images/upload", {"files": SimpleUploadedFile(name, data), "album": "Deck"}
    )
    told = response.json()
    assert 400 <= response.status_code < 500
    error = told["error"]
    assert error["code"]
    assert all(item["outcome"] == "refused" for item in told.get("items", ()))
    return str(error["message"])


def truncated(kind: str) -> bytes:
    data = picture_file(1, 200, 200, kind)
    return data[: len(data) // 2]


BAD: dict[str, tuple[bytes, str]] = {
    # what: (bytes, a word of the sentence)
    "nothing": (b"", "empty"),
    "cut JPEG": (truncated("JPEG"), "cut off or damaged"),
    "cut PNG": (truncated("PNG"), "cut off or damaged"),
    "cut WebP": (truncated("WEBP"), "cut off or damaged"),
    "cut GIF": (files.animation("GIF", 4)[:900], "cut off"),
    "PNG bomb": (files.png_bomb(50_000, 50_000), "2 500 megapixels; at most 100"),
    "WebP bomb": (files.webp_bomb(16_000, 16_000), "16000 × 16000 pixels; at most 100"),
    "GIF bomb": (files.gif_bomb(1, (65_000, 65_000)), "4 225 megapixels; at most 100"),
    "10 000 frames": (files.gif_bomb(10_000), "more than 5 000 frames"),
    "SVG": (SVG, "an SVG drawing"),
    "HTML": (HTML, "a web page"),
    "ZIP": (b"PK\x03\x04" + bytes(40), "a ZIP archive"),
    "text": (b"hello", "not a picture"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_it_is_refused_with_a_sentence_and_nothing_is_stored(
    admin: Client, media: Path, what: str
) -> None:
    data, words = BAD[what]
    sentence = refusal(admin, "holiday.png", data)
    assert words in sentence.replace("\u202f", " ")
    assert sentence.endswith(".")
    assert not Image.everything.exists()
    assert not Album.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def rgb16(colour: tuple[int, int, int]) -> bytes:
    """A PNG of 16 bits a channel, 50 × 50, of one colour (0..65535 each)."""
    rows = (b"\x00" + struct.pack(">HHH", *colour) * 50) * 50
    return (
        b"\x89PNG\r\n\x1a\n"
        + files.png_chunk(b"IHDR", struct.pack(">IIBBBBB", 50, 50, 16, 2, 0, 0, 0))
        + files.png_chunk(b"IDAT", zlib.compress(rows))
        + files.png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (files.cmyk_jpeg((0, 255, 255, 0)), (255, 0, 0)),
        (files.cmyk_jpeg((0, 0, 0, 0)), (255, 255, 255)),
        (files.grey16(65_535), (255, 255, 255)),
        (files.grey16(32_896), (128, 128, 128)),
        (rgb16((65_535, 0, 32_896)), (255, 0, 128)),
    ],
    ids=["CMYK red", "CMYK paper", "white of 16 bits", "grey of 16 bits", "colour of 16 bits"],
)
def test_unusual_pixels_are_taken_and_shown_right(
    admin: Client, data: bytes, expected: tuple[int, int, int]
) -> None:
    response = admin.post("/api/images/upload", {"files": SimpleUploadedFile("a.bin", data)})
    assert response.json()["created"] == 1
    image = Image.objects.get()
    width = renditions.sharp_widths(image.width)[-1]
    shown = admin.get(renditions.url(image.sharp_key, width))
    with Picture.open(io.BytesIO(shown.content)) as seen:
        middle = np.asarray(seen.convert("RGB"))[image.height // 2, image.width // 2]
    assert np.abs(middle.astype(int) - np.array(expected)).max() <= 6


def post_named(admin: Client, name: bytes) -> Any:
    """An upload whose file has exactly these bytes for its name, as no browser would send it."""
    body = (
        b'--B\r\nContent-Disposition: form-data; name="files"; filename="' + name + b'"\r\n'
        b"Content-Type: image/png\r\n\r\n" + picture_file(1) + b"\r\n--B--\r\n"
    )
    return admin.post("/api/images/upload", body, content_type="multipart/form-data; boundary=B")


@pytest.mark.parametrize(
    "name", [b"x" * 4000 + b".png", "é".encode() * 2000 + b".png", b"\x00" * 4000]
)
def test_a_name_of_four_thousand_bytes_is_refused(admin: Client, media: Path, name: bytes) -> None:
    response = post_named(admin, name)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "name_too_long"
    assert "too long" in response.json()["error"]["message"]
    assert not Image.everything.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (b"a\x00b.png", "ab.png"),
        ("a\u202egnp.exe.png".encode(), "agnp.exe.png"),
        ("תמונה.png".encode(), "תמונה.png"),
        ("صورة.png".encode(), "صورة.png"),
        (b"../../../etc/passwd.png", "passwd.png"),
        (b"..\\..\\windows\\system.png", "system.png"),
        (b"x" * 300 + b".png", "x" * 251 + ".png"),
        (b"a\r\nb.png", None),
        (b".", None),
        (b"..", None),
        (b"", None),
    ],
)
def test_no_name_reaches_the_disk_or_turns_a_page(
    admin: Client, media: Path, name: bytes, kept: str | None
) -> None:
    """Control and direction characters are left out of a name; one of nothing else is no file."""
    response = post_named(admin, name)
    assert response.status_code < 500
    stored = [path for path in media.rglob("*") if path.is_file()]
    image = Image.everything.first()
    if response.status_code >= 400:
        assert response.json()["error"]["message"].endswith((".", "required"))
        assert image is None
        assert stored == []
        return
    assert image is not None
    if kept is not None:
        assert image.original_name == kept
    assert image.original_name.isprintable()
    assert len(image.original_name) <= 255
    assert all(path.resolve().is_relative_to(media.resolve()) for path in stored)
    assert str(image.file.name).isascii()
    assert default_storage.exists(str(image.file.name))
    for address in (f"/images/{image.pk}/", f"/images/{image.pk}/original", "/", "/feed.atom"):
        assert admin.get(address).status_code == 200
