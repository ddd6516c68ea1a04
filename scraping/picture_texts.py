"""Which words of a page stand with a picture: caption, descriptions, the heading above. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from scraping.page_words import telling, text_of, tidy

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Classes of captions where there is no figcaption: galleries of blogs, wikis and shops.
_CAPTION_CLASS = re.compile(r"caption|gallerytext|legend", re.IGNORECASE)
_CAPTION_TAGS = ("figcaption", "div", "p", "span", "dd", "small")
# A caption further away belongs to something else.
_CAPTION_NEAR = 4
_CAPTION_ATTRIBUTES = (
    "data-caption", "data-sub-html", "data-description", "data-image-caption",
    "data-elementor-lightbox-description",
)  # fmt: skip
_TITLE_ATTRIBUTES = (
    "title", "data-title", "data-image-title", "data-pswp-caption", "data-elementor-lightbox-title",
)  # fmt: skip
_WHOLE_PAGE = ("body", "html", "main")
# Where a heading is of the site, not of what follows.
_ASIDE = ("nav", "aside", "footer", "template")
# Elements of a list, whose headings are their own.
_CARD_TAGS = ("li", "article")
_CARD_CLASS = re.compile(
    r"(?:^|[\s_-])(?:card|item|tile|product|teaser|entry|thumb)(?:$|\s)", re.IGNORECASE
)
# Of one thing a card may show several pictures.
_MOST_IN_CARD = 3
# A block before a picture that says more than this is no heading with its line.
_HEADING_BLOCK = 300
_MOST_LOOKED_AT = 50


class PictureTexts:
    """The words of one page's pictures. around: how many pictures an element holds. site_names:
    what is a heading on every page of the site."""

    def __init__(self, around: Mapping[Any, int], site_names: Collection[str] = ()) -> None:
        self.around = around
        self.site_names = frozenset(name.lower() for name in site_names)
        # Element → the heading among what stands before it in the same parent.
        self.above: dict[Any, str] = {}
        # Figure → its caption.
        self.captions: dict[Any, str] = {}
        # Parent → whether each of its pictures has its heading right below.
        self.headed_below: dict[Any, bool] = {}

    def of_picture(self, img: Any, near: list[Any], link: Any) -> dict[str, str]:
        """By where, as far as they are there; near: its closest ancestors, link: one of them."""
        asked = [img] if link is None else [img, link]
        title = _attribute(asked, _TITLE_ATTRIBUTES)
        if not title and link is not None:
            title = _attribute([link], ("aria-label",))
        found = {
            "figcaption": self._caption(asked, near),
            "alt": img.get("alt") or img.get("aria-label") or "",
            "title": title,
            "heading": self._heading(img, near),
        }
        if not any(telling(found[where]) for where in ("figcaption", "alt", "title")):
            found["figcaption"] = self._caption_of_group(near)
        return found

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
            "heading": self._only_heading(element) or self._heading(element, near),
        }

    def _caption(self, asked: list[Any], near: list[Any]) -> str:
        figure = next((element for element in near if element.tag == "figure"), None)
        if figure is not None:
            words = self._figcaption(figure)
            if words:
                return words
        # Galleries write it on the element of their list that holds the picture.
        asked = [*asked, *islice(self._own(near), 2)]
        return _attribute(asked, _CAPTION_ATTRIBUTES) or self._classed_caption(near)

    def _figcaption(self, figure: Any) -> str:
        """Its own: one in a figure inside it is of that."""
        if figure not in self.captions:
            own = (
                caption
                for caption in islice(figure.iter("figcaption"), _MOST_LOOKED_AT)
                if next(caption.iterancestors("figure")) is figure
            )
            caption = next(own, None)
            self.captions[figure] = "" if caption is None else text_of(caption)
        return self.captions[figure]

    def _caption_of_group(self, near: list[Any]) -> str:
        """What a figure of several figures says of all of them."""
        figures = [element for element in near if element.tag == "figure"]
        return next(filter(None, map(self._figcaption, figures[1:])), "")

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
            if self._is_headed_below(ancestor):
                return self._below(child)
            if heading := self._before(child):
                return heading
            is_own = ancestor in own or (
                self.around.get(ancestor, 0) <= _MOST_IN_CARD and _is_card(ancestor)
            )
            if is_own and (heading := self._only_heading(ancestor)):
                return heading
            child = ancestor
        return ""

    def _is_headed_below(self, parent: Any) -> bool:
        """Whether it has nothing but pictures and headings of one kind by turns, a picture first:
        then each heading is that of the picture above it."""
        if parent not in self.headed_below:
            kinds = ""
            for child in islice(parent, _MOST_LOOKED_AT):
                if self.around.get(child) or child.tag in ("img", "amp-img"):
                    kinds += "P"
                elif isinstance(child.tag, str) and text_of(child):
                    kinds += child.tag[1] if child.tag in _HEADINGS else "X"
            self.headed_below[parent] = re.fullmatch(r"P([1-6])(?:P\1)+P?", kinds) is not None
        return self.headed_below[parent]

    def _below(self, child: Any) -> str:
        following = islice(child.itersiblings(), _MOST_LOOKED_AT)
        heading = next((each for each in following if each.tag in _HEADINGS), None)
        return "" if heading is None else self._said_by(heading)

    def _said_by(self, heading: Any) -> str:
        words = telling(text_of(heading))
        return "" if words.lower() in self.site_names else words

    def _only_heading(self, element: Any) -> str:
        found = list(islice(element.iter(*_HEADINGS), 2))
        if len(found) != 1 or self._is_of_another(found[0], element):
            return ""
        return self._said_by(found[0])

    def _is_of_another(self, heading: Any, element: Any) -> bool:
        """Whether a heading in an element stands in a part of it that is a thing of its own."""
        for ancestor in heading.iterancestors():
            if ancestor is element:
                return False
            if not self.around.get(ancestor) and (ancestor.tag in _ASIDE or _is_card(ancestor)):
                return True
        return False

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
            return self._said_by(element)
        if element.tag in _ASIDE or _is_card(element) or _is_longer(element, _HEADING_BLOCK):
            return ""
        inside = [
            heading
            for heading in islice(element.iter(*_HEADINGS), _MOST_LOOKED_AT)
            if not self._is_of_another(heading, element)
        ]
        return self._said_by(inside[-1]) if inside else ""


def _is_card(element: Any) -> bool:
    return element.tag in _CARD_TAGS or bool(_CARD_CLASS.search(element.get("class") or ""))


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
