"""Drawing in a real worker on the tiny model: cancelled, and killed in the middle."""

from pathlib import Path

import pytest

from gallery.models import Image
from gallery.tests.workers import Workers, check_files
from generation.models import GenerationItem, GenerationRun, ImageModel
from generation.tests.factories import make_batch, make_template
from imagineer.jobs.models import Status

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def started(workers: Workers, model: Path, count: int) -> GenerationRun:
    """A batch of so many pictures, each drawn by itself, of which two are kept."""
    rows = "name,suit\n" + "".join(f"Card {number},hearts\n" for number in range(count))
    run = make_batch(make_template(csv=rows), width=256, height=256)
    workers.more = {"BASE_MODEL": str(model)}
    workers.start("redis", "gpu")
    done = run.items.filter(status=GenerationItem.Status.DONE)
    workers.until(lambda: done.count() >= 2, "the first pictures")
    return run


def kept(run: GenerationRun) -> dict[str, tuple[int | None, float | None]]:
    done = run.items.filter(status=GenerationItem.Status.DONE)
    return {item.name: (item.image_id, item.seconds) for item in done}


def test_a_cancelled_batch_stops_in_time_and_keeps_what_is_drawn(
    workers: Workers, tiny_model: Path
) -> None:
    run = started(workers, tiny_model, 200)
    workers.cancel(run.job)
    assert 2 <= len(kept(run)) < 200
    assert Image.objects.count() == len(kept(run))


def test_a_killed_batch_goes_on_and_draws_no_picture_twice(
    workers: Workers, tiny_model: Path
) -> None:
    run = started(workers, tiny_model, 10)
    assert workers.kill_horse("gpu")
    before = kept(run)
    assert 2 <= len(before) < 10
    job = workers.ended(run.job, Status.COMPLETED)
    assert job.attempts == 2
    after = kept(run)
    assert before.items() <= after.items()
    assert sorted(after) == [f"Card {number}" for number in range(10)]
    assert len({image for image, _ in after.values()}) == Image.objects.count() == 10
    assert ImageModel.objects.count() == 10
    run.refresh_from_db()
    assert run.album is not None
    entries = run.album.entries.order_by("position").values_list("image_id", flat=True)
    assert list(entries) == [after[f"Card {number}"][0] for number in range(10)]
    # A line for every picture that was drawn and kept.
    drawn = [line.text for line in job.log_lines.all() if "s a picture" in line.text]
    assert len(drawn) == len({line.partition(",")[0] for line in drawn})
    check_files(f"batches/{run.pk}")
