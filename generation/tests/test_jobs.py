"""The runner, with a stand-in for the pipeline; test_drawing.py draws for real."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

import generation
from gallery import infotext
from gallery.models import Album, Image
from generation import kept, loras
from generation.loras import register_lora
from generation.models import GenerationItem, GenerationRun, ImageModel
from generation.tests.factories import FakeEngine, make_batch, make_single, make_template
from imagineer.jobs import signals, states
from imagineer.jobs.context import Context
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = pytest.mark.django_db
UseEngine = Callable[..., FakeEngine]


@pytest.fixture
def use_engine(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> UseEngine:
    settings.MEDIA_ROOT = tmp_path / "media"

    def use(**values: Any) -> FakeEngine:
        engine = FakeEngine(**values)
        monkeypatch.setattr(generation, "diffusion_pipeline", engine, raising=False)
        return engine

    return use


def run_job(run: GenerationRun) -> Job:
    execute(run.job_id)
    run.refresh_from_db()
    return Job.objects.get(pk=run.job_id)


def statuses(run: GenerationRun) -> list[str]:
    return list(run.items.order_by("index").values_list("status", flat=True))


def names_in(album: Album | None) -> list[str]:
    assert album is not None
    return [
        entry.image.generation_items.get().name
        for entry in album.entries.order_by("position", "id")
    ]


def test_a_batch_becomes_an_album_in_the_tables_order(use_engine: UseEngine) -> None:
    use_engine()
    run = make_batch()
    job = run_job(run)
    assert job.status == Status.COMPLETED
    assert job.result == {"run": run.pk, "album": run.album_id, "drawn": 3, "failed": 0}
    assert (job.progress_done, job.progress_total) == (3, 3)
    assert run.album is not None
    assert (run.album.name, run.album.source_type) == ("My deck", "batch_generation")
    assert names_in(run.album) == ["Ace", "Two", "Three"]
    assert statuses(run) == ["done"] * 3


def test_a_picture_says_how_it_was_drawn(
    use_engine: UseEngine, lora_file: Path, models_dir: Path
) -> None:
    engine = use_engine()
    lora = register_lora(lora_file, name="inks")
    still = register_lora(lora_file, name="still")
    run = make_single(
        prompt="a fox",
        negative_prompt="blurry",
        loras=[{"model": lora.pk, "weight": 0.5}, {"model": still.pk, "weight": 0}],
    )
    run_job(run)
    image = run.items.get().image
    assert image is not None
    assert (image.prompt, image.negative_prompt, image.source_type) == (
        "a fox",
        "blurry",
        "generated",
    )
    assert image.generation_params == {
        "seed": 7,
        "steps": 2,
        "guidance_scale": 2.0,
        "width": 64,
        "height": 64,
        "sampler": "DPM++ 2M",
        "model": "Built-in",
        "loras": [{"model": lora.pk, "weight": 0.5}],
    }
    used = dict(image.models_used.values_list("model_version__name", "weight"))
    assert used == {"Built-in": 1.0, "inks": 0.5}
    text = infotext.parse(infotext.read_png(image.file.read()))
    assert (text.prompt, text.seed, text.loras) == ("a fox", 7, {"inks": 0.5})
    assert text.lora_hashes == {"inks": lora.sha256[:10]}
    assert [adapter.weight for adapter in engine.adapters] == [0.5]
    assert image.file.name
    sidecar = Path(image.file.name).with_suffix(".json").as_posix()
    assert b'"seed": 7' in default_storage.open(sidecar).read()
    assert image.file.name.startswith(f"batches/{run.pk}/")


def test_some_failed_items_leave_the_run_partial_and_say_why(use_engine: UseEngine) -> None:
    use_engine(failing=[8])
    run = make_batch()
    job = run_job(run)
    assert job.status == Status.PARTIAL
    assert "the tensors do not fit" in job.error
    assert job.result is not None
    assert (job.result["drawn"], job.result["failed"]) == (2, 1)
    assert statuses(run) == ["done", "failed", "done"]
    assert names_in(run.album) == ["Ace", "Three"]


def test_a_retry_draws_the_failed_item_alone_and_puts_it_in_its_place(
    use_engine: UseEngine,
) -> None:
    use_engine(failing=[8])
    run = make_batch()
    job = run_job(run)
    engine = use_engine()
    assert states.retry(job)
    job = run_job(run)
    assert engine.drawn == [8]
    assert job.status == Status.COMPLETED
    assert names_in(run.album) == ["Ace", "Two", "Three"]
    assert run.items.get(index=1).error == ""


def test_a_run_of_which_everything_failed_is_failed(use_engine: UseEngine) -> None:
    use_engine(failing=[7])
    job = run_job(make_single())
    assert (job.status, job.error) == (Status.FAILED, "the tensors do not fit")
    assert not Image.objects.exists()


def test_numbers_that_are_no_picture_fail_the_item_with_advice(
    use_engine: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = use_engine()
    monkeypatch.setattr(engine, "draw", lambda *args, **kwargs: [None])
    job = run_job(make_single())
    assert job.status == Status.FAILED
    assert "another seed" in job.error


def test_a_cancel_keeps_what_was_finished_in_the_album(use_engine: UseEngine) -> None:
    run = make_batch()

    def cancel_at_three(pictures: Any) -> None:
        if pictures[0].seed == 9:
            Job.objects.filter(pk=run.job_id).update(cancel_requested_at="2026-01-01T00:00Z")

    engine = use_engine(size=1, before=cancel_at_three)
    draw = engine.draw

    def slow(*args: Any, **kwargs: Any) -> Any:
        import time

        pictures = draw(*args, **kwargs)
        time.sleep(0.6)
        kwargs["report"](2, 2, "step 2")
        return pictures

    engine.draw = slow  # type: ignore[method-assign]
    job = run_job(run)
    assert job.status == Status.CANCELLED
    assert statuses(run) == ["done", "done", "pending"]
    assert names_in(run.album) == ["Ace", "Two"]


def test_a_cancel_while_a_group_is_drawn_keeps_the_whole_group(use_engine: UseEngine) -> None:
    def cancel(pictures: Any) -> None:
        signals.flags.cancelled = True

    engine = use_engine(size=3, before=cancel)
    rows = "name,suit\n" + "".join(f"Card {number},hearts\n" for number in range(6))
    run = make_batch(make_template(csv=rows))
    assert run_job(run).status == Status.CANCELLED
    assert engine.drawn == [7, 8, 9]
    assert statuses(run) == ["done"] * 3 + ["pending"] * 3
    assert names_in(run.album) == ["Card 0", "Card 1", "Card 2"]


def test_a_cancel_is_heard_while_a_loras_file_is_read(
    use_engine: UseEngine, lora_file: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = use_engine()
    lora = register_lora(lora_file, name="inks")
    run = make_single(loras=[{"model": lora.pk, "weight": 1}])
    monkeypatch.setattr(loras, "HASHED_AT_ONCE", 1000)
    monkeypatch.setattr(loras, "_verified", {})
    asked: list[None] = []
    check = Context.check_cancelled

    def cancel_at_the_second(self: Context) -> None:
        asked.append(None)
        signals.flags.cancelled = len(asked) == 2
        check(self)

    monkeypatch.setattr(Context, "check_cancelled", cancel_at_the_second)
    assert run_job(run).status == Status.CANCELLED
    assert len(asked) == 2
    assert not loras._verified, "half a file is not verified"
    assert engine.drawn == []


class KilledError(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def kill_and_run_again(run: GenerationRun) -> Job:
    with pytest.raises(KilledError):
        execute(run.job_id)
    Job.objects.filter(pk=run.job_id).update(status=Status.QUEUED, claim="")
    return run_job(run)


def test_killed_between_two_pictures_it_goes_on_with_the_next(
    use_engine: UseEngine,
) -> None:
    def die_at_nine(pictures: Any) -> None:
        if pictures[0].seed == 9:
            engine.before = None
            raise KilledError

    engine = use_engine(size=1, before=die_at_nine)
    run = make_batch()
    assert kill_and_run_again(run).status == Status.COMPLETED
    assert engine.drawn == [7, 8, 9]
    assert Image.objects.count() == 3
    assert names_in(run.album) == ["Ace", "Two", "Three"]


def test_killed_between_the_picture_and_its_item_it_finds_the_picture_again(
    use_engine: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = use_engine(size=3)
    finish = kept.finish
    calls = []

    def die_once(*args: Any) -> bool:
        calls.append(args)
        if len(calls) == 2:
            raise KilledError
        return finish(*args)

    monkeypatch.setattr(kept, "finish", die_once)
    run = make_batch()
    assert kill_and_run_again(run).status == Status.COMPLETED
    # The second was added before the kill; only the third is drawn again.
    assert engine.drawn == [7, 8, 9, 9]
    assert Image.objects.count() == 3
    assert names_in(run.album) == ["Ace", "Two", "Three"]
    assert ImageModel.objects.count() == 3


def test_two_items_with_the_same_picture_are_both_done(use_engine: UseEngine) -> None:
    use_engine()
    run = make_batch(make_template(prompt_template="the same"))
    run.items.update(seed=7, name="One")
    assert run_job(run).status == Status.COMPLETED
    assert len({item.image_id for item in run.items.all()}) == 1
    assert run.album is not None
    assert run.album.images.count() == 1


def test_an_album_name_taken_meanwhile_does_not_lose_the_pictures(
    use_engine: UseEngine,
) -> None:
    use_engine()
    run = make_batch()
    Album.objects.create(name="My deck")
    run_job(run)
    assert run.album is not None
    assert run.album.name == "My deck (2)"
    assert run.album.images.count() == 3


def test_an_album_deleted_meanwhile_is_made_again_with_everything(
    use_engine: UseEngine,
) -> None:
    use_engine(failing=[9])
    run = make_batch()
    job = run_job(run)
    Album.objects.all().delete()
    use_engine()
    states.retry(job)
    run_job(run)
    assert names_in(run.album) == ["Ace", "Two", "Three"]


def test_single_pictures_go_to_the_end_of_the_album_they_were_asked_into(
    use_engine: UseEngine,
) -> None:
    use_engine()
    album = Album.objects.create(name="Foxes")
    run_job(make_single(album=album.pk))
    run_job(make_single(album=album.pk, seed=8))
    seeds = [
        entry.image.generation_items.get().seed for entry in album.entries.order_by("position")
    ]
    assert seeds == [7, 8]


def test_a_lora_whose_file_was_changed_is_not_loaded(
    use_engine: UseEngine, lora_file: Path, models_dir: Path
) -> None:
    use_engine()
    lora = register_lora(lora_file, name="inks")
    run = make_single(loras=[{"model": lora.pk, "weight": 1}])
    (models_dir / lora.file).write_bytes(b"something else")
    job = run_job(run)
    assert job.status == Status.FAILED
    assert "not the one that was registered" in job.error
    assert statuses(run) == ["pending"]


def test_a_lora_that_an_earlier_job_made_is_found_when_the_run_starts(
    use_engine: UseEngine, lora_file: Path, models_dir: Path
) -> None:
    engine = use_engine()
    from generation.runs import create_batch_run

    values = {"album_name": "Deck", "seed": 7}
    run = create_batch_run(make_template(), values, later_loras={"inks": 0.8})
    lora = register_lora(lora_file, name="inks")
    run_job(run)
    assert [adapter.weight for adapter in engine.adapters] == [0.8]
    assert run.overrides["loras"] == [{"model": lora.pk, "weight": 0.8}]
    assert "later_loras" not in run.overrides


def test_a_lora_that_never_came_fails_the_run_with_its_name(use_engine: UseEngine) -> None:
    use_engine()
    from generation.runs import create_batch_run

    run = create_batch_run(make_template(), {"album_name": "D"}, later_loras={"inks": 1})
    assert "“inks”" in run_job(run).error


def test_a_private_run_makes_private_pictures_and_a_private_album(
    use_engine: UseEngine,
) -> None:
    use_engine()
    run = make_batch(is_public=False, rating="ADULT")
    run_job(run)
    assert run.album is not None
    assert not run.album.is_public
    assert {image.is_public for image in Image.objects.all()} == {False}
    assert {image.is_nsfw for image in Image.objects.all()} == {True}


@pytest.mark.parametrize(("rating", "decided"), [("SAFE", True), ("UNRATED", False)])
def test_a_rating_chosen_for_a_run_is_decided_on(
    use_engine: UseEngine, rating: str, decided: bool
) -> None:
    use_engine()
    run_job(make_batch(rating=rating))
    found = {(row.rating, row.rating_decided_at is not None) for row in Image.objects.all()}
    assert found == {(rating, decided)}


def test_an_item_that_another_worker_finished_is_not_done_twice(
    use_engine: UseEngine,
) -> None:
    def other_worker(pictures: Any) -> None:
        run.items.update(status=GenerationItem.Status.DONE)

    use_engine(before=other_worker)
    run = make_single()
    run_job(run)
    assert not Image.objects.exists()
