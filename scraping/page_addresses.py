"""Addresses as pages write them: made whole, and told by what lies behind them. Pure."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

LONGEST_URL = 2000

IMAGE_FILE = re.compile(r"\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp)$", re.IGNORECASE)
DRAWING_FILE = re.compile(r"\.(?:svgz?|ico|cur)$", re.IGNORECASE)
# Pictures that the gallery does not take; sites offer another format beside them.
FOREIGN_FILE = re.compile(r"\.(?:avif|jxl|heic|heif|jp2|tiff?)$", re.IGNORECASE)
# A wiki's page about a file: "File:Boat.jpg".
_PAGE_OF_FILE = re.compile(r"^[^\W\d_]{3,20}(?::|%3A)", re.IGNORECASE)


def absolute(address: str | None, base: str) -> str | None:
    """The absolute http(s) address without its fragment, or None for anything else."""
    address = re.sub(r"[\t\n\r]", "", address or "").strip(" \x00\f\v")
    if not address or len(address) > LONGEST_URL:
        return None
    try:
        joined = urljoin(base, address)
        parts = urlsplit(joined)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    whole = parts._replace(fragment="").geturl()
    whole = "".join(_quoted(character) for character in whole)
    encodable = not any("\ud800" <= character <= "\udfff" for character in whole)
    return whole if encodable and len(whole) <= LONGEST_URL else None


def _quoted(character: str) -> str:
    """Spaces and the like are percent-encoded, as browsers do."""
    if character in ' "<>\\^`{|}' or ord(character) < 32:
        return f"%{ord(character):02X}"
    return character


def is_image_file(url: str) -> bool:
    """Whether the name in the address is a picture's that the gallery takes."""
    path = urlsplit(url).path
    return bool(IMAGE_FILE.search(path)) and not _PAGE_OF_FILE.match(path.rpartition("/")[2])


def is_drawing_file(url: str) -> bool:
    """Icons and vector drawings, which the gallery does not take."""
    return bool(DRAWING_FILE.search(urlsplit(url).path))


def is_foreign_file(url: str) -> bool:
    """Pictures in formats that the gallery does not take."""
    return bool(FOREIGN_FILE.search(urlsplit(url).path))


# --- Sizes of one picture -------------------------------------------------------------------------


@dataclass(frozen=True)
class Sized:
    """An address taken apart. picture: the same for all sizes of one picture. pixels: its longer
    side as far as the address tells it; infinite where it names no size, which is the original."""

    picture: str
    pixels: float


# Query parameters that only ask for a size or a way of compressing.
_SIZE_PARAMETERS = {
    "w", "h", "width", "height", "size", "sz", "maxwidth", "maxheight", "max-w", "max-h", "mw",
    "mh", "imwidth", "imheight", "resize", "resize_to", "fit", "crop", "scale", "dpr", "zoom",
    "q", "quality", "qlt", "auto", "strip", "ssl", "fm", "format", "ixlib", "ixid", "name",
}  # fmt: skip
_SIDES = {"w", "h", "width", "height", "size", "sz", "maxwidth", "maxheight", "max-w", "max-h",
          "mw", "mh", "imwidth", "imheight", "resize", "resize_to", "fit"}  # fmt: skip
# Values of "name" and "size" in words, as boards write them.
_SIZE_WORDS = {
    "pico": 16, "icon": 32, "mini": 75, "tiny": 75, "tn": 100, "th": 100, "thumb": 100,
    "thumbs": 100, "thumbnail": 100, "thumbnails": 100, "small": 240, "s": 240, "compact": 160,
    "preview": 300, "previews": 300, "square": 150, "medium": 500, "m": 500, "normal": 500,
    "large": math.inf, "l": math.inf, "grande": math.inf, "big": math.inf, "full": math.inf,
    "fullsize": math.inf, "original": math.inf, "originals": math.inf, "orig": math.inf,
    "master": math.inf, "raw": math.inf, "hires": math.inf, "scaled": math.inf,
}  # fmt: skip
# Letters at the end of Flickr's file names, by the longer side.
_FLICKR = {
    "s": 75, "q": 150, "t": 100, "m": 240, "n": 320, "w": 400, "z": 640, "c": 800, "b": 1024,
    "h": 1600, "k": 2048, "3k": 3072, "4k": 4096, "f": 4096, "5k": 5120, "6k": 6144, "o": math.inf,
}  # fmt: skip
_WORDS_IN_NAMES = "|".join(word for word in _SIZE_WORDS if len(word) > 3)
_END_PIXELS = re.compile(
    r"[-_.](\d{2,5})x(\d{2,5})?(?:_crop_\w+)?(?:@\dx)?$|[-_.]x(\d{2,5})$", re.I
)
_END_WIDTH = re.compile(r"[-_.](?:w(\d{2,5})|(\d{2,5})(?:w|px))$", re.IGNORECASE)
_END_DENSITY = re.compile(r"@[1-4](?:\.5)?x$", re.IGNORECASE)
_END_WORD = re.compile(rf"[-_.]({_WORDS_IN_NAMES})$", re.IGNORECASE)
_BEGIN_WORD = re.compile(rf"^({_WORDS_IN_NAMES}|tn|th)[-_.](?=.)", re.IGNORECASE)
_BEGIN_PIXELS = re.compile(r"^(?:lossy-page\d+-)?(\d{2,5})px-", re.IGNORECASE)
_END_GOOGLE = re.compile(r"=(?:[swh]\d{1,5}|[a-z]{1,3})(?:-[a-z]{1,3}\d{0,5})*$", re.IGNORECASE)
_SEGMENT_GOOGLE = re.compile(r"^[swh]\d{2,5}(?:-[a-z]{1,3}\d{0,5})*$", re.IGNORECASE)
_SEGMENT_PIXELS = re.compile(r"^\d{2,5}x\d{0,5}$", re.IGNORECASE)
_SEGMENT_ORDERS = re.compile(r"^[a-z]{1,3}_[^/,]+(?:,[a-z]{1,3}_[^/,]+)*$", re.IGNORECASE)
_ORDER_PIXELS = re.compile(r"(?:^|,)[wh]_(\d{2,5})(?=,|$)", re.IGNORECASE)
_PROXIES = re.compile(r"^i[0-3]\.wp\.com$", re.IGNORECASE)
_NUMBERS = re.compile(r"\d{2,5}")
_WRAPPED = ("url", "src", "image", "img", "u")


