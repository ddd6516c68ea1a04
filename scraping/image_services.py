"""How well-known image services write the size of a picture into its address. Pure.

Each of them has a spelling that on another site may name a thing: a folder ``/s320/``, an ending
``_b``. So it is read as a size where the service itself is told by its host or path.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from scraping.page_addresses import FOREIGN_FILE, IMAGE_FILE, absolute


@dataclass(frozen=True)
class Served:
    """url: the same for all sizes of one picture, and no address to ask for. pixels: of the longer
    side; infinite where the address names no size. original: the address of the file itself, where
    this one has it in it.
    """

    url: str
    pixels: float = math.inf
    original: str | None = None


_Reader = Callable[[str, SplitResult], Served | None]
# An address in an address in an address.
_MOST_INSIDE = 3
_NUMBERS = re.compile(r"\d{2,5}")


def served(url: str) -> Served:
    """What an absolute address says where a service is known by it; else the address as it is."""
    found = Served(url)
    for _ in range(_MOST_INSIDE):
        parts = urlsplit(found.url)
        read = (reader(found.url, parts) for reader in _READERS)
        told = next((each for each in read if each is not None), None)
        if told is None:
            return found
        found = Served(told.url, min(told.pixels, found.pixels), told.original or found.original)
    return found


def _at(parts: SplitResult, path: str, query: str | None = None) -> str:
    return parts._replace(path=path, query=parts.query if query is None else query).geturl()


def _largest(text: str) -> float:
    return max(map(float, _NUMBERS.findall(text)), default=math.inf)


# --- By host --------------------------------------------------------------------------------------

# Letters at the end of Flickr's file names, by the longer side; without one it is 500.
_FLICKR = {
    "s": 75, "q": 150, "t": 100, "m": 240, "n": 320, "w": 400, "": 500, "z": 640, "c": 800,
    "b": 1024, "h": 1600, "k": 2048, "3k": 3072, "4k": 4096, "f": 4096, "5k": 5120, "6k": 6144,
    "o": math.inf,
}  # fmt: skip
_FLICKR_NAME = re.compile(r"/(\d+)_[0-9a-f]+(?:_([a-z]|[3-6]k))?(?:_d)?\.\w{3,4}$")
_TUMBLR = re.compile(r"^(/[0-9a-f]+/[0-9a-f]+-[0-9a-f]+)/s(\d+)x(\d+)[^/]*/")
_TUMBLR_OLD = re.compile(r"/(tumblr_\w+?)_(?:(\d{2,4})(?:sq)?|raw)\.\w{3,4}$")
_WIX = re.compile(r"^(/(?:media|f)/.+?\.[a-z]{3,4})(?:/v1/(.*))?$", re.IGNORECASE)
_GOOGLE_HOSTS = ("googleusercontent.com", "ggpht.com", "bp.blogspot.com")
_GOOGLE_ORDERS = r"(?:[swh]\d{1,5}|[a-z]{1,3})(?:-[a-z]{1,3}\d{0,5})*"
_GOOGLE_END = re.compile(rf"=({_GOOGLE_ORDERS})$", re.IGNORECASE)
_GOOGLE_FOLDER = re.compile(r"/([swh]\d{1,5}(?:-[a-z]{1,3}\d{0,5})*)/(?=[^/]*$)", re.I)
_TWITTER_END = re.compile(r"\.(?:jpg|png|webp)(?::(\w+))?$")
_TWITTER = {"thumb": 150, "small": 680, "medium": 1200, "large": 2048, "orig": math.inf}
_ARTSTATION = re.compile(r"^(/p/assets/.+/\d{3}/\d{3}/\d{3})/(?:\d{14}/)?(\w+)/(?=[^/]+$)")
_ARTSTATION_SIZES = {
    "micro_square": 60, "smaller_square": 200, "small_square": 300, "small": 400, "medium": 720,
    "large": 1920, "4k": 3840, "8k": 7680,
}  # fmt: skip


def _is_of(parts: SplitResult, *domains: str) -> bool:
    host = parts.hostname or ""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _flickr(url: str, parts: SplitResult) -> Served | None:
    """Sizes of one photo have secrets of their own; its number is one of a kind."""
    if not _is_of(parts, "staticflickr.com", "static.flickr.com"):
        return None
    name = _FLICKR_NAME.search(parts.path)
    if name is None or (name[2] or "") not in _FLICKR:
        return None
    return Served(f"https://photos.flickr/{name[1]}", _FLICKR[name[2] or ""])


def _tumblr(url: str, parts: SplitResult) -> Served | None:
    """The last part of the address is another one for every size."""
    if not _is_of(parts, "media.tumblr.com"):
        return None
    if found := _TUMBLR.match(parts.path):
        return Served(f"https://photos.tumblr{found[1]}", max(float(found[2]), float(found[3])))
    if found := _TUMBLR_OLD.search(parts.path):
        return Served(f"https://photos.tumblr/{found[1]}", float(found[2] or math.inf))
    return None


def _wix(url: str, parts: SplitResult) -> Served | None:
    is_open = _is_of(parts, "static.wixstatic.com")
    found = _WIX.match(parts.path) if is_open or _is_of(parts, "wixmp.com") else None
    if found is None or (found[2] is None and not parts.query):
        return None
    plain = _at(parts, found[1], "")
    if found[2] is None:
        return Served(plain)
    sides = "".join(re.findall(r"(?:^|,)[wh](_\d+)", found[2].partition("/")[2]))
    # Of its other host every address is signed.
    return Served(plain, _largest(sides), plain if is_open else None)


def _google(url: str, parts: SplitResult) -> Served | None:
    if not _is_of(parts, *_GOOGLE_HOSTS):
        return None
    if found := _GOOGLE_END.search(parts.path):
        return Served(_at(parts, parts.path[: found.start()], ""), _largest(found[1]))
    if found := _GOOGLE_FOLDER.search(parts.path):
        path = f"{parts.path[: found.start()]}/{parts.path[found.end() :]}"
        return Served(_at(parts, path), _largest(found[1]))
    return None


def _twitter(url: str, parts: SplitResult) -> Served | None:
    if not _is_of(parts, "pbs.twimg.com") or not parts.path.startswith("/media/"):
        return None
    end = _TWITTER_END.search(parts.path)
    named = dict(parse_qsl(parts.query)).get("name", "")
    if end is None and not parts.query:
        return None
    word = (end[1] if end and end[1] else named).lower()
    path = parts.path[: end.start()] if end else parts.path
    pixels = _TWITTER.get(word, _largest(word)) if word else _TWITTER["medium"]
    return Served(_at(parts, path, ""), pixels)


def _artstation(url: str, parts: SplitResult) -> Served | None:
    found = _ARTSTATION.match(parts.path) if _is_of(parts, "artstation.com") else None
    if found is None:
        return None
    path = f"{found[1]}/{parts.path[found.end() :]}"
    return Served(f"https://photos.artstation{path}", _ARTSTATION_SIZES.get(found[2], math.inf))


# --- By path --------------------------------------------------------------------------------------

_DRUPAL = re.compile(r"/styles/([^/]+)/(?:public|private)/")
_DRUPAL_QUERY = ("itok", "h", "c")
_DRUPAL_SIZES = {"thumbnail": 100, "small": 240, "medium": 480, "large": 1024, "wide": 1090}
# A style that says nothing of its size makes something smaller than the file.
_OF_STYLE = 600.0
_GHOST = re.compile(r"/content/images/size/([wh]\d+(?:[wh]\d+)?)/(?:format/\w+/)?")
_TMDB = re.compile(r"^/t/p/(\w+)/(?=[^/]+$)")
# https://iiif.io/api/image: region, size, rotation, quality.
_IIIF = re.compile(
    r"/full/(full|max|\^max|\^?!?\d*,\d*|pct:[\d.]+)/(\d+)/(default|native|color|gray|bitonal)\.\w+$"
)
_WIKI = re.compile(r"/thumb(/[0-9a-f]/[0-9a-f]{2}/([^/]+))/(?:[\w-]*?-)?(\d{2,5})px-[^/]+$")
_CLOUDFLARE = re.compile(r"/cdn-cgi/image/([^/]*=[^/]*)/")
_ORDERS_AFTER = re.compile(r"/(?:image/|video/)?(?:upload|fetch|private|authenticated)/")
_ORDER = re.compile(r"(?:\$?[a-z]{1,2}|dpr|ar|fl|cs)_[^,/]+", re.IGNORECASE)
_ORDERS_OF_SIZE = ("c", "w", "h", "f", "q", "g", "dpr", "ar", "fl", "cs", "b", "$s")
_SIDE = re.compile(r"(?:^|,)[wh]_(\d{2,5})(?=,|$)", re.IGNORECASE)
_INSIDE = re.compile(r"(?<=/)https?(?::/{1,2}|%3A%2F%2F)(?=[^/])", re.IGNORECASE)


def _drupal(url: str, parts: SplitResult) -> Served | None:
    found = _DRUPAL.search(parts.path)
    if found is None:
        return None
    words = [size for word, size in _DRUPAL_SIZES.items() if word in found[1].lower()]
    pixels = _largest(found[1]) if _NUMBERS.search(found[1]) else max(words, default=_OF_STYLE)
    kept = [part for part in parts.query.split("&") if part.partition("=")[0] not in _DRUPAL_QUERY]
    path = f"{parts.path[: found.start()]}/{parts.path[found.end() :]}"
    return Served(_at(parts, path, "&".join(kept)), pixels)


def _ghost(url: str, parts: SplitResult) -> Served | None:
    found = _GHOST.search(parts.path)
    if found is None:
        return None
    path = f"{parts.path[: found.start()]}/content/images/{parts.path[found.end() :]}"
    return Served(_at(parts, path), _largest(found[1]))


def _tmdb(url: str, parts: SplitResult) -> Served | None:
    found = _TMDB.match(parts.path)
    if found is None:
        return None
    return Served(_at(parts, f"/t/{parts.path[found.end() :]}"), _largest(found[1]))


def _iiif(url: str, parts: SplitResult) -> Served | None:
    """Of a museum's server; a region of a picture is another picture."""
    found = _IIIF.search(parts.path)
    if found is None:
        return None
    path = f"{parts.path[: found.start()]}/{found[2]}-{found[3]}"
    percent = re.match(r"pct:([\d.]+)", found[1])
    # Of an unknown whole: more of it is larger, and less than all of it.
    pixels = _percent(percent[1]) if percent else _largest(found[1])
    return Served(_at(parts, path), pixels)


