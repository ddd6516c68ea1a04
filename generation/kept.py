"""Keeping what was drawn: picture, item, album and models used, each exactly once.

drawn ─► add_image (files, row) ─► item done + album + models, in one transaction
                               ╰─ killed here: adopt_orphans finds the picture again
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from PIL import Image as PillowImage

from gallery import albums, image_index, infotext
from gallery.add_image import add_image
from gallery.models import Album, AlbumImage, Image
from gallery.removal import delete_images
from generation.models import GenerationItem, GenerationRun, ImageModel, ModelVersion
from generation.parameters import SCHEDULERS, Settings

SOFTWARE = "Imagineer"


@dataclass(frozen=True)
class Plan:
    """What all pictures of a run share. loras: those that take part, with their weights."""

    run: GenerationRun
    base_model: ModelVersion
    settings: Settings
    loras: tuple[tuple[ModelVersion, float], ...] = ()


def folder_of(run: GenerationRun) -> str:
    """Where the run's pictures lie in the storage."""
    return f"batches/{run.pk}"


def keep(plan: Plan, item: GenerationItem, picture: PillowImage.Image, seconds: float) -> None:
    """Add the picture to the gallery and mark the item as drawn; raises ImageRefused, OSError."""
    run = plan.run
    added = add_image(
        infotext.png_with(picture, text_of(plan, item)),
        source_type=Image.Source.GENERATED,
        original_name=f"{item.name or item.prompt[:60]}.png",
        prompt=item.prompt,
        negative_prompt=item.negative_prompt,
        generation_params=_params(plan, item),
        rating=run.rating,
        is_public=run.is_public,
        created_by=run.created_by,
        path_prefix=folder_of(run),
        sidecar=_sidecar(plan, item),
    )
    if not finish(plan, item, added.image, seconds) and added.created:
        # Another worker had taken the run over and drew this item too.
        delete_images([added.image.pk])


def finish(plan: Plan, item: GenerationItem, image: Image, seconds: float | None = None) -> bool:
    """Mark the item as drawn, with its album entry and models; False if it was drawn already."""
    with transaction.atomic():
        changed = (
            GenerationItem.objects.filter(pk=item.pk)
            .exclude(status=GenerationItem.Status.DONE)
            .update(status=GenerationItem.Status.DONE, image=image, error="", seconds=seconds)
        )
        if not changed:
            return False
        used = [(plan.base_model, 1.0), *plan.loras]
        ImageModel.objects.bulk_create(
            [
                ImageModel(image=image, model_version=version, weight=weight)
                for version, weight in used
            ],
            ignore_conflicts=True,
        )
        album = _open_album(plan.run)
        if album is not None and not AlbumImage.objects.filter(album=album, image=image).exists():
            albums.put(album, image, position=_place(plan.run, item), added_by=plan.run.created_by)
        image_index.refresh([image.pk])
    return True


def fail(item: GenerationItem, sentence: str) -> None:
    """Keep the item as failed, with what an admin reads about it."""
    GenerationItem.objects.filter(pk=item.pk).exclude(status=GenerationItem.Status.DONE).update(
        status=GenerationItem.Status.FAILED, error=sentence
    )


def adopt_orphans(plan: Plan) -> int:
    """Give pictures that a killed attempt had added, but not noted, to their items; how many."""
    items = {
        (item.prompt, item.seed): item
        for item in plan.run.items.exclude(status=GenerationItem.Status.DONE)
    }
    orphans = Image.objects.filter(
        source_type=Image.Source.GENERATED,
        created_at__gte=plan.run.created_at,
        file__startswith=f"{folder_of(plan.run)}/",
    ).exclude(generation_items__run=plan.run)
    adopted = 0
    for image in orphans:
        item = items.pop((image.prompt, image.generation_params.get("seed")), None)
        if item is not None:
            adopted += finish(plan, item, image)
    return adopted


def _open_album(run: GenerationRun) -> Album | None:
    """The run's album: the one it was told, or a new one that holds what is drawn so far.

    Call it inside a transaction.
    """
    # The run alone: PostgreSQL locks no row that an outer join may not have found.
    locked = GenerationRun.objects.select_for_update(of=("self",))
    fresh = locked.select_related("album").get(pk=run.pk)
    if fresh.album is not None or not fresh.is_batch:
        return fresh.album
    album = _new_album(run)
    GenerationRun.objects.filter(pk=run.pk).update(album=album)
    earlier = run.items.filter(status=GenerationItem.Status.DONE, image__isnull=False)
    for item in earlier.select_related("image"):
        assert item.image is not None
        if not AlbumImage.objects.filter(album=album, image=item.image).exists():
            albums.put(album, item.image, position=item.index, added_by=run.created_by)
    return album


def _new_album(run: GenerationRun) -> Album:
    name, number = run.album_name, 1
    while True:
        try:
            return albums.create(
                name,
                source_type=Album.Source.BATCH_GENERATION,
                is_public=run.is_public,
                created_by=run.created_by,
            )
        except albums.NameTaken:
            # Somebody took the name since the run was asked for; the pictures still get a home.
            number += 1
            name = f"{run.album_name[:190]} ({number})"


def _place(run: GenerationRun, item: GenerationItem) -> int | None:
    """A batch keeps the order of its table; single pictures go to the album's end."""
    return item.index if run.is_batch else None


def text_of(plan: Plan, item: GenerationItem) -> str:
    """The A1111 text of the item's picture."""
    scheduler = SCHEDULERS[plan.settings.scheduler]
    return infotext.write(
        infotext.Infotext(
            prompt=item.prompt,
            negative_prompt=item.negative_prompt,
            steps=plan.settings.steps,
            sampler=scheduler.sampler,
            schedule=scheduler.schedule,
            guidance_scale=plan.settings.guidance_scale,
            seed=item.seed,
            width=plan.settings.width,
            height=plan.settings.height,
            model=plan.base_model.name,
            loras={infotext.tag_name(version.name): weight for version, weight in plan.loras},
            # The first ten digits of the file's SHA-256: "AutoV2", which model sites look up.
            lora_hashes={
                infotext.tag_name(version.name): version.sha256[:10] for version, _ in plan.loras
            },
            version=SOFTWARE,
        )
    )


def _params(plan: Plan, item: GenerationItem) -> dict[str, Any]:
    chosen = plan.settings
    return {
        "seed": item.seed,
        "steps": chosen.steps,
        "guidance_scale": chosen.guidance_scale,
        "width": chosen.width,
        "height": chosen.height,
        "sampler": SCHEDULERS[chosen.scheduler].label,
        "model": plan.base_model.name,
        "loras": [{"model": version.pk, "weight": weight} for version, weight in plan.loras],
    }


def _sidecar(plan: Plan, item: GenerationItem) -> Mapping[str, Any]:
    run = plan.run
    return {
        "software": SOFTWARE,
        "prompt": item.prompt,
        "negative_prompt": item.negative_prompt,
        **_params(plan, item),
        "scheduler": plan.settings.scheduler,
        "base_model": plan.base_model.repository,
        "loras": [
            {
                "name": version.name,
                "version": version.version,
                "weight": weight,
                "sha256": version.sha256,
            }
            for version, weight in plan.loras
        ],
        "name": item.name,
        "template": run.template.name if run.template else "",
        "theme": run.user_theme,
        "run": run.pk,
        "item": item.index,
    }