@lru_cache(maxsize=4096)
def sized(url: str) -> Sized:
    """What picture an absolute address shows, and how large as far as it says."""
    inner, pixels = _unwrapped(url)
    parts = urlsplit(inner)
    host = (parts.hostname or "").removeprefix("www.")
    path, in_path = _without_size_in_path(parts.path, host)
    query, in_query = _without_size_in_query(parts.query)
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    return Sized(f"{host}{port}{path}{'?' if query else ''}{query}", min(pixels, in_path, in_query))


def _unwrapped(url: str) -> tuple[str, float]:
    """The address that a resizing proxy is given, and the size asked of it."""
    parts = urlsplit(url)
    if _PROXIES.match(parts.hostname or "") and parts.path.count("/") >= 2:
        return f"https:/{parts.path}", _without_size_in_query(parts.query)[1]
    if "=" not in parts.query:
        return url, math.inf
    for name, value in parse_qsl(parts.query, keep_blank_values=False)[:30]:
        if name.lower() in _WRAPPED and IMAGE_FILE.search(value.partition("?")[0]):
            inner = absolute(value, url)
            if inner is not None:
                return inner, _without_size_in_query(parts.query)[1]
    return url, math.inf


def _without_size_in_query(query: str) -> tuple[str, float]:
    pixels, kept = math.inf, []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name = name.lower()
        if name not in _SIZE_PARAMETERS or not part:
            kept.append(part)
        elif name in _SIDES and (numbers := _NUMBERS.findall(value)):
            pixels = min(pixels, max(float(number) for number in numbers))
        elif value.lower() in _SIZE_WORDS:
            pixels = min(pixels, _SIZE_WORDS[value.lower()])
        elif name == "name":
            kept.append(part)
    return "&".join(kept), pixels


def _without_size_in_path(path: str, host: str) -> tuple[str, float]:
    segments = unquote(path).split("/")
    pixels = math.inf
    if len(segments) > 2 and _BEGIN_PIXELS.match(segments[-1]) and IMAGE_FILE.search(segments[-2]):
        # A wiki's: /thumb/a/ab/Boat.jpg/220px-Boat.jpg
        begin = _BEGIN_PIXELS.match(segments.pop())
        assert begin is not None
        pixels = float(begin[1])
    kept = []
    for segment in segments[:-1]:
        said = _size_of_segment(segment)
        if said is None:
            kept.append(segment)
        else:
            pixels = min(pixels, said)
    name, said = _without_size_in_name(segments[-1], host)
    return "/".join([*kept, name]), min(pixels, said)


def _size_of_segment(segment: str) -> float | None:
    """The size that a folder of an address stands for; None if it stands for none."""
    if _SEGMENT_GOOGLE.match(segment) or _SEGMENT_PIXELS.match(segment):
        return max(float(number) for number in _NUMBERS.findall(segment))
    if _SEGMENT_ORDERS.match(segment) and _ORDER_PIXELS.search(segment):
        return max(float(number) for number in _ORDER_PIXELS.findall(segment))
    return _SIZE_WORDS.get(segment.lower()) if len(segment) > 3 else None


def _without_size_in_name(name: str, host: str) -> tuple[str, float]:
    pixels = math.inf
    if google := _END_GOOGLE.search(name):
        numbers = [float(number) for number in _NUMBERS.findall(google[0])]
        return name[: google.start()], max(numbers, default=math.inf)
    stem, ending = name, ""
    while (file := IMAGE_FILE.search(stem)) is not None:
        # Of "boat.jpg.webp" the first ending counts.
        stem, ending = stem[: file.start()], file[0].lower()
    if host.endswith("staticflickr.com") and stem.rpartition("_")[2] in _FLICKR:
        stem, _, letter = stem.rpartition("_")
        return stem, _FLICKR[letter]
    stem = _END_DENSITY.sub("", stem)
    if (found := _END_PIXELS.search(stem)) or (found := _END_WIDTH.search(stem)):
        pixels = max(float(number) for number in found.groups() if number)
        stem = stem[: found.start()]
    if word := _END_WORD.search(stem):
        pixels = min(pixels, _SIZE_WORDS[word[1].lower()])
        stem = stem[: word.start()]
    if word := _BEGIN_WORD.match(stem):
        pixels = min(pixels, _SIZE_WORDS[word[1].lower()])
        stem = stem[word.end() :]
    return stem + ending, pixels
