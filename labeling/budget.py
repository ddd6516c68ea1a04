"""What labeling costs, and the month's budget that it may not pass (LABELING_BUDGET_USD).

Before a request is sent, the most that it may cost is set aside on its run, or on the batch that it
is sent with; when its answer has come, what it did cost is written to the run and to the month.
Both happen under the lock of the month's row, so that workers who ask at the same time cannot pass
the budget together. What a killed worker had set aside for single requests counts no more once its
job has ended or starts again; a batch counts until it is read, whoever is left to read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DecimalField, F, QuerySet, Sum, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from imagineer.jobs.models import Status
from labeling import prices
from labeling.labeler import Usage
from labeling.models import LabelingBatch, LabelingRun, MonthlyCost
from labeling.prices import Price, dollars

NOTHING = Decimal(0)
# Anthropic keeps the results of a batch for 29 days; nobody learns later what it cost.
BATCHES_COUNT = timedelta(days=29)


@dataclass(frozen=True)
class Standing:
    """This month in US dollars. reserved: for requests on their way. limit: None without one."""

    spent: Decimal
    reserved: Decimal = NOTHING
    limit: Decimal | None = None

    @property
    def left(self) -> Decimal | None:
        """What new requests may cost; None for any amount."""
        return None if self.limit is None else max(NOTHING, self.unspent - self.reserved)

    @property
    def unspent(self) -> Decimal:
        return max(NOTHING, (self.limit or NOTHING) - self.spent)

    def allows(self, amount: Decimal) -> bool:
        return self.left is None or amount <= self.left

    def __str__(self) -> str:
        if self.limit is None:
            return f"{dollars(self.spent)} spent this month."
        left, limit = dollars(self.left or NOTHING), dollars(self.limit)
        return f"{left} is left of this month's budget of {limit}."


class BudgetSpent(Exception):
    """The month's budget does not allow what was asked for; the text says what to do."""


def model_price(model: str) -> Price:
    """What a model costs; one whose price nobody has said counts as the dearest."""
    own = settings.CLAUDE_PRICES
    return prices.price_of(model, own) or prices.dearest(own)


def price_warning(model: str) -> str:
    """A sentence for a model whose price nobody has said; empty for others."""
    if prices.price_of(model, settings.CLAUDE_PRICES) is not None:
        return ""
    return (
        f"What {model} costs is not known here, so it counts as the dearest model there is; say it "
        "in CLAUDE_PRICES."
    )


def this_month() -> date:
    return timezone.localdate().replace(day=1)


def standing() -> Standing:
    spent = MonthlyCost.objects.filter(month=this_month()).values_list("cost_usd", flat=True)
    return _standing(spent.first() or NOTHING)


def _standing(spent: Decimal) -> Standing:
    limit: Decimal = settings.LABELING_BUDGET_USD
    if not limit:
        return Standing(spent)
    running = LabelingRun.objects.filter(job__status=Status.RUNNING, reserved_usd__gt=0)
    batches = LabelingBatch.objects.filter(
        state__in=LabelingBatch.OPEN, created_at__gt=timezone.now() - BATCHES_COUNT
    )
    return Standing(spent, sum((_reserved(rows) for rows in (running, batches)), NOTHING), limit)


def _reserved(rows: QuerySet[Any]) -> Decimal:
    return rows.aggregate(total=Sum("reserved_usd"))["total"] or NOTHING


def start_over(run: LabelingRun) -> None:
    """Forget what an earlier attempt at the run had set aside."""
    LabelingRun.objects.filter(pk=run.pk, reserved_usd__gt=0).update(reserved_usd=NOTHING)


def reserve(run: LabelingRun, amount: Decimal) -> bool:
    """Set this much aside for a request of the run.

    False: it has to wait for what others have set aside. Raises BudgetSpent if the budget does not
    allow it whatever becomes of those.
    """
    if not settings.LABELING_BUDGET_USD:
        return True
    with transaction.atomic():
        if not allowed([amount]):
            return False
        LabelingRun.objects.filter(pk=run.pk).update(reserved_usd=F("reserved_usd") + amount)
    return True


def allowed(amounts: Sequence[Decimal]) -> int:
    """How many of these requests may be sent now, from the first on; their most in US dollars each.

    Call it in the transaction that sets them aside: it holds the month's row. 0: the first has to
    wait for what others have set aside. Raises BudgetSpent if the budget does not allow the first
    whatever becomes of those.
    """
    if not settings.LABELING_BUDGET_USD:
        return len(amounts)
    now = _standing(_locked_month().cost_usd)
    if amounts and amounts[0] > now.unspent:
        raise BudgetSpent(
            f"{replace(now, reserved=NOTHING)} The next image may cost up to "
            f"{dollars(amounts[0])}. Raise LABELING_BUDGET_USD, or retry this next month: it goes "
            "on where it stopped."
        )
    return sum(1 for total in accumulate(amounts) if now.allows(total))


def record(
    run: LabelingRun,
    usage: Usage,
    price: Price | None,
    *,
    reserved: Decimal = NOTHING,
    batch: LabelingBatch | None = None,
) -> None:
    """Write what was used to the run, and what it costs to the run and the month.

    price: None for a labeler that is not paid. reserved: what was set aside for it on the run.
    batch: the one that it came in, at half the price; less of that one is set aside then.
    """
    cost = prices.cost(usage, price, batched=batch is not None) if price else NOTHING
    nothing = Value(NOTHING, DecimalField(max_digits=14, decimal_places=6))
    with transaction.atomic():
        if cost:
            month = _locked_month()
            MonthlyCost.objects.filter(pk=month.pk).update(cost_usd=F("cost_usd") + cost)
        if cost and batch is not None:
            LabelingBatch.objects.filter(pk=batch.pk).update(
                reserved_usd=Greatest(F("reserved_usd") - cost, nothing)
            )
        LabelingRun.objects.filter(pk=run.pk).update(
            input_tokens=F("input_tokens") + usage.input_tokens,
            output_tokens=F("output_tokens") + usage.output_tokens,
            cache_read_tokens=F("cache_read_tokens") + usage.cache_read_tokens,
            cache_write_tokens=F("cache_write_tokens") + usage.cache_write_tokens,
            cost_usd=F("cost_usd") + cost,
            reserved_usd=Greatest(F("reserved_usd") - reserved, nothing),
        )


def _locked_month() -> MonthlyCost:
    """This month's row, which nobody else changes until the transaction ends."""
    MonthlyCost.objects.get_or_create(month=this_month())
    return MonthlyCost.objects.select_for_update().get(month=this_month())
