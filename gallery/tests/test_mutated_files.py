"""Two thousand and more damaged, cut, spliced and lying files: each is taken or refused, no more.

Random, but the same in each run: a failure names the seed of its file.
"""

import json
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL.PngImagePlugin import PngInfo
from pytest_django import Settings

from gallery import embedded_texts, foreign_metadata, image_files
from gallery.image_files import DecodedImage, ImageRefused
from gallery.models import Image
from gallery.strip_location import strip
from gallery.strip_models import strip_models
from gallery.tests import files
from gallery.tests.factories import make_admin, picture
from gallery.tests.test_strip_location import exif

ROUNDS = 160
UPLOADED = 300


def with_texts() -> bytes:
    told = PngInfo()
    told.add_text("parameters", "a fox, <lora:red:0.7>\nNegative prompt: dog\nSteps: 20, Seed: 5")
    told.add_text("prompt", json.dumps({"1": {"class_type": "KSampler", "inputs": {"seed": 4}}}))
    told.add_text("workflow", json.dumps({"nodes": [{"id": 1, "widgets_values": [1, "x"]}]}), True)
    told.add_itxt("invokeai_metadata", json.dumps({"positive_prompt": "fox", "seed": 3}))
    return files.saved(picture(3, 40, 30), "PNG", pnginfo=told, exif=exif())


def seeds() -> dict[str, bytes]:
    drawn = picture(1, 40, 30)
    return {
        "JPEG": files.saved(drawn, "JPEG", exif=exif(), comment=b"Steps: 20, Seed: 5"),
        "progressive JPEG": files.saved(drawn, "JPEG", progressive=True),
        "grey JPEG": files.saved(drawn.convert("L"), "JPEG"),
        "CMYK JPEG": files.saved(drawn.convert("CMYK"), "JPEG"),
        "PNG with texts": with_texts(),
        "16-bit PNG": files.grey16(40_000),
        "palette PNG": files.saved(drawn.convert("P"), "PNG", transparency=3),
        "RGB PNG": files.saved(drawn, "PNG"),
        "RGBA PNG": files.saved(drawn.convert("RGBA"), "PNG"),
        "APNG": files.animation("PNG"),
        "GIF": files.saved(drawn, "GIF"),
        "animated GIF": files.animation("GIF", 6),
        "WebP": files.saved(drawn, "WEBP", exif=exif()),
        "lossless WebP": files.saved(drawn.convert("RGBA"), "WEBP", lossless=True),
        "animated WebP": files.animation("WEBP"),
        "BMP": files.saved(drawn, "BMP"),
    }


# --- Ways to spoil a file -----------------------------------------------------------------------

Mutation = Callable[[bytearray, random.Random, list[bytes]], None]


