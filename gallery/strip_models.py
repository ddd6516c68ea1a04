"""Leaving private models out of the text within a PNG, without touching a pixel.

Generation parameters stand in text chunks named ``parameters`` (AUTOMATIC1111's text): tags
``<lora:name:weight>`` in the prompt, and the fields "Lora hashes", "Model" and "Model hash". Only
such a chunk is written anew; all others are copied byte for byte. A text that cannot be read, or
whose form is another than expected, is left out: in doubt for privacy.
"""

import json
import re
import zlib
from collections.abc import Collection

CHUNK = b"parameters"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_MAX_TEXT = 16 * 1024 * 1024
_TAG = re.compile(r" ?<(?:lora|lyco):([^:<>]*)[^<>]*>", re.IGNORECASE)
_VALUE = r'("(?:\\.|[^\\"])*"|[^,\n]*)'
_HASHES = re.compile(rf"(, ?|^)Lora hashes: {_VALUE}", re.MULTILINE)
_BASE = re.compile(rf"(?:, ?|^)Model(?: hash)?: {_VALUE}", re.MULTILINE)
# What is left when everything is gone that we know how to take out.
_OTHER_TAG = re.compile(r"<\s*(?:lora|lyco)\b|Lora hashes", re.IGNORECASE)


def strip_models(data: bytes, shown: Collection[str], *, hides_base: bool = False) -> bytes:
    """The PNG without any LoRA but those shown; the very same object where there was none.

    shown: names as they stand in the text; hides_base: leave the base model's name out as well.
    Never raises.
    """
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    parts = [data[:8]]
    position = 8
    while position + 12 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        end = position + 12 + size
        if end > len(data):
            break
        name, body = data[position + 4 : position + 8], data[position + 8 : end - 4]
        raw = data[position:end]
        if name in _TEXTS and body.partition(b"\x00")[0].strip().lower() == CHUNK:
            raw = _rewritten(name, body, raw, shown, hides_base)
        parts.append(raw)
        position = end
    parts.append(data[position:])
    stripped = b"".join(parts)
    return data if stripped == data else stripped


def without_models(text: str, shown: Collection[str], *, hides_base: bool = False) -> str | None:
    """The text with only the shown LoRAs; None if something in it cannot be told apart."""
    text = _TAG.sub(lambda tag: tag[0] if tag[1] in shown else "", text)
    try:
        text = _HASHES.sub(lambda field: _hashes(field, shown), text)
    except ValueError:
        return None
    if hides_base:
        text = _BASE.sub("", text)
    rest = _HASHES.sub("", _TAG.sub("", text))
    return None if _OTHER_TAG.search(rest) else text


def _hashes(field: "re.Match[str]", shown: Collection[str]) -> str:
    """The field with the pairs "name: hash" of the shown. Raises ValueError for a broken one."""
    value = field[2]
    told = str(json.loads(value)) if value.startswith('"') else value
    pairs = [(pair.strip(), pair.rpartition(":")[0].strip()) for pair in told.split(",")]
    kept = [pair for pair, name in pairs if name in shown]
    if len(kept) == len(pairs):
        return field[0]
    if not kept:
        return ""
    return f"{field[1]}Lora hashes: {json.dumps(', '.join(kept), ensure_ascii=False)}"


def _rewritten(
    name: bytes, body: bytes, raw: bytes, shown: Collection[str], hides_base: bool
) -> bytes:
    """The chunk with the text that visitors may read; as it was if that is all, or nothing."""
    try:
        head, packed, text = _read(name, body)
        kept = without_models(text, shown, hides_base=hides_base)
        if kept is None:
            return b""
        if kept == text:
            return raw
        written = kept.encode("utf-8" if name == b"iTXt" else "latin-1")
    except (ValueError, IndexError, zlib.error):
        return b""
    checked = name + head + (zlib.compress(written) if packed else written)
    length = (len(checked) - 4).to_bytes(4, "big")
    return length + checked + zlib.crc32(checked).to_bytes(4, "big")


def _read(name: bytes, body: bytes) -> tuple[bytes, bool, str]:
    """(what stands before the text, whether the text is compressed, the text).

    Raises ValueError, IndexError, zlib.error.
    """
    keyword, _, rest = body.partition(b"\x00")
    start = len(keyword) + 1
    if name == b"tEXt":
        return body[:start], False, rest.decode("latin-1")
    if name == b"zTXt":
        return body[: start + 1], True, _inflate(rest[1:]).decode("latin-1")
    packed = rest[0] == 1
    language_end = body.index(b"\x00", start + 2)
    text_start = body.index(b"\x00", language_end + 1) + 1
    text = body[text_start:]
    return body[:text_start], packed, (_inflate(text) if packed else text).decode("utf-8")


def _inflate(data: bytes) -> bytes:
    worker = zlib.decompressobj()
    text = worker.decompress(data, _MAX_TEXT)
    if worker.unconsumed_tail or not worker.eof:
        raise ValueError("The text is cut off or too long to be metadata.")
    return text
