"""What runs in batches cost: set aside before they are sent, and paid for at half the price."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from gallery import trash
from gallery.models import Image
from gallery.tests.factories import make_image
from imagineer.jobs import states
from imagineer.jobs.models import Status
from imagineer.jobs.runner import execute
from labeling import batch_run, batch_send, batches, budget, one_by_one, pictures, prices
from labeling.labelers import labeler_kind
from labeling.models import LabelingItem, LabelingRun, MonthlyCost
from labeling.prices import parse_prices
from labeling.runs import estimate_of, retry_run
from labeling.tests.anthropic_server import AnthropicServer, Reply
from labeling.tests.factories import album_of, batch_run_of, finished, run_of, texts, uncached
from labeling.tests.test_claude_client import usage_of

pytestmark = pytest.mark.django_db
Outcome = LabelingItem.Outcome
PRICE = "claude-sonnet-5-5=20/100/2/25"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: Any) -> None:
    monkeypatch.setattr(batches, "pause_s", lambda age_s, open_batches: 0.02)


@pytest.fixture
def dear(anthropic: AnthropicServer, settings: Any) -> Any:
    """An image costs two or three cents in a batch, and could cost more than twenty."""
    settings.CLAUDE_PRICES = parse_prices([PRICE])
    return settings


def month_cost() -> Decimal:
    return MonthlyCost.objects.get(month=budget.this_month()).cost_usd


# --- What is paid --------------------------------------------------------------------------------


def test_answers_cost_half_the_price(dear: Any, anthropic: AnthropicServer) -> None:
    run = batch_run_of(3)
    job = finished(run)
    run.refresh_from_db()
    whole = prices.cost(usage_of(anthropic), parse_prices([PRICE])["claude-sonnet-5-5"])
    assert run.cost_usd == pytest.approx(whole / 2, abs=Decimal("0.00001"))
    assert run.cost_usd == month_cost()
    assert job.result["cost_usd"] == float(run.cost_usd)


def test_answers_that_cannot_be_used_are_paid_for_too(dear: Any, anthropic: Any) -> None:
    anthropic.script = [Reply(text="no"), Reply(stop_reason="refusal"), Reply(text="no")]
    run = batch_run_of(2)
    finished(run)
    assert uncached(run) == 4500


def test_the_model_that_a_batch_was_sent_to_is_paid(dear: Any, anthropic: Any) -> None:
    anthropic.batches.takes_s = 3600
    run = batch_run_of(1)
    other = run_of(make_image())
    assert execute(run.job_id) == Status.QUEUED
    dear.CLAUDE_PRICES = parse_prices([PRICE, "claude-opus-5-5=1/1"])
    dear.CLAUDE_MODEL = "claude-opus-5-5"
    finished(other)
    anthropic.batches.takes_s = 0
    finished(run)
    run.refresh_from_db()
    assert run.cost_usd > Decimal("0.02")


def test_the_answer_about_an_image_deleted_meanwhile_is_paid_for_once(
    dear: Any, anthropic: Any, monkeypatch: Any
) -> None:
    run = batch_run_of(2)
    gone = run.items.values_list("image_id", flat=True)[0]
    anthropic.batches.cut_after = 1

    def pause(work: Any, seconds: float) -> None:
        Image.objects.filter(pk=gone).delete()
        if "GET results" in anthropic.batches.calls:
            anthropic.batches.cut_after = None

    monkeypatch.setattr(batch_run, "_pause", pause)
    assert finished(run).result["labelled"] == 1
    assert uncached(run) == 3000
    assert run.cost_usd == month_cost()


# --- What is set aside ---------------------------------------------------------------------------


def test_a_whole_batch_is_set_aside_until_it_is_read(
    dear: Any, anthropic: Any, monkeypatch: Any
) -> None:
    dear.LABELING_BUDGET_USD = Decimal(10)
    run = batch_run_of(3)
    before_sending = []
    real = batch_send._recorded

    def recorded(work: Any) -> Any:
        made = real(work)
        before_sending.append(budget.standing().reserved)
        return made

    monkeypatch.setattr(batch_send, "_recorded", recorded)
    finished(run)
    run.refresh_from_db()
    assert before_sending[0] > run.cost_usd > 0
    assert budget.standing().reserved == 0
    assert budget.standing().left == 10 - run.cost_usd


def test_what_is_paid_of_a_batch_is_no_longer_set_aside(
    dear: Any, anthropic: Any, monkeypatch: Any
) -> None:
    dear.LABELING_BUDGET_USD = Decimal(10)
    left = []

    def pause(work: Any, seconds: float) -> None:
        left.append(budget.standing().left)
        anthropic.batches.cut_after = 1 if len(left) == 1 else None

    monkeypatch.setattr(batch_run, "_pause", pause)
    run = batch_run_of(2)
    finished(run)
    sent, half_read = left
    assert sent == half_read
    assert run.counts()[Outcome.DONE] == 2


def test_a_batch_stays_set_aside_while_its_job_lets_others_by_and_after_its_end(
    dear: Any, anthropic: Any
) -> None:
    dear.LABELING_BUDGET_USD = Decimal(10)
    anthropic.batches.takes_s = 3600
    run = batch_run_of(2)
    run_of(make_image())
    assert execute(run.job_id) == Status.QUEUED
    reserved = budget.standing().reserved
    assert reserved == run.batches.get().reserved_usd > 0
    states.cancel(run.job)
    assert budget.standing().reserved == reserved
    run.batches.update(created_at=timezone.now() - timedelta(days=30))
    assert budget.standing().reserved == 0, "nobody can learn any more what it cost"


def test_a_batch_that_was_not_taken_is_not_set_aside(
    dear: Any, anthropic: Any, monkeypatch: Any
) -> None:
    dear.LABELING_BUDGET_USD = Decimal(10)
    anthropic.batches.refusals = [Reply(status=429)]
    reserved = []
    monkeypatch.setattr(
        batch_run, "_pause", lambda work, seconds: reserved.append(budget.standing().reserved)
    )
    finished(batch_run_of(2))
    assert reserved[0] == 0


# --- The budget ----------------------------------------------------------------------------------


def test_a_run_sends_what_the_budget_allows_and_goes_on_next_month(
    dear: Any, anthropic: Any, monkeypatch: Any
) -> None:
    run = batch_run_of(16)
    dear.LABELING_BUDGET_USD = Decimal("0.5")
    job = finished(run)
    assert job.status == Status.PARTIAL
    assert "is left of this month's budget of $0.50. The next image may cost up to" in job.error
    done = run.counts()[Outcome.DONE]
    assert 6 <= done < 16
    assert run.counts()[Outcome.PENDING] == 16 - done
    assert len(anthropic.batches.answered) == done
    assert len(anthropic.batches.made) > 1
    run.refresh_from_db()
    assert run.cost_usd == month_cost() <= Decimal("0.5")
    monkeypatch.setattr(budget, "this_month", lambda: date(2100, 1, 1))
    dear.LABELING_BUDGET_USD = Decimal(10)
    assert states.retry(job)
    assert finished(run).result["labelled"] == 16
    assert len(anthropic.batches.answered) == 16


def test_a_run_that_can_afford_nothing_sends_nothing(dear: Any, anthropic: Any) -> None:
    run = batch_run_of(2)
    dear.LABELING_BUDGET_USD = Decimal("0.01")
    job = finished(run)
    assert job.status == Status.FAILED
    assert job.error.startswith("$0.01 is left of this month's budget of $0.01.")
    assert anthropic.batches.calls == []
    assert run.counts()[Outcome.PENDING] == 2


def test_pictures_that_wait_for_the_budget_are_made_ready_once(
    dear: Any, anthropic: Any, monkeypatch: Any
) -> None:
    other, run = run_of(make_image()), batch_run_of(2)
    type(other.job).objects.filter(pk=other.job_id).update(status=Status.RUNNING)
    dear.LABELING_BUDGET_USD = Decimal(1)
    assert budget.reserve(other, Decimal("0.95"))
    made = []
    real = pictures.prepare

    def prepare(threads: Any, run: Any, chunk: Any) -> Any:
        made.extend(chunk)
        return real(threads, run, chunk)

    pauses = []

    def pause(work: Any, seconds: float) -> None:
        pauses.append(len(work.ready))
        if len(pauses) == 3:
            budget.start_over(other)

    monkeypatch.setattr(batch_send, "prepare", prepare)
    monkeypatch.setattr(batch_run, "_pause", pause)
    assert finished(run).result["labelled"] == 2
    assert pauses[:3] == [2, 2, 2]
    assert len(made) == 2


def test_a_run_that_waits_for_what_a_batch_has_set_aside_lets_it_be_read(
    dear: Any, anthropic: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(one_by_one, "LET_BY_S", 0.0)
    monkeypatch.setattr(one_by_one, "LET_ALL_BY_S", 0.0)
    anthropic.batches.takes_s = 3600
    batched, single = batch_run_of(6), run_of(make_image())
    dear.LABELING_BUDGET_USD = Decimal(1)
    assert execute(batched.job_id) == Status.QUEUED
    assert execute(single.job_id) == Status.QUEUED
    assert anthropic.requests == []
    type(single.job).objects.filter(pk=single.job_id).update(status=Status.CANCELLED)
    anthropic.batches.takes_s = 0
    assert finished(batched).result["labelled"] == 6


def test_the_estimate_of_a_run_in_batches_is_half(dear: Any, anthropic: Any) -> None:
    run = batch_run_of(2)
    kind, images = labeler_kind("claude"), Image.objects.all()
    halved = estimate_of(images, kind, run).cost
    run.use_batches = False
    assert halved == pytest.approx(estimate_of(images, kind, run).cost / 2, abs=Decimal("0.00001"))


def test_what_is_handed_over_is_not_set_aside_again_by_a_retry(dear: Any, anthropic: Any) -> None:
    anthropic.batches.takes_s = 3600
    run = batch_run_of(2)
    run_of(make_image())
    assert execute(run.job_id) == Status.QUEUED
    states.cancel(run.job)
    dear.LABELING_BUDGET_USD = Decimal("0.01")
    anthropic.batches.takes_s = 0
    retry_run(LabelingRun.objects.get(pk=run.pk))
    assert finished(run).result["labelled"] == 2


# --- What is asked -------------------------------------------------------------------------------


def test_a_batch_asks_as_the_run_says(anthropic: AnthropicServer) -> None:
    album = album_of(2, name="Red squares")
    image = album.images.order_by("pk")[0]
    asked = {"trigger_word": "zkdeck", "include_context": False, "use_batches": True}
    assert finished(run_of(*album.images.all(), **asked)).result["labelled"] == 2
    assert texts(image, "caption") == ["zkdeck, a red square on white"]
    (params, _) = anthropic.batches.made[0].requests.values()
    assert "The word “zkdeck” names" in params["system"][1]["text"]
    assert params["messages"][0]["content"][1]["text"] == "Label this picture."
    assert finished(run_of(image, **asked)).result["skipped"] == 1
    assert finished(run_of(image, use_batches=True)).result["labelled"] == 1


def test_an_image_that_went_into_the_trash_is_not_handed_over(anthropic: AnthropicServer) -> None:
    kept, gone = make_image(), make_image()
    run = run_of(kept, gone, use_batches=True)
    trash.move_to_trash([gone.pk])
    job = finished(run)
    assert job.status == Status.COMPLETED
    assert (job.result["labelled"], job.result["skipped"]) == (1, 1)
    assert run.items.get(image=gone).error == "It is in the trash."
    assert len(anthropic.batches.answered) == 1
