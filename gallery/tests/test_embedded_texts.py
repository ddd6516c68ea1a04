"""The texts within picture files, and what becomes of them on the way in."""

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo

from gallery.add_image import add_image
from gallery.embedded_texts import MAX_TEXT, read
from gallery.tests.factories import picture
from gallery.tests.test_foreign_metadata import A1111, graph


def png(compressed: bool = False, international: bool = False, **texts: str) -> bytes:
    chunks = PngInfo()
    for name, text in texts.items():
        if international:
            chunks.add_itxt(name, text, zip=compressed)
        else:
            chunks.add_text(name, text, zip=compressed)
    file = io.BytesIO()
    picture(1).save(file, "PNG", pnginfo=chunks)
    return file.getvalue()


def with_exif(kind: str, tag: int, value: Any, ifd: int | None = None) -> bytes:
    exif = Picture.Exif()
    target = exif if ifd is None else exif.get_ifd(ifd)
    target[tag] = value
    file = io.BytesIO()
    picture(1).save(file, kind, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("international", [False, True])
def test_chunks_of_a_png(compressed: bool, international: bool) -> None:
    data = png(compressed, international, parameters="a fox é", other="x")
    assert read(data, "png") == {"parameters": "a fox é", "other": "x"}


def test_a_packed_bomb_is_unpacked_to_its_bound() -> None:
    body = b"parameters\x00\x00" + zlib.compress(b"a" * 50_000_000)
    chunk = struct.pack(">I4s", len(body), b"zTXt") + body + b"\x00" * 4
    data = png()
    found = read(data[:33] + chunk + data[33:], "png")
    assert len(found["parameters"]) <= MAX_TEXT


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    "value",
    [
        b"UNICODE\x00" + "a fox é".encode("utf-16-be"),
        b"UNICODE\x00" + "a fox é".encode("utf-16-le"),
        b"ASCII\x00\x00\x00" + "a fox é".encode(),
        b"\x00" * 8 + "a fox é".encode(),
    ],
)
def test_the_user_comment(kind: str, value: bytes) -> None:
    data = with_exif(kind, 0x9286, value, ifd=0x8769)
    assert read(data, kind.lower())["UserComment"] == "a fox é"


@given(st.binary(max_size=200))
def test_no_file_raises(tail: bytes) -> None:
    for start, kind in (
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe1", "jpeg"),
        (b"RIFF", "webp"),
    ):
        read(start + tail, kind)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        png(parameters=A1111.replace("a red fox", "a red fox")),
        png(prompt=json.dumps(graph())),
        with_exif("JPEG", 0x9286, b"UNICODE\x00" + A1111.encode("utf-16-be"), ifd=0x8769),
        with_exif("WEBP", 0x010F, "prompt:" + json.dumps(graph())),
    ],
    ids=["A1111 PNG", "ComfyUI PNG", "A1111 JPEG", "ComfyUI WebP"],
)
def test_an_upload_keeps_how_it_was_drawn(media: Path, client: Client, data: bytes) -> None:
    image = add_image(data, source_type="upload").image
    assert image.prompt.startswith("a red fox")
    assert image.generation_params["tool"] in ("AUTOMATIC1111", "ComfyUI")
    assert image.generation_params["loras"][0]["name"] == "inks"
    page = client.get(f"/images/{image.pk}/").content.decode()
    assert "Made with" in page
    assert "<span>inks</span>" in page
    assert client.get("/search/?q=red+fox").context["page"].items == [image]


@pytest.mark.django_db
def test_what_the_caller_says_counts(media: Path) -> None:
    data = png(parameters=A1111)
    image = add_image(data, source_type="upload", prompt="mine").image
    assert (image.prompt, image.generation_params) == ("mine", {})


@pytest.mark.django_db
def test_broken_metadata_is_no_reason_to_refuse(media: Path) -> None:
    data = png(prompt="{" * 5000, invokeai_metadata="\x01", parameters="Steps: ")
    assert add_image(data, source_type="upload").created
