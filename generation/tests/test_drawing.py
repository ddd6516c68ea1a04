"""Runs drawn for real: the job, the pipeline, the gallery and its files together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from gallery import infotext
from gallery.models import Image
from generation import diffusion_pipeline as engine
from generation.loras import register_lora
from generation.models import GenerationRun
from generation.tests.factories import make_batch, make_single
from imagineer.jobs import states
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = [pytest.mark.django_db, pytest.mark.model]


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.DEVICE = "cpu"
    yield
    engine.release()


def drawn(run: GenerationRun) -> list[Image]:
    assert execute(run.job_id) == Status.COMPLETED, Job.objects.get(pk=run.job_id).error
    return [item.image for item in run.items.select_related("image") if item.image is not None]


def pixels(image: Image) -> np.ndarray[Any, Any]:
    with image.file.open() as file, PillowImage.open(file) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_a_batch_is_drawn_into_an_album_and_its_seeds_draw_the_same_alone(
    tiny_model: Path,
) -> None:
    run = make_batch()
    images = drawn(run)
    assert len(images) == 3
    item = run.items.get(index=1)
    alone = drawn(make_single(prompt=item.prompt, negative_prompt="blurry", seed=item.seed))[0]
    assert np.abs(pixels(alone) - pixels(images[1])).max() <= 1


def test_a_lora_at_weight_0_gives_the_base_models_very_file(
    tiny_model: Path, lora_file: Path, models_dir: Path
) -> None:
    lora = register_lora(lora_file, name="inks")
    base = drawn(make_single())[0]
    at_0 = drawn(make_single(loras=[{"model": lora.pk, "weight": 0}]))[0]
    at_1 = drawn(make_single(loras=[{"model": lora.pk, "weight": 1}]))[0]
    # The same bytes are the same image in the gallery.
    assert at_0 == base
    assert at_1 != base
    assert (pixels(at_1) != pixels(base)).any()


def test_the_parameters_in_a_picture_draw_it_again(tiny_model: Path) -> None:
    image = drawn(make_single(scheduler="euler_a", steps=3))[0]
    told = infotext.parse(infotext.read_png(image.file.read()))
    again = drawn(
        make_single(
            prompt=told.prompt, seed=told.seed, steps=told.steps, scheduler="euler_a",
            width=told.width, height=told.height, guidance_scale=told.guidance_scale,
        )
    )[0]  # fmt: skip
    assert again == image


def test_a_cancel_takes_effect_between_two_denoising_steps(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_single(steps=150)
    seen: list[int] = []
    forward: Any = engine._forward

    def cancel_on_the_way(*args: Any) -> Any:
        *others, on_step = args

        def counted(step: int) -> None:
            seen.append(step)
            if step == 3:
                states.cancel(Job.objects.get(pk=run.job_id))
            on_step(step)

        return forward(*others, counted)

    monkeypatch.setattr(engine, "_forward", cancel_on_the_way)
    monkeypatch.setattr("imagineer.jobs.context.ASK_EVERY", 0.0)
    assert execute(run.job_id) == Status.CANCELLED
    assert seen[-1] == 3
    assert not Image.objects.exists()


def test_the_builtin_model_draws_its_own_size() -> None:
    run = make_single(prompt="playing card, ace of spades", width=None, height=None, steps=2)
    image = drawn(run)[0]
    assert (image.width, image.height) == (run.overrides["width"], run.overrides["height"])
    assert image.models_used.get().model_version.repository == "builtin"


def test_a_model_that_cannot_be_loaded_fails_the_run_with_a_sentence(settings: Any) -> None:
    settings.BASE_MODEL = "/nowhere/model"
    run = make_single()
    assert execute(run.job_id) == Status.FAILED
    assert "BASE_MODEL" in Job.objects.get(pk=run.job_id).error
    assert run.items.get().status == "pending"
