"""Transitions: each happens once, and only from the states that the drawing allows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from imagineer.jobs import claims, orphans, states
from imagineer.jobs.models import ENDED, Job, Status
from imagineer.jobs.submit import submit
from imagineer.jobs.tests.factories import job_kind, make_job

pytestmark = pytest.mark.django_db


def claimed(job: Job) -> Job:
    held = states.claim(job.pk, "worker")
    assert held
    return held


def test_only_one_of_two_workers_claims_a_job() -> None:
    job = make_job()
    assert states.claim(job.pk, "one")
    assert states.claim(job.pk, "two") is None
    job.refresh_from_db()
    assert (job.status, job.worker, job.attempts) == (Status.RUNNING, "one", 1)


@pytest.mark.parametrize("status", [Status.RUNNING, *ENDED])
def test_only_a_queued_job_can_be_claimed(status: Status) -> None:
    assert states.claim(make_job(status).pk, "worker") is None


def test_only_the_holder_of_the_claim_reports_and_ends() -> None:
    job = claimed(make_job())
    assert not states.report(job.pk, "stolen", 1, 2, "x")
    assert not states.heartbeat(job.pk, "stolen")
    assert not states.finish(job.pk, "stolen", Status.COMPLETED)
    assert states.report(job.pk, job.claim, 1, 2, "x")
    assert states.finish(job.pk, job.claim, Status.COMPLETED, result={"n": 1})
    assert not states.finish(job.pk, job.claim, Status.FAILED)
    job.refresh_from_db()
    assert (job.status, job.result, job.progress_done) == (Status.COMPLETED, {"n": 1}, 1)


def test_running_is_no_end() -> None:
    job = claimed(make_job())
    with pytest.raises(ValueError, match="not an end"):
        states.finish(job.pk, job.claim, Status.RUNNING)


def test_a_waiting_job_is_cancelled_at_once() -> None:
    job = make_job()
    assert states.cancel(job)
    assert not states.cancel(job)
    job.refresh_from_db()
    assert (job.status, job.error) == (Status.CANCELLED, "")
    assert job.finished_at


def test_a_running_job_is_asked_once() -> None:
    job = claimed(make_job())
    assert states.cancel(job)
    assert not states.cancel(job)
    job.refresh_from_db()
    assert job.status == Status.RUNNING
    assert job.cancel_requested_at


@pytest.mark.parametrize("status", ENDED)
def test_an_ended_job_cannot_be_cancelled(status: Status) -> None:
    assert not states.cancel(make_job(status))


def test_two_deaths_queue_it_again_and_the_third_fails_it_with_a_sentence() -> None:
    job = make_job()
    outcomes = []
    for _ in range(3):
        held = claimed(job)
        outcomes.append(states.died(job.pk, held.claim))
        assert states.died(job.pk, held.claim) is None
    assert outcomes == [Status.QUEUED, Status.QUEUED, Status.FAILED]
    job.refresh_from_db()
    assert job.error.startswith("The worker died three times while running this")
    assert job.log_lines.count() == 3


def test_a_job_that_should_be_cancelled_is_so_when_its_worker_dies() -> None:
    job = claimed(make_job())
    states.cancel(job)
    assert states.died(job.pk, job.claim) == Status.CANCELLED


def test_giving_back_does_not_count_as_an_attempt() -> None:
    job = claimed(make_job())
    assert states.give_back(job.pk, job.claim)
    job.refresh_from_db()
    assert (job.status, job.attempts, job.claim) == (Status.QUEUED, 0, "")


def test_giving_back_keeps_the_progress_and_says_why() -> None:
    job = claimed(make_job())
    assert states.give_back(job.pk, job.claim, "Others go first.", progress=(2, 9, "2 of 9"))
    job.refresh_from_db()
    assert (job.progress_done, job.progress_total, job.message) == (2, 9, "2 of 9")
    assert [line.text for line in job.log_lines.all()] == ["Others go first."]


def test_a_kind_hears_of_every_end_of_its_jobs() -> None:
    heard: list[str] = []
    with job_kind(ended=lambda job: heard.append(job.status)):
        finished, dead, waiting, running, blocked = (make_job() for _ in range(5))
        claimed(finished)
        finished.refresh_from_db()
        states.finish(finished.pk, finished.claim, Status.PARTIAL, error="Half.")
        claimed(dead)
        dead.refresh_from_db()
        Job.objects.filter(pk=dead.pk).update(attempts=states.MAX_ATTEMPTS)
        states.died(dead.pk, dead.claim)
        states.cancel(waiting)
        assert states.cancel(claimed(running))
        states.block(blocked.pk, "What it needed failed.")
    assert heard == ["partial", "failed", "cancelled", "failed"]


def test_what_a_kind_does_at_the_end_of_a_job_is_one_with_it() -> None:
    def fail(job: Job) -> None:
        job.log_lines.create(seq=1, text="the end")
        raise OSError("no")

    with job_kind(ended=fail):
        job = make_job()
        with pytest.raises(OSError, match="no"):
            states.cancel(job)
    job.refresh_from_db()
    assert job.status == Status.QUEUED
    assert not job.log_lines.exists()


@pytest.mark.parametrize("status", states.RETRIABLE)
def test_a_retry_starts_afresh_and_keeps_the_log(status: Status) -> None:
    job = make_job(status, attempts=3, error="It broke.", cancel_requested_at=timezone.now())
    job.log_lines.create(seq=1, text="earlier")
    assert states.retry(job)
    assert not states.retry(job)
    job.refresh_from_db()
    assert (job.status, job.attempts, job.error, job.cancel_requested_at) == (
        Status.QUEUED, 0, "", None,
    )  # fmt: skip
    assert job.log_lines.first().text == "earlier"  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.COMPLETED])
def test_nothing_else_can_be_retried(status: Status) -> None:
    assert not states.retry(make_job(status))


def test_a_room_may_queue_a_completed_job_again() -> None:
    job = make_job(Status.COMPLETED, result={"labelled": 1})
    assert states.retry(job, even_completed=True)
    job.refresh_from_db()
    assert (job.status, job.result) == (Status.QUEUED, None)
    for status in (Status.QUEUED, Status.RUNNING):
        assert not states.retry(make_job(status), even_completed=True)


def chain() -> tuple[Job, Job, Job]:
    with job_kind() as kind:
        first = submit(kind, title="Import")
        second = submit(kind, title="Training", after=[first])
        third = submit(kind, title="Cards", after=[second])
    return first, second, third


def test_a_job_that_must_wait_cannot_be_claimed() -> None:
    first, second, _ = chain()
    assert states.claim(second.pk, "worker") is None
    assert list(states.ready()) == [first]


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.PARTIAL])
def test_it_starts_when_what_it_waited_for_is_done(status: Status) -> None:
    first, second, _ = chain()
    held = claimed(first)
    states.finish(first.pk, held.claim, status)
    assert list(states.ready()) == [second]
    assert states.claim(second.pk, "worker")


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_failed_job_fails_all_that_wait_for_it_naming_it(status: Status) -> None:
    first, second, third = chain()
    held = claimed(first)
    states.finish(first.pk, held.claim, status, error="No.")
    second.refresh_from_db()
    third.refresh_from_db()
    assert second.status == third.status == Status.FAILED
    assert "“Import”" in second.error
    assert "“Training”" in third.error


def test_a_retry_takes_along_what_failed_only_for_waiting() -> None:
    first, second, third = chain()
    states.cancel(first)
    assert states.retry(first)
    for job in (first, second, third):
        job.refresh_from_db()
        assert (job.status, job.error) == (Status.QUEUED, "")
    assert list(states.ready()) == [first]


def test_submitting_after_a_failed_job_fails_at_once() -> None:
    failed = make_job(Status.FAILED, title="Import")
    with job_kind() as kind:
        job = submit(kind, title="Training", after=[failed])
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert "“Import”" in job.error


def test_recovery_settles_a_chain_that_nobody_looked_after() -> None:
    first, _, _ = chain()
    Job.objects.filter(pk=first.pk).update(status=Status.FAILED)
    orphans.settle_blocked()
    assert Job.objects.filter(status=Status.FAILED).count() == 3


def running(claim: str, silence: float) -> Job:
    heard = timezone.now() - timedelta(seconds=silence)
    return make_job(Status.RUNNING, attempts=1, claim=claim, heartbeat_at=heard)


def test_recovery_takes_up_a_dead_process_of_this_machine_at_once() -> None:
    mine = claims.new_claim()
    dead = running(mine.replace(f"/{claims.holder(mine)}/", "/4194303/"), silence=3)
    assert orphans.take_up_dead() == 1
    dead.refresh_from_db()
    assert dead.status == Status.QUEUED


def test_recovery_leaves_a_living_process_of_this_machine_alone_however_quiet() -> None:
    running(claims.new_claim(), silence=500)
    assert orphans.take_up_dead() == 0


def test_recovery_tells_a_process_id_that_another_process_has_now() -> None:
    machine, pid, started, token = claims.new_claim().split("/")
    running("/".join((machine, pid, str(int(started) - 1), token)), silence=3)
    assert orphans.take_up_dead() == 1


@pytest.mark.parametrize(("silence", "taken"), [(8, 0), (11, 1)])
def test_recovery_waits_for_another_machines_heartbeat(silence: float, taken: int) -> None:
    running("elsewhere/1/1/abc", silence)
    assert orphans.take_up_dead() == taken
