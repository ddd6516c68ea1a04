"""What the console's front page says of labeling: a budget that runs out, a price not known."""

from collections.abc import Iterator
from decimal import Decimal

from django.conf import settings

from imagineer.console_warnings import Notice
from labeling import budget
from labeling.prices import dollars

# Of the budget, from which on it is said that little is left.
LITTLE = Decimal("0.2")


def budget_notices() -> Iterator[Notice]:
    now = budget.standing()
    if now.limit is None or now.unspent > now.limit * LITTLE:
        return
    remedy = "Raise LABELING_BUDGET_USD, or wait for the next month; runs that stop can be retried."
    if now.unspent:
        yield Notice(
            f"{dollars(now.unspent)} is left of this month's budget of {dollars(now.limit)} for "
            "labeling.",
            remedy,
        )
    else:
        yield Notice(
            f"This month's budget of {dollars(now.limit)} for labeling is spent.",
            remedy,
            is_serious=True,
        )


def price_notices() -> Iterator[Notice]:
    if settings.ANTHROPIC_API_KEY and budget.price_warning(settings.CLAUDE_MODEL):
        yield Notice(
            f"What {settings.CLAUDE_MODEL} costs is not known here.",
            "Say it in CLAUDE_PRICES; until then it counts as the dearest model there is.",
        )
