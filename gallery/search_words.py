"""Texts as the tokens that are searched for. Pure: both databases index what this makes of a text.

Case, accents, vowel points and punctuation make no difference. Scripts that put no space between
words (Chinese, Japanese, Thai, Lao, Burmese, Khmer) are taken letter by letter, so that a word of
several is found as a phrase.
"""

import re
import unicodedata
from collections.abc import Iterable

MAX_TOKENS = 3000
MAX_TOKEN_LENGTH = 60
# A letter of private use: no token of a text has it, so that none is taken for a fact.
MARK = "\ue000"
# Accents, and the points of Hebrew and Arabic, which most people leave out; what joins or parts
# letters without being seen, and the stroke that makes an Arabic word longer.
_DIACRITICS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u065f\u0670\u00ad\u200d\u2060\ufeff]"
)
# Letters of one piece, for which many people type another.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
# Vowels and other signs that belong to the letter before them.
_MARKS = "".join(
    chr(code) for code in range(0x0900, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
_WORD = re.compile(f"[^\\W_](?:[^\\W_]|[{_MARKS}])*")
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
    f"[{_MARKS}]*)"
)


def tokens(text: str) -> list[str]:
    """The tokens of a text, in its order; at most MAX_TOKENS."""
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFKD", text[: MAX_TOKENS * 20]))
    plain = unicodedata.normalize("NFC", plain.casefold()).translate(_PLAIN)
    plain = _UNSPACED.sub(r" \1 ", plain)
    return [word[:MAX_TOKEN_LENGTH] for word in _WORD.findall(plain)[:MAX_TOKENS]]


def token_of(kind: str, value: object) -> str:
    """The token for a fact: that an image is in album 12, comes from an upload."""
    return f"{MARK}{kind}{value}"


def texts(parts: Iterable[str]) -> str:
    """Several texts for one column. Phrases do not reach from one into the next."""
    return f" {MARK} ".join(" ".join(words) for part in parts if (words := tokens(part)))


def tsvector(columns: dict[str, str]) -> str:
    """A PostgreSQL ``tsvector`` literal. columns: weight (A to D) → tokens between spaces."""
    places: dict[str, list[str]] = {}
    place = 0
    for weight, text in columns.items():
        place += 1
        for token in text.split():
            place += 1
            # Later places than this are not kept; words there are still found.
            places.setdefault(token, []).append(f"{min(place, 16_383)}{weight}")
    # 256 places of one word are the most that a tsvector keeps.
    return " ".join(f"'{token}':{','.join(found[:250])}" for token, found in places.items())
