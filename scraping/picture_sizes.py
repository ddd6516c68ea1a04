"""Addresses of pictures taken apart: which picture, and how large as far as they say. Pure.

Sizes that are read too generously make one of two pictures, and the other is lost; those that are
not read cost a second file, which perceptual hashes tell for what it is. So in doubt a word or
number belongs to the name.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, unquote_plus, urlsplit

from scraping.image_services import served
from scraping.page_addresses import IMAGE_FILE


@dataclass(frozen=True)
class Sized:
    """An address taken apart. picture: the same for all sizes of one picture. pixels: its longer
    side as far as the address tells it; infinite where it names no size, which is the original.
    original: the address of the file itself, where a service's address has it in it. shape: width
    by height, where the file's name says both and they differ."""

    picture: str
    pixels: float
    original: str | None = None
    shape: float | None = None


# Folders and endings that say how large a picture is.
_SIZE_WORDS = {
    "mini": 75, "tiny": 75, "thumb": 100, "thumbs": 100, "thumbnail": 100, "thumbnails": 100,
    "small": 240, "preview": 300, "previews": 300, "square": 150, "medium": 500, "normal": 500,
    "large": 1200, "big": 1600, "full": math.inf, "fullsize": math.inf,
    "original": math.inf, "originals": math.inf, "orig": math.inf, "hires": math.inf,
    "scaled": 2560, "web-large": 1200, "web-small": 400, "mobile-large": 800,
}  # fmt: skip
# Those of shops' files alone: boat_grande.jpg.
_SHOP_WORDS: dict[str, float] = {
    "pico": 16, "icon": 32, "compact": 160, "grande": 600, "master": math.inf,
}  # fmt: skip
# Before a name most of these words belong to it: small_table.jpg, full-moon.jpg.
_FIRST_WORDS: dict[str, float] = {
    "thumb": 100,
    "thumbs": 100,
    "thumbnail": 100,
    "tn": 100,
    "th": 100,
}
_FIRST_WORDS_OF_GALLERIES: dict[str, float] = {"preview": 300, "normal": 500}
# Values of parameters.
_SIZE_VALUES = _SIZE_WORDS | _SHOP_WORDS | {
    "tn": 100, "th": 100, "s": 240, "m": 500, "l": math.inf, "raw": math.inf,
}  # fmt: skip


