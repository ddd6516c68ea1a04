"""Keywords in files: what each kind of metadata says, and that no bytes whatsoever do harm."""

import io
import struct
import zlib
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from labeling.embedded_keywords import LONGEST, MOST, iptc_keywords, read, xmp_subjects

XP_KEYWORDS = ExifTags.Base.XPKeywords
KINDS = ["jpeg", "png", "webp"]


def file(kind: str, **save: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(out, kind.upper(), **save)
    return out.getvalue()


def xmp(*words: str, bag: str = "Bag") -> bytes:
    items = "".join(f"<rdf:li>{escape(word)}</rdf:li>" for word in words)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">No keyword</rdf:li></rdf:Alt></dc:title>'
        f"<dc:subject><rdf:{bag}>{items}</rdf:{bag}></dc:subject>"
        "<dc:creator><rdf:Seq><rdf:li>Nor this</rdf:li></rdf:Seq></dc:creator>"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def iim(*words: bytes) -> bytes:
    head = b"\x1c\x01\x5a" + struct.pack(">H", 3) + b"\x1b%G" + b"\x1c\x02\x05\x00\x05Title"
    return head + b"".join(b"\x1c\x02\x19" + struct.pack(">H", len(w)) + w for w in words)


def with_iptc(data: bytes, stream: bytes) -> bytes:
    """A JPEG with Photoshop's segment, as editors write it: an APP13 behind the start of image."""
    resource = b"8BIM" + struct.pack(">H", 0x0404) + b"\x00\x00" + struct.pack(">I", len(stream))
    body = b"Photoshop 3.0\x00" + resource + stream + b"\x00" * (len(stream) % 2)
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[2:]


def with_chunk(data: bytes, name: bytes, body: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    crc = struct.pack(">I", zlib.crc32(name + body))
    return data[:33] + struct.pack(">I", len(body)) + name + body + crc + data[33:]


def exif(words: str) -> bytes:
    made = Image.Exif()
    made[XP_KEYWORDS] = words.encode("utf-16-le") + b"\x00\x00"
    return made.tobytes()


def test_iptc_keywords_of_a_jpeg() -> None:
    stream = iim(b"heron", "Fl\u00fcgel".encode(), "\u00e9t\u00e9".encode("latin-1"))
    assert read(with_iptc(file("jpeg"), stream), "jpeg") == ("heron", "Flügel", "été")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bag", ["Bag", "Seq", "Alt"])
def test_xmp_subjects(kind: str, bag: str) -> None:
    packet = xmp("heron", "grey & white", "Flügel", bag=bag)
    if kind == "png":
        body = b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + packet
        data = with_chunk(file("png"), b"iTXt", body)
    else:
        data = file(kind, xmp=packet)
    assert read(data, kind) == ("heron", "grey & white", "Flügel")


@pytest.mark.parametrize("kind", KINDS)
def test_windows_keywords(kind: str) -> None:
    assert read(file(kind, exif=exif("heron;Flügel; 狐")), kind) == ("heron", "Flügel", "狐")


def test_each_word_counts_once_whoever_says_it() -> None:
    data = with_iptc(file("jpeg", exif=exif("HERON;lake"), xmp=xmp("Heron", "reed")), iim(b"heron"))
    assert read(data, "jpeg") == ("heron", "reed", "lake")


def test_lists_within_a_keyword_are_taken_apart_and_tidied() -> None:
    assert read(with_iptc(file("jpeg"), iim(b" blue\x00 heron ,reed;\n", b" ")), "jpeg") == (
        "blue heron", "reed",
    )  # fmt: skip


def test_no_more_than_a_few_are_read() -> None:
    words = [f"word {number}" for number in range(200)]
    assert len(read(file("jpeg", xmp=xmp(*words)), "jpeg")) == MOST
    stream = iim(*[word.encode() for word in words])
    assert len(iptc_keywords(stream)) == MOST
    assert read(file("jpeg", xmp=xmp("x" * (LONGEST + 1), "fine")), "jpeg") == ("fine",)


@pytest.mark.parametrize("kind", [*KINDS, "gif", "bmp"])
def test_a_file_that_says_nothing(kind: str) -> None:
    assert read(file(kind), kind) == ()


@pytest.mark.parametrize("kind", [*KINDS, "gif", "tiff", ""])
@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF89a"])
def test_a_file_that_cannot_be_read_says_nothing(kind: str, data: bytes) -> None:
    assert read(data, kind) == ()


def test_entities_are_never_unpacked() -> None:
    lol = "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' if n else '<!ENTITY a0 "lol">' for n in range(9)
    )
    bomb = f"<!DOCTYPE x [{lol}]>".encode() + xmp("before").replace(b"before", b"&a8;")
    assert xmp_subjects(bomb) == []
    outside = b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + xmp("heron")
    assert xmp_subjects(outside) == []


def test_a_packet_that_is_cut_off_tells_what_it_told_so_far() -> None:
    packet = xmp("heron", "reed")
    assert xmp_subjects(packet[: packet.index(b"reed")]) == ["heron"]


def test_an_iptc_stream_that_lies_about_its_lengths() -> None:
    assert iptc_keywords(b"\x1c\x02\x19\xff\xff" + b"x" * 10) == []
    assert iptc_keywords(b"\x1c\x02\x19\x7f\xff" + b"x" * 10) == ["x" * 10]
    assert iptc_keywords(b"\x1c\x02\x19\x00\x02ab" + b"\x1d" * 20) == ["ab"]


words = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20), max_size=8)


@given(words=words)
def test_xmp_comes_back_as_it_was_written(words: list[str]) -> None:
    assert xmp_subjects(xmp(*words)) == words


@settings(max_examples=300)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_no_harm_to_the_parsers(data: bytes) -> None:
    for kind in KINDS:
        assert len(read(data, kind)) <= MOST
    assert len(iptc_keywords(data)) <= MOST
    assert len(xmp_subjects(data)) <= MOST
    assert isinstance(iptc_keywords(iim(b"a") + data), list)


def whole(kind: str) -> bytes:
    saved = file(kind, exif=exif("heron;reed"), **({"xmp": xmp("lake")} if kind != "png" else {}))
    return with_iptc(saved, iim(b"dawn")) if kind == "jpeg" else saved


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    changes=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=12),
    end=st.integers(0, 3000),
)
def test_files_with_bytes_changed_and_cut_are_no_harm(
    kind: str, changes: list[tuple[int, int]], end: int
) -> None:
    data = bytearray(whole(kind))
    for place, value in changes:
        data[place % len(data)] = value
    for cut in (bytes(data), bytes(data[: end % len(data)])):
        found = read(cut, kind)
        assert len(found) <= MOST
        assert all(0 < len(word) <= LONGEST for word in found)
        assert all(word.isprintable() for word in found)
