"""Small makers of what the tests of this room need."""

from pathlib import Path
from typing import Any

from gallery.models import Album, Label
from gallery.tests.factories import make_album, make_image, make_label
from generation.base_model import base_model_row
from generation.models import ModelVersion
from imagineer.jobs import states
from imagineer.jobs.models import Job, Status
from training.models import TrainingRun
from training.start import start_training

TINY: dict[str, Any] = {
    "steps": 3, "rank": 2, "batch_size": 2, "width": 64, "height": 64, "checkpoint_every": 2,
}  # fmt: skip
"""Settings with which the tiny model trains in seconds."""


def captioned_album(name: str = "Cards", count: int = 3) -> Album:
    """An album of so many pictures with files, each with an imported caption."""
    images = [make_image(seed) for seed in range(count)]
    for number, image in enumerate(images):
        make_label(image, f"card {number}", source=Label.Source.IMPORTED)
    return make_album(name, images)


def tiny_base_model(folder: Path) -> ModelVersion:
    """The row of a Stable Diffusion folder with random weights."""
    from generation.tests.tiny_model import save_tiny_model

    return base_model_row(str(save_tiny_model(folder)))


def make_run(**arguments: Any) -> TrainingRun:
    """A submitted training on an album of its own, or with these arguments of start_training."""
    if "albums" not in arguments and "dataset" not in arguments:
        arguments["albums"] = [captioned_album()]
    return start_training(**{"name": "Night", **arguments})


def end(job: Job, status: Status) -> None:
    """Put a job's row into an end state, as a worker would."""
    claimed = states.claim(job.pk, "test")
    assert claimed is not None
    states.finish(job.pk, claimed.claim, status)
