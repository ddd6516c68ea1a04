"""Runs in batches: what is sent, and what is written of what comes back."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from gallery.models import Image
from gallery.tests.factories import make_image, make_row
from imagineer.jobs.models import Status
from imagineer.problems import Problem
from labeling import batch_read, batch_run, batches, labelers
from labeling.models import LabelingBatch, LabelingItem
from labeling.tests.anthropic_server import Reply, good_text
from labeling.tests.factories import (
    batch_run_of,
    finished,
    is_labelled_once,
    run_of,
    texts,
    uncached,
)

pytestmark = pytest.mark.django_db
Outcome = LabelingItem.Outcome
USELESS = Reply(text="no JSON")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: Any) -> None:
    monkeypatch.setattr(batches, "pause_s", lambda age_s, open_batches: 0.02)


# --- A run from start to end ---------------------------------------------------------------------


def test_an_album_is_labelled_in_one_batch(anthropic):
    run = batch_run_of(3)
    job = finished(run)
    assert (job.status, job.error) == (Status.COMPLETED, "")
    assert uncached(run) == 4500
    assert job.result == {
        "labelled": 3, "skipped": 0, "refused": 0, "failed": 0,
        "input_tokens": run.all_input_tokens, "output_tokens": 360, "cost_usd": float(run.cost_usd),
    }  # fmt: skip
    assert anthropic.requests == []
    (made,) = anthropic.batches.made
    row = run.batches.get()
    assert (row.state, row.batch_id, row.requests) == (LabelingBatch.State.READ, made.id, 3)
    assert is_labelled_once(run)
    assert (job.progress_done, job.progress_total, job.message) == (3, 3, "3 of 3 images")


def test_pictures_are_parted_by_what_a_batch_may_hold(anthropic, monkeypatch):
    monkeypatch.setattr(batches, "MOST_REQUESTS", 2)
    job = finished(batch_run_of(5))
    assert job.result["labelled"] == 5
    assert [len(made.requests) for made in anthropic.batches.made] == [2, 2, 1]


def test_pictures_are_parted_by_bytes_and_a_large_one_goes_alone(anthropic, monkeypatch):
    monkeypatch.setattr(batches, "MOST_BYTES", 2 * batches.AROUND_A_PICTURE)
    images = [make_image(), make_image(width=1500, height=1500), make_image(), make_image()]
    job = finished(run_of(*images, use_batches=True))
    assert job.result["labelled"] == 4
    assert [len(made.requests) for made in anthropic.batches.made] == [1, 1, 1, 1]


def test_only_so_many_batches_are_open_at_once(anthropic, monkeypatch):
    monkeypatch.setattr(batches, "MOST_REQUESTS", 1)
    monkeypatch.setattr(batches, "MOST_OPEN", 2)
    anthropic.batches.takes_s = 3600
    open_now = []

    def pause(work: Any, seconds: float) -> None:
        open_now.append(work.open().count())
        for made in anthropic.batches.made:
            made.began -= 3600

    monkeypatch.setattr(batch_run, "_pause", pause)
    assert finished(batch_run_of(5)).result["labelled"] == 5
    assert open_now == [2, 2, 1]


def test_what_a_run_waits_for_is_told(anthropic, monkeypatch):
    anthropic.batches.takes_s = 3600
    messages = []

    def pause(work: Any, seconds: float) -> None:
        messages.append(work.attempt.context.message)
        anthropic.batches.takes_s = 0

    monkeypatch.setattr(batch_run, "_pause", pause)
    finished(batch_run_of(2))
    assert messages == ["0 of 2 images; 2 handed over in batches"]


def test_a_labeler_without_batches_is_not_asked_for_any(anthropic, monkeypatch):
    without = replace(labelers.known()["claude"], batches=None)
    monkeypatch.setitem(labelers.known(), "claude", without)
    with pytest.raises(Problem) as caught:
        run_of(make_image(), use_batches=True)
    assert (caught.value.status, caught.value.field) == (422, "use_batches")


# --- Results -------------------------------------------------------------------------------------


def test_an_answer_of_no_use_is_asked_for_once_more(anthropic):
    anthropic.script = [USELESS]
    run = batch_run_of(2)
    job = finished(run)
    assert (job.status, job.result["labelled"]) == (Status.COMPLETED, 2)
    assert [len(made.requests) for made in anthropic.batches.made] == [2, 1]
    assert uncached(run) == 4500
    assert is_labelled_once(run)


def test_an_answer_that_stays_of_no_use_fails_its_image_alone(anthropic):
    anthropic.script = [USELESS, Reply(text=good_text()), USELESS]
    run = batch_run_of(2)
    job = finished(run)
    assert job.status == Status.PARTIAL
    assert "the answer is not JSON" in job.error
    assert "It was asked twice." in job.error
    assert len(anthropic.batches.made) == 2


def test_too_few_tags_twice_over_are_kept(anthropic):
    anthropic.default = Reply(text=good_text(tags=["one"]))
    image = make_image()
    assert finished(run_of(image, use_batches=True)).result["labelled"] == 1
    assert texts(image, "tag") == ["one"]


def test_a_refusal_is_no_failure_of_the_run(anthropic):
    anthropic.script = [Reply(stop_reason="refusal")]
    job = finished(batch_run_of(2))
    assert (job.status, job.result["refused"]) == (Status.COMPLETED, 1)


def test_what_expired_is_handed_over_once_more_and_then_fails(anthropic):
    anthropic.script = [Reply(is_expired=True)]
    assert finished(batch_run_of(1)).status == Status.COMPLETED
    anthropic.default = Reply(is_expired=True)
    job = finished(run_of(make_image(), use_batches=True))
    assert job.status == Status.FAILED
    assert "within 24 hours. It was asked twice." in job.error


def test_a_batch_that_was_cancelled_elsewhere_fails_its_images(anthropic, monkeypatch):
    anthropic.batches.takes_s = 3600

    def pause(work: Any, seconds: float) -> None:
        anthropic.batches.made[0].cancelled_at = timezone.now()

    monkeypatch.setattr(batch_run, "_pause", pause)
    job = finished(batch_run_of(2))
    assert job.status == Status.FAILED
    assert "cancelled at Anthropic" in job.error


def test_a_batch_that_is_gone_fails_its_images(anthropic, monkeypatch):
    monkeypatch.setattr(batch_run, "_pause", lambda work, seconds: anthropic.batches.made.clear())
    run = batch_run_of(2)
    job = finished(run)
    assert job.status == Status.FAILED
    assert "knows no batch" in job.error
    assert not run.batches.filter(state__in=LabelingBatch.OPEN).exists()


def test_results_that_break_off_are_read_again_and_written_once(anthropic, monkeypatch):
    anthropic.batches.cut_after = 2

    def pause(work: Any, seconds: float) -> None:
        if "GET results" in anthropic.batches.calls:
            anthropic.batches.cut_after = None

    monkeypatch.setattr(batch_run, "_pause", pause)
    run = batch_run_of(4)
    job = finished(run)
    assert job.result["labelled"] == 4
    assert uncached(run) == 6000
    assert is_labelled_once(run)


def test_a_result_that_is_left_out_is_asked_for_once_more(anthropic):
    run = batch_run_of(2)
    real = anthropic.batches._end

    def leave_one_out(batch: Any) -> None:
        real(batch)
        if len(anthropic.batches.made) == 1:
            batch.results.pop()

    anthropic.batches._end = leave_one_out
    assert finished(run).result["labelled"] == 2
    assert [len(made.requests) for made in anthropic.batches.made] == [2, 1]


def test_an_image_deleted_meanwhile_is_no_failure(anthropic, monkeypatch):
    run = batch_run_of(2)
    gone = run.items.values_list("image_id", flat=True)[0]
    monkeypatch.setattr(
        batch_run, "_pause", lambda work, seconds: Image.objects.filter(pk=gone).delete()
    )
    job = finished(run)
    assert (job.status, job.result["labelled"]) == (Status.COMPLETED, 1)


def test_a_file_that_is_gone_fails_its_image_alone(anthropic):
    job = finished(run_of(make_row(), make_image(), use_batches=True))
    assert (job.status, job.result["labelled"]) == (Status.PARTIAL, 1)
    assert "cannot be read" in job.error


def test_ten_failures_in_a_row_end_the_run(anthropic):
    anthropic.default = Reply(status=400)
    job = finished(batch_run_of(12))
    assert job.status == Status.FAILED
    assert job.error.startswith("Stopped because 10 images in a row failed.")


def test_answers_of_no_use_are_not_all_asked_for_again(anthropic):
    anthropic.default = USELESS
    job = finished(batch_run_of(12))
    assert job.status == Status.FAILED
    assert len(anthropic.batches.made) == 1


# --- Trouble -------------------------------------------------------------------------------------


def test_a_wrong_key_fails_the_run_at_once(anthropic, settings):
    settings.ANTHROPIC_API_KEY = "wrong"
    run = batch_run_of(2)
    job = finished(run)
    assert job.status == Status.FAILED
    assert "Check ANTHROPIC_API_KEY" in job.error
    assert not run.batches.exists()
    assert run.counts()[Outcome.PENDING] == 2
    anthropic.violations.clear()


def test_a_rate_limit_is_waited_out(anthropic, monkeypatch):
    anthropic.batches.refusals = [Reply(status=429, headers={"retry-after": "7"})]
    pauses: list[float] = []
    monkeypatch.setattr(batch_run, "_pause", lambda work, seconds: pauses.append(seconds))
    run = batch_run_of(2)
    assert finished(run).result["labelled"] == 2
    assert pauses[0] == 7
    assert run.batches.count() == 1


def test_a_server_that_does_not_answer_is_asked_again(anthropic, monkeypatch):
    run = batch_run_of(2)
    real = batch_read.look
    troubles = [batches.BatchTrouble("It could not be reached.")] * 2

    def look(work: Any, row: Any) -> None:
        if troubles:
            raise troubles.pop()
        real(work, row)

    monkeypatch.setattr(batch_run, "look", look)
    job = finished(run)
    assert job.result["labelled"] == 2
    lines = job.log_lines.filter(text="It could not be reached. It is tried again.")
    assert lines.count() == 1, "it is told once"


def test_trouble_without_end_ends_the_run(anthropic, monkeypatch):
    def look(work: Any, row: Any) -> None:
        raise batches.BatchTrouble("It could not be reached.")

    monkeypatch.setattr(batch_run, "look", look)
    monkeypatch.setattr(batch_run, "HOPELESS_S", 0.1)
    job = finished(batch_run_of(2))
    assert job.status == Status.FAILED
    assert job.error == "It could not be reached. Retrying goes on with what is left."
