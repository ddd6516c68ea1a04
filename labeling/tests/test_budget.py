"""The month's budget: what is set aside, what is spent, and runs that would pass it."""

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from gallery.tests.factories import make_image, make_row
from imagineer.jobs import states
from imagineer.jobs.models import Job, Status
from imagineer.problems import Problem
from labeling import budget, one_by_one
from labeling.budget import BudgetSpent, Standing
from labeling.labeler import Usage
from labeling.models import LabelingItem, LabelingRun, MonthlyCost
from labeling.prices import parse_prices
from labeling.runs import retry_run
from labeling.tests.anthropic_server import GOOD, Reply, good_text
from labeling.tests.factories import album_of, finished, run_of

pytestmark = pytest.mark.django_db
Outcome = LabelingItem.Outcome
HALF = Decimal("0.5")


@pytest.fixture
def running(anthropic, settings) -> LabelingRun:
    """A run that is being worked on, with a budget of one dollar."""
    run = run_of(make_row())
    Job.objects.filter(pk=run.job_id).update(status=Status.RUNNING)
    settings.LABELING_BUDGET_USD = Decimal(1)
    return run


def spend(amount: str) -> None:
    MonthlyCost.objects.update_or_create(
        month=budget.this_month(), defaults={"cost_usd": Decimal(amount)}
    )


def costs(**columns: Any) -> Decimal:
    return MonthlyCost.objects.get(**columns).cost_usd


# --- The books -----------------------------------------------------------------------------------


def test_without_a_budget_everything_is_allowed():
    now = Standing(Decimal(3))
    assert now.allows(Decimal(1000))
    assert now.left is None
    assert str(now) == "$3.00 spent this month."


def test_what_is_on_its_way_is_not_left():
    now = Standing(Decimal("0.2"), Decimal("0.3"), Decimal(1))
    assert now.left == HALF
    assert now.allows(HALF)
    assert not now.allows(Decimal("0.51"))
    assert str(now) == "$0.50 is left of this month's budget of $1.00."
    assert Standing(Decimal(2), limit=Decimal(1)).left == 0


def test_a_request_sets_aside_what_it_may_cost(running):
    assert budget.reserve(running, HALF)
    assert budget.standing().left == HALF
    assert not budget.reserve(running, Decimal("0.6"))
    assert budget.reserve(running, HALF)
    assert budget.standing().left == 0


def test_what_an_answer_cost_takes_the_place_of_what_was_set_aside(running, settings):
    settings.CLAUDE_PRICES = parse_prices(["claude-sonnet-5-5=100/0/10/125"])
    budget.reserve(running, HALF)
    usage = Usage(1000, 50, 1000, 1000)
    budget.record(running, usage, budget.model_price(running.model), reserved=HALF)
    running.refresh_from_db()
    assert running.cost_usd == costs(month=budget.this_month()) == Decimal("0.235")
    assert running.reserved_usd == 0
    told = (running.input_tokens, running.cache_read_tokens, running.cache_write_tokens)
    assert (*told, running.output_tokens) == (1000, 1000, 1000, 50)
    assert budget.standing().left == Decimal("0.765")


def test_a_labeler_that_is_not_paid_costs_nothing(running):
    budget.record(running, Usage(1000, 1000), None)
    running.refresh_from_db()
    assert (running.cost_usd, running.input_tokens) == (0, 1000)
    assert not MonthlyCost.objects.exists()


def test_what_the_budget_never_allows_is_told_with_what_to_do(running):
    spend("0.8")
    with pytest.raises(BudgetSpent) as caught:
        budget.reserve(running, HALF)
    assert str(caught.value) == (
        "$0.20 is left of this month's budget of $1.00. The next image may cost up to $0.50. Raise "
        "LABELING_BUDGET_USD, or retry this next month: it goes on where it stopped."
    )


def test_what_a_dead_worker_had_set_aside_is_free_again(running):
    budget.reserve(running, HALF)
    Job.objects.filter(pk=running.job_id).update(status=Status.FAILED)
    assert budget.standing().left == 1
    Job.objects.filter(pk=running.job_id).update(status=Status.RUNNING)
    budget.start_over(running)
    assert budget.standing().left == 1


def test_a_new_month_begins_with_the_whole_budget(running, monkeypatch):
    spend("1")
    assert budget.standing().left == 0
    monkeypatch.setattr(budget, "this_month", lambda: date(2100, 1, 1))
    assert budget.standing().left == 1


def test_a_month_keeps_what_it_cost_when_its_runs_are_deleted(running):
    budget.record(running, Usage(1_000_000), budget.model_price(running.model))
    running.delete()
    assert costs(month=budget.this_month()) == 2


def test_a_model_of_unknown_price_counts_as_the_dearest_and_is_told(settings):
    assert budget.price_warning("claude-sonnet-5-5") == ""
    assert "CLAUDE_PRICES" in budget.price_warning("claude-sonnet-9")
    assert budget.model_price("claude-sonnet-9").output == 75
    settings.CLAUDE_PRICES = parse_prices(["claude-sonnet-9=1/2"])
    assert budget.price_warning("claude-sonnet-9") == ""
    assert budget.model_price("claude-sonnet-9").output == 2


