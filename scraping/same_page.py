"""Addresses of pages: which are one page, which are surely none, which lead nowhere. Pure."""

import re
from collections import Counter
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Query parameters that say where a visitor came from, and change nothing on the page.
TRACKING = _words(
    """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid ttclid igsh igshid srsltid
    mkt_tok mc_cid mc_eid s_cid vero_id vero_conv oly_anon_id oly_enc_id wickedid _ga _gl _openstat
    ref_src ref_url li_fat_id __hssc __hstc __hsfp hsctatracking _hsenc _hsmi epik rb_clickid
    spm scm trk trkcampaign cmpid
    """
)
TRACKING_PREFIXES = ("utm_", "pk_", "mtm_", "matomo_", "hsa_", "ga_", "itm_", "at_campaign")
SESSIONS = _words("phpsessid jsessionid cfid cftoken zenid oscsid xtcsid sessionid session_id")
# Names that are a session's only if the value looks like one.
PERHAPS_SESSIONS = frozenset(("sid", "session", "sess", "s", "token"))
_SESSION_VALUE = re.compile(r"(?=.*\d)[0-9a-z_-]{20,}", re.IGNORECASE)
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;?]*", re.IGNORECASE)
_ASP_SESSION = re.compile(r"aspsessionid[a-z]*", re.IGNORECASE)
# The first page of a list is the list.
_FIRST_PAGES = frozenset((("page", "1"), ("paged", "1")))
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
# What does something instead of showing something.
ACTIONS = frozenset(("add-to-cart", "add_to_cart", "replytocom", "logout", "print"))

_NO_PAGES = _words(
    """
    7z aac ai apk avi avif bin bmp bz2 cbr cbz css csv cur deb dmg doc docx dwg eot eps epub exe
    flac flv gif gz heic heif ico ics iso jar jfif jpe jpeg jpg js json jxl m3u8 m4a m4v map mid
    midi mkv mobi mov mp3 mp4 mpeg mpg msi odp ods odt ogg ogv opus otf pdf pkg png pps ppt pptx
    ps psd rar rpm rss rtf svg svgz swf tar tgz tif tiff torrent ts ttf txt vcf wasm wav weba webm
    webmanifest webp wma wmv woff woff2 xls xlsx xml xz zip zst atom
    """
)
MOST_SEGMENTS = 20
MOST_PARAMETERS = 10
# The same word so often in one path: a relative link that leads ever deeper.
MOST_REPEATED = 3


def cleaned(url: str) -> str:
    """The address without its fragment, and without what only tells visitors apart."""
    parts = urlsplit(url)
    path = _SESSION_IN_PATH.sub("", parts.path)
    query = parts.query
    if query and any(_tells_visitors_apart(*pair) for pair in _pairs(query)):
        query = "&".join(
            piece
            for piece in query.split("&")
            if not any(_tells_visitors_apart(*pair) for pair in _pairs(piece))
        )
    return parts._replace(path=path, query=query, fragment="").geturl()


@lru_cache(maxsize=20_000)
def page_key(url: str) -> str:
    """What all addresses of one page have in common.

    http or https, "www." or not, the order of parameters, escapes that need not be, a slash at the
    end and an index file make no other page; the key is no address to ask for.
    """
    parts = urlsplit(cleaned(url))
    host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    path = _INDEX.sub("/", re.sub(r"/{2,}", "/", parts.path))
    path = "/".join(map(_respelled, path.split("/")))
    pairs = sorted(pair for pair in _pairs(parts.query) if pair not in _FIRST_PAGES)
    query = f"?{urlencode(pairs, errors=_KEPT)}" if pairs else ""
    return f"{host}{port}{path.rstrip('/') or '/'}{query}"


# Bytes that are no UTF-8, and halves of characters, stay what they are.
_KEPT = "surrogatepass"


def _respelled(segment: str) -> str:
    """A part of a path with escapes where they must be, and nowhere else."""
    return quote(unquote(segment, errors="surrogateescape"), safe=":@!$&'()*+,;=~", errors=_KEPT)


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return [(query, "")]


def _tells_visitors_apart(name: str, value: str) -> bool:
    name = name.lower()
    if name in TRACKING or name in SESSIONS or name.startswith(TRACKING_PREFIXES):
        return True
    if name in PERHAPS_SESSIONS:
        return _SESSION_VALUE.fullmatch(value) is not None
    return _ASP_SESSION.fullmatch(name) is not None


def surely_no_page(url: str) -> bool:
    """Whether the address names a file of another kind: an archive, a film, a picture."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return True
    name = PurePosixPath(parts.path).name
    # A wiki's page about a file is called File:Boat.jpg.
    return ":" not in name and PurePosixPath(name).suffix[1:].lower() in _NO_PAGES


def leads_nowhere(url: str) -> bool:
    """Whether the address has the form of one in a maze without end, or does something."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.lower().split("/") if segment]
    if len(segments) > MOST_SEGMENTS:
        return True
    if segments and max(Counter(segments).values()) > MOST_REPEATED:
        return True
    if not parts.query:
        return False
    names = Counter(name.lower() for name, _ in _pairs(parts.query))
    if sum(names.values()) > MOST_PARAMETERS or max(names.values()) > MOST_REPEATED:
        return True
    return not ACTIONS.isdisjoint(names)


def shape(url: str) -> str:
    """What the addresses of a calendar's days have in common, or of the products in a list.

    The path, in which every segment with a digit is "#", and the parameters' names.
    """
    parts = urlsplit(url)
    segments = (
        "#" if any(map(str.isdigit, segment)) else segment for segment in parts.path.split("/")
    )
    names = sorted({name.lower() for name, _ in _pairs(parts.query)}) if parts.query else []
    return f"{parts.netloc}{'/'.join(segments)}{'?' if names else ''}{'&'.join(names)}"
