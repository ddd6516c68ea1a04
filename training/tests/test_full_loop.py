"""The whole platform at work: real queue server, real workers, the built-in model.

The demonstration in a small form runs to its end; then every step is followed backwards from a
picture to the album's captions, and forwards again.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from gallery.models import Album
from generation.lora_file import read_lora
from generation.models import BatchTemplate
from imagineer.jobs import queues
from imagineer.jobs.models import ENDED, Status
from imagineer.jobs.tests.platform import Platform, use
from training.demo import EXAMPLE_ALBUM, LORA, TRIGGER_WORD, Demo, newest_demo, seed_demo
from training.models import DatasetItem, TrainingRun

pytestmark = [pytest.mark.processes, pytest.mark.model]

PATIENCE = 900.0
PICTURES = 6
STEPS = 4


class WholePlatform(Platform):
    """Workers that know every kind of job."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "DJANGO_SETTINGS_MODULE": "imagineer.settings",
            "BASE_MODEL": "builtin",
            "DEVICE": "cpu",
            "PRODUCTION": "0",
        }


@pytest.fixture
def platform(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[Platform]:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MODELS_DIR = tmp_path / "models"
    made = WholePlatform(tmp_path)
    use(made, settings)
    yield made
    made.stop()
    queues.connection.cache_clear()


@pytest.fixture
def small_demo(tmp_path: Path) -> Demo:
    folder = tmp_path / "album"
    folder.mkdir()
    for source in sorted(EXAMPLE_ALBUM.glob("*"))[: 2 * PICTURES]:
        shutil.copy(source, folder)
    for slug, csv in (
        ("small-signs", "name\nAries\nTaurus"),
        ("small-cards", "name\nAce of Hearts"),
    ):
        BatchTemplate.objects.create(name=slug, slug=slug, csv=csv, prompt_template="card, {name}")
    return Demo(
        folder=folder,
        zodiac="small-signs",
        cards="small-cards",
        training={"steps": STEPS, "checkpoint_every": 2},
        drawing={"steps": 2},
    )


def test_the_demonstration_runs_and_every_picture_tells_where_it_comes_from(
    platform: Any, small_demo: Any
) -> None:
    platform.start("redis", "default", "gpu")
    jobs = seed_demo(small_demo)
    assert [job.kind for job in jobs] == [
        "generation.run", "gallery.import_album", "training.run", "generation.run",
    ]  # fmt: skip
    assert seed_demo(small_demo) == [], "it is submitted once"
    assert newest_demo() == jobs
    for job in jobs:
        platform.wait_for(job, *ENDED, seconds=PATIENCE)
        lines = "\n".join(line.text for line in job.log_lines.all())
        assert job.status == Status.COMPLETED, f"{job}: {job.error}\n{lines}"

    drawn: Any = Album.objects.get(name="Nightdeck").images.get()
    picture: Any
    with Picture.open(drawn.file.path) as picture:
        assert picture.size == (64, 96)
        assert f"<lora:{LORA}:1" in picture.text["parameters"]
    assert TRIGGER_WORD in drawn.prompt

    use_of_lora: Any = drawn.models_used.get(model_version__type="lora")
    lora = use_of_lora.model_version
    assert use_of_lora.weight == 1.0
    assert read_lora(Path(platform.folder) / "models" / lora.file).trigger_words == (TRIGGER_WORD,)

    run = lora.training_run
    assert run.job == jobs[2]
    assert [point[0] for point in run.loss_history] == list(range(1, STEPS + 1))
    dataset = run.dataset
    assert dataset.items.count() == PICTURES
    item = dataset.items.order_by("index").first()
    assert item.caption == item.label.text
    assert item.caption_source == "imported"
    assert item.label.image == item.image
    source = item.image
    assert source.albums.get() == run.albums.get() == dataset.albums.get()

    forward: Any = DatasetItem.objects.get(image=source).dataset.training_runs.get()
    assert forward.output_model.image_uses.get().image == drawn
    assert TrainingRun.objects.count() == 1
    signs = Album.objects.get(name="Zodiac in navy")
    assert signs.images.count() == 2
    assert signs.generation_runs.get().job == jobs[0]
