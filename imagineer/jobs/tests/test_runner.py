"""execute(): every way in which a runner can come back ends the job."""

from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from imagineer.jobs import log, runner, signals, states
from imagineer.jobs.context import Context
from imagineer.jobs.models import Job, Status
from imagineer.jobs.registry import JobCancelled, JobContext, JobFailed, JobWaits, Partial
from imagineer.jobs.runner import execute
from imagineer.jobs.submit import submit
from imagineer.jobs.tests.factories import job_kind, make_job

pytestmark = pytest.mark.django_db


def run_once(run: Any, **values: Any) -> Job:
    with job_kind(run) as kind:
        job = submit(kind, title="Try", **values)
        execute(job.pk)
    job.refresh_from_db()
    return job


def test_it_stores_the_result() -> None:
    job = run_once(lambda context: {"pictures": 3})
    assert (job.status, job.result, job.error) == (Status.COMPLETED, {"pictures": 3}, "")
    assert job.started_at
    assert job.finished_at
    assert job.claim == ""


def test_it_keeps_the_last_progress_although_writes_are_throttled() -> None:
    def run(context: JobContext) -> None:
        for step in range(1, 101):
            context.progress(step, 100, f"step {step}")

    job = run_once(run)
    assert (job.progress_done, job.progress_total, job.message) == (100, 100, "step 100")


def test_it_writes_progress_at_most_four_times_a_second(
    django_assert_max_num_queries: Any,
) -> None:
    with job_kind() as kind:
        job = submit(kind, title="Try")
    claimed = states.claim(job.pk, "me")
    assert claimed
    context = Context(claimed)
    with django_assert_max_num_queries(3):
        for step in range(1000):
            context.progress(step, 1000)


def test_it_ends_partial_with_result_and_error() -> None:
    job = run_once(lambda context: Partial({"done": 3}, "One picture failed."))
    assert (job.status, job.result) == (Status.PARTIAL, {"done": 3})
    assert job.error == "One picture failed."


def test_it_says_the_runners_own_sentence() -> None:
    def run(context: JobContext) -> None:
        raise JobFailed("The folder does not exist.")

    job = run_once(run)
    assert (job.status, job.error) == (Status.FAILED, "The folder does not exist.")


def test_a_runner_that_only_waits_lets_others_by_and_is_queued_again() -> None:
    def run(context: JobContext) -> None:
        context.progress(3, 9, "3 of 9")
        raise JobWaits

    with job_kind(run) as kind:
        job = submit(kind, title="Try")
        assert execute(job.pk) == Status.QUEUED
    job.refresh_from_db()
    assert (job.status, job.attempts, job.claim) == (Status.QUEUED, 0, "")
    assert (job.progress_done, job.message) == (3, "3 of 9")
    assert not job.log_lines.exists()


def test_it_writes_a_traceback_to_the_log_and_a_sentence_to_the_row() -> None:
    def run(context: JobContext) -> None:
        raise KeyError("colour")

    job = run_once(run)
    assert job.status == Status.FAILED
    assert job.error.startswith("Something unexpected went wrong (KeyError: 'colour')")
    line = job.log_lines.get()
    assert "Traceback" in line.text
    assert line.level == "error"


def test_it_ends_even_when_the_runner_exits() -> None:
    def run(context: JobContext) -> None:
        raise SystemExit(3)

    assert run_once(run).status == Status.FAILED


def test_it_stores_what_json_cannot_hold_as_text() -> None:
    job = run_once(lambda context: {"odd": {1, 2}, "nan": float("nan")})
    assert job.status == Status.COMPLETED
    assert job.result == {"odd": "{1, 2}", "nan": "NaN"}
    assert job.log_lines.get().level == "warning"


def test_it_stores_dates_as_django_writes_them() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.get_default_timezone())
    assert run_once(lambda context: {"at": at}).result == {"at": "2026-01-02T03:04:05Z"}


def test_it_fails_a_kind_that_nobody_knows() -> None:
    job = make_job(kind="gone.run")
    assert execute(job.pk) == Status.FAILED
    job.refresh_from_db()
    assert "gone.run" in job.error


def test_it_cancels_when_asked_for_in_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagineer.jobs.context.ASK_EVERY", 0.0)

    def run(context: JobContext) -> None:
        context.progress(1, 2, "one")
        assert states.cancel(context.job)
        context.check_cancelled()

    job = run_once(run)
    assert (job.status, job.progress_done, job.error) == (Status.CANCELLED, 1, "")


def test_it_cancels_when_a_signal_raised_the_flag() -> None:
    def run(context: JobContext) -> None:
        signals.flags.cancelled = True
        context.check_cancelled()

    assert run_once(run).status == Status.CANCELLED


def test_the_flag_of_one_job_does_not_cancel_the_next() -> None:
    signals.flags.cancelled = True
    assert run_once(lambda context: context.check_cancelled()).status == Status.COMPLETED


def test_a_stopped_worker_lays_the_job_down_without_counting_it() -> None:
    def run(context: JobContext) -> None:
        signals.flags.stopped = True
        context.check_cancelled()

    job = run_once(run)
    assert (job.status, job.attempts, job.claim) == (Status.QUEUED, 0, "")
    signals.clear()


def test_an_attempt_that_lost_its_claim_stops_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("imagineer.jobs.context.ASK_EVERY", 0.0)
    stopped = []

    def run(context: JobContext) -> dict[str, Any]:
        Job.objects.filter(pk=context.job.pk).update(claim="another")
        try:
            context.progress(1, 1)
        except JobCancelled:
            stopped.append(True)
            raise
        return {"should": "not be stored"}

    job = run_once(run)
    assert stopped
    assert (job.status, job.claim, job.result) == (Status.RUNNING, "another", None)


def test_an_attempt_that_never_asks_cannot_end_what_another_took_over() -> None:
    def run(context: JobContext) -> dict[str, Any]:
        Job.objects.filter(pk=context.job.pk).update(claim="another")
        return {"should": "not be stored"}

    job = run_once(run)
    assert (job.status, job.result) == (Status.RUNNING, None)


def test_it_does_nothing_for_a_job_that_runs_already() -> None:
    job = make_job(Status.RUNNING, claim="another")
    assert execute(job.pk) is None


def test_it_writes_the_end_although_the_database_is_locked_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Inside a transaction a retry would be pointless, so the runner asks; tests are inside one.
    real, calls = states.finish, []

    def locked(*args: Any, **kwargs: Any) -> bool:
        calls.append(1)
        if len(calls) < 4:
            raise OperationalError("database is locked")
        return real(*args, **kwargs)

    monkeypatch.setattr(states, "finish", locked)
    monkeypatch.setattr(
        runner,
        "connection",
        type("Away", (), {"in_atomic_block": False, "close": staticmethod(lambda: None)}),
    )
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert run_once(lambda context: None).status == Status.COMPLETED
    assert len(calls) == 4


def test_the_log_is_capped_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MAX_LINES", 5)
    job = make_job()
    for number in range(10):
        log.append(job.pk, f"line {number}")
    log.append(job.pk, "the end", always=True)
    lines = list(job.log_lines.values_list("seq", "text"))
    assert [seq for seq, _ in lines] == [1, 2, 3, 4, 5, 6]
    assert "full" in lines[4][1]
    assert lines[5][1] == "the end"
