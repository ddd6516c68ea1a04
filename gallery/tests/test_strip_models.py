"""Private models leave a PNG's text; nothing else changes."""

import io
import json
import random
import zlib

import pytest
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo

from gallery.strip_models import strip_models, without_models
from gallery.tests.factories import picture, picture_file
from gallery.tests.files import png_chunk

HASHES = 'Lora hashes: "Secret: 0123456789, inks: abcdef0123"'
TEXT = (
    "a fox <lora:inks:0.8> <lora:Secret:1>\nNegative prompt: blurry\n"
    f"Steps: 20, Sampler: Euler, Seed: 7, Model hash: 99aa, Model: Base, {HASHES}, Version: 1.0"
)


def chunks_of(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """(name, body, raw) of each chunk; checks lengths and sums."""
    found, position = [], 8
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        raw = data[position : position + 12 + size]
        name, body = raw[4:8], raw[8:-4]
        assert int.from_bytes(raw[-4:], "big") == zlib.crc32(name + body)
        found.append((name, body, raw))
        position += len(raw)
    return found


def with_text(text: str, kind: str = "tEXt", keyword: str = "parameters") -> bytes:
    """A picture with a text chunk before and one after the one that counts."""
    info = PngInfo()
    info.add_text("Title", "<lora:Secret:1> is my title")
    if kind == "iTXt":
        info.add_itxt(keyword, text, lang="en", tkey="Parameter")
    elif kind == "iTXt packed":
        info.add_itxt(keyword, text, zip=True)
    else:
        info.add_text(keyword, text, zip=kind == "zTXt")
    info.add_text("Comment", "x" * 100)
    file = io.BytesIO()
    picture(1).save(file, "PNG", pnginfo=info, dpi=(72, 72))
    return file.getvalue()


def text_in(data: bytes) -> str | None:
    with Picture.open(io.BytesIO(data)) as opened:
        opened.load()
        text = opened.info.get("parameters")
        return None if text is None else str(text)


# --- The text ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fox", "a fox"),
        ("", ""),
        ("a fox <lora:Secret:1>", "a fox"),
        ("a fox <lora:Secret>", "a fox"),
        ("<lora:Secret:0.5>a fox", "a fox"),
        ("a <LORA:Secret:1> fox", "a fox"),
        ("a <lyco:Secret:1> fox", "a fox"),
        ("a fox <lora:Secret:0.5:0.7> <lora:inks:1>", "a fox <lora:inks:1>"),
        ("a fox <lora:secret:1>", "a fox"),
        ("a fox <lora:Renamed since:1>", "a fox"),
        ("a fox <lora:Ünï/\\ 'x':1>\nSteps: 2", "a fox\nSteps: 2"),
        ('x\nSteps: 2, Lora hashes: "Secret: 01", Version: 1', "x\nSteps: 2, Version: 1"),
        ("x\nSteps: 2, Lora hashes: Secret: 01, Version: 1", "x\nSteps: 2, Version: 1"),
        ('x\nSteps: 2, Lora hashes: "Secret: 01"', "x\nSteps: 2"),
        (f"x\nSteps: 2, {HASHES}", 'x\nSteps: 2, Lora hashes: "inks: abcdef0123"'),
        ('x\nSteps: 2, Lora hashes: "inks: ab"', 'x\nSteps: 2, Lora hashes: "inks: ab"'),
        (
            'x\nSteps: 2, Lora hashes: "inks:ab,inks: c"',
            'x\nSteps: 2, Lora hashes: "inks:ab,inks: c"',
        ),
        (
            'x\nA: "b, c", Lora hashes: "S\\"x: 01, inks: ab"',
            'x\nA: "b, c", Lora hashes: "inks: ab"',
        ),
        ('x\nSteps: 2, Lora hashes: "Secret: 01, cut', None),
        ('x\nSteps: 2, Lora hashes: "\\u12: 01"', None),
        ("look at Lora hashes of Secret", None),
        ("a fox <lora:Secret", None),
        ("a fox < lora:Secret:1>", None),
        ("a fox <lora:<lora:Secret:1>", None),
    ],
)
def test_only_shown_loras_stay_in_a_text(text: str, expected: str | None) -> None:
    assert without_models(text, {"inks"}) == expected


def test_a_base_model_stays_unless_it_is_private() -> None:
    kept = without_models(TEXT, {"inks", "Secret"})
    assert kept == TEXT
    hidden = without_models(TEXT, {"inks", "Secret"}, hides_base=True)
    assert hidden == TEXT.replace(" Model hash: 99aa, Model: Base,", "")
    quoted = 'x\nSteps: 2, Model hash: ab, Model: "a, b: c", Version: 1'
    assert without_models(quoted, (), hides_base=True) == "x\nSteps: 2, Version: 1"
    assert without_models("x\nSteps: 2, Model: y", (), hides_base=True) == "x\nSteps: 2"


