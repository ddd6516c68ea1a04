"""Frozen datasets, training runs and their checkpoints."""

from pathlib import Path

from django.conf import settings
from django.db import models

from gallery.models import Album, Image, Label
from generation.models import ModelVersion
from imagineer.charts import Chart, loss_chart
from imagineer.jobs.models import Job


class DatasetVersion(models.Model):
    """A frozen choice of images and captions; number counts up per name."""

    name = models.CharField(max_length=100)
    number = models.PositiveIntegerField()
    albums = models.ManyToManyField(Album, related_name="dataset_versions")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the manifest.")
    stats = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="dataset_versions",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("-created_at", "-id"), name="dataset_newest"),)
        constraints = (
            models.UniqueConstraint(fields=("name", "number"), name="dataset_version_once"),
        )

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class DatasetItem(models.Model):
    """One picture of a dataset version; image may be deleted later, sha256 and caption stay."""

    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="items")
    index = models.PositiveIntegerField()
    image = models.ForeignKey(
        Image, null=True, on_delete=models.SET_NULL, related_name="dataset_items"
    )
    sha256 = models.CharField(max_length=64)
    caption = models.TextField()
    caption_source = models.CharField(
        max_length=16, help_text="A label's source, or “prompt” for the generation prompt."
    )
    label = models.ForeignKey(
        Label,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="dataset_items",
        help_text="The label that the caption was; empty for a prompt or a deleted label.",
    )
    repeats = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ("dataset_id", "index")
        constraints = (
            models.UniqueConstraint(fields=("dataset", "index"), name="dataset_item_once"),
        )

    def __str__(self) -> str:
        return f"{self.index}: {self.caption[:60]}"


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def public(self) -> "TrainingRunQuerySet":
        """Runs that visitors may know of: none whose LoRA is kept private."""
        return self.filter(is_public=True).exclude(output_model__is_public=False)


class TrainingRun(models.Model):
    """A LoRA training; its state is its job's."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="training_run")
    name = models.CharField(max_length=100, help_text="The LoRA's name.")
    albums = models.ManyToManyField(Album, related_name="training_runs", blank=True)
    dataset = models.ForeignKey(
        DatasetVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="training_runs",
        help_text="Frozen when the run starts, unless one was chosen.",
    )
    base_model = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="training_runs"
    )
    trigger_word = models.CharField(max_length=100, blank=True)
    config = models.JSONField(default=dict, help_text="A training.config.TrainingConfig.")
    steps = models.PositiveIntegerField(help_text="Optimiser steps asked for.")
    loss_history = models.JSONField(
        default=list, help_text="[[step, mean loss up to there since the last point], …]"
    )
    output_model = models.OneToOneField(
        ModelVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="training_run",
    )
    is_public = models.BooleanField(default=True, help_text="Whether the LoRA is.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="training_runs",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("-created_at", "-id"), name="training_run_newest"),)

    def __str__(self) -> str:
        return f"Training of {self.name}"

    @property
    def folder(self) -> Path:
        """Where the run keeps its checkpoints and, while it runs, its pictures."""
        return Path(settings.MODELS_DIR) / "checkpoints" / str(self.pk)

    @property
    def loss_chart(self) -> Chart | None:
        """For this room's pages and the LoRA's own; None before the first steps."""
        return loss_chart(self.loss_history)


class Checkpoint(models.Model):
    """The LoRA as it was after some steps."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="checkpoints")
    step = models.PositiveIntegerField()
    file = models.CharField(max_length=300, help_text="Path below the models folder.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("run_id", "step")
        constraints = (models.UniqueConstraint(fields=("run", "step"), name="checkpoint_once"),)

    def __str__(self) -> str:
        return f"step {self.step}"