@pytest.mark.django_db(transaction=True)
def test_workers_that_ask_at_once_cannot_pass_it_together(running):
    allowed = []
    ready = threading.Barrier(6)

    def ask() -> None:
        ready.wait(10)
        try:
            allowed.append(budget.reserve(running, Decimal("0.4")))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(allowed) == [False] * 4 + [True] * 2
    running.refresh_from_db()
    assert running.reserved_usd == Decimal("0.8")


# --- Runs ----------------------------------------------------------------------------------------


@pytest.fixture
def dear(anthropic, settings) -> Any:
    """Images cost some cents each, and could cost thirty."""
    settings.CLAUDE_PRICES = parse_prices(["claude-sonnet-5-5=100/0/10/125"])
    settings.LABELING_CONCURRENCY = 1
    return settings


def test_a_run_stops_before_it_would_pass_the_budget_and_goes_on_next_month(
    dear, anthropic, monkeypatch
):
    run = run_of(*(make_image() for _ in range(8)))
    dear.LABELING_BUDGET_USD = Decimal(1)
    job = finished(run)
    assert job.status == Status.PARTIAL
    assert "is left of this month's budget of $1.00. The next image may cost up to" in job.error
    done = run.counts()[Outcome.DONE]
    assert 3 <= done < 8
    assert run.counts()[Outcome.PENDING] == 8 - done
    assert len(anthropic.requests) == done
    run.refresh_from_db()
    assert run.cost_usd == costs(month=budget.this_month()) <= 1
    this_month = run.cost_usd

    monkeypatch.setattr(budget, "this_month", lambda: date(2100, 1, 1))
    dear.LABELING_BUDGET_USD = Decimal(10)
    assert states.retry(job)
    assert finished(run).result["labelled"] == 8
    assert len(anthropic.requests) == 8
    run.refresh_from_db()
    assert run.cost_usd == this_month + costs(month=date(2100, 1, 1))


def test_a_run_that_can_afford_nothing_fails_with_the_sentence(dear, anthropic):
    run = run_of(make_image())
    dear.LABELING_BUDGET_USD = Decimal("0.01")
    job = finished(run)
    assert job.status == Status.FAILED
    assert job.error.startswith("$0.01 is left of this month's budget of $0.01.")
    assert anthropic.requests == []
    assert run.counts()[Outcome.PENDING] == 1


def test_no_more_requests_are_on_their_way_than_the_budget_allows(dear, anthropic):
    dear.LABELING_CONCURRENCY = 8
    run = run_of(*(make_image() for _ in range(6)))
    dear.LABELING_BUDGET_USD = Decimal("1.6")
    anthropic.default = Reply(text=good_text(), delay_s=0.1)
    assert finished(run).result["labelled"] == 6
    assert 1 < anthropic.most_in_flight <= 5
    run.refresh_from_db()
    assert run.reserved_usd == 0


def test_a_run_waits_for_what_another_has_set_aside(dear, anthropic, running, monkeypatch):
    run = run_of(make_image())
    budget.reserve(running, Decimal("0.9"))
    naps = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            budget.start_over(running)

    monkeypatch.setattr(one_by_one.time, "sleep", nap)
    assert finished(run).result["labelled"] == 1
    assert len(naps) == 3


def test_refusals_and_failures_are_paid_for_too(dear, anthropic):
    anthropic.script = [Reply(stop_reason="refusal"), Reply(text="no"), Reply(text="no")]
    run = run_of(make_image(), make_image())
    finished(run)
    run.refresh_from_db()
    assert run.input_tokens == 4500
    assert run.cost_usd == costs(month=budget.this_month()) > Decimal("0.45")


def test_answers_that_came_before_a_run_was_ended_are_paid_for_whatever_they_say(dear, anthropic):
    dear.LABELING_CONCURRENCY = 3
    anthropic.script = [Reply(stop_reason="refusal"), GOOD, Reply(status=401, delay_s=0.5)]
    run = run_of(*(make_image() for _ in range(3)))
    job = finished(run)
    assert "Check ANTHROPIC_API_KEY" in job.error
    counts = run.counts()
    assert (counts[Outcome.DONE], counts[Outcome.REFUSED], counts[Outcome.PENDING]) == (1, 1, 1)
    run.refresh_from_db()
    assert run.input_tokens == 3000


def test_the_model_that_answers_is_paid_and_not_the_one_that_was_set_before(anthropic, settings):
    run = run_of(make_image())
    settings.CLAUDE_MODEL = "claude-opus-5-5"
    finished(run)
    run.refresh_from_db()
    assert run.model == "claude-opus-5-5"
    assert anthropic.requests[0]["model"] == "claude-opus-5-5"
    assert run.cost_usd == Decimal(1500 * 4 + 120 * 20) / 1_000_000


def test_the_estimate_of_what_is_left_decides_whether_a_retry_may_start(dear, anthropic):
    anthropic.script = [Reply(status=400)]
    run = run_of(*album_of(2).images.all())
    job = finished(run)
    assert job.status == Status.PARTIAL
    dear.LABELING_BUDGET_USD = Decimal("0.3")
    with pytest.raises(Problem) as caught:
        retry_run(LabelingRun.objects.get(pk=run.pk))
    assert (caught.value.status, caught.value.code) == (409, "over_budget")
    dear.LABELING_BUDGET_USD = Decimal(3)
    retry_run(LabelingRun.objects.get(pk=run.pk))
    assert finished(run).status == Status.COMPLETED