def _percent(text: str) -> float:
    try:
        return float(text) * 100
    except ValueError:
        return math.inf


def _wiki(url: str, parts: SplitResult) -> Served | None:
    found = _WIKI.search(unquote(parts.path))
    if found is None or not (IMAGE_FILE.search(found[2]) or FOREIGN_FILE.search(found[2])):
        return None
    path = f"{unquote(parts.path)[: found.start()]}{found[1]}"
    return Served(_at(parts, path), float(found[3]))


def _cloudflare(url: str, parts: SplitResult) -> Served | None:
    found = _CLOUDFLARE.search(parts.path)
    if found is None:
        return None
    rest = parts.path[found.end() :]
    inner = absolute(rest if rest.startswith(("http:", "https:")) else f"/{rest}", url)
    if inner is None:
        return None
    return Served(inner, _largest("".join(re.findall(r"(?:width|height)(=\d+)", found[1]))), inner)


def _orders(url: str, parts: SplitResult) -> Served | None:
    """Cloudinary and what is built like it: /upload/w_300,c_fill/boat.jpg."""
    start = _ORDERS_AFTER.search(parts.path)
    if start is None:
        return None
    pixels, segments = math.inf, parts.path[start.end() :].split("/")
    first = 0
    while first < len(segments) - 1 and _only_sizes(unquote(segments[first])):
        sides = _SIDE.findall(unquote(segments[first]))
        pixels = min([pixels, *([max(map(float, sides))] if sides else [])])
        first += 1
    if first == 0:
        return None
    return Served(_at(parts, parts.path[: start.end()] + "/".join(segments[first:])), pixels)


