"""The pictures that style sheets put behind elements. Pure."""

import re
from collections.abc import Iterator

LONGEST_SHEET = 500_000
MOST_PICTURES = 200
_LONGEST_VALUE = 5000

# Declarations that put a picture somewhere; fonts and cursors are addresses too.
_DECLARATION = re.compile(
    r"(?:background|background-image|--[\w-]{1,60}|content|list-style-image|border-image)\s{0,9}:",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_URL = re.compile(
    r"""url\(\s*(?:"([^"]{0,4000})"|'([^']{0,4000})'|((?:[^()"'\s\\]|\\.){0,4000}))\s*\)""", re.I
)
_SET = re.compile(r"(?:-webkit-)?image-set\(", re.IGNORECASE)
_OF_SET = re.compile(
    r"""(?:url\(\s*(?:"([^"]{0,4000})"|'([^']{0,4000})'|((?:[^()"'\s\\]|\\.){0,4000}))\s*\)|"([^"]{0,4000})"
    |'([^']{0,4000})')\s*(?:type\([^)]{0,60}\)\s*)?(?:(\d+(?:\.\d+)?)\s*(x|dppx|dpi))?""",
    re.IGNORECASE | re.VERBOSE,
)
_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})\s?|\\(.)", re.IGNORECASE | re.DOTALL)


def urls_of_style(text: str) -> Iterator[tuple[str, ...]]:
    """Addresses as they are written in a style sheet or attribute: a tuple for each picture, that
    of the highest resolution first."""
    text = _COMMENT.sub(" ", text[:LONGEST_SHEET])
    for number, declaration in enumerate(_DECLARATION.finditer(text)):
        if number == MOST_PICTURES:
            return
        yield from _urls_of_value(_value(text, declaration.end()))


def _value(text: str, start: int) -> str:
    """What a declaration says, to its end: a semicolon in quotes or brackets ends nothing."""
    quote, depth = "", 0
    for position in range(start, min(len(text), start + _LONGEST_VALUE)):
        character = text[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif depth <= 0 and character in ";}":
            return text[start:position]
    return text[start : start + _LONGEST_VALUE]


def _urls_of_value(value: str) -> Iterator[tuple[str, ...]]:
    position = 0
    while True:
        of_set, single = _SET.search(value, position), _URL.search(value, position)
        if of_set is not None and (single is None or of_set.start() < single.start()):
            end = _closing(value, of_set.end())
            yield tuple(_of_set(value[of_set.end() : end]))
            position = end
        elif single is not None:
            address = _unescaped(next((part for part in single.groups() if part), ""))
            if address:
                yield (address,)
            position = single.end()
        else:
            return


def _closing(value: str, start: int) -> int:
    """Where the bracket that was opened before start is closed."""
    depth = 1
    for position in range(start, len(value)):
        depth += {"(": 1, ")": -1}.get(value[position], 0)
        if depth == 0:
            return position
    return len(value)


def _of_set(inside: str) -> list[str]:
    sizes: list[tuple[float, str]] = []
    for found in _OF_SET.finditer(inside):
        address = _unescaped(next((part for part in found.groups()[:5] if part), ""))
        number = float(found[6]) if found[6] and len(found[6]) < 10 else 1.0
        if address and not address.startswith("image/"):
            sizes.append(
                (number / 96 if found[7] and found[7].lower() == "dpi" else number, address)
            )
    return [address for _, address in sorted(sizes, key=lambda one: -one[0])]


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        if match[1]:
            number = int(match[1], 16)
            return chr(number) if 0 < number < 0xD800 or 0xDFFF < number < 0x110000 else ""
        return match[2]

    return _ESCAPE.sub(plain, text) if "\\" in text else text
