"""The pictures that a page names for machines: JSON-LD, Open Graph, Twitter cards. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any

from scraping.page_addresses import absolute
from scraping.same_picture import Address, Offered

LONGEST_SCRIPT = 2_000_000
MOST_NODES = 20_000
MOST_PICTURES = 500
_MOST_METAS = 1000

# Properties that hold pictures of the thing itself; a publisher's logo is none.
_OF_THING = (
    "image", "images", "photo", "photos", "primaryImageOfPage", "associatedMedia", "thumbnail",
    "thumbnailUrl",
)  # fmt: skip
_OTHERS = ("logo", "publisher", "author", "creator", "provider", "sourceOrganization")
_OWN_WORDS = ("caption", "description", "name", "headline")
_WORDS_OF_THING = ("headline", "name", "caption", "description")
_OPEN_GRAPH = ("og:image", "og:image:url", "og:image:secure_url")
_TWITTER = ("twitter:image", "twitter:image:src")


def site_name(root: Any) -> str:
    """What the page calls the site as a whole; empty if nothing."""
    return next((text for name, text in _metas(root) if name == "og:site_name"), "")


def offered_by_data(root: Any, base: str) -> Iterator[Offered]:
    """The pictures of JSON-LD, then those of the social cards."""
    yield from _json_ld(root, base)
    yield from _cards(root, base)


# --- Social cards ---------------------------------------------------------------------------------


def _metas(root: Any) -> Iterator[tuple[str, str]]:
    for meta in root.xpath("/descendant::meta[@content][@property or @name]")[:_MOST_METAS]:
        name = (meta.get("property") or meta.get("name") or "").strip().lower()
        yield name, meta.get("content").strip()


def _cards(root: Any, base: str) -> Iterator[Offered]:
    """Each card's picture, with the alternative text that follows it."""
    waiting: dict[str, Offered] = {}
    for name, content in _metas(root):
        rule = "open_graph" if name.startswith("og:") else "twitter"
        before = waiting.get(rule)
        if name in _OPEN_GRAPH or name in _TWITTER:
            url = absolute(content, base)
            if url is None:
                continue
            address = Address(url, rule)
            if before is not None and name not in ("og:image", *_TWITTER):
                # Another address of the same picture.
                waiting[rule] = Offered((*before.addresses, address), before.texts)
                continue
            if before is not None:
                yield before
            waiting[rule] = Offered((address,))
        elif name in ("og:image:alt", "twitter:image:alt") and before is not None:
            waiting[rule] = Offered(before.addresses, {"alt": content})
    yield from waiting.values()
    for link in root.xpath("/descendant::link[@rel='image_src'][@href]")[:5]:
        if (url := absolute(link.get("href"), base)) is not None:
            yield Offered((Address(url, "open_graph"),))


# --- JSON-LD --------------------------------------------------------------------------------------


def _json_ld(root: Any, base: str) -> Iterator[Offered]:
    found = 0
    for script in root.xpath("/descendant::script[contains(@type, 'ld+json')]")[:50]:
        for offered in _pictures_of(_parsed(script.text or ""), base):
            yield offered
            found += 1
            if found == MOST_PICTURES:
                return


def _parsed(text: str) -> Any:
    """What the script says; None if it is no JSON."""
    text = re.sub(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*.{0,40}?\*/)|(?:-->|//\s*\]\]>)\s*$", "", text)
    if len(text) > LONGEST_SCRIPT:
        return None
    try:
        return json.loads(text.strip().rstrip(";"), strict=False)
    except (ValueError, RecursionError):
        return None


def _pictures_of(told: Any, base: str) -> Iterator[Offered]:
    """Walks everything that is told, in its order and without recursion: it may nest deeply."""
    waiting: list[Any] = [told]
    for _ in range(MOST_NODES):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
        elif isinstance(node, dict):
            if _is_picture(node):
                yield from _of_picture(node, {}, base)
                continue
            for name in _OF_THING:
                for one in _listed(node.get(name)):
                    yield from _of_property(one, node, base)
            inner = [value for name, value in node.items() if name not in (*_OTHERS, *_OF_THING)]
            waiting.extend(value for value in reversed(inner) if isinstance(value, dict | list))


def _listed(value: Any) -> list[Any]:
    return value[:MOST_PICTURES] if isinstance(value, list) else [value]


def _is_picture(node: dict[str, Any]) -> bool:
    kinds = _listed(node.get("@type"))
    return any(str(kind).rpartition("/")[2] in ("ImageObject", "Photograph") for kind in kinds)


def _of_property(value: Any, thing: dict[str, Any], base: str) -> Iterator[Offered]:
    """A picture of a thing: an address alone, or an object."""
    if isinstance(value, dict):
        yield from _of_picture(value, thing, base)
    elif isinstance(value, str) and (url := absolute(value, base)) is not None:
        yield Offered((Address(url, "json_ld"),), _texts({}, thing))


def _of_picture(node: dict[str, Any], thing: dict[str, Any], base: str) -> Iterator[Offered]:
    width = _pixels(node.get("width"))
    named = ("contentUrl",) if node.get("contentUrl") else ("url", "@id")
    addresses = [
        Address(url, "json_ld", width)
        for name in named
        for value in _listed(node.get(name))[:5]
        if isinstance(value, str) and (url := absolute(value, base)) is not None
    ][:1]
    for value in _listed(node.get("thumbnailUrl"))[:5]:
        if isinstance(value, str) and (url := absolute(value, base)) is not None:
            addresses.append(Address(url, "src"))
    if addresses and not _is_reference(node):
        yield Offered(tuple(addresses), _texts(node, thing))


def _is_reference(node: dict[str, Any]) -> bool:
    """It only says which other object is meant."""
    return set(node) <= {"@id", "@type"}


def _texts(node: dict[str, Any], thing: dict[str, Any]) -> dict[str, str]:
    own = [node.get(name) for name in _OWN_WORDS]
    others = [thing.get(name) for name in _WORDS_OF_THING]
    words = next((text for text in (*own, *others) if isinstance(text, str) and text.strip()), "")
    return {"json_ld": words}


def _pixels(value: Any) -> float | None:
    """Pixels as a number, a text ("1200", "1200px") or an object with a value."""
    if isinstance(value, dict):
        value = value.get("value")
    match = re.match(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*$", str(value))
    return float(match[1]) if match else None
