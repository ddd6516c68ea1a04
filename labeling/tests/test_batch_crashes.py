"""Batches that are killed, cancelled or let others by: nobody pays twice, nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gallery.tests.factories import make_image
from imagineer.jobs import signals, states
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute
from labeling import batch_read, batch_run, batch_send, batches, jobs
from labeling.models import LabelingBatch, LabelingItem, LabelingRun
from labeling.tests.anthropic_server import Reply
from labeling.tests.factories import batch_run_of, finished, is_labelled_once, run_of, uncached

pytestmark = pytest.mark.django_db
Outcome = LabelingItem.Outcome


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: Any) -> None:
    monkeypatch.setattr(batches, "pause_s", lambda age_s, open_batches: 0.02)


class Killed(BaseException):
    """What a SIGKILL is to a test in one process."""


def killed_at(run: LabelingRun, monkeypatch: Any, module: Any, name: str, times: int = 1) -> None:
    """Execute the run until a function of a module has returned so many times; then it dies."""
    real, left = getattr(module, name), [times]

    def then_die(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            raise Killed
        return result

    with monkeypatch.context() as patched:
        patched.setattr(module, name, then_die)
        with pytest.raises(Killed):
            execute(run.job_id)
    run.job.refresh_from_db()
    assert states.died(run.job_id, run.job.claim) == Status.QUEUED


# --- Killed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "times"),
    [
        (batch_send, "_collected", 1),
        (batch_send, "_recorded", 1),
        (batch_send, "_is_sent", 1),
        (batch_run, "send_next", 1),
        (batch_read, "labelled", 1),
        (batch_read, "labelled", 3),
        (batch_read, "_read", 1),
        (batch_run, "look", 1),
    ],
)
def test_a_kill_anywhere_makes_nobody_pay_twice(anthropic, monkeypatch, module, name, times):
    monkeypatch.setattr(batch_send, "SETTLING", timedelta(0))
    run = batch_run_of(3)
    killed_at(run, monkeypatch, module, name, times)
    job = finished(run)
    assert (job.status, job.result["labelled"]) == (Status.COMPLETED, 3)
    assert uncached(run) == 4500
    assert len(anthropic.batches.made) == 1
    assert is_labelled_once(run)


def test_a_batch_whose_answer_was_lost_is_found_once_it_has_ended(anthropic, monkeypatch):
    anthropic.batches.lost = 1
    anthropic.batches.takes_s = 3600
    looks = []

    def pause(work: Any, seconds: float) -> None:
        looks.append(run.batches.get().state)
        if len(looks) == 3:
            anthropic.batches.takes_s = 0

    monkeypatch.setattr(batch_run, "_pause", pause)
    monkeypatch.setattr(batch_send, "SETTLING", timedelta(0))
    run = batch_run_of(2)
    job = finished(run)
    assert job.result["labelled"] == 2
    assert looks[:3] == [LabelingBatch.State.SENDING] * 3
    assert len(anthropic.batches.made) == 1
    assert run.batches.get().batch_id == anthropic.batches.made[0].id


def test_a_batch_of_somebody_else_is_not_taken_for_one_s_own(anthropic, monkeypatch):
    monkeypatch.setattr(batch_send, "SETTLING", timedelta(0))
    run = batch_run_of(2)
    params = {"model": "m"}
    foreign = anthropic.batches.add({"theirs-1": params, "theirs-2": params})
    anthropic.batches.refusals = [Reply(status=500)]
    assert finished(run).result["labelled"] == 2
    assert foreign.id != run.batches.get().batch_id
    assert len(anthropic.batches.made) == 2
    assert len([name for name in anthropic.batches.answered if "theirs" not in name]) == 2


def test_a_batch_that_may_still_turn_up_in_the_list_is_waited_for(anthropic, monkeypatch):
    anthropic.batches.refusals = [Reply(status=500)]
    waited = []

    def pause(work: Any, seconds: float) -> None:
        waited.append(len(anthropic.batches.made))
        if len(waited) == 4:
            run.batches.update(created_at=timezone.now() - batch_send.SETTLING)

    monkeypatch.setattr(batch_run, "_pause", pause)
    run = batch_run_of(2)
    assert finished(run).result["labelled"] == 2
    assert waited[:4] == [0, 0, 0, 0]


def test_images_that_failed_are_not_asked_about_again_after_a_kill(anthropic, monkeypatch):
    anthropic.script = [Reply(status=400)]
    run = batch_run_of(2)
    killed_at(run, monkeypatch, batch_run, "look")
    assert finished(run).status == Status.PARTIAL
    assert len(anthropic.batches.made) == 1
    assert states.retry(run.job)
    assert finished(run).result["labelled"] == 2
    assert [len(made.requests) for made in anthropic.batches.made] == [2, 1]


# --- Cancelled, and letting others by ------------------------------------------------------------


def stop_job() -> Job:
    return Job.objects.get(kind=jobs.STOP_BATCHES)


def cancelled_while_waiting(run: LabelingRun, anthropic: Any, monkeypatch: Any) -> Any:
    anthropic.batches.takes_s = 3600

    def pause(work: Any, seconds: float) -> None:
        signals.flags.cancelled = True
        work.attempt.context.check_cancelled()

    with monkeypatch.context() as patched:
        patched.setattr(batch_run, "_pause", pause)
        return finished(run)


def test_a_cancel_cancels_the_batch_and_keeps_what_has_come(anthropic, monkeypatch):
    anthropic.batches.done_at_cancel = 1
    run = batch_run_of(3)
    assert cancelled_while_waiting(run, anthropic, monkeypatch).status == Status.CANCELLED
    execute(stop_job().pk)
    assert anthropic.batches.made[0].cancelled_at
    assert stop_job().status == Status.COMPLETED
    assert stop_job().result == {"labelled": 1}
    counts = run.counts()
    assert (counts[Outcome.DONE], counts[Outcome.PENDING]) == (1, 2)
    run.refresh_from_db()
    assert run.input_tokens == 1500
    assert not run.items.exclude(batch=None).exists()


def test_a_cancelled_run_that_is_retried_asks_about_the_rest(anthropic, monkeypatch):
    anthropic.batches.done_at_cancel = 1
    run = batch_run_of(3)
    job = cancelled_while_waiting(run, anthropic, monkeypatch)
    execute(stop_job().pk)
    anthropic.batches.takes_s = 0
    assert states.retry(job)
    assert finished(run).result["labelled"] == 3
    assert [len(made.requests) for made in anthropic.batches.made] == [3, 2]
    assert is_labelled_once(run)


def test_a_run_that_is_retried_before_its_batch_was_cancelled_keeps_it(anthropic, monkeypatch):
    run = batch_run_of(3)
    job = cancelled_while_waiting(run, anthropic, monkeypatch)
    assert states.retry(job)
    execute(stop_job().pk)
    assert not anthropic.batches.made[0].cancelled_at
    anthropic.batches.takes_s = 0
    assert finished(run).result["labelled"] == 3
    assert len(anthropic.batches.made) == 1


def test_a_cancel_while_a_batch_is_sent_leaves_nothing_behind(anthropic, monkeypatch):
    run = batch_run_of(2)
    anthropic.batches.takes_s = 3600
    anthropic.batches.delay_s = 1.0
    real = batch_send._recorded

    def then_cancel(*args: Any) -> Any:
        signals.flags.cancelled = True
        return real(*args)

    monkeypatch.setattr(batch_send, "_recorded", then_cancel)
    assert finished(run).status == Status.CANCELLED
    assert run.batches.get().state == LabelingBatch.State.SENDING
    monkeypatch.setattr(batch_send, "SETTLING", timedelta(0))

    def pause(work: Any, seconds: float) -> None:
        # Whose it is can be told once it has ended.
        anthropic.batches.takes_s = 0

    monkeypatch.setattr(batch_run, "_pause", pause)
    execute(stop_job().pk)
    assert stop_job().status == Status.COMPLETED
    assert not run.items.exclude(batch=None).exists()
    assert run.counts()[Outcome.DONE] == len(anthropic.batches.answered)


def test_a_run_that_waits_lets_other_jobs_by_and_goes_on(anthropic):
    anthropic.batches.takes_s = 3600
    run = batch_run_of(2)
    other = run_of(make_image())
    assert execute(run.job_id) == Status.QUEUED
    run.job.refresh_from_db()
    assert (run.job.attempts, run.job.message) == (0, "0 of 2 images; 2 handed over in batches")
    assert finished(other).status == Status.COMPLETED
    anthropic.batches.takes_s = 0
    assert finished(run).result["labelled"] == 2
    assert len(anthropic.batches.made) == 1


def test_runs_that_only_wait_take_turns_at_the_end_of_a_pause(anthropic, monkeypatch):
    anthropic.batches.takes_s = 3600
    monkeypatch.setattr(batches, "pause_s", lambda age_s, open_batches: 0.6)
    first, second = (run_of(make_image(), use_batches=True) for _ in range(2))
    assert execute(first.job_id) == Status.QUEUED
    began = timezone.now()
    assert execute(second.job_id) == Status.QUEUED
    assert (timezone.now() - began).total_seconds() >= 0.6
    assert len(anthropic.batches.made) == 2


def test_a_run_that_is_cancelled_while_it_lets_others_by_leaves_nothing_behind(anthropic):
    anthropic.batches.takes_s = 3600
    run = batch_run_of(2)
    other = run_of(make_image())
    assert execute(run.job_id) == Status.QUEUED
    finished(other)
    assert states.cancel(run.job)
    execute(stop_job().pk)
    assert anthropic.batches.made[0].cancelled_at
    assert not run.batches.filter(state__in=LabelingBatch.OPEN).exists()


def test_a_run_that_fails_cancels_what_it_has_left_at_anthropic(anthropic, monkeypatch):
    monkeypatch.setattr(batches, "MOST_REQUESTS", 10)
    anthropic.default = Reply(status=400)
    anthropic.batches.takes_s = 3600

    def pause(work: Any, seconds: float) -> None:
        anthropic.batches.made[0].began -= 3600

    with monkeypatch.context() as patched:
        patched.setattr(batch_run, "_pause", pause)
        run = batch_run_of(12)
        assert finished(run).status == Status.FAILED
    execute(stop_job().pk)
    assert anthropic.batches.made[1].cancelled_at
    assert not anthropic.batches.made[0].cancelled_at
    assert run.counts()[Outcome.PENDING] == 2
