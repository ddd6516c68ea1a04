"""How a crawl goes about its work: the choices an admin has, with their bounds. Pure.

One frozen dataclass is what the console's form, the API, a source's own wishes, presets, the
database (as JSON) and the crawl's process all speak of.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from scraping.address_patterns import PatternRefused, compiled
from scraping.rendering import RENDERING, Rendering

FORMATS = ("jpeg", "png", "webp", "gif", "bmp")
MOST_PATTERNS = 50
LONGEST_PATTERN = 500
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")

# Of a crawl as a whole, whatever its addresses.
LIMITS = ("max_images", "max_pages", "max_megabytes", "max_minutes")
# They may name addresses, so visitors are not told.
PRIVATE = ("allowed_domains", "include", "exclude")

# Name → (least, most), both allowed.
BOUNDS: dict[str, tuple[float, float]] = {
    "depth": (0, 10),
    "max_images": (1, 100_000),
    "max_pages": (1, 100_000),
    "max_megabytes": (1, 1_000_000),
    "max_minutes": (1, 7 * 24 * 60),
    "min_width": (1, 20_000),
    "min_height": (1, 20_000),
    "min_megapixels": (0, 200),
    "max_aspect_ratio": (0, 100),
    "min_kilobytes": (0, 100_000),
    "near_distance": (0, 16),
}


class OptionRefused(ValueError):
    """One choice is not possible. ``field``: its name; the text is a sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class CrawlOptions:
    """depth: links followed from the start; 0 reads the start alone.

    max_images: pictures taken at most; max_pages: pages read; max_megabytes: fetched in all, in
    10**6 bytes; max_minutes: from the crawl's start.
    render_javascript: "off", "on" (every page), "auto" (pages that show no picture without).
    allowed_domains: hosts beside the start's own whose pages are read ("example.org" stands for
    what lies below it too). include: addresses of pages that are read must match one of these, if
    there are any; exclude: must match none; patterns are globs ("*/gallery/*") or, between slashes,
    regular expressions ("/page=[0-9]+/"), as scraping.address_patterns has them. The start is read
    whatever they say.
    follow_pagination: next pages of a list do not count as deeper, and need not match include.
    use_sitemaps: also read what the site's sitemaps name.
    min_width, min_height: pixels. min_megapixels: 10**6 pixels, 0 for none. max_aspect_ratio: long
    side by short side, 0 for any. min_kilobytes: of the file, in 10**3 bytes. formats: of FORMATS;
    empty for all.
    near_distance: bits of 64 in which the perceptual hashes of two pictures that count as the same
    may differ at most; 0 for equal hashes.
    obey_robots: robots.txt and its crawl-delay. respect_noai: pages and pictures that say noai or
    noimageai are left alone.
    auto_create_album: make an album of what is taken.
    only_new: of a source crawled before, only what is new or changed is fetched.
    """

    depth: int = 3
    max_images: int = 200
    max_pages: int = 200
    max_megabytes: int = 2000
    max_minutes: int = 360
    render_javascript: Rendering = "off"
    allowed_domains: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow_pagination: bool = True
    use_sitemaps: bool = False
    min_width: int = 200
    min_height: int = 200
    min_megapixels: float = 0.0
    max_aspect_ratio: float = 0.0
    min_kilobytes: int = 0
    formats: tuple[str, ...] = ()
    near_distance: int = 6
    obey_robots: bool = True
    respect_noai: bool = True
    auto_create_album: bool = True
    only_new: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


NAMES = tuple(field.name for field in fields(CrawlOptions))
_DEFAULTS = CrawlOptions()


def from_json(data: Mapping[str, Any]) -> CrawlOptions:
    """What ``as_json`` wrote, by this version or an earlier one: what is missing is the default."""
    known = {name: data[name] for name in NAMES if name in data}
    for name, value in known.items():
        if isinstance(value, list):
            known[name] = tuple(value)
    return CrawlOptions(**known)


def checked(chosen: Mapping[str, Any], of: CrawlOptions = _DEFAULTS) -> CrawlOptions:
    """``of`` with the choices put in; those that are None are left. Raises OptionRefused."""
    values = {name: value for name, value in chosen.items() if value is not None}
    for name, value in values.items():
        if name not in NAMES:
            raise OptionRefused(name, f"There is no option “{name}”.")
        values[name] = _checked(name, value)
    return replace(of, **values)


def _checked(name: str, value: Any) -> Any:
    default = getattr(_DEFAULTS, name)
    if name in BOUNDS:
        return _number(name, value, whole=isinstance(default, int))
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise OptionRefused(name, f"“{name}” is yes or no.")
        return value
    if name == "render_javascript":
        if value not in RENDERING:
            raise OptionRefused(name, f"Rendering is one of {', '.join(get_args(Rendering))}.")
        return value
    return _words(name, value)


def _number(name: str, value: Any, *, whole: bool) -> int | float:
    least, most = BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise OptionRefused(name, "Enter a whole number." if whole else "Enter a number.")
    if not least <= value <= most:
        raise OptionRefused(name, f"Enter a number from {least:g} to {most:g}.")
    if name == "max_aspect_ratio" and 0 < value < 1:
        raise OptionRefused(name, "The long side is never less than once the short one; 0 for any.")
    return value


def _words(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise OptionRefused(name, "Enter a list of words.")
    words = tuple(dict.fromkeys(word.strip() for word in value if word.strip()))
    if len(words) > MOST_PATTERNS:
        raise OptionRefused(name, f"At most {MOST_PATTERNS} lines.")
    if any(len(word) > LONGEST_PATTERN for word in words):
        raise OptionRefused(name, f"A line has at most {LONGEST_PATTERN} characters.")
    if name == "formats" and (unknown := [word for word in words if word not in FORMATS]):
        raise OptionRefused(
            name, f"“{unknown[0][:50]}” is no format of these: {', '.join(FORMATS)}."
        )
    if name == "allowed_domains":
        return tuple(dict.fromkeys(map(_domain, words)))
    if name in ("include", "exclude"):
        _check_patterns(name, words)
    return words


def _domain(word: str) -> str:
    """A host as addresses have it: lower case, without "www.", in ASCII."""
    try:
        host = word.lower().rstrip(".").removeprefix("www.").encode("idna").decode()
    except UnicodeError:
        host = ""
    if not _HOST.fullmatch(host):
        raise OptionRefused(
            "allowed_domains",
            f"“{word[:100]}” is not the name of a host; write it alone, as in “example.org”.",
        )
    return host


def _check_patterns(name: str, words: tuple[str, ...]) -> None:
    for word in words:
        try:
            compiled(word)
        except PatternRefused as refused:
            raise OptionRefused(name, str(refused)) from refused
