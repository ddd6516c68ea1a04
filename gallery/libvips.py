"""What libvips does several times as fast as Pillow: scaling, and decoding to a smaller size. Pure.

The only module that knows libvips. It judges no file: where libvips cannot do something, or warns
of anything, the answer is None, and Pillow does the work and finds the words.
"""

import os
from typing import Any

from PIL import Image

# Pillow is as quick with fewer pixels than this.
WORTH_IT = 100_000
# Pictures are shrunk to no less than this many times the size wanted before they are averaged.
_GAP = 3.0
# libwebp scales while it decodes, but coarsely: it stops at this many times the size wanted.
_WEBP_MARGIN = 2.0
# Lines that are computed at a time.
_STRIP = 64
# The process that loaded libvips.
_owner: int | None = None


def scaled(picture: Image.Image, size: tuple[int, int]) -> Image.Image | None:
    """A picture in RGB or RGBA, of many pixels, scaled down to this size with Lanczos windows."""
    if picture.mode not in ("RGB", "RGBA") or picture.width * picture.height < WORTH_IT:
        return None
    vips = _library()
    if vips is None:
        return None
    # What cannot be seen must not shine through: colours count by their opacity.
    source = picture.convert("RGBa") if picture.mode == "RGBA" else picture
    try:
        whole = vips.Image.new_from_memory(
            source.tobytes(), *source.size, len(source.getbands()), "uchar"
        )
        made = _picture(_resized(whole, size), source.mode, size)
    except vips.Error:
        return None
    return made.convert("RGBA") if made is not None and source is not picture else made


def decoded(
    data: bytes, kind: str, stored: tuple[int, int], size: tuple[int, int]
) -> Image.Image | None:
    """A PNG or WebP file of many pixels, scaled down to this size; its mode is L or RGB.

    The file has one frame, 8 bits a channel and no transparency; all of it is decoded. stored: the
    size in its header. Pixels are as they are stored: not turned, no colour profile applied.
    """
    vips = _library()
    if vips is None or stored[0] * stored[1] < WORTH_IT:
        return None
    if kind == "webp" and size == stored:
        # Only while it scales libvips reads WebP faster than Pillow does.
        return None
    try:
        if kind == "png":
            whole = vips.Image.pngload_buffer(data, access="sequential", fail_on="warning")
        else:
            scale = _WEBP_MARGIN * max(size[0] / stored[0], size[1] / stored[1])
            whole = vips.Image.webpload_buffer(
                data, scale=min(1.0, scale), access="sequential", fail_on="warning"
            )
        mode = {1: "L", 3: "RGB"}.get(whole.bands)
        return None if mode is None else _picture(_resized(whole, size), mode, size)
    except vips.Error:
        return None


def _resized(whole: Any, size: tuple[int, int]) -> Any:
    if (whole.width, whole.height) == size:
        return whole
    return whole.resize(size[0] / whole.width, vscale=size[1] / whole.height, gap=_GAP)


def _picture(made: Any, mode: str, size: tuple[int, int]) -> Image.Image | None:
    if made.format != "uchar" or (made.width, made.height) != size:
        return None
    region = _library().Region.new(made)
    strips = [
        region.fetch(0, top, made.width, min(_STRIP, made.height - top))
        for top in range(0, made.height, _STRIP)
    ]
    return Image.frombytes(mode, size, b"".join(strips))


def _library() -> Any:
    """The module pyvips, loaded when it is first needed; None where it must not be used.

    libvips keeps threads: a process forked from one that has them would wait for them for ever.
    """
    global _owner
    import pyvips

    if _owner is None:
        # Every picture is another: there is nothing to remember.
        pyvips.cache_set_max(0)
        # The platform runs processes side by side, which share the cores already.
        pyvips.concurrency_set(1)
        _owner = os.getpid()
    return pyvips if _owner == os.getpid() else None
