"""Reading ``srcset`` attributes (HTML Standard, "parse a srcset attribute")."""

import re

_SPACE = " \t\n\f\r"
_DESCRIPTOR = re.compile(r"(\d+(?:\.\d+)?)([wxh])")


def parse_srcset(text: str) -> list[tuple[str, float]]:
    """Addresses with their size, as written: (address, size), size in pixels of width, or density.

    Density counts as its own small number, since a set never mixes the two; an address without a
    descriptor has density 1.
    """
    found: list[tuple[str, float]] = []
    position = 0
    while position < len(text):
        while position < len(text) and text[position] in _SPACE + ",":
            position += 1
        start = position
        while position < len(text) and text[position] not in _SPACE:
            position += 1
        url = text[start:position]
        if not url:
            break
        descriptors = ""
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            start = position
            position = _end_of_descriptors(text, position)
            descriptors = text[start:position]
        if url:
            found.append((url, _size(descriptors)))
    return found


def _end_of_descriptors(text: str, position: int) -> int:
    """Where the descriptors end: at a comma outside parentheses, or at the end."""
    depth = 0
    while position < len(text):
        if text[position] == "(":
            depth += 1
        elif text[position] == ")":
            depth -= 1
        elif text[position] == "," and depth <= 0:
            break
        position += 1
    return position


def _size(descriptors: str) -> float:
    sizes = {}
    for word in descriptors.split():
        match = _DESCRIPTOR.fullmatch(word)
        if match and len(match[1]) < 10:
            sizes[match[2]] = float(match[1])
    return sizes.get("w") or sizes.get("x") or sizes.get("h") or 1.0
