"""What changed from one version of a prompt to the next, word by word. Pure."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

SAME, ADDED, REMOVED = "same", "added", "removed"
_WORD = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class Part:
    """change: SAME, ADDED or REMOVED. text: words with the white space behind them."""

    change: str
    text: str


def changes(before: str, after: str) -> list[Part]:
    """The parts in the order in which they are read, what was removed before what replaces it.

    All but the removed ones together are the text after, all but the added ones the text before.
    """
    old, new = _WORD.findall(before), _WORD.findall(after)
    parts = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            parts.append(Part(SAME, "".join(old[i:j])))
            continue
        parts.append(Part(REMOVED, "".join(old[i:j])))
        parts.append(Part(ADDED, "".join(new[k:m])))
    return [part for part in parts if part.text]
