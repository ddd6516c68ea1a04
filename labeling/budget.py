"""What labeling costs, and the month's budget that it may not pass (LABELING_BUDGET_USD).

Before a request is sent, the most that it may cost is set aside on its run; when its answer has
come, what it did cost is written to the run and to the month. Both happen under the lock of the
month's row, so that workers who ask at the same time cannot pass the budget together. What a killed
worker had set aside counts no more once its job has ended or starts again.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import DecimalField, F, Sum, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from imagineer.jobs.models import Status
from labeling import prices
from labeling.labeler import Usage
from labeling.models import LabelingRun, MonthlyCost
from labeling.prices import Price, dollars

NOTHING = Decimal(0)


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
    reserved = running.aggregate(total=Sum("reserved_usd"))["total"] or NOTHING
    return Standing(spent, reserved, limit)


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
        now = _standing(_locked_month().cost_usd)
        if amount > now.unspent:
            raise BudgetSpent(
                f"{replace(now, reserved=NOTHING)} The next image may cost up to "
                f"{dollars(amount)}. Raise LABELING_BUDGET_USD, or retry this next month: it goes "
                "on where it stopped."
            )
        if not now.allows(amount):
            return False
        LabelingRun.objects.filter(pk=run.pk).update(reserved_usd=F("reserved_usd") + amount)
    return True


def record(
    run: LabelingRun,
    usage: Usage,
    price: Price | None,
    *,
    reserved: Decimal = NOTHING,
    batched: bool = False,
) -> None:
    """Write what was used to the run, and what it costs to the run and the month.

    price: None for a labeler that is not paid. reserved: what was set aside for it.
    """
    cost = prices.cost(usage, price, batched=batched) if price else NOTHING
    nothing = Value(NOTHING, DecimalField(max_digits=14, decimal_places=6))
    with transaction.atomic():
        if cost:
            month = _locked_month()
            MonthlyCost.objects.filter(pk=month.pk).update(cost_usd=F("cost_usd") + cost)
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
