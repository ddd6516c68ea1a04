"""What the header X-Robots-Tag asks of us. Pure.

X-Robots-Tag: noai, noimageai
X-Robots-Tag: otherbot: noindex, nofollow
X-Robots-Tag: imagineer: noai
"""

from collections.abc import Iterable

# Directives that have a value behind a colon, and so are no names of crawlers.
_WITH_VALUES = frozenset(
    {"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"}
)
NOAI = frozenset({"noai", "noimageai"})


def directives(headers: Iterable[str], our_name: str) -> frozenset[str]:
    """Those for everybody and for us, lower case. A name holds to the end of its header."""
    found: set[str] = set()
    for header in headers:
        holds = True
        for part in header.split(","):
            word = part.strip().lower()
            name, colon, rest = word.partition(":")
            if colon and name.strip() not in _WITH_VALUES:
                holds = name.strip() in ("*", our_name.lower())
                word = rest.strip()
            if holds and word:
                found.add(word)
    return frozenset(found)


def asks_not_to_train(found: Iterable[str]) -> bool:
    """Whether directives of a header or of meta robots keep pictures from training."""
    return not NOAI.isdisjoint(found)