def flip(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    for _ in range(chance.choice([1, 2, 8, 40])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def cut(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    del data[chance.randrange(1, len(data)) :]


def remove(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.randrange(1, 200)]


def repeat(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    start = chance.randrange(len(data))
    piece = bytes(data[start : start + chance.randrange(1, 400)])
    data[start:start] = piece * chance.choice([1, 2, 20])


def splice(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    other = chance.choice(others)
    data[chance.randrange(1, len(data)) :] = other[chance.randrange(len(other)) :]


def lie(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    """An extreme number where a size, a count or an offset may stand."""
    number = chance.choice([0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF])
    form = chance.choice([">I", "<I", ">H", "<H"])
    packed = struct.pack(form, number & (0xFFFFFFFF if form[1] == "I" else 0xFFFF))
    place = chance.randrange(min(len(data), 200))
    data[place : place + len(packed)] = packed


def stuff(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    place = chance.randrange(len(data))
    data[place:place] = chance.choice(
        [bytes(300), b"\xff" * 300, chance.randbytes(300), b"Exif\x00\x00II*\x00" * 9]
    )


def rewrite_png_chunk(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    """Another body with a checksum that is right, so that it is read."""
    if data[:4] != b"\x89PNG":
        return flip(data, chance, others)
    name = chance.choice([b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"acTL", b"fcTL", b"tRNS"])
    body = chance.choice(
        [
            b"",
            chance.randbytes(chance.randrange(60)),
            b"parameters\x00" + chance.randbytes(40),
            b"parameters\x00\x00" + zlib.compress(bytes(chance.choice([10, 10_000_000]))),
            b"workflow\x00" + b"[" * 5000,
            b"prompt\x00"
            + json.dumps({"a": {"inputs": {"x": ["a", 0]}, "class_type": 7}}).encode(),
        ]
    )
    chunk = struct.pack(">I", len(body)) + name + body
    data[33:33] = chunk + struct.pack(">I", zlib.crc32(name + body))
    return None


MUTATIONS: tuple[Mutation, ...] = (
    flip, cut, remove, repeat, splice, lie, stuff, rewrite_png_chunk,
)  # fmt: skip


def mutated(kind: str, number: int) -> bytes:
    known = seeds()
    chance = random.Random(f"{kind} {number}")
    data = bytearray(known[kind])
    for mutation in chance.choices(MUTATIONS, k=chance.choice([1, 1, 2, 3])):
        if len(data) > 1:
            mutation(data, chance, list(known.values()))
    return bytes(data)


# --- What must hold -----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def small_limits(settings: Settings) -> None:
    """What claims to be large is refused soon, so that the time goes into reading."""
    settings.MAX_IMAGE_PIXELS = 1_000_000


def decode(data: bytes) -> DecodedImage | ImageRefused:
    try:
        return image_files.decode(data, 300, 1200)
    except ImageRefused as refused:
        return refused


@pytest.mark.parametrize("kind", list(seeds()))
def test_each_is_decoded_or_refused_with_a_sentence(kind: str) -> None:
    taken = 0
    for number in range(ROUNDS):
        data = mutated(kind, number)
        decoded = decode(data)
        if isinstance(decoded, ImageRefused):
            assert decoded.sentence.endswith("."), (kind, number)
            assert decoded.code, (kind, number)
            continue
        taken += 1
        assert decoded.picture.mode in ("RGB", "RGBA"), (kind, number)
        texts = embedded_texts.read(data, decoded.format)
        drawn = foreign_metadata.parse(texts)
        if drawn is not None:
            json.dumps(drawn.params, allow_nan=False)
        stripped = strip(data, decoded.format)
        assert len(stripped) <= len(data) + 1000, (kind, number)
        if decoded.format == "png":
            strip_models(stripped, ())
    assert 0 < taken < ROUNDS


def test_there_are_at_least_two_thousand() -> None:
    assert ROUNDS * len(seeds()) >= 2000


@pytest.mark.django_db
def test_an_upload_keeps_all_of_a_file_or_nothing(client: Client, media: Path) -> None:
    client.force_login(make_admin())
    kinds = list(seeds())
    for number in range(UPLOADED):
        kind = kinds[number % len(kinds)]
        data = mutated(kind, 10_000 + number)
        answer = client.post(
            "/api/images/upload", {"files": SimpleUploadedFile(f"{number}.png", data)}
        )
        item: dict[str, Any] = answer.json()["items"][0]
        assert item["outcome"] in ("created", "duplicate", "refused"), (kind, number)
        expected = 422 if item["outcome"] == "refused" else 200
        assert answer.status_code == expected, (kind, number, answer.content)
        if item["outcome"] == "refused":
            assert item["code"], (kind, number)
            assert item["message"].endswith("."), (kind, number)
            continue
        pk = item["image"]["id"]
        whole = client.get(f"/images/{pk}/original")
        assert whole.status_code == 200, (kind, number)
        assert client.get(f"/images/{pk}/").status_code == 200, (kind, number)
    kept = {str(name) for name in Image.objects.values_list("file", flat=True)}
    stored = {path.relative_to(media).as_posix() for path in media.rglob("*") if path.is_file()}
    originals = {name for name in stored if name.startswith("uploads/")}
    assert originals == kept
    assert 0 < len(kept) < UPLOADED
    for image in Image.objects.all():
        assert default_storage.exists(str(image.file.name))
