"""Everything the built-in model can draw, as one list of subjects."""

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from PIL import Image

from generation.builtin import cards, signs, tarot
from generation.builtin.drawing import INKS, PAPERS, Canvas, Colour, paint

Kind = Literal["card", "sign", "tarot"]


@dataclass(frozen=True)
class Subject:
    """One thing that can be drawn.

    `rank` and `suit` are the words of a card or tarot minor; a joker has rank "joker" and its
    word as suit, a trump has rank "trump" and its name as suit, a sign has suit "sign".
    """

    kind: Kind
    rank: str
    suit: str

    @property
    def name(self) -> str:
        """The human name in lower case, such as "seven of hearts"."""
        if self.rank == "joker":
            return f"{self.suit} joker"
        if self.rank == "trump":
            return self.suit
        if self.kind == "sign":
            return self.rank
        return f"{self.rank} of {self.suit}"

    def canvas(self) -> Canvas:
        """The drawing without colours."""
        if self.kind == "sign":
            return signs.sign(self.rank)
        if self.rank == "joker":
            return cards.joker(self.suit)
        if self.rank == "trump":
            return tarot.trump(self.suit)
        if self.kind == "tarot":
            return tarot.minor(self.rank, self.suit)
        return cards.card(self.rank, self.suit)


def card_subjects() -> list[Subject]:
    """The 52 cards, then the two jokers."""
    deck = [Subject("card", rank, suit) for suit in cards.SUITS for rank in cards.RANKS]
    return deck + [Subject("card", "joker", which) for which in cards.JOKERS]


def sign_subjects() -> list[Subject]:
    """The twelve signs in the order of the year."""
    return [Subject("sign", name, "sign") for name in signs.SIGNS]


def tarot_subjects() -> list[Subject]:
    """The 22 trumps by number, then the 56 minors."""
    trumps = [Subject("tarot", "trump", name) for name in tarot.TRUMPS]
    suits, ranks = tarot.MINOR_SUITS, tarot.MINOR_RANKS
    return trumps + [Subject("tarot", rank, suit) for suit in suits for rank in ranks]


def all_subjects() -> list[Subject]:
    return card_subjects() + sign_subjects() + tarot_subjects()


@lru_cache(maxsize=256)
def canvas_of(subject: Subject) -> Canvas:
    """The drawing of a subject; kept, because every drawing is made many times."""
    return subject.canvas()


def nudge(colour: Colour, amount: int, rng: random.Random) -> Colour:
    """The colour with each channel moved by up to `amount`, kept within 0..255."""
    red, green, blue = (min(255, max(0, c + rng.randint(-amount, amount))) for c in colour)
    return (red, green, blue)


def draw(
    subject: Subject,
    ink: str,
    paper: str,
    rng: random.Random | None = None,
    jitter: float = 0.0,
    colour_jitter: int = 0,
) -> Image.Image:
    """A 64×96 RGB picture of the subject in named colours.

    `jitter` moves the drawing by up to that many pixels, `colour_jitter` moves each channel by up
    to that many levels; both need `rng`, and the same state of it gives the same picture.
    """
    ink_colour, paper_colour = INKS[ink], PAPERS[paper]
    if rng is None:
        return paint(canvas_of(subject).mask(), ink_colour, paper_colour)
    dx, dy = (round(rng.uniform(-jitter, jitter), 2) for _ in range(2))
    mask = canvas_of(subject).mask(dx, dy)
    ink_colour = nudge(ink_colour, colour_jitter, rng)
    return paint(mask, ink_colour, nudge(paper_colour, colour_jitter, rng))
