"""The demonstration: what is submitted, once, and in which order it runs."""

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from rich.console import Console

from gallery.tests.factories import make_album
from generation.models import BatchTemplate, GenerationRun
from generation.seeding import seed_templates
from imagineer.jobs import startup
from imagineer.jobs.models import Job, Status
from training.demo import LORA, TRIGGER_WORD, newest_demo, seed_demo, submit_demo
from training.management.commands import demo as command
from training.models import TrainingRun
from training.progress_bars import JobBars
from training.tests.factories import end

pytestmark = pytest.mark.django_db


def test_four_jobs_are_submitted_and_each_waits_for_what_it_needs() -> None:
    zodiac, imported, training, cards = seed_demo()
    assert zodiac.generation_run.items.count() == 12
    assert cards.generation_run.items.count() == 54
    assert list(training.after.all()) == [imported]
    assert list(cards.after.all()) == [training]
    assert not zodiac.after.exists()
    assert newest_demo() == [zodiac, imported, training, cards]


def test_it_brings_back_no_template_but_those_that_it_draws_with() -> None:
    seed_templates()
    BatchTemplate.objects.filter(slug__in=("tarot", "zodiac")).delete()
    seed_demo()
    assert set(BatchTemplate.objects.values_list("slug", flat=True)) == {"zodiac", "playing-cards"}


def test_the_card_batch_names_the_lora_that_the_training_will_make() -> None:
    training, cards = seed_demo()[2:]
    run = GenerationRun.objects.get(job=cards)
    assert run.overrides["later_loras"] == [{"name": LORA, "weight": 1.0}]
    assert all(TRIGGER_WORD in item.prompt for item in run.items.all())
    assert training.training_run.name == LORA


def test_it_is_seeded_once() -> None:
    seed_demo()
    assert seed_demo() == []
    call_command("seed_demo", stdout=io.StringIO())
    assert Job.objects.count() == 4


def test_albums_whose_names_are_taken_get_a_number() -> None:
    make_album("Nightdeck")
    zodiac, *_, cards = submit_demo()
    assert zodiac.generation_run.album_name == "Zodiac in navy"
    assert cards.generation_run.album_name == "Nightdeck 2"


def test_a_second_demonstration_is_one_of_its_own() -> None:
    first, second = submit_demo(), submit_demo()
    assert newest_demo() == second
    assert not set(first) & set(second)
    assert TrainingRun.objects.count() == 2


def test_the_jobs_draw_the_builtin_model_whatever_is_set(settings: Any) -> None:
    settings.BASE_MODEL = "somebody/another-model"
    zodiac, _, training, _ = submit_demo()
    drawn: Any = zodiac.generation_run.base_model
    assert drawn.repository == "builtin"
    assert training.training_run.base_model.repository == "builtin"


def test_what_follows_a_failed_training_fails_with_a_sentence() -> None:
    _, _, training, cards = submit_demo()
    end(training.after.get(), Status.COMPLETED)
    end(training, Status.FAILED)
    cards.refresh_from_db()
    assert cards.status == Status.FAILED
    assert "Train Nightdeck" in cards.error


def test_the_bars_tell_states_as_lines_where_there_is_no_terminal() -> None:
    jobs = submit_demo()
    output = io.StringIO()
    with JobBars(jobs, Console(file=output, width=100)) as bars:
        assert not bars.update(jobs)
        for job in jobs:
            job.status = Status.COMPLETED
        assert bars.update(jobs)
        assert bars.update(jobs)
    lines = output.getvalue().splitlines()
    assert lines.count("Train Nightdeck: waiting") == 1
    assert lines.count("Train Nightdeck: done") == 1


def test_the_bars_draw_in_a_terminal() -> None:
    (job, *_) = submit_demo()
    output = io.StringIO()
    with JobBars([job], Console(file=output, force_terminal=True, width=140)) as bars:
        job.status, job.progress_done, job.progress_total = Status.RUNNING, 3, 12
        job.message = "3 of 12 drawn [sic]"
        bars.update([job])
    assert "3 of 12 drawn [sic]" in output.getvalue()


def demo_in_terminal() -> str:
    output = io.StringIO()
    call_command("demo", stdout=output, stderr=output)
    return output.getvalue()


@pytest.fixture
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def supervising(monkeypatch: pytest.MonkeyPatch, *endings: Status) -> None:
    """In place of workers: the first jobs end like this; then it is as after Ctrl-C."""

    def supervise(*args: Any, **options: Any) -> None:
        for job, status in zip(newest_demo(), endings, strict=False):
            Job.objects.filter(pk=job.pk).update(status=status)

    monkeypatch.setattr(command, "supervise", supervise)
    # The test's rows are in a transaction of this connection.
    monkeypatch.setattr(connections, "close_all", lambda: None)


def test_the_command_says_when_all_is_done(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    supervising(monkeypatch, *[Status.COMPLETED] * 4)
    assert "Done. Look at the pictures" in demo_in_terminal()


def test_the_command_goes_on_where_it_was_stopped(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervising(monkeypatch, Status.COMPLETED)
    assert "goes on where this stopped" in demo_in_terminal()
    supervising(monkeypatch, *[Status.COMPLETED] * 4)
    assert "Done." in demo_in_terminal()
    assert Job.objects.count() == 4


def test_the_command_tells_of_pictures_that_failed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervising(monkeypatch, Status.PARTIAL, *[Status.COMPLETED] * 3)
    assert "Done in part" in demo_in_terminal()
    supervising(monkeypatch, Status.FAILED, *[Status.COMPLETED] * 3)
    with pytest.raises(CommandError, match="did not succeed"):
        demo_in_terminal()


def test_ctrl_c_before_anything_runs_ends_the_command_with_a_sentence(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(startup, "migrate", interrupted)
    assert "Stopped before anything was drawn." in demo_in_terminal()
    os.close(startup.lock_data_folder())


def test_ctrl_c_beside_a_running_platform_leaves_the_jobs_to_it(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    lock = startup.lock_data_folder()
    monkeypatch.setattr("training.management.commands.demo.time.sleep", interrupted)
    output = demo_in_terminal()
    os.close(lock)
    assert "The jobs go on without this window." in output
    assert "stopped" not in output
