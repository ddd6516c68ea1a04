"""The words that stand with a picture, and which of them say something. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from scraping.page_addresses import IMAGE_FILE
from scraping.picture_sizes import sized

LONGEST_TEXT = 1000
# Where the words of a picture stand, those that say most of it first.
TEXTS = ("figcaption", "alt", "title", "json_ld", "heading", "page_title")

# Of a huge element only the beginning is read.
_MOST_STEPS = 2000
_UNSEEN = ("script", "style", "noscript", "template", "button", "select", "svg")
_EMPTY_WORDS = {
    "", "image", "images", "img", "photo", "photos", "picture", "pictures", "pic", "thumbnail",
    "thumb", "untitled", "unnamed", "placeholder", "loading", "icon", "logo", "banner", "spacer",
    "avatar", "user avatar", "profile picture", "profile image", "featured image", "hero image",
    "product image", "post image", "article image", "cover image", "main image", "gallery image",
    "image may contain", "default", "alt", "alt text", "none", "null", "undefined", "n/a", "blank",
    "no image", "no description", "no alt text provided for this image", "advertisement", "ad",
    "image of", "photo of", "picture of", "open in lightbox", "open lightbox", "view in lightbox",
    "open image in lightbox", "open image in new tab", "enlarge image", "view image in lightbox",
    "click to enlarge", "click to view", "click here", "click image to enlarge", "enlarge",
    "view larger", "view larger image", "view full size", "full size", "open image", "zoom",
    "view image", "view", "read more", "more", "download", "share", "save", "home", "link",
    "slide", "preview", "screenshot", "file", "attachment", "copyright", "gallery", "menu",
    "bild", "foto", "fotos", "imagen", "immagine", "imagem", "afbeelding", "obraz", "zdjęcie",
    "изображение", "фото", "картинка", "画像", "写真", "图片", "图像", "이미지",
}  # fmt: skip
_LONGEST_NAME = 60
# Names that cameras, phones and programs give, and numbers of any kind.
_MACHINE_NAME = re.compile(
    r"""(?: (?:img|image|dsc[fn]?|dscn|pict?|photo|pxl|mvimg|gopr|dji|sam|cimg|hpim|kif|imag|vlcsnap
        |screen ?shot|bildschirmfoto|whatsapp\ image|received|fb_img|signal|untitled)
        [\s_-]* [\d\s_.:,()apm-]* (?:at)? [\d\s_.:,()apm-]* (?:hdr|burst\d*|edit(?:ed)?|copy)?
      | (?:pexels|pixabay|shutterstock|istock|adobestock|depositphotos|dreamstime|unsplash)
        (?:[\s_-]photo)? [\s_-]* \d+
      | p\d{5,} | [\d\s_.:,()#/-]+ | [0-9a-f]{12,}
      | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}
      | (?:image|photo|picture|slide|page)\s\d+\s(?:of|/)\s\d+ )""",
    re.IGNORECASE | re.VERBOSE,
)


# "Photo: Jane Doe / Reuters": who made it, in words that begin with capitals, and nothing of it.
_LONGEST_CREDIT = 100
_CREDIT = re.compile(
    r"""(?: (?i:photos?|images?|pictures?|photograph[sy]?|illustrations?|artwork|foto|bild|crédit)
            \s*
            (?i:(?:credits?|copyright)\s*[:©]? | courtesy(?:\s+of)? | by | von | par | [:©/|])
          | (?i:credits?|source|quelle|copyright) \s* :
          | (?i:copyright|courtesy\s+of) \b | © | \([cC]\) )
        (?: [\s&©/|,;:–—-]+
            (?: (?i:and|und|et|y|of|the|for|from|via|by|on|von|van|der|den|du|des|de|da|di|la|le)
                (?!\w)
              | \d{4} | [A-Z\u00C0-\u00DE@][^\s/|,;:]* | (?<=/)[^\s/|,;:]+
              | (?<=/\s)[^\s/|,;:]+ ) ){1,12}""",
    re.VERBOSE,
)


def tidy(text: str | None) -> str:
    """One line without control characters, at most LONGEST_TEXT characters."""
    words = " ".join((text or "")[: LONGEST_TEXT * 10].split())
    if not words.isprintable():
        words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return words[:LONGEST_TEXT]


def telling(text: str | None, urls: Iterable[str] = ()) -> str:
    """The tidied text, or "" if it says nothing: "image", a file's name, an address."""
    words = tidy(text)
    plain = words.lower().strip(" .…:_-–—|0123456789#()[]\"'")
    if plain in _EMPTY_WORDS or IMAGE_FILE.search(words):
        return ""
    if len(words) <= _LONGEST_NAME and _MACHINE_NAME.fullmatch(words):
        return ""
    if words.startswith(("http://", "https://", "data:", "www.")):
        return ""
    stems = {_stem(each) for url in urls for each in (url, sized(url).picture)}
    return "" if words.lower() in stems else words


def telling_texts(written: Mapping[str, str | None], urls: Iterable[str]) -> dict[str, str]:
    """Those of the texts, by where they stand, that say something of the picture.

    What is a credit and nothing else becomes the author.
    """
    urls = tuple(urls)
    said = {where: telling(text, urls) for where, text in written.items() if text}
    for where in ("figcaption", "alt", "title"):
        words = said.get(where, "")
        if len(words) <= _LONGEST_CREDIT and _CREDIT.fullmatch(words):
            said |= {"author": said.get("author") or words, where: ""}
    return {where: text for where, text in said.items() if text}


def best_text(texts: Mapping[str, str]) -> str:
    """The text that says most of the picture; empty if there is none."""
    return next((texts[where] for where in TEXTS if texts.get(where)), "")


def rank_of(texts: Mapping[str, str]) -> int:
    """The place of the best text in TEXTS: 0 for a caption; their number if there is none."""
    return next((rank for rank, where in enumerate(TEXTS) if texts.get(where)), len(TEXTS))


def page_title(title: str, site_name: str) -> str:
    """A page's title without the site's name at its end or beginning."""
    if site_name:
        name = re.escape(site_name)
        mark = r"\s*[|–—•·:»«/-]+\s*"
        shorter = re.sub(rf"{mark}{name}$|^{name}{mark}", "", title, flags=re.IGNORECASE)
        return "" if shorter.lower() == site_name.lower() else shorter
    return title


def site_names(title: str, site_name: str) -> tuple[str, ...]:
    """What the site is called: as it says itself, and what its pages' titles end with."""
    last = re.search(r"\s[|–—•·»«-]\s+([^|–—•·»«]{1,100})$", title)
    return tuple(name for name in (site_name, last[1] if last else "") if name)


def text_of(element: Any) -> str:
    """The words inside an element that a reader sees, tidied."""
    words: list[str] = []
    length = 0
    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for steps, (event, node) in enumerate(walk):
        text = None
        if event == "start":
            if node.tag in _UNSEEN:
                walk.skip_subtree()
            else:
                text = node.text
        elif node is not element:
            text = node.tail
        if text:
            words.append(text)
            length += len(text)
        if length > 4 * LONGEST_TEXT or steps > _MOST_STEPS:
            break
    return tidy(" ".join(words))


def _stem(url: str) -> str:
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    return name.rpartition(".")[0].lower() or name.lower()