def _only_sizes(segment: str) -> bool:
    """Whether a folder only orders a size or a way of compressing."""
    orders = segment.split(",")
    return all(
        _ORDER.fullmatch(order) and order.partition("_")[0].lower() in _ORDERS_OF_SIZE
        for order in orders
    )


def _inside_path(url: str, parts: SplitResult) -> Served | None:
    """What a service fetches: its address stands at the end of the service's."""
    found = _INSIDE.search(parts.path)
    if found is None or not (_ORDERS_AFTER.search(parts.path)):
        return None
    rest = re.sub(r"^(https?):/+", r"\1://", unquote(parts.path[found.start() :]))
    inner = absolute(rest, url)
    return None if inner is None else Served(inner, original=inner)


# --- By parameters --------------------------------------------------------------------------------

_PROXIES = re.compile(r"^i[0-3]\.wp\.com$", re.IGNORECASE)
_WRAPPED = ("url", "src", "image", "img", "u")
_WRAPPED_SIDES = ("w", "h", "width", "height")


def _photon(url: str, parts: SplitResult) -> Served | None:
    """The proxy of WordPress: the path is the original's host and path."""
    if not _PROXIES.match(parts.hostname or "") or parts.path.count("/") < 2:
        return None
    inner = absolute(f"https:/{parts.path}", url)
    if inner is None:
        return None
    sides = [value for name, value in parse_qsl(parts.query) if name in ("w", "h", "resize", "fit")]
    return Served(inner, min(map(_largest, sides), default=math.inf), inner)


def _wrapped(url: str, parts: SplitResult) -> Served | None:
    """A script that resizes what a parameter names."""
    if "=" not in parts.query:
        return None
    named = parse_qsl(parts.query)[:30]
    for name, value in named:
        if name.lower() not in _WRAPPED or not IMAGE_FILE.search(value.partition("?")[0]):
            continue
        inner = absolute(value, url)
        if inner is None:
            continue
        sides = [size for side, size in named if side.lower() in _WRAPPED_SIDES]
        pixels = max(map(_largest, sides), default=math.inf)
        if value.startswith(("/", "http:", "https:")):
            return Served(inner, pixels, inner)
        if len(named) == 1 + len(sides):
            return Served(inner, pixels)
    return None


_READERS: tuple[_Reader, ...] = (
    _flickr, _tumblr, _wix, _google, _twitter, _artstation, _drupal, _ghost, _tmdb, _iiif, _wiki,
    _cloudflare, _orders, _inside_path, _photon, _wrapped,
)  # fmt: skip
