"""What Claude's models cost in US dollars, and how many tokens a request is about. Pure.

The table says what the page "Pricing" of Anthropic's documentation said in November 2026. Prices
change; the setting CLAUDE_PRICES overrides it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal, InvalidOperation
from math import ceil

from imagineer.words import THIN_SPACE
from labeling.labeler import LONGEST_SIDE, Usage

MILLION = Decimal(1_000_000)
# Costs are kept to a millionth of a dollar, rounded up so that no request is free.
SMALLEST = Decimal("0.000001")
DEAREST_ALLOWED = Decimal(10_000)
# The Message Batches API takes half of every price.
BATCH_SHARE = Decimal("0.5")
PIXELS_A_TOKEN = 750
# English has four to five bytes a token with older tokenizers, a bit over three with those since
# Claude 4.7; estimates should rather be too high.
BYTES_A_TOKEN = 3


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens. cache_write: for an entry that lives five minutes."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal


def _price(input_: str, output: str, cache_read: str) -> Price:
    whole = Decimal(input_)
    return Price(whole, Decimal(output), Decimal(cache_read), whole * Decimal("1.25"))


PRICES: dict[str, Price] = {
    "claude-fable-5-2": _price("8", "40", "0.20"),
    "claude-fable-5-1": _price("10", "50", "0.25"),
    "claude-fable-5": _price("10", "50", "1"),
    "claude-mythos-5-1": _price("10", "50", "0.25"),
    "claude-mythos-5": _price("10", "50", "1"),
    "claude-opus-5-5": _price("4", "20", "0.20"),
    "claude-opus-5": _price("5", "25", "0.50"),
    "claude-opus-4-8": _price("5", "25", "0.50"),
    "claude-opus-4-7": _price("5", "25", "0.50"),
    "claude-opus-4-6": _price("5", "25", "0.50"),
    "claude-opus-4-5": _price("5", "25", "0.50"),
    "claude-opus-4-1": _price("15", "75", "1.50"),
    "claude-sonnet-5-5": _price("2", "10", "0.10"),
    "claude-sonnet-5": _price("2", "10", "0.20"),
    "claude-sonnet-4-6": _price("3", "15", "0.30"),
    "claude-sonnet-4-5": _price("3", "15", "0.30"),
    "claude-haiku-5-5": _price("0.10", "0.50", "0.01"),
    "claude-haiku-4-5": _price("1", "5", "0.10"),
}
# A model may be named with its date, or with a region before and a version behind.
_AROUND = re.compile(r"(?:.*[./])?(.+?)(?:[-@]\d{8})?(?:-v\d+)?(?::\d+)?")


def price_of(model: str, own: Mapping[str, Price] | None = None) -> Price | None:
    """What the model costs; None if nobody has said. own: prices that come before the table's."""
    bare = _AROUND.fullmatch(model.strip().lower())
    names = (model, bare[1]) if bare else (model,)
    for table in (own or {}, PRICES):
        for name in names:
            if name in table:
                return table[name]
    return None


def dearest(own: Mapping[str, Price] | None = None) -> Price:
    """What a model of unknown price is counted at, so that a budget holds all the same."""
    return max([*PRICES.values(), *(own or {}).values()], key=lambda price: price.output)


def cost(usage: Usage, price: Price, *, batched: bool = False) -> Decimal:
    """US dollars, in millionths, rounded up."""
    whole = (
        usage.input_tokens * price.input
        + usage.output_tokens * price.output
        + usage.cache_read_tokens * price.cache_read
        + usage.cache_write_tokens * price.cache_write
    ) / MILLION
    return (whole * BATCH_SHARE if batched else whole).quantize(SMALLEST, ROUND_UP)


def parse_prices(entries: Iterable[str]) -> dict[str, Price]:
    """Prices as CLAUDE_PRICES names them: ``model=input/output[/cache read[/cache write]]``.

    Left out, reading costs a tenth of the input and writing a quarter more than it. Raises
    ValueError with a sentence.
    """
    return dict(_parsed(entry) for entry in entries)


def _parsed(entry: str) -> tuple[str, Price]:
    name, _, told = entry.partition("=")
    figures = told.split("/")
    if not (name.strip() and 2 <= len(figures) <= 4):
        raise ValueError(
            f"“{entry}” is no price; write model=input/output, for example "
            "claude-sonnet-5-5=2/10, in US dollars for a million tokens."
        )
    whole, output, *cached = (_dollars(figure, entry) for figure in figures)
    read, write = [*cached, *(whole / 10, whole * Decimal("1.25"))[len(cached) :]]
    return name.strip().lower(), Price(whole, output, read, write)


def _dollars(figure: str, entry: str) -> Decimal:
    try:
        number = Decimal(figure.strip())
    except InvalidOperation:
        number = Decimal(-1)
    if not (number.is_finite() and 0 <= number <= DEAREST_ALLOWED):
        raise ValueError(f"“{figure.strip()}” in “{entry}” is no number of US dollars.")
    return number


# --- How much a request is -----------------------------------------------------------------------


def image_tokens(width: int, height: int) -> int:
    """What a picture of this size takes once it is made small enough to be sent."""
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return ceil(width * scale * height * scale / PIXELS_A_TOKEN)


def text_tokens(text: str) -> int:
    return ceil(len(text.encode("utf-8", "replace")) / BYTES_A_TOKEN)


def dollars(amount: Decimal) -> str:
    """For people: "$1 204.50" with a thin space, more digits for small sums: "$0.0042"."""
    if amount and abs(amount) < Decimal("0.01"):
        return f"${amount.quantize(Decimal('0.0001'), ROUND_UP)}"
    return f"${amount.quantize(Decimal('0.01')):,}".replace(",", THIN_SPACE)
