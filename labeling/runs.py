"""Asking for pictures to be labelled: from the API, the console and whatever comes later."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from gallery.models import Album, Image, Label
from imagineer.jobs.submit import submit
from imagineer.problems import Problem, invalid
from labeling.labelers import default_labeler, labeler_kind
from labeling.models import LabelingItem, LabelingRun, Prompt
from labeling.prompts import DEFAULT, SD_TRAINING, SEEDED

# What one picture takes at most, roughly: its pixels / 750, the words with it, and the answer.
INPUT_TOKENS = 2000
OUTPUT_TOKENS = 250


def seed_prompts() -> None:
    """Make sure that the prompts which come with the program exist; admins' versions stay."""
    for seeded in SEEDED:
        Prompt.objects.get_or_create(
            kind=seeded.kind, version=1, defaults={"name": seeded.name, "text": seeded.text}
        )


def current_prompt(kind: str) -> Prompt:
    """The newest version of a kind of prompt. Raises Problem 422 for an unknown one."""
    prompt = Prompt.objects.filter(kind=kind).order_by("-version").first()
    if prompt is None:
        known = ", ".join(Prompt.objects.current().values_list("kind", flat=True))
        raise invalid("prompt_kind", f"No prompt has this kind. There are: {known}.")
    return prompt


def start_run(
    image_ids: Iterable[int] = (),
    *,
    album: Album | None = None,
    labeler: str = "",
    prompt_kind: str = "",
    force: bool = False,
    created_by: Any = None,
) -> LabelingRun:
    """Write the run, an item for every image and the job, and enqueue it.

    Either an album or image ids. labeler: by default Claude where it can be used, else the local
    one. prompt_kind: by default sd_training for an album, else default; not every labeler reads it.
    Raises Problem: 409 if the labeler cannot be used, 422 for an unknown labeler or prompt, or
    nothing to label.
    """
    kind = labeler_kind(labeler or default_labeler())
    if missing := kind.missing():
        raise Problem(409, "labeler_unusable", missing, "labeler")
    prompt = current_prompt(prompt_kind or (SD_TRAINING if album else DEFAULT))
    ids = _ids_of(album, image_ids)
    with transaction.atomic():
        job = submit("labeling.run", title=_title(album, ids), created_by=created_by)
        run = LabelingRun.objects.create(
            job=job,
            album=album,
            image_id=ids[0] if album is None and len(ids) == 1 else None,
            labeler=kind.name,
            model=kind.model(),
            prompt=prompt,
            force=force,
            created_by=job.created_by,
        )
        items = (LabelingItem(run=run, image_id=image_id) for image_id in ids)
        LabelingItem.objects.bulk_create(items, batch_size=500)
    return run


def _ids_of(album: Album | None, image_ids: Iterable[int]) -> list[int]:
    if album is not None:
        ids = list(album.entries.order_by("position", "id").values_list("image_id", flat=True))
        if not ids:
            raise invalid("album", f"The album “{album.name}” has no images to label.")
        return ids
    wanted = list(dict.fromkeys(image_ids))
    found = set(Image.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    ids = [image_id for image_id in wanted if image_id in found]
    if not ids:
        raise invalid("images", "There are no images to label.")
    return ids


def _title(album: Album | None, ids: list[int]) -> str:
    if album is not None:
        return f"Label {album.name}"
    return f"Label image {ids[0]}" if len(ids) == 1 else f"Label {len(ids)} images"


def labelled_before(labeler: str, prompt: Prompt) -> QuerySet[Label]:
    """What this labeler said of images: on this version of this prompt, if it reads prompts."""
    kind = labeler_kind(labeler)
    said = Label.objects.filter(source=kind.source)
    if not kind.reads_prompts:
        return said
    return said.filter(
        kind=Label.Kind.CAPTION,
        prompt_kind=prompt.kind,
        prompt_version=str(prompt.version),
    )
