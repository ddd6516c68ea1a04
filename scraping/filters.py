"""Which pictures a crawl does not want: by what a page says of them, and by their files. Pure.

Reasons are the codes of RefusedImage.Reason.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from imagineer.words import thin
from scraping.options import CrawlOptions
from scraping.page_addresses import is_foreign_file
from scraping.same_picture import Candidate

# Shown no larger than this, it is a mark beside words.
ICON_SIDE = 48
TRACKER_SIDE = 2

# Hosts and paths that count visitors.
_TRACKER = re.compile(
    r"""^(?:[\w-]+\.)*(?:doubleclick\.net|google-analytics\.com|googletagmanager\.com
        |scorecardresearch\.com|quantserve\.com|pixel\.wp\.com|stats\.wp\.com|bat\.bing\.com)/
      | ^(?:[\w-]+\.)*(?:analytics|matomo|piwik|pixel|beacon)\.[\w.-]+/(?!.*\.(?:jpe?g|webp)$)
      | ^(?:www\.)?facebook\.com/tr(?:$|[/?])
      | /(?:matomo|piwik)\.php | /__utm\.gif | /(?:track(?:ing)?|pixel|beacon|counter|hit)
        (?:[._-]?(?:img|image|pixel|gif))?(?:\.(?:gif|png|php|ashx|aspx)|/?$)""",
    re.IGNORECASE | re.VERBOSE,
)
# What stands in for pictures until a script shows them, and keeps tables apart.
_PLACEHOLDER = re.compile(
    r"""/(?:spacer|blank|clear(?:dot)?|transparent|pixel|1x1|1px|shim|(?:ajax[-_])?load(?:ing|er)
        |spinner|placeholder)[-_.x\d]{0,12}(?:image|img|pixel|gif|bg)?[-_.x\d]{0,12}
        \.(?:gif|png|jpe?g|webp)$""",
    re.IGNORECASE | re.VERBOSE,
)
# No folder that may hold pictures of things called so, and no photograph of an icon.
_ICON = re.compile(
    r"""/(?:favicons?|apple-touch-icon)[\w.-]{0,60}(?:/|$)
      | /(?:emojis?|smileys|smilies|emoticons?|sprites?)/ | /wp-includes/images/
      | [/_-](?:sprites?|icons?)[-_@.x\d]{0,20}\.(?:png|gif|webp)$""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Refusal:
    """reason: a code. detail: a sentence."""

    reason: str
    detail: str


@dataclass(frozen=True)
class FileFacts:
    """What a picture's file is. width, height: pixels, upright. size: bytes."""

    format: str
    width: int
    height: int
    size: int


def wanted_addresses(urls: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that are surely no picture: trackers, placeholders, icons."""
    return tuple(url for url in urls if not _said_by_address(url))


def unasked(candidate: Candidate) -> Refusal | None:
    """Why a picture that a page offers need not be fetched; None if it must be looked at."""
    if is_foreign_file(candidate.urls[0]):
        ending = urlsplit(candidate.urls[0]).path.rpartition(".")[2].upper()
        return Refusal("format", f"The page offers it as {ending} alone, which is not taken.")
    return icon(candidate)


def icon(candidate: Candidate) -> Refusal | None:
    """Whether a picture that a page offers is an icon or a tracker."""
    if said := _said_by_address(candidate.urls[0]):
        return Refusal("icon", said)
    sides = (candidate.width, candidate.height)
    if candidate.rule in ("link", "anchor", "json_ld", "open_graph") or None in sides:
        # A small mark may lead to a large file.
        return None
    width, height = candidate.width or 0, candidate.height or 0
    if 0 < max(width, height) <= TRACKER_SIDE:
        return Refusal("icon", f"The page shows it at {width} × {height} pixels, as trackers are.")
    if 0 < max(width, height) <= ICON_SIDE:
        return Refusal("icon", f"The page shows it at {width} × {height} pixels, as icons are.")
    return None


def _said_by_address(url: str) -> str:
    """The sentence why an address is no picture's; empty if it may be one."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if _TRACKER.search(f"{parts.hostname or ''}{path or '/'}"):
        return "Its address is that of a tracker."
    if _PLACEHOLDER.search(path):
        return "Its address is that of a placeholder."
    return "Its address is that of an icon." if _ICON.search(path) else ""


def too_light(size: int, chosen: CrawlOptions) -> Refusal | None:
    """Whether a file of so many bytes is too small to be looked at."""
    if size >= chosen.min_kilobytes * 1000:
        return None
    return Refusal("light", f"{thin(size)} bytes, less than {thin(chosen.min_kilobytes)} kB.")


def refusal(file: FileFacts, chosen: CrawlOptions) -> Refusal | None:
    """Why a file is not wanted; None if it is."""
    if chosen.formats and file.format not in chosen.formats:
        taken = ", ".join(name.upper() for name in chosen.formats)
        return Refusal("format", f"{file.format.upper()} is not asked for; {taken} is.")
    if (light := too_light(file.size, chosen)) is not None:
        return light
    size = f"{file.width} × {file.height} pixels"
    if file.width < chosen.min_width or file.height < chosen.min_height:
        return Refusal("small", f"{size}, less than {chosen.min_width} × {chosen.min_height}.")
    megapixels = file.width * file.height / 10**6
    if megapixels < chosen.min_megapixels:
        return Refusal("small", f"{size}, less than {chosen.min_megapixels:g} MP.")
    ratio = max(file.width, file.height) / min(file.width, file.height)
    if chosen.max_aspect_ratio and ratio > chosen.max_aspect_ratio:
        most = f"{chosen.max_aspect_ratio:g}"
        return Refusal("long", f"{size}: the long side is more than {most} times the short one.")
    return None
