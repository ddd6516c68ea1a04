"""Which words of a page stand with a picture: caption, descriptions, the heading above. Pure."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from scraping.page_words import telling, text_of, tidy

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Classes of captions where there is no figcaption: galleries of blogs, wikis and shops.
_CAPTION_CLASS = re.compile(r"caption|gallerytext|legend", re.IGNORECASE)
_CAPTION_TAGS = ("figcaption", "div", "p", "span", "dd", "small")
# A caption further away belongs to something else.
_CAPTION_NEAR = 4
_CAPTION_ATTRIBUTES = ("data-caption", "data-sub-html", "data-description", "data-image-caption")
_TITLE_ATTRIBUTES = ("title", "data-title", "data-image-title", "data-pswp-caption")
_WHOLE_PAGE = ("body", "html", "main")
# A block before a picture that says more than this is no heading with its line.
_HEADING_BLOCK = 300
_MOST_LOOKED_AT = 50


class PictureTexts:
    """The words of one page's pictures. around: how many pictures an element holds."""

    def __init__(self, around: Mapping[Any, int]) -> None:
        self.around = around
        # Element → the heading among what stands before it in the same parent.
        self.above: dict[Any, str] = {}
        # Figure → its caption.
        self.captions: dict[Any, str] = {}

    def of_picture(self, img: Any, near: list[Any], link: Any) -> dict[str, str]:
        """By where, as far as they are there; near: its closest ancestors, link: one of them."""
        asked = [img] if link is None else [img, link]
        return {
            "figcaption": self._caption(asked, near),
            "alt": img.get("alt") or img.get("aria-label") or "",
            "title": _attribute(asked, _TITLE_ATTRIBUTES),
            "heading": self._heading(img, near),
        }

    def of_link(self, link: Any, near: list[Any]) -> dict[str, str]:
        """Of a link to a file: its own words are the title."""
        return {
            "figcaption": self._caption([link], near),
            "title": telling(_attribute([link], _TITLE_ATTRIBUTES)) or text_of(link),
            "heading": self._heading(link, near),
        }

    def of_background(self, element: Any, near: list[Any]) -> dict[str, str]:
        """Of an element with a picture behind it."""
        return {
            "figcaption": self._caption([element], [element, *near]),
            "alt": element.get("aria-label") or "",
            "title": _attribute([element], _TITLE_ATTRIBUTES),
            "heading": _only_heading(element) or self._heading(element, near),
        }

    def _caption(self, asked: list[Any], near: list[Any]) -> str:
        figure = next((element for element in near if element.tag == "figure"), None)
        if figure is not None:
            words = self._figcaption(figure)
            if words:
                return words
        return _attribute(asked, _CAPTION_ATTRIBUTES) or self._classed_caption(near)

    def _figcaption(self, figure: Any) -> str:
        if figure not in self.captions:
            caption = next(figure.iter("figcaption"), None)
            self.captions[figure] = "" if caption is None else text_of(caption)
        return self.captions[figure]

    def _classed_caption(self, near: list[Any]) -> str:
        """What stands in an element called caption, close to this picture alone."""
        for element in islice(self._own(near), _CAPTION_NEAR):
            for inside in islice(element.iter(*_CAPTION_TAGS), _MOST_LOOKED_AT):
                is_caption = _CAPTION_CLASS.search(inside.get("class") or "")
                if is_caption and not self.around.get(inside) and (words := text_of(inside)):
                    return words
        return ""

    def _own(self, near: list[Any]) -> Iterator[Any]:
        """The elements around this picture that hold no other, nearest first."""
        for element in near:
            if self.around.get(element, 0) > 1 or element.tag in _WHOLE_PAGE:
                return
            yield element

    def _heading(self, element: Any, near: list[Any]) -> str:
        """That before the picture in the nearest element that has one; where an element holds this
        picture alone and has one heading, that one, though it may stand below."""
        own = set(self._own(near))
        child = element
        for ancestor in near:
            if heading := self._before(child):
                return heading
            if ancestor in own and (heading := _only_heading(ancestor)):
                return heading
            child = ancestor
        return ""

    def _before(self, child: Any) -> str:
        """The heading that is nearest before an element among those beside it."""
        passed: list[Any] = []
        node, heading = child, ""
        while node is not None:
            if node in self.above:
                heading = self.above[node]
                break
            passed.append(node)
            node = node.getprevious()
            if node is not None and (heading := self._heading_in(node)):
                break
        for each in passed:
            self.above[each] = heading
        return heading

    def _heading_in(self, element: Any) -> str:
        """Of an element without pictures that is little more than its heading."""
        if not isinstance(element.tag, str) or self.around.get(element):
            return ""
        if element.tag in _HEADINGS:
            return telling(text_of(element))
        if _is_longer(element, _HEADING_BLOCK):
            return ""
        inside = list(islice(element.iter(*_HEADINGS), _MOST_LOOKED_AT))
        return telling(text_of(inside[-1])) if inside else ""


def _only_heading(element: Any) -> str:
    found = list(islice(element.iter(*_HEADINGS), 2))
    return telling(text_of(found[0])) if len(found) == 1 else ""


def _is_longer(element: Any, most: int) -> bool:
    length = 0
    for text in element.itertext():
        length += len(text.strip())
        if length > most:
            return True
    return False


def _attribute(asked: list[Any], names: tuple[str, ...]) -> str:
    """The first of these attributes that says something, without markup."""
    for element in asked:
        for name in names:
            words = re.sub(r"<[^<>]{0,500}>", " ", (element.get(name) or "")[:5000])
            if telling(words):
                return tidy(words)
    return ""