def _any_of(words: dict[str, float]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_LONGER_WORDS = {word: size for word, size in _SIZE_WORDS.items() if len(word) > 3}
_END_WORD = re.compile(
    rf"[-_.]({_any_of(_LONGER_WORDS)})$|_({_any_of(_SHOP_WORDS)})$", re.IGNORECASE
)
_BEGIN_WORD = re.compile(
    rf"^(?:({_any_of(_FIRST_WORDS)})[-_.]|({_any_of(_FIRST_WORDS_OF_GALLERIES)})_)(?=.)", re.I
)
_END_PIXELS = re.compile(
    r"[-_.](\d{2,5})x(\d{2,5})?(?:_crop_\w+)?(?:@\dx)?$|[-_.]x(\d{2,5})$", re.I
)
_END_WIDTH = re.compile(r"[-_.](?:w(\d{3,5})|(\d{3,5})(?:w|px))$", re.IGNORECASE)
_END_DENSITY = re.compile(r"@[1-4](?:\.5)?x$", re.IGNORECASE)
_END_PROGRESSIVE = re.compile(r"\.progressive$", re.IGNORECASE)
_SEGMENT_PIXELS = re.compile(r"^(\d{2,5})x(\d{0,5})$", re.IGNORECASE)
_SEGMENT_ORDERS = re.compile(r"^[whcqf]_[^/,]+(?:,[a-z]{1,3}_[^/,]+)*$", re.IGNORECASE)
_ORDER_PIXELS = re.compile(r"(?:^|,)[wh]_(\d{3,5})(?=,|$)", re.IGNORECASE)
_NUMBERS = re.compile(r"\d{2,5}")
# Shorter sides than this are of paper and posters, unless the picture is square.
_LEAST_PIXELS = 100


@lru_cache(maxsize=4096)
def sized(url: str) -> Sized:
    """What picture an absolute address shows, and how large as far as it says."""
    told = served(url)
    parts = urlsplit(told.url)
    host = (parts.hostname or "").removeprefix("www.")
    path, in_path = _without_size_in_path(parts.path)
    query, in_query = _without_size_in_query(parts.query, parts.path)
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    picture = f"{host}{port}{path}{'?' if query else ''}{query}"
    shape = _shape_in_name(parts.path.rpartition("/")[2])
    return Sized(picture, min(told.pixels, in_path, in_query), told.original, shape)


# --- In parameters --------------------------------------------------------------------------------

# Parameters that ask for a size, and what their values look like: 300, 300x200, 300,200, 50%.
_SIDES = {
    "w", "h", "width", "height", "size", "sz", "maxwidth", "maxheight", "max-w", "max-h", "mw",
    "mh", "imwidth", "imheight", "resize", "resize_to", "fit",
}  # fmt: skip
_SIDE = re.compile(r"[!^]?\d{1,5}(?:\.\d+)?(?:px|w|h|%)?(?:[x*,:|-]\d{0,5}(?:px)?)?[!><^]?", re.I)
_FITS = re.compile(
    r"(?:crop|clip|clamp|fill|fillmax|max|min|scale|cover|contain|inside|outside|bounds|pad|thumb"
    r"|in|facearea|scale-down|auto)"
)
# Parameters that ask for a way of compressing, with their values.
_WAYS = {
    "q": r"\d{1,3}|auto(?::\w+)?|w_\d+.*", "quality": r"\d{1,3}|auto|high|low|best",
    "qlt": r"\d{1,3}", "auto": r"(?:format|compress|enhance|webp|avif|true|1)(?:,(?:format|compress"
    r"|enhance|webp|avif))*", "strip": r"\w*", "ssl": r"[01]", "ixlib": r".*", "ixid": r".*",
    "cs": r"\w+", "dpr": r"[\d.]+", "fl": r"progressive", "format": r"jpe?g|pjpe?g|png|webp|avif"
    r"|auto|original|\d{2,5}w", "fm": r"jpe?g|pjpe?g|png|webp|avif|auto",
}  # fmt: skip
_WAYS_OF = {name: re.compile(values, re.IGNORECASE) for name, values in _WAYS.items()}
# What cuts and enlarges a file; elsewhere it may choose a place on a map.
_OF_FILES = {"crop", "zoom", "scale"}
# A number that says where to cut makes another picture.
_PLACE = re.compile(r"\d+,\d+")
_SIGNATURE = re.compile(r"[0-9a-f]{32,64}|none", re.IGNORECASE)


def _without_size_in_query(query: str, path: str) -> tuple[str, float]:
    pairs = [
        (part, part.partition("=")[0].lower(), unquote_plus(part.partition("=")[2]))
        for part in query.split("&")
        if part
    ]
    pixels, kept = math.inf, []
    for part, name, value in pairs:
        said = _size_of_parameter(name, value, IMAGE_FILE.search(path) is not None)
        if said is None:
            kept.append((part, name, value))
        else:
            pixels = min(pixels, said)
    if len(kept) < len(pairs):
        # Where sizes are asked for, a signature is one of the size, and a name may be its name.
        has_format = any(name == "format" for _, name, _ in pairs)
        others = []
        for part, name, value in kept:
            if name == "s" and _SIGNATURE.fullmatch(value):
                continue
            if name == "name" and has_format and value.lower() in _SIZE_VALUES:
                pixels = min(pixels, _SIZE_VALUES[value.lower()])
                continue
            others.append((part, name, value))
        kept = others
    return "&".join(part for part, _, _ in kept), pixels


def _size_of_parameter(name: str, value: str, is_file: bool) -> float | None:
    """The size that a parameter asks for, infinite if only a way; None if it asks for neither."""
    if name in _SIDES:
        if _SIDE.fullmatch(value):
            return max(map(float, _NUMBERS.findall(value)), default=math.inf)
        if value.lower() in _SIZE_VALUES:
            return _SIZE_VALUES[value.lower()]
        return math.inf if name == "fit" and _FITS.fullmatch(value) else None
    if name in _OF_FILES:
        return math.inf if is_file and not _PLACE.search(value) else None
    way = _WAYS_OF.get(name)
    if way is None or not way.fullmatch(value):
        return None
    if (name == "format" and value[-1:].lower() == "w") or value.startswith("w_"):
        return max(map(float, _NUMBERS.findall(value)), default=math.inf)
    return math.inf


# --- In the path ----------------------------------------------------------------------------------


def _without_size_in_path(path: str) -> tuple[str, float]:
    segments = unquote(path).split("/")
    pixels, kept = math.inf, []
    for segment in segments[:-1]:
        said = _size_of_segment(segment)
        if said is None:
            kept.append(segment)
        else:
            pixels = min(pixels, said)
    name, said = _without_size_in_name(segments[-1])
    return "/".join([*kept, name]), min(pixels, said)


def _size_of_segment(segment: str) -> float | None:
    """The size that a folder of an address stands for; None if it stands for none."""
    if (sides := _SEGMENT_PIXELS.match(segment)) and _are_pixels(sides[1], sides[2]):
        return max(float(number) for number in sides.groups() if number)
    if _SEGMENT_ORDERS.match(segment) and _ORDER_PIXELS.search(segment):
        return max(float(number) for number in _ORDER_PIXELS.findall(segment))
    return _LONGER_WORDS.get(segment.lower())


def _are_pixels(width: str | None, height: str | None) -> bool:
    sides = {int(side) for side in (width, height) if side}
    return max(sides) >= _LEAST_PIXELS or (len(sides) == 1 and bool(width and height))


def _without_size_in_name(name: str) -> tuple[str, float]:
    pixels = math.inf
    stem, ending = _stem(name)
    stem = _END_DENSITY.sub("", _END_PROGRESSIVE.sub("", stem))
    if (found := _END_PIXELS.search(stem)) and _are_pixels(found[1] or found[3], found[2]):
        pixels = max(float(number) for number in found.groups() if number)
        stem = stem[: found.start()]
    elif found := _END_WIDTH.search(stem):
        pixels = float(found[1] or found[2])
        stem = stem[: found.start()]
    if word := _END_WORD.search(stem):
        pixels = min(pixels, (_SIZE_WORDS | _SHOP_WORDS)[(word[1] or word[2]).lower()])
        stem = stem[: word.start()]
    if word := _BEGIN_WORD.match(stem):
        said = _FIRST_WORDS | _FIRST_WORDS_OF_GALLERIES
        pixels = min(pixels, said[(word[1] or word[2]).lower()])
        stem = stem[word.end() :]
    return stem + ending, pixels


def _stem(name: str) -> tuple[str, str]:
    """A file's name and its ending; of "boat.jpg.webp" the first one counts."""
    stem, ending = name, ""
    while (file := IMAGE_FILE.search(stem)) is not None:
        stem, ending = stem[: file.start()], file[0].lower()
    return stem, ending


def _shape_in_name(name: str) -> float | None:
    found = _END_PIXELS.search(_stem(name)[0])
    if found is None or not found[2] or found[1] == found[2]:
        return None
    return int(found[1]) / int(found[2]) if int(found[2]) else None
