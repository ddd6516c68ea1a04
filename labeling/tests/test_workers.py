"""Labeling in a real worker: cancelled, and killed in the middle."""

from collections import Counter

import pytest

from gallery.models import Image, Label
from gallery.tests.workers import Workers
from labeling.labelers import LOCAL
from labeling.models import LabelingItem
from labeling.runs import start_run
from labeling.tests.anthropic_server import KEY, AnthropicServer, Reply, good_text
from labeling.tests.factories import album_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def start(workers: Workers, server: AnthropicServer, at_once: int) -> None:
    workers.more = {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": server.url,
        "LABELING_CONCURRENCY": str(at_once),
    }
    workers.start("redis", "default")


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


def test_a_killed_run_goes_on_and_labels_every_image_once(
    workers: Workers, anthropic: AnthropicServer
) -> None:
    anthropic.default = Reply(text=good_text(), delay_s=0.15)
    run = start_run(album=album_of(16))
    start(workers, anthropic, at_once=2)
    done = run.items.filter(outcome=LabelingItem.Outcome.DONE)
    workers.until(lambda: done.count() >= 3, "the first labels")
    assert workers.kill_horse("default")
    job = workers.ended(run.job)
    assert job.attempts == 2
    assert job.result is not None
    assert job.result["labelled"] == 16
    for kind in (Label.Kind.CAPTION, Label.Kind.RATING):
        labels = Label.objects.filter(kind=kind).values_list("image_id", flat=True)
        assert sorted(Counter(labels).values()) == [1] * 16
    # Asked twice is what was on its way when the worker died, and nothing else.
    assert len(anthropic.requests) <= 16 + 2


def test_the_local_labeler_works_in_a_forked_child_and_goes_on_after_a_kill(
    workers: Workers,
) -> None:
    run = start_run(album=album_of(60), labeler=LOCAL)
    workers.start("redis", "default")
    done = run.items.filter(outcome=LabelingItem.Outcome.DONE)
    workers.until(lambda: done.count() >= 3, "the first labels")
    assert workers.kill_horse("default")
    job = workers.ended(run.job)
    assert job.result is not None
    assert (job.attempts, job.result["labelled"]) == (2, 60)
    ratings = Label.objects.filter(kind=Label.Kind.RATING, source=Label.Source.LOCAL)
    assert sorted(Counter(ratings.values_list("image_id", flat=True)).values()) == [1] * 60
    rated = Image.objects.values_list("pk", "rating")
    assert sorted(rated) == sorted(ratings.values_list("image_id", "text"))
