"""The demonstration: draw, learn a style from an album, draw with what was learned.

Four ordinary jobs, submitted together:

    zodiac batch                       (gpu)
    import of the example album ─► LoRA training ─► card batch with the new LoRA
              (default)                 (gpu)                (gpu)

The LoRA does not exist when the last one is asked for; the batch names it, and generation looks it
up when it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from gallery import albums
from gallery.albums import checked_name
from gallery.jobs import submit_import
from gallery.models import Album
from generation.base_model import BUILTIN, base_model_row
from generation.models import BatchTemplate
from generation.runs import create_batch_run
from generation.seeding import seed_templates
from imagineer.jobs.models import Job
from imagineer.problems import Problem
from training.models import TrainingRun
from training.start import start_training

EXAMPLE_ALBUM = Path(__file__).resolve().parent / "example_album"
LORA = "Nightdeck"
TRIGGER_WORD = "nightdeck style"
ZODIAC_ALBUM = "Zodiac in navy"


@dataclass(frozen=True)
class Demo:
    """What is drawn and learned; tests ask for less. training: as start_training's values."""

    folder: Path = EXAMPLE_ALBUM
    zodiac: str = "zodiac"
    cards: str = "playing-cards"
    training: Mapping[str, Any] = field(default_factory=dict)
    drawing: Mapping[str, Any] = field(default_factory=dict)


def seed_demo(demo: Demo | None = None, created_by: Any = None) -> list[Job]:
    """Submit the demonstration unless it was submitted before; its jobs, in their order."""
    return [] if TrainingRun.objects.filter(name=LORA).exists() else submit_demo(demo, created_by)


def submit_demo(demo: Demo | None = None, created_by: Any = None) -> list[Job]:
    """Submit the four jobs, all or none. Albums get a number where their name is taken.

    A template that an admin has deleted comes back only if this draws with it.
    """
    demo = demo or Demo()
    seed_templates(only=(demo.zodiac, demo.cards))
    builtin = base_model_row(BUILTIN)
    drawing = {"model": builtin.pk, **demo.drawing}
    with transaction.atomic():
        zodiac = create_batch_run(
            BatchTemplate.objects.get(slug=demo.zodiac),
            {
                **drawing,
                "album_name": _free(ZODIAC_ALBUM),
                "theme": "navy ink on lemon paper",
            },
            user=created_by,
        )
        examples = albums.named(
            "Nightdeck examples", source_type=Album.Source.IMPORT, created_by=created_by
        )
        imported = submit_import(demo.folder, examples.name, created_by=created_by)
        training = start_training(
            name=LORA,
            albums=[examples],
            trigger_word=TRIGGER_WORD,
            base_model=builtin,
            values=demo.training,
            created_by=created_by,
            after=[imported],
        )
        cards = create_batch_run(
            BatchTemplate.objects.get(slug=demo.cards),
            {**drawing, "album_name": _free("Nightdeck"), "theme": TRIGGER_WORD},
            user=created_by,
            after=[training.job],
            later_loras={LORA: 1.0},
        )
    return [zodiac.job, imported, training.job, cards.job]


def _free(name: str) -> str:
    """The name, or the name with the first number that makes it free."""
    number = 1
    while True:
        wanted = name if number == 1 else f"{name} {number}"
        try:
            return checked_name(wanted)
        except Problem as problem:
            if problem.code != "name_taken":
                raise
            number += 1


def newest_demo() -> list[Job]:
    """The jobs of the demonstration submitted last, in their order; empty if there is none."""
    run = TrainingRun.objects.filter(name=LORA).select_related("job").first()
    if run is None:
        return []
    imported = run.job.after.first()
    cards = run.job.followers.first()
    zodiac = (
        Job.objects.filter(
            generation_run__album_name__startswith=ZODIAC_ALBUM,
            created_at__lte=run.job.created_at,
        )
        .order_by("-created_at")
        .first()
    )
    return [job for job in (zodiac, imported, run.job, cards) if job is not None]
