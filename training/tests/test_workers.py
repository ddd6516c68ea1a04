"""Training in a real worker on a tiny model: cancelled, and killed after a checkpoint."""

import re
from pathlib import Path

import pytest

from gallery.tests.workers import Workers
from generation.models import ModelVersion
from training.checkpoints import RESUME
from training.models import DatasetVersion, TrainingRun
from training.tests.factories import TINY, make_run, tiny_base_model

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def started(workers: Workers, folder: Path, steps: int) -> TrainingRun:
    """A training that has saved its first checkpoint."""
    values = {**TINY, "steps": steps, "checkpoint_every": 20}
    run = make_run(base_model=tiny_base_model(folder), values=values)
    workers.start("redis", "gpu")
    workers.until(lambda: (run.folder / RESUME).exists(), "the first checkpoint")
    return run


def test_a_cancelled_training_stops_in_time_and_keeps_its_checkpoint(
    workers: Workers, tmp_path: Path
) -> None:
    run = started(workers, tmp_path / "base", 20_000)
    workers.cancel(run.job)
    assert (run.folder / RESUME).exists()
    assert list(run.folder.glob("step-*.safetensors"))
    assert not ModelVersion.objects.filter(type=ModelVersion.Type.LORA).exists()


def test_a_killed_training_goes_on_from_its_checkpoint_to_one_lora(
    workers: Workers, tmp_path: Path
) -> None:
    run = started(workers, tmp_path / "base", 160)
    assert workers.kill_horse("gpu")
    job = workers.ended(run.job)
    assert job.attempts == 2
    log = " ".join(line.text for line in job.log_lines.all())
    resumed = re.search(r"Going on after step (\d+)", log)
    assert resumed is not None
    assert int(resumed[1]) in range(20, 160, 20)
    run.refresh_from_db()
    assert ModelVersion.objects.get(type=ModelVersion.Type.LORA) == run.output_model
    assert [point[0] for point in run.loss_history][-1] == 160
    assert DatasetVersion.objects.count() == 1
    steps = list(run.checkpoints.order_by("step").values_list("step", flat=True))
    assert steps == list(range(20, 160, 20))
