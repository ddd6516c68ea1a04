"""What a downloaded file is, and whether it is wanted, before the gallery is asked.

It reads no database and writes nothing, so that threads may examine several files at once.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from gallery import renditions
from gallery.add_image import Prepared, decode_for_renditions
from gallery.image_files import DecodedImage, ImageRefused
from scraping.filters import FileFacts, Refusal, refusal, too_light
from scraping.options import CrawlOptions

_REASON_OF_CODE = {
    "empty": "damaged",
    "damaged": "damaged",
    "not_an_image": "format",
    "too_large": "too_large",
    "too_many_pixels": "too_large",
}


@dataclass(frozen=True)
class Examined:
    """A file with its SHA-256 and what came of it: ready to be taken in, or why it is not."""

    sha256: str
    outcome: Prepared | Refusal = field(repr=False)


def examine(data: bytes, chosen: CrawlOptions, sha256: str = "") -> Examined:
    """Decode a file once, filter it, and render it if it is wanted. sha256: if it is known."""
    sha256 = sha256 or hashlib.sha256(data).hexdigest()
    unwanted, decoded = look(data, chosen)
    if unwanted is not None:
        return Examined(sha256, unwanted)
    assert decoded is not None
    return Examined(sha256, Prepared(data, sha256, decoded, renditions.render(decoded)))


def look(
    data: bytes,
    chosen: CrawlOptions,
    decode: Callable[[bytes], DecodedImage] = decode_for_renditions,
) -> tuple[Refusal | None, DecodedImage | None]:
    """(why a file is not wanted, the picture as far as it was decoded); one of them at least."""
    if data and (light := too_light(len(data), chosen)) is not None:
        return light, None
    try:
        decoded = decode(data)
    except ImageRefused as refused:
        return Refusal(_REASON_OF_CODE[refused.code], refused.sentence), None
    facts = FileFacts(decoded.format, decoded.width, decoded.height, len(data))
    return refusal(facts, chosen), decoded
