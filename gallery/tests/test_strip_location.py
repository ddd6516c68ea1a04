"""Places go, everything else stays: pixels, orientation, colour profile, prompts."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image as Picture

from gallery.strip_location import names_place, photoshop_names_place, strip, strip_exif
from gallery.tests import files
from gallery.tests.factories import picture, picture_file

EXIF_KINDS = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp"}
XMP_PLACE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="52,31.2N"'
    b' exif:GPSLongitude="13,24.3E"/></x:xmpmeta>'
)
XMP_PLAIN = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmp:Rating="5"/></x:xmpmeta>'
NEEDLE = b"NEEDLE-IN-GPS"


def exif(place: bool = True, orientation: int = 6, order: str = "little") -> bytes:
    block = Picture.Exif()
    block.endian = "<" if order == "little" else ">"
    block[0x0112] = orientation
    block[0x010F] = "A camera maker with a long name"
    block.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    if place:
        gps = block.get_ifd(0x8825)
        gps[1], gps[2] = "N", (52.0, 31.0, 12.5)
        gps[3], gps[4] = "E", (13.0, 24.0, 18.25)
        gps[0x1B] = b"ASCII\x00\x00\x00" + NEEDLE
    return block.tobytes()


def gps_of(data: bytes) -> dict[int, object]:
    return dict(Picture.open(io.BytesIO(data)).getexif().get_ifd(0x8825))


def facts_of(data: bytes) -> tuple[object, object, object]:
    block = Picture.open(io.BytesIO(data)).getexif()
    return block.get(0x0112), block.get(0x010F), block.get_ifd(0x8769).get(0x9003)


def same_pixels(one: bytes, other: bytes) -> bool:
    return (
        Picture.open(io.BytesIO(one)).convert("RGB").tobytes()
        == Picture.open(io.BytesIO(other)).convert("RGB").tobytes()
    )


@pytest.mark.parametrize("kind", EXIF_KINDS)
def test_gps_goes_and_the_rest_stays(kind: str) -> None:
    data = picture_file(1, 64, 96, kind, exif=exif())
    assert gps_of(data)
    stripped = strip(data, EXIF_KINDS[kind])
    assert not gps_of(stripped)
    assert NEEDLE not in stripped
    assert facts_of(stripped) == (6, "A camera maker with a long name", "2024:05:06 07:08:09")
    assert same_pixels(data, stripped)


@pytest.mark.parametrize("kind", EXIF_KINDS)
def test_a_file_without_places_is_the_very_same(kind: str) -> None:
    data = picture_file(1, 64, 96, kind, exif=exif(place=False))
    assert strip(data, EXIF_KINDS[kind]) is data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_bare_file_is_the_very_same(kind: str) -> None:
    data = picture_file(1, 64, 96, kind)
    assert strip(data, {"JPEG": "jpeg"}.get(kind, kind.lower())) is data


def test_stripping_twice_changes_nothing_more() -> None:
    once = strip(picture_file(1, 64, 96, "JPEG", exif=exif()), "jpeg")
    assert strip(once, "jpeg") is once


@pytest.mark.parametrize("order", ["little", "big"])
def test_both_byte_orders(order: str) -> None:
    block = exif(order=order)
    tiff = block[6:] if block.startswith(b"Exif") else block
    assert tiff[:2] == (b"II" if order == "little" else b"MM")
    stripped = strip_exif(tiff)
    assert stripped is not None
    assert len(stripped) == len(tiff)
    assert NEEDLE not in stripped


@pytest.mark.parametrize("kind", EXIF_KINDS)
def test_xmp_that_names_a_place_goes(kind: str) -> None:
    data = with_xmp(kind, XMP_PLACE)
    stripped = strip(data, EXIF_KINDS[kind])
    assert b"GPSLatitude" not in stripped
    assert same_pixels(data, stripped)


@pytest.mark.parametrize("kind", EXIF_KINDS)
def test_other_xmp_stays(kind: str) -> None:
    data = with_xmp(kind, XMP_PLAIN)
    assert strip(data, EXIF_KINDS[kind]) is data


def with_xmp(kind: str, packet: bytes) -> bytes:
    plain = picture_file(1, 64, 96, kind)
    if kind == "JPEG":
        return insert_segment(plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + packet)
    if kind == "PNG":
        return insert_chunk(plain, b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + packet)
    return files.saved(picture(1), "WEBP", xmp=packet)


def insert_segment(data: bytes, marker: int, body: bytes) -> bytes:
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def insert_chunk(data: bytes, name: bytes, body: bytes) -> bytes:
    return data[:33] + files.png_chunk(name, body) + data[33:]


@pytest.mark.parametrize(
    "words",
    [
        b"exif:GPSLatitude", b"drone-dji:GpsLongitude", b"Iptc4xmpCore:Location", b"a:City='B'",
        b"photoshop:State", b"photoshop:Country", b"Iptc4xmpExt:LocationCreated",
        b"Iptc4xmpCore:CountryCode", "exif:GPSLatitude".encode("utf-16-le"),
        "exif:GPSLatitude".encode("utf-32-be"), b"EXIF:gpslatitude",
    ],
)  # fmt: skip
def test_words_that_name_a_place(words: bytes) -> None:
    assert names_place(b"<x " + words + b"='1'/>")


@pytest.mark.parametrize("words", [b"xmp:Rating", b"dc:creator", b"a city by the sea", b""])
def test_words_that_name_none(words: bytes) -> None:
    assert not names_place(words)


def test_a_packet_spread_over_segments_is_read_as_one() -> None:
    more = b"http://ns.adobe.com/xmp/extension/\x00" + b"0" * 32 + bytes(8)
    data = picture_file(1, 64, 96, "JPEG")
    data = insert_segment(data, 0xE1, more + b"PSLatitude='52'/>")
    data = insert_segment(data, 0xE1, more + b"<rdf exif:G")
    data = insert_segment(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + XMP_PLAIN)
    stripped = strip(data, "jpeg")
    assert b"adobe" not in stripped
    assert same_pixels(data, stripped)


def iptc(dataset: int, value: bytes) -> bytes:
    record = b"\x1c\x02" + bytes([5]) + struct.pack(">H", 5) + b"title"
    record += b"\x1c\x02" + bytes([dataset]) + struct.pack(">H", len(value)) + value
    resource = b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(record)) + record
    other = b"8BIM\x03\xed\x00\x00" + struct.pack(">I", 2) + b"\x00\x01"
    return b"Photoshop 3.0\x00" + other + resource


@pytest.mark.parametrize("dataset", [26, 27, 90, 92, 95, 100, 101])
def test_iptc_that_names_a_place_goes(dataset: int) -> None:
    assert photoshop_names_place(iptc(dataset, b"Berlin"))
    data = insert_segment(picture_file(1, 64, 96, "JPEG"), 0xED, iptc(dataset, b"Berlin"))
    assert b"Berlin" not in strip(data, "jpeg")


def test_other_iptc_stays() -> None:
    data = insert_segment(picture_file(1, 64, 96, "JPEG"), 0xED, iptc(120, b"A caption"))
    assert strip(data, "jpeg") is data


@pytest.mark.parametrize("marker", [0xE0, 0xE1, 0xE2, 0xEB, 0xEF])
def test_any_other_segment_that_names_a_place_goes(marker: int) -> None:
    data = insert_segment(picture_file(1, 64, 96, "JPEG"), marker, b"JP..c2pa exif:GPSLatitude")
    assert b"GPS" not in strip(data, "jpeg")


def test_what_the_colours_are_made_with_stays() -> None:
    data = picture_file(1, 64, 96, "JPEG")
    for marker, body in ((0xE2, b"ICC_PROFILE\x00\x01\x01GPS"), (0xEE, b"Adobe\x00dGPS")):
        with_block = insert_segment(data, marker, body)
        assert strip(with_block, "jpeg") is with_block


def test_what_follows_the_end_of_a_jpeg_goes() -> None:
    """Phones append second pictures and videos, with places of their own."""
    data = picture_file(1, 64, 96, "JPEG")
    index = insert_segment(data, 0xE2, b"MPF\x00II*\x00")
    stripped = strip(index + picture_file(2, 64, 96, "JPEG", exif=exif()), "jpeg")
    assert stripped == data
    assert strip(data + bytes(16), "jpeg") == data + bytes(16)


def test_a_progressive_jpeg_keeps_its_scans() -> None:
    data = picture_file(1, 200, 150, "JPEG", progressive=True, exif=exif())
    stripped = strip(data, "jpeg")
    assert not gps_of(stripped)
    assert same_pixels(data, stripped)


def test_a_jpeg_with_restart_markers_keeps_its_scan() -> None:
    data = picture_file(1, 200, 150, "JPEG", restart_marker_blocks=2, exif=exif())
    stripped = strip(data, "jpeg")
    assert not gps_of(stripped)
    assert same_pixels(data, stripped)


# --- PNG ---------------------------------------------------------------------------------------


def raw_profile(kind: bytes, profile: bytes, chunk: bytes = b"zTXt") -> bytes:
    text = b"\n" + kind + b"\n%8d\n" % len(profile) + profile.hex().encode() + b"\n"
    keyword = b"Raw profile type " + kind
    if chunk == b"zTXt":
        return insert_chunk(picture_file(1), chunk, keyword + b"\x00\x00" + zlib.compress(text))
    return insert_chunk(picture_file(1), chunk, keyword + b"\x00" + text)


@pytest.mark.parametrize("chunk", [b"zTXt", b"tEXt"])
def test_exif_as_imagemagick_keeps_it_goes_when_it_names_a_place(chunk: bytes) -> None:
    data = raw_profile(b"exif", b"Exif\x00\x00" + tiff_of(exif()), chunk)
    assert strip(data, "png") == picture_file_like(data)
    kept = raw_profile(b"exif", b"Exif\x00\x00" + tiff_of(exif(place=False)), chunk)
    assert strip(kept, "png") is kept


def tiff_of(block: bytes) -> bytes:
    return block[6:] if block.startswith(b"Exif") else block


def picture_file_like(data: bytes) -> bytes:
    """The file without the chunk that was inserted behind IHDR."""
    size = int.from_bytes(data[33:37], "big")
    return data[:33] + data[33 + 12 + size :]


@pytest.mark.parametrize(
    ("kind", "profile"),
    [(b"iptc", iptc(90, b"Berlin")), (b"xmp", XMP_PLACE), (b"8bim", iptc(90, b"Berlin"))],
)
def test_other_raw_profiles_go_when_they_name_a_place(kind: bytes, profile: bytes) -> None:
    data = raw_profile(kind, profile)
    assert strip(data, "png") == picture_file_like(data)


@pytest.mark.parametrize("body", [b"\x00\x00nonsense", b"\x00", b"\x00\x00" + zlib.compress(b"x")])
def test_a_damaged_raw_profile_goes(body: bytes) -> None:
    data = insert_chunk(picture_file(1), b"zTXt", b"Raw profile type exif" + body)
    assert strip(data, "png") == picture_file_like(data)


def test_a_bomb_in_a_text_chunk_goes() -> None:
    bomb = zlib.compress(bytes(40 * 1024 * 1024))
    data = insert_chunk(picture_file(1), b"zTXt", b"Raw profile type xmp\x00\x00" + bomb)
    assert strip(data, "png") == picture_file_like(data)


def test_a_prompt_that_speaks_of_places_stays() -> None:
    prompt = b"parameters\x00a GPS device, exif:GPSLatitude, the Location, photoshop:City"
    data = insert_chunk(picture_file(1), b"tEXt", prompt)
    assert strip(data, "png") is data


def test_a_keyword_that_names_a_place_goes() -> None:
    data = insert_chunk(picture_file(1), b"tEXt", b"exif:GPSLatitude\x0052/1, 31/1")
    assert strip(data, "png") == picture_file_like(data)


def test_compressed_xmp_is_read() -> None:
    body = b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + zlib.compress(XMP_PLACE)
    data = insert_chunk(picture_file(1), b"iTXt", body)
    assert strip(data, "png") == picture_file_like(data)


def test_what_follows_the_end_of_a_png_goes() -> None:
    data = picture_file(1)
    assert strip(data + b"exif:GPSLatitude", "png") == data


# --- WebP and GIF ------------------------------------------------------------------------------


def test_a_webp_without_its_packet_says_so_in_its_flags() -> None:
    data = with_xmp("WEBP", XMP_PLACE)
    at = data.index(b"VP8X") + 8
    stripped = strip(data, "webp")
    assert data[at] & 0x04
    assert not stripped[at] & 0x04
    assert int.from_bytes(stripped[4:8], "little") + 8 == len(stripped)


def test_what_follows_the_end_of_a_webp_goes() -> None:
    data = picture_file(1, 64, 96, "WEBP")
    assert strip(data + b"GPS-52", "webp") == data


def test_an_animated_webp_keeps_its_frames() -> None:
    frames = [picture(seed, 40, 30) for seed in range(3)]
    data = files.saved(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], exif=exif(), duration=100
    )
    stripped = strip(data, "webp")
    assert NEEDLE not in stripped
    assert Picture.open(io.BytesIO(stripped)).n_frames == 3  # type: ignore[attr-defined]


def gif_with_xmp(packet: bytes) -> bytes:
    """As the XMP specification says: a bare packet, and a trailer that leads to its end."""
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    extension = b"\x21\xff\x0bXMP DataXMP" + packet + trailer
    data = picture_file(1, 64, 96, "GIF")
    at = 13 + (3 << (data[10] & 7) + 1)
    return data[:at] + extension + data[at:]


def test_xmp_in_a_gif_goes_when_it_names_a_place() -> None:
    data = gif_with_xmp(XMP_PLACE)
    assert strip(data, "gif") == picture_file(1, 64, 96, "GIF")
    kept = gif_with_xmp(XMP_PLAIN)
    assert strip(kept, "gif") is kept


# --- Damage ------------------------------------------------------------------------------------


def test_exif_that_cannot_be_parsed_goes_if_it_may_hold_a_place() -> None:
    assert strip_exif(b"nonsense") == b"nonsense"
    assert strip_exif(b"nonsense with exif:GPSLatitude") is None
    assert strip_exif(b"II*\x00\xff\xff\xff\x7f" + b"\x25\x88") is None
    assert strip_exif(b"") == b""


def test_directories_in_a_circle_end() -> None:
    circle = b"II*\x00\x08\x00\x00\x00" + b"\x00\x00" + b"\x08\x00\x00\x00"
    assert strip_exif(circle) == circle


@pytest.mark.parametrize(
    ("tag", "packet", "needle"),
    [
        (0x02BC, XMP_PLACE, b"GPS"),
        (0x83BB, b"\x1c\x02\x5a\x00\x06Berlin", b"Berlin"),
        (0x8649, iptc(90, b"Berlin"), b"Berlin"),
    ],
)
def test_packets_within_exif_are_wiped(tag: int, packet: bytes, needle: bytes) -> None:
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00"
    tiff += struct.pack("<HHII", tag, 1, len(packet), 26) + bytes(4) + packet
    stripped = strip_exif(tiff)
    assert stripped is not None
    assert len(stripped) == len(tiff)
    assert needle not in stripped


def test_a_list_of_directories_is_walked() -> None:
    """SubIFDs (0x014A) name several directories; the second holds the pointer to GPS."""
    entry = struct.Struct("<HHII")
    directories = [
        struct.pack("<H", 1) + entry.pack(0x014A, 4, 2, 26) + bytes(4),
        struct.pack("<II", 34, 52),
        struct.pack("<H", 1) + entry.pack(0x0100, 4, 1, 5) + bytes(4),
        struct.pack("<H", 1) + entry.pack(0x8825, 4, 1, 70) + bytes(4),
        struct.pack("<H", 1) + entry.pack(2, 2, 14, 88) + bytes(4),
        NEEDLE + bytes(1),
    ]
    tiff = b"II*\x00\x08\x00\x00\x00" + b"".join(directories)
    stripped = strip_exif(tiff)
    assert stripped is not None
    assert NEEDLE not in stripped


def test_more_directories_than_any_camera_writes_are_not_trusted() -> None:
    tiff = b"II*\x00\x08\x00\x00\x00"
    for number in range(40):
        following = 8 + 6 * (number + 1)
        tiff += struct.pack("<HI", 0, following)
    assert strip_exif(tiff + b"\x25\x88" * 10) is None


@pytest.mark.parametrize("kind", [*EXIF_KINDS, "GIF"])
def test_damaged_files_never_crash_it_and_tell_no_place(kind: str) -> None:
    chance = random.Random(kind)
    good = (
        gif_with_xmp(XMP_PLACE)
        if kind == "GIF"
        else picture_file(
            1, 32, 32, kind, exif=exif(), **({"quality": 20} if kind == "JPEG" else {})
        )
    )
    name = {"GIF": "gif", **EXIF_KINDS}[kind]
    for _ in range(400):
        data = bytearray(good)
        for _ in range(chance.choice([1, 2, 5])):
            place = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[place] = chance.randrange(256)
            elif chance.random() < 0.5:
                del data[place : place + chance.randrange(1, 8)]
            else:
                data[place:place] = chance.randbytes(chance.randrange(1, 8))
        strip(bytes(data), name)
    for end in range(0, len(good), max(1, len(good) // 200)):
        strip(good[:end], name)
