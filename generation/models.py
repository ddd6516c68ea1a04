"""Models and LoRAs, batch templates, and the runs that draw pictures with them."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.text import slugify

from gallery.models import Album, Counted, Exposed, Exposure, Image, LiveManager, Rating
from generation import prompts
from generation.parameters import ModelDefaults, checked_settings
from imagineer import texts
from imagineer.counted import counted
from imagineer.jobs.models import Job
from imagineer.problems import Problem


class ModelVersion(Counted):
    """A base model (a diffusers folder or Hugging Face repository) or a LoRA file."""

    class Type(models.TextChoices):
        BASE = "base", "Base model"
        LORA = "lora", "LoRA"
        CHECKPOINT = "checkpoint", "Checkpoint"

    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField(default=1)
    type = models.CharField(max_length=16, choices=Type.choices)
    architecture = models.CharField(
        max_length=50,
        blank=True,
        help_text="builtin, sd15, sd2 or sdxl; a LoRA fits base models of the same one.",
    )
    file = models.CharField(
        max_length=300, blank=True, help_text="Path below the models folder, for a LoRA."
    )
    repository = models.CharField(
        max_length=300,
        blank=True,
        help_text="For a base model: builtin, a Hugging Face repository, a local diffusers folder "
        "or a .safetensors file.",
    )
    sha256 = models.CharField(max_length=64, blank=True)
    base_model = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="derived"
    )
    trigger_words = models.JSONField(default=list, blank=True)
    default_weight = models.FloatField(default=1.0)
    metadata = models.JSONField(default=dict, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    description = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)
    is_public = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("type", "name", "version"), name="model_version_once"),
        )
        indexes = (
            models.Index(fields=("type", "-created_at", "-id"), name="model_version_newest"),
            models.Index(fields=("-created_at", "-id"), name="model_newest"),
        )

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def get_absolute_url(self) -> str:
        return reverse("generation:lora", args=[self.pk])


class BatchTemplate(models.Model):
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True, blank=True)
    description = models.TextField(blank=True)
    csv = models.TextField(help_text="One row an item; a column “name” is required.")
    base_prompt = models.CharField(max_length=500, blank=True)
    prompt_template = models.CharField(max_length=500, help_text="Columns of the CSV in braces.")
    style_suffix = models.CharField(max_length=500, blank=True)
    example_theme = models.CharField(max_length=300, blank=True)
    width = models.PositiveIntegerField(
        null=True, blank=True, help_text="Pixels; empty for the size the model was made for."
    )
    height = models.PositiveIntegerField(
        null=True, blank=True, help_text="Pixels; empty for the size the model was made for."
    )
    negative_prompt = models.CharField(max_length=1000, blank=True)
    loras = models.JSONField(default=list, blank=True, help_text='[{"model": id, "weight": 0.6}]')
    seeded_digest = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="SHA-256 of what was seeded; a template that differs was edited by an admin.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            self.slug = free_slug(self.name)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("generation:template", args=[self.slug])

    def clean(self) -> None:
        """Refuse a table, template, size or LoRA list that no run could be made of."""
        for name in ("name", "description", "csv", "base_prompt", "prompt_template",
                     "style_suffix", "example_theme", "negative_prompt"):  # fmt: skip
            text = texts.unified(getattr(self, name))
            if texts.has_control(text):
                raise ValidationError({name: texts.CONTROL})
            setattr(self, name, text)
        try:
            rows = prompts.parse_rows(self.csv)
        except ValueError as error:
            raise ValidationError({"csv": str(error)}) from None
        try:
            prompts.check_template(
                rows,
                self.prompt_template,
                self.base_prompt,
                self.example_theme,
                self.style_suffix,
            )
        except ValueError as error:
            raise ValidationError({"prompt_template": str(error)}) from None
        values = {"width": self.width, "height": self.height, "loras": self.loras}
        try:
            chosen = checked_settings(values, ModelDefaults(), max_loras=settings.MAX_LORAS)
        except Problem as problem:
            field = (problem.field or "").partition(".")[0]
            raise ValidationError({field: problem.message}) from None
        wanted = [lora.model for lora in chosen.loras]
        known = ModelVersion.objects.filter(type=ModelVersion.Type.LORA).in_bulk(wanted)
        for model in wanted:
            if model not in known:
                raise ValidationError({"loras": f"There is no LoRA with the id {model}."})

    @property
    def rows(self) -> list[prompts.Row]:
        """The table's rows; none if it is wrong, which saving through a form or the API refuses."""
        try:
            return prompts.parse_rows(self.csv)
        except ValueError:
            return []

    @property
    def size_text(self) -> str:
        """The size as people read it."""
        if self.width and self.height:
            return f"{self.width} × {self.height} px"
        return "the model’s own size"


