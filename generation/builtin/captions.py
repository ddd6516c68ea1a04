"""Training prompts: the many ways in which people ask for one of our drawings."""

import random
from collections.abc import Sequence

from generation.builtin.cards import RANKS, SUITS
from generation.builtin.drawing import INKS, PAPERS
from generation.builtin.signs import SIGNS
from generation.builtin.subjects import Subject
from generation.builtin.tarot import MINOR_RANKS, MINOR_SUITS, TRUMPS

DIGITS = {
    word: str(number)
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2
    )
}
PREFIXES: dict[str, tuple[str, ...]] = {
    "card": (
        *("playing card,",) * 6,
        "a playing card,",
        "a playing card showing the",
        "playing card",
        "card,",
        "a card,",
        "the",
        "picture of the",
        *("",) * 3,
    ),
    "sign": (
        *("zodiac sign,",) * 6,
        "zodiac,",
        "the zodiac sign",
        "sign of",
        "the sign of",
        "star sign,",
        *("",) * 3,
    ),
    "tarot": (
        *("tarot card,",) * 6,
        "a tarot card,",
        "tarot,",
        "tarot card",
        "a tarot card showing",
        *("",) * 3,
    ),
}
SUFFIXES = (*("clean print",) * 8, "sharp", "high quality", "best quality", *("",) * 5)
NEGATIVES = ("blurry", "smudged", "noise", "noisy", "low quality", "worst quality", "ugly", "bad")
"""Words for negative prompts; they are trained to mean "no wish at all"."""

STYLE_WORDS = (
    "art nouveau",
    "art deco",
    "moonlit",
    "vintage",
    "elegant",
    "ornate",
    "minimal",
    "watercolour",
    "engraving",
    "woodcut",
    "gothic",
    "medieval",
    "modern",
    "classic",
    "mystical",
    "dreamy",
    "dark",
    "bright",
    "golden hour",
    "celestial",
    "starry",
    "floral",
    "geometric",
    "baroque",
    "victorian",
    "retro",
    "antique",
    "hand drawn",
    "detailed",
    "bold",
    "simple",
    "soft light",
    "in the style of an old master",
    "by candle light",
    "forest",
    "ocean",
    "winter",
    "summer",
    "nightdeck style",
    "photo of",
    "drawing of",
    "painting",
)
"""Themes that the model does not know how to paint; it learns to draw a clean picture anyway."""

_SYLLABLES = (
    *("ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu", "cha"),
    *("dre", "fla", "gho", "ish", "jin", "kor", "lum", "mar", "nex", "oph", "qua"),
)


def invented_word(rng: random.Random) -> str:
    """A word that means nothing, so that unknown words learn to do no harm."""
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(1, 4)))


def vocabulary() -> list[str]:
    """Every word the prompts are made of, sorted, each once."""
    texts: list[str] = [*RANKS, *SUITS, *SIGNS, *MINOR_RANKS, *MINOR_SUITS, *TRUMPS, *INKS, *PAPERS]
    texts += [prefix for group in PREFIXES.values() for prefix in group]
    texts += [*SUFFIXES, *NEGATIVES, *STYLE_WORDS, "ink on paper in of joker first second"]
    texts += ["major minor arcana trump number"]
    return sorted({word for text in texts for word in text.replace(",", " ").split()})


def subject_words(subject: Subject, rng: random.Random) -> str:
    """One way of naming the subject."""
    name = subject.name
    if subject.kind == "tarot" and rng.random() < 0.6:
        arcana = "major" if subject.rank == "trump" else "minor"
        name = f"{arcana} arcana, {name}"
    if subject.rank in DIGITS and rng.random() < 0.12:
        name = name.replace(subject.rank, DIGITS[subject.rank])
    return name


def theme_words(ink: str, paper: str, rng: random.Random) -> str:
    """One way of asking for the colours; at times one of them, or both, goes unsaid."""
    chance = rng.random()
    if chance < 0.55:
        return f"{ink} ink on {paper} paper"
    if chance < 0.80:
        forms = (
            f"{paper} paper, {ink} ink",
            f"{ink} ink, {paper} paper",
            f"{ink} on {paper}",
            f"in {ink} ink on {paper} paper",
            f"{ink} on {paper} paper",
        )
        return rng.choice(forms)
    if chance < 0.87:
        return rng.choice((f"{ink} ink", f"in {ink}"))
    if chance < 0.92:
        return rng.choice((f"{paper} paper", f"on {paper} paper"))
    return ""


def stray_words(rng: random.Random) -> str:
    """Words that the picture does not depend on."""
    words = [
        rng.choice(STYLE_WORDS) if rng.random() < 0.6 else invented_word(rng)
        for _ in range(rng.randint(1, 3))
    ]
    return ", ".join(words)


def join(parts: Sequence[str]) -> str:
    return ", ".join(part for part in parts if part)


def caption(subject: Subject, ink: str, paper: str, rng: random.Random) -> str:
    """One training prompt for a picture of the subject in these colours."""
    prefix = rng.choice(PREFIXES[subject.kind])
    parts = [f"{prefix} {subject_words(subject, rng)}".strip(), theme_words(ink, paper, rng)]
    if rng.random() < 0.3:
        parts.insert(rng.randint(0, 2), stray_words(rng))
    parts.append(rng.choice(SUFFIXES))
    return join(parts)


def empty_caption(rng: random.Random) -> str:
    """A prompt without a wish, for classifier-free guidance: nothing, or negative words."""
    if rng.random() < 0.6:
        return ""
    return ", ".join(rng.sample(NEGATIVES, rng.randint(1, 4)))
