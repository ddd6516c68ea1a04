"""What people type into the search field, taken apart. Pure.

    red fox "night sky" tag:"oil paint" album:deck lora:inks source:scraped rating:safe -blurry cat*

Words stand in any order, a phrase in quotes as it is; ``-`` leaves out what follows; ``*`` at the
end of a word of three letters or more stands for any ending.
"""

import re
from dataclasses import dataclass

from gallery.search_words import tokens

MAX_LENGTH = 300
MAX_TERMS = 20
FEWEST_BEFORE_STAR = 3
KEYS = ("tag", "album", "lora", "source", "rating")
SOURCES = {
    "upload": "upload", "uploaded": "upload",
    "generated": "generated", "drawn": "generated",
    "scraped": "scraped", "collected": "scraped",
    "imported": "imported", "import": "imported",
}  # fmt: skip
RATINGS = ("unrated", "safe", "suggestive", "adult", "explicit")
# As phones and other keyboards write them.
_SIGNS = str.maketrans({"“": '"', "”": '"', "„": '"', "＂": '"', "：": ":", "－": "-", "−": "-"})
_TERM = re.compile(
    rf'(-?)(?:({"|".join(KEYS)}):\s*|([A-Za-z]+):)?(?:"([^"]*)"?|([^\s"]+))', re.IGNORECASE
)


class SearchRefused(ValueError):
    """A search that cannot be made; the text is the sentence for people."""


@dataclass(frozen=True)
class Term:
    """One part. key: one of KEYS, or empty for words; any_ending: the last word is a beginning."""

    text: str
    key: str = ""
    negated: bool = False
    any_ending: bool = False

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(tokens(self.text))


@dataclass(frozen=True)
class Query:
    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __str__(self) -> str:
        """The text again; parse(str(query)) is the query."""
        return " ".join(_written(term) for term in self.terms)

    def with_term(self, term: Term) -> "Query":
        return self if term in self.terms else Query((*self.terms, term))

    def without(self, term: Term) -> "Query":
        return Query(tuple(other for other in self.terms if other != term))


def parse(text: str) -> Query:
    """Raises SearchRefused for what is too long, and for a source or rating that there is not."""
    text = text.translate(_SIGNS).replace("\x00", " ").strip()
    if len(text) > MAX_LENGTH:
        raise SearchRefused(f"A search has at most {MAX_LENGTH} characters.")
    found = [term for match in _TERM.finditer(text) if (term := _term(match)) is not None]
    terms = tuple(dict.fromkeys(found))
    if len(terms) > MAX_TERMS:
        raise SearchRefused(f"A search has at most {MAX_TERMS} words.")
    return Query(terms)


def _term(match: "re.Match[str]") -> Term | None:
    minus, key, other, quoted, plain = match.groups()
    key = (key or "").lower()
    text = plain if quoted is None else quoted
    if not key and not other and text.lower().removesuffix(":") in KEYS and text.endswith(":"):
        return None  # A key with nothing behind it.
    # No key of ours: words with a colon between them, "16:9".
    text = " ".join(f"{other or ''} {text}".split())
    if key == "source":
        return Term(_source(text), key, bool(minus))
    if key == "rating":
        return Term(_rating(text), key, bool(minus))
    words = tokens(text)
    if not words:
        return None
    starred = quoted is None and text.endswith("*") and key != "tag"
    any_ending = starred and len(words[-1]) >= FEWEST_BEFORE_STAR
    return Term(text.rstrip("*") if starred else text, key, bool(minus), any_ending)


def _source(text: str) -> str:
    try:
        return SOURCES[text.lower()]
    except KeyError:
        raise SearchRefused(
            f"There is no source “{text[:50]}”: upload, generated, scraped or imported."
        ) from None


def _rating(text: str) -> str:
    if text.lower() not in RATINGS:
        raise SearchRefused(f"There is no rating “{text[:50]}”: {', '.join(RATINGS)}.")
    return text.lower()


def _written(term: Term) -> str:
    text = term.text.replace('"', "")
    bare = re.fullmatch(r"[^\s:\"*-][^\s:\"*]*", text) is not None
    value = f"{text}*" if term.any_ending else text if bare else f'"{text}"'
    return f"{'-' if term.negated else ''}{f'{term.key}:' if term.key else ''}{value}"
