"""The runner of training.run, with the real trainer on a model with random weights."""

import json
from pathlib import Path
from typing import Any

import pytest

from gallery.models import Label
from gallery.tests.factories import make_label
from generation import loras
from generation.lora_file import read_lora
from generation.models import ModelVersion
from imagineer.jobs import runner, states
from imagineer.jobs.models import Job, Status
from training import jobs, trainer_process
from training.models import DatasetVersion, TrainingRun
from training.tests.factories import TINY, captioned_album, make_run, tiny_base_model

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MODELS_DIR = tmp_path / "models"
    settings.DEVICE = "cpu"


@pytest.fixture
def base(tmp_path: Any) -> Any:
    return tiny_base_model(tmp_path / "base")


@pytest.fixture
def run(base: Any) -> Any:
    return make_run(base_model=base, trigger_word="night style", values=TINY)


def ended(run: TrainingRun) -> Any:
    runner.execute(run.job_id)
    return TrainingRun.objects.select_related("job", "output_model", "dataset").get(pk=run.pk)


class Killed(BaseException):
    """As if the process had died here."""


def test_a_training_leaves_a_lora_that_knows_where_it_comes_from(run: Any, settings: Any) -> None:
    done = ended(run)
    assert done.job.status == Status.COMPLETED, done.job.error
    lora = done.output_model
    assert (str(lora), lora.type, lora.trigger_words) == ("Night v1", "lora", ["night style"])
    file = Path(settings.MODELS_DIR) / lora.file
    assert read_lora(file).rank == 2
    assert lora.base_model == run.base_model
    assert lora.metadata["steps"] == 3
    assert lora.metadata["dataset_digest"] == done.dataset.digest
    assert lora.metrics["loss"] == pytest.approx(done.loss_history[-1][1])
    assert [point[0] for point in done.loss_history] == [1, 2, 3]
    assert lora.training_run == done
    item = done.dataset.items.get(index=1)
    assert item.label.text == item.caption == "card 0"
    assert done.job.result["lora"] == lora.pk
    assert done.job.progress_done == done.job.progress_total == 3
    assert [point.step for point in done.checkpoints.all()] == [2]
    left = sorted(path.name for path in done.folder.iterdir())
    assert left == ["step-000002.safetensors", "trainer.log"]


def test_a_second_training_of_the_name_is_the_next_version_of_the_same_dataset(
    run: Any, base: Any
) -> None:
    first = ended(run)
    second = ended(make_run(base_model=base, albums=list(run.albums.all()), values=TINY))
    assert second.job.status == Status.COMPLETED, second.job.error
    assert str(second.output_model) == "Night v2"
    assert second.dataset == first.dataset


def test_a_run_killed_before_its_row_was_written_registers_one_lora(
    run: Any, monkeypatch: Any
) -> None:
    register = loras.register_lora

    def die_after(*args: Any, **kwargs: Any) -> None:
        register(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(jobs, "register_lora", die_after)
    with pytest.raises(Killed):
        runner.execute(run.job_id)
    monkeypatch.undo()
    assert not ModelVersion.objects.filter(type="lora").exists()
    monkeypatch.setattr(trainer_process, "run", None)
    _take_up(run)
    done = ended(run)
    assert done.job.status == Status.COMPLETED, done.job.error
    assert ModelVersion.objects.get(type="lora") == done.output_model


def test_a_killed_training_goes_on_after_its_checkpoint(base: Any, monkeypatch: Any) -> None:
    run = make_run(base_model=base, values={**TINY, "steps": 150})
    handle = trainer_process.Progress.handle

    def die(self: Any, event: Any) -> None:
        handle(self, event)
        if event["event"] == "checkpoint":
            raise Killed

    monkeypatch.setattr(trainer_process.Progress, "handle", die)
    with pytest.raises(Killed):
        runner.execute(run.job_id)
    monkeypatch.undo()
    DatasetVersion.objects.get()
    _take_up(run)
    done = ended(run)
    assert done.job.status == Status.COMPLETED, done.job.error
    assert "Going on after step" in " ".join(line.text for line in done.job.log_lines.all())
    assert done.loss_history[-1][0] == 150
    assert DatasetVersion.objects.count() == 1


def test_a_cancelled_training_keeps_its_checkpoint_and_a_retry_goes_on(
    base: Any, monkeypatch: Any
) -> None:
    run = make_run(base_model=base, values={**TINY, "steps": 2000})
    handle = trainer_process.Progress.handle

    def cancel(self: Any, event: Any) -> None:
        handle(self, event)
        if event["event"] == "step" and event["step"] == 3:
            states.cancel(run.job)

    monkeypatch.setattr(trainer_process.Progress, "handle", cancel)
    done = ended(run)
    assert done.job.status == Status.CANCELLED
    assert done.output_model is None
    assert done.checkpoints.exists()
    monkeypatch.undo()
    assert states.retry(done.job)
    monkeypatch.setattr(trainer_process.Progress, "handle", cancel_once_started(run.job))
    last = done.checkpoints.order_by("-step").first().step
    again = ended(run)
    assert again.loss_history[-1][0] >= last


def test_captions_frozen_once_stay_though_the_album_changes(run: Any, base: Any) -> None:
    done = ended(run)
    image = run.albums.get().images.first()
    make_label(image, "another", is_pinned=True)
    again = make_run(base_model=base, dataset=done.dataset, values=TINY)
    assert ended(again).dataset == done.dataset
    assert "another" not in [item.caption for item in done.dataset.items.all()]


def test_an_album_without_captions_ends_with_a_sentence(base: Any) -> None:
    album = captioned_album()
    Label.objects.all().delete()
    done = ended(make_run(base_model=base, albums=[album], values=TINY))
    assert done.job.status == Status.FAILED
    assert done.job.error == "None of the pictures has a caption. Label the album first."


def test_a_missing_picture_ends_with_a_sentence(run: Any, base: Any) -> None:
    dataset = ended(run).dataset
    dataset.items.get(index=2).image.delete()
    done = ended(make_run(base_model=base, dataset=dataset, values=TINY))
    assert done.job.status == Status.FAILED
    assert "Picture 2 of Night v1" in done.job.error


def test_a_base_model_that_is_not_there_ends_with_the_trainers_sentence(run: Any) -> None:
    ModelVersion.objects.filter(pk=run.base_model_id).update(repository="/nowhere/at/all")
    done = ended(run)
    assert done.job.status == Status.FAILED
    assert "/nowhere/at/all" in done.job.error
    assert "Traceback" in " ".join(line.text for line in done.job.log_lines.all())


def test_the_task_holds_everything_the_trainer_is_told(run: Any, monkeypatch: Any) -> None:
    told = {}

    def look(task: Any, log: Any, progress: Any) -> None:
        told.update(json.loads(task.read_text()))
        raise Job.DoesNotExist

    monkeypatch.setattr(trainer_process, "run", look)
    runner.execute(run.job_id)
    assert told["config"]["rank"] == 2
    assert told["session"] == str(run.job_id)
    assert told["trigger_word"] == "night style"


def cancel_once_started(job: Any) -> Any:
    handle = trainer_process.Progress.handle

    def cancel(self: Any, event: Any) -> None:
        handle(self, event)
        if event["event"] == "start":
            assert event["step"] >= 3, "what was learned before counts"
            states.cancel(job)

    return cancel


def _take_up(run: TrainingRun) -> None:
    """As recovery does with a job whose worker died."""
    run.job.refresh_from_db()
    states.died(run.job_id, run.job.claim)
