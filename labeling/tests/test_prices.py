from decimal import Decimal

import pytest

from labeling.labeler import Usage
from labeling.prices import (
    PRICES,
    Price,
    cost,
    dearest,
    dollars,
    image_tokens,
    parse_prices,
    price_of,
    text_tokens,
)

SONNET = PRICES["claude-sonnet-5-5"]


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        (Usage(), "0"),
        (Usage(input_tokens=1_000_000), "2"),
        (Usage(output_tokens=1_000_000), "10"),
        (Usage(cache_read_tokens=1_000_000), "0.10"),
        (Usage(cache_write_tokens=1_000_000), "2.50"),
        (Usage(1500, 120, 700, 0), "0.00427"),
        (Usage(cache_read_tokens=1), "0.000001"),
    ],
)
def test_every_kind_of_token_has_its_price(usage, wanted):
    assert cost(usage, SONNET) == Decimal(wanted)


def test_a_batch_costs_half():
    usage = Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000)
    assert cost(usage, SONNET, batched=True) == cost(usage, SONNET) / 2


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-sonnet-5", "claude-sonnet-5"),
        ("Claude-Opus-5-5 ", "claude-opus-5-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("anthropic/claude-haiku-5-5", "claude-haiku-5-5"),
    ],
)
def test_a_model_is_known_by_its_name_with_or_without_a_date(model, known):
    assert price_of(model) == PRICES[known]


@pytest.mark.parametrize("model", ["", "claude-sonnet-6", "claude-sonnet-5-6", "llava", "20250101"])
def test_a_model_that_is_not_in_the_table_has_no_price(model):
    assert price_of(model) is None


def test_what_is_unknown_counts_as_the_dearest():
    assert dearest().output == max(price.output for price in PRICES.values())
    own = parse_prices(["gold=1/900"])
    assert dearest(own) == own["gold"]


def test_own_prices_come_before_the_table():
    own = parse_prices(["claude-sonnet-5-5=3/15", " Llava = 0 / 0.5 / 0 / 0.25"])
    assert price_of("claude-sonnet-5-5-20261001", own) == Price(
        Decimal(3), Decimal(15), Decimal("0.3"), Decimal("3.75")
    )
    assert price_of("llava", own) == Price(Decimal(0), Decimal("0.5"), Decimal(0), Decimal("0.25"))
    assert price_of("claude-haiku-5-5", own) == PRICES["claude-haiku-5-5"]
    three = parse_prices(["m=1/2/0.5"])["m"]
    assert (three.cache_read, three.cache_write) == (Decimal("0.5"), Decimal("1.25"))


@pytest.mark.parametrize(
    "entry", ["", "m", "m=", "m=1", "=1/2", "m=1/2/3/4/5", "m=a/2", "m=-1/2", "m=nan/2", "m=1/inf"]
)
def test_a_price_that_cannot_be_read_is_told_with_its_entry(entry):
    with pytest.raises(ValueError, match=r"“.*” (is no price|in “m=.*” is no number)"):
        parse_prices([entry])


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((750, 1000), 1000),
        ((1, 1), 1),
        ((1568, 1568), 3279),
        ((3136, 3136), 3279),
        ((3136, 1568), 1640),
        ((1568, 30_000), 172),
    ],
)
def test_a_picture_takes_what_it_is_sent_with(size, tokens):
    assert image_tokens(*size) == tokens
    assert image_tokens(*reversed(size)) == tokens


def test_text_is_rather_counted_too_high():
    assert text_tokens("") == 0
    assert text_tokens("a cat on a mat") >= 5
    assert text_tokens("猫がマットの上にいる") >= 10


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0", "$0.00"),
        ("0.00001", "$0.0001"),
        ("0.0042", "$0.0042"),
        ("0.01", "$0.01"),
        ("1204.5", "$1\u202f204.50"),
    ],
)
def test_dollars_are_said_as_people_write_them(amount, said):
    assert dollars(Decimal(amount)) == said