def free_slug(name: str) -> str:
    """A slug for the template that no other template has."""
    stem = slugify(name)[:90] or "template"
    slug, number = stem, 1
    while BatchTemplate.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{stem}-{number}"
    return slug


class GenerationRunQuerySet(models.QuerySet["GenerationRun"]):
    def batches(self) -> "GenerationRunQuerySet":
        return self.filter(is_batch=True)

    def with_counts(
        self, counted_items: "models.QuerySet[GenerationItem] | None" = None
    ) -> "GenerationRunQuerySet":
        """Adds items_total, items_done and items_failed, in one query.

        counted_items: those that count, all if left out.
        """
        status = GenerationItem.Status
        counting = GenerationItem.objects.all() if counted_items is None else counted_items
        items = counting.filter(run=models.OuterRef("pk"))
        return self.annotate(
            items_total=counted(items, "run"),
            items_done=counted(items.filter(status=status.DONE), "run"),
            items_failed=counted(items.filter(status=status.FAILED), "run"),
        )


class GenerationRun(models.Model):
    """A request for pictures: a batch from a template, or single ones. Its state is its job's."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="generation_run")
    template = models.ForeignKey(
        BatchTemplate,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="runs",
        # Two of the indices below begin with it.
        db_index=False,
    )
    base_model = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="runs"
    )
    album = models.ForeignKey(
        Album, null=True, blank=True, on_delete=models.SET_NULL, related_name="generation_runs"
    )
    album_name = models.CharField(
        max_length=200, blank=True, help_text="The album that the first finished picture opens."
    )
    user_theme = models.CharField(max_length=300, blank=True)
    overrides = models.JSONField(
        default=dict,
        blank=True,
        help_text="Validated parameters: steps, guidance_scale, width, height, scheduler, loras.",
    )
    is_batch = models.BooleanField(default=False, editable=False)
    is_public = models.BooleanField(default=True, help_text="Whether its pictures are.")
    rating = models.CharField(max_length=16, choices=Rating.choices, default=Rating.UNRATED)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="generation_runs",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = GenerationRunQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="run_newest"),
            models.Index(
                fields=("-created_at", "-id"),
                condition=models.Q(is_batch=True),
                name="batch_newest",
            ),
            models.Index(
                fields=("-created_at", "-id"),
                condition=models.Q(is_batch=True, is_public=True),
                name="batch_listed",
            ),
            models.Index(fields=("template", "-created_at", "-id"), name="runs_of_template"),
            models.Index(
                fields=("template", "-created_at", "-id"),
                condition=models.Q(is_public=True),
                name="listed_of_template",
            ),
        )

    def __str__(self) -> str:
        return self.album_name or f"Generation {self.pk}"


class GenerationItem(models.Model):
    """One picture of a run."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        DONE = "done", "Drawn"
        FAILED = "failed", "Failed"

    run = models.ForeignKey(GenerationRun, on_delete=models.CASCADE, related_name="items")
    index = models.PositiveIntegerField()
    name = models.CharField(max_length=200, blank=True)
    prompt = models.TextField()
    negative_prompt = models.TextField(blank=True)
    seed = models.PositiveBigIntegerField()
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    image = models.ForeignKey(
        Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="generation_items"
    )
    error = models.TextField(blank=True)
    seconds = models.FloatField(
        null=True, blank=True, help_text="Drawing time; its share of the forward pass."
    )

    class Meta:
        ordering = ("run_id", "index")
        constraints = (
            models.UniqueConstraint(fields=("run", "index"), name="generation_item_once"),
        )

    def __str__(self) -> str:
        return self.name or f"Item {self.index}"


class ImageModel(Exposed):
    """A model version that was applied to draw an image, and how strongly."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="models_used")
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="image_uses"
    )
    weight = models.FloatField(default=1.0)

    everything = models.Manager()
    objects = LiveManager()

    class Meta:
        ordering = ("id",)
        base_manager_name = "everything"
        default_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=("image", "model_version"), name="image_model_once"),
        )
        indexes = tuple(
            models.Index(
                fields=("model_version", "image"),
                condition=models.Q(exposure__lte=exposure),
                name=name,
            )
            for exposure, name in (
                (Exposure.PRIVATE.value, "pictures_of_model_live"),
                (Exposure.VEILED.value, "pictures_of_model_listed"),
                (Exposure.OPEN.value, "pictures_of_model_open"),
            )
        )

    def __str__(self) -> str:
        return f"{self.model_version_id} at {self.weight}"
