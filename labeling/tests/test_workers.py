"""Labeling in a real worker: cancelled, and killed in the middle."""

import time
from collections import Counter
from functools import partial
from pathlib import Path

import psutil
import pytest

from gallery.models import Label
from gallery.tests.factories import make_image
from gallery.tests.workers import Workers
from imagineer.jobs.models import Job
from labeling.models import LabelingItem, LabelingRun
from labeling.runs import start_run
from labeling.tests.anthropic_server import KEY, AnthropicServer, Reply, good_text
from labeling.tests.factories import album_of, batch_run_of, is_labelled_once, run_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def start(workers: Workers, server: AnthropicServer, at_once: int, key: str = KEY) -> None:
    workers.more = {
        "ANTHROPIC_API_KEY": key,
        "ANTHROPIC_BASE_URL": server.url,
        "LABELING_CONCURRENCY": str(at_once),
    }
    workers.start("redis", "default")


@pytest.mark.parametrize("key", [KEY, ""])
def test_a_worker_loads_the_sdk_before_its_jobs_if_there_is_a_key(
    workers: Workers, anthropic: AnthropicServer, key: str
) -> None:
    start(workers, anthropic, at_once=1, key=key)
    run = run_of(make_image())
    workers.until(lambda: Job.objects.get(pk=run.job_id).has_ended, "the end of the run")
    worker = psutil.Process(workers.processes["default"].pid)
    loaded = {Path(mapped.path).name.partition(".")[0] for mapped in worker.memory_maps()}
    # A library that nothing but the SDK uses.
    assert ("jiter" in loaded) == bool(key)


def test_a_cancelled_run_stops_in_time_though_an_answer_is_waited_for(
    workers: Workers, anthropic: AnthropicServer
) -> None:
    anthropic.script = [Reply(text=good_text()), Reply(text=good_text(), delay_s=600)]
    run = start_run(album=album_of(3))
    start(workers, anthropic, at_once=1)
    workers.until(lambda: len(anthropic.requests) == 2, "the second request")
    workers.cancel(run.job)
    assert run.counts()[LabelingItem.Outcome.DONE] == 1
    assert run.counts()[LabelingItem.Outcome.PENDING] == 2


def has_written(run: LabelingRun, number: int) -> bool:
    return run.counts()[LabelingItem.Outcome.DONE] >= number


def test_a_run_that_is_killed_twice_repeats_what_was_in_flight_and_nothing_else(
    workers: Workers, anthropic: AnthropicServer
) -> None:
    anthropic.default = Reply(text=good_text(), delay_s=0.15)
    run = start_run(album=album_of(24))
    start(workers, anthropic, at_once=2)
    done = run.items.filter(outcome=LabelingItem.Outcome.DONE)
    asked_again = 0
    for kill, written in ((workers.kill_horse, 3), (workers.kill, 12)):
        workers.until(partial(has_written, run, written), "labels")
        kill("default")
        # What was sent before the kill has arrived by then.
        time.sleep(0.3)
        in_flight = len(anthropic.requests) - asked_again - done.count()
        assert in_flight in range(3)
        asked_again += in_flight
        if "default" not in workers.processes:
            workers.start("default")
    job = workers.ended(run.job)
    assert job.attempts == 3
    assert job.result is not None
    assert job.result["labelled"] == 24
    for kind in (Label.Kind.CAPTION, Label.Kind.RATING):
        labels = Label.objects.filter(kind=kind).values_list("image_id", flat=True)
        assert sorted(Counter(labels).values()) == [1] * 24
    assert len(anthropic.requests) == 24 + asked_again


def check_paid_once(run: LabelingRun, server: AnthropicServer) -> None:
    """Every image was asked about once and has one caption of the run."""
    assert len(server.batches.answered) == run.items.count()
    assert is_labelled_once(run)
    run.refresh_from_db()
    assert run.input_tokens == 1500 * run.items.count()


def test_a_batch_is_resumed_by_its_id_after_a_kill(
    workers: Workers, anthropic: AnthropicServer
) -> None:
    anthropic.batches.takes_s = 3600
    run = batch_run_of(6)
    start(workers, anthropic, at_once=2)
    workers.until(lambda: "GET batch" in anthropic.batches.calls, "a look at the batch")
    workers.kill("default")
    anthropic.batches.takes_s = 0
    workers.start("default")
    job = workers.ended(run.job)
    assert job.attempts == 2
    check_paid_once(run, anthropic)
    assert len(anthropic.batches.made) == 1


def test_a_batch_is_found_again_after_a_kill_before_its_id_was_known(
    workers: Workers, anthropic: AnthropicServer
) -> None:
    anthropic.batches.delay_s = 5.0
    run = batch_run_of(6)
    start(workers, anthropic, at_once=2)
    workers.until(lambda: anthropic.batches.made, "the sending")
    assert workers.kill_horse("default")
    assert run.batches.get().batch_id == ""
    job = workers.ended(run.job)
    assert job.attempts == 2
    check_paid_once(run, anthropic)
    assert len(anthropic.batches.made) == 1


def test_a_kill_while_results_are_read_writes_none_twice(
    workers: Workers, anthropic: AnthropicServer
) -> None:
    run = batch_run_of(40)
    start(workers, anthropic, at_once=2)
    done = run.items.filter(outcome=LabelingItem.Outcome.DONE)
    workers.until(done.exists, "the first label")
    assert workers.kill_horse("default")
    left = run.items.count() - done.count()
    job = workers.ended(run.job)
    assert left > 0
    assert job.attempts == 2
    check_paid_once(run, anthropic)


def test_a_cancelled_batch_is_cancelled_at_anthropic_too(
    workers: Workers, anthropic: AnthropicServer
) -> None:
    anthropic.batches.takes_s, anthropic.batches.done_at_cancel = 3600, 2
    run = batch_run_of(3)
    start(workers, anthropic, at_once=2)
    workers.until(lambda: "GET batch" in anthropic.batches.calls, "a look at the batch")
    workers.cancel(run.job)
    workers.ended(Job.objects.get(kind="labeling.stop_batches"))
    assert anthropic.batches.made[0].cancelled_at
    assert run.counts()[LabelingItem.Outcome.DONE] == 2
    assert is_labelled_once(run)