def test_what_is_left_holds_no_other_name() -> None:
    chance = random.Random(5)
    for _ in range(500):
        names = [
            "".join(chance.choices("aB9é-_.| '\\", k=chance.randrange(1, 9))) for _ in range(4)
        ]
        shown = {name for name in names if chance.random() < 0.5}
        tags = "".join(f" <lora:{name}:{chance.random():g}>" for name in names)
        hashes = json.dumps(", ".join(f"{name}: {n}f00d" for n, name in enumerate(names)))
        text = f"words{tags}\nSteps: 2, Lora hashes: {hashes}, Version: 1"
        kept = without_models(text, shown)
        assert kept is not None
        assert kept.startswith("words")
        assert kept.endswith(", Version: 1")
        for number, name in enumerate(names):
            assert (f"<lora:{name}:" in kept) == (name in shown)
            if name.strip() == name:
                assert (f"{number}f00d" in kept) == (name in shown)
            elif name not in shown:
                assert f"{number}f00d" not in kept or name.strip() in shown


# --- The file ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt packed"])
def test_a_private_lora_leaves_the_file_and_nothing_else_changes(kind: str) -> None:
    data = with_text(TEXT, kind)
    stripped = strip_models(data, {"inks"})
    kept = text_in(stripped)
    assert kept == TEXT.replace(" <lora:Secret:1>", "").replace("Secret: 0123456789, ", "")
    before, after = chunks_of(data), chunks_of(stripped)
    assert [name for name, _, _ in before] == [name for name, _, _ in after]
    changed = [one[1] for one, other in zip(before, after, strict=True) if one[2] != other[2]]
    assert len(changed) == 1
    assert changed[0].startswith(b"parameters\0")
    one, other = (Picture.open(io.BytesIO(file)) for file in (data, stripped))
    assert one.tobytes() == other.tobytes()
    assert one.info["dpi"] == other.info["dpi"]


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt packed"])
def test_a_file_with_nothing_to_hide_is_the_same_object(kind: str) -> None:
    data = with_text(TEXT, kind)
    assert strip_models(data, {"inks", "Secret"}) is data


def test_letters_beyond_latin_1_stay() -> None:
    data = with_text("狐 <lora:inks:1> <lora:Secret:1>\nSteps: 2", "iTXt")
    assert text_in(strip_models(data, {"inks"})) == "狐 <lora:inks:1>\nSteps: 2"


@pytest.mark.parametrize(
    "chunk",
    [
        (b"tEXt", b"parameters\0<lora:Secret"),
        (b"zTXt", b"parameters\0\0no deflate <lora:Secret:1>"),
        (b"zTXt", b"parameters\0\0" + zlib.compress(b"<lora:Secret:1>" * 50)[:-9]),
        (b"zTXt", b"parameters\0"),
        (b"iTXt", b"parameters\0"),
        (b"iTXt", b"parameters\0\0\0en"),
        (b"iTXt", b"parameters\0\1\0\0\0no deflate"),
        (b"iTXt", b"parameters\0\0\0\0\0\xff\xfe<lora:Secret:1>"),
        (b"tEXt", b" Parameters \0<lora:Secret"),
    ],
)
def test_a_text_that_cannot_be_read_is_left_out(chunk: tuple[bytes, bytes]) -> None:
    data = picture_file(1)
    end = data.index(b"IDAT") - 4
    told = data[:end] + png_chunk(*chunk) + data[end:]
    assert strip_models(told, {"inks"}) == data


def test_a_text_without_end_is_not_inflated_for_ever() -> None:
    bomb = zlib.compress(b"x" * (17 * 1024 * 1024))
    data = picture_file(1)
    end = data.index(b"IDAT") - 4
    assert (
        strip_models(data[:end] + png_chunk(b"zTXt", b"parameters\0\0" + bomb) + data[end:], ())
        == data
    )


@pytest.mark.parametrize("keyword", ["Parameters2", "prompt", "parameter"])
def test_other_texts_are_not_touched(keyword: str) -> None:
    data = with_text(TEXT, keyword=keyword)
    assert strip_models(data, ()) is data


def test_every_one_of_several_texts_is_written_anew() -> None:
    data = picture_file(1)
    end = data.index(b"IDAT") - 4
    one = png_chunk(b"tEXt", b"parameters\0a <lora:Secret:1>")
    behind = data.index(b"IEND") - 4
    told = data[:end] + one + data[end:behind] + one + data[behind:]
    assert b"Secret" not in strip_models(told, ())
    assert strip_models(told, ()).count(b"parameters\0a") == 2


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP"])
def test_other_formats_are_left_alone(kind: str) -> None:
    data = picture_file(1, kind=kind)
    assert strip_models(data, ()) is data


def test_cut_and_damaged_files_never_raise() -> None:
    data = with_text(TEXT)
    for size in range(0, len(data), 7):
        strip_models(data[:size], ())
    chance = random.Random(3)
    for _ in range(500):
        damaged = bytearray(data)
        for _ in range(4):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        strip_models(bytes(damaged), {"inks"}, hides_base=True)
