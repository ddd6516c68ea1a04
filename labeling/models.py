"""The words put before a labeler, what was asked of it, and what became of every image."""

from django.conf import settings
from django.db import models
from django.db.models import Count, Max
from django.urls import reverse

from gallery.models import Album, Image
from imagineer.jobs.models import Job
from labeling.labelers import known


class PromptQuerySet(models.QuerySet["Prompt"]):
    def current(self) -> "PromptQuerySet":
        """The newest version of every kind."""
        newest = Prompt.objects.values("kind").annotate(newest=Max("id")).values("newest")
        return self.filter(pk__in=newest)


class Prompt(models.Model):
    """Instructions for a caption. A text never changes: an edit is a new version of its kind."""

    kind = models.SlugField(max_length=50, help_text="Short name, for example sd_training.")
    version = models.PositiveIntegerField(default=1, editable=False)
    name = models.CharField(max_length=100, help_text="What the list of prompts says.")
    text = models.TextField(help_text="What the labeler is told about the caption you want.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PromptQuerySet.as_manager()

    class Meta:
        ordering = ("kind", "-version")
        constraints = (
            models.UniqueConstraint(fields=("kind", "version"), name="prompt_version_once"),
        )

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class LabelingRun(models.Model):
    """One request to label an image, an album or chosen images; its state is its job's."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="labeling_run")
    image = models.ForeignKey(
        Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="labeling_runs"
    )
    album = models.ForeignKey(
        Album, null=True, blank=True, on_delete=models.SET_NULL, related_name="labeling_runs"
    )
    labeler = models.CharField(max_length=50, default="claude")
    model = models.CharField(max_length=100, blank=True)
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="runs")
    force = models.BooleanField(default=False, help_text="Label images that were labelled before.")
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="labeling_runs",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("-created_at", "-id"), name="labeling_run_newest"),)

    def __str__(self) -> str:
        return f"Labeling of {self.album or self.image or 'chosen images'}"

    def get_absolute_url(self) -> str:
        return reverse("admin:labeling_labelingrun_change", args=[self.pk])

    @property
    def labeler_title(self) -> str:
        """What people call its labeler; the bare name of one that is no longer installed."""
        kind = known().get(self.labeler)
        return kind.title if kind else self.labeler

    @property
    def told_prompt(self) -> Prompt | None:
        """The prompt that its labeler was told; None for one that reads none."""
        kind = known().get(self.labeler)
        return self.prompt if kind is None or kind.reads_prompts else None

    def counts(self) -> dict[str, int]:
        """How many items have which outcome, all outcomes named, and their ``total``."""
        rows = self.items.order_by().values_list("outcome").annotate(number=Count("id"))
        found: dict[str, int] = dict(rows)
        counts = {outcome: found.get(outcome, 0) for outcome in LabelingItem.Outcome.values}
        return counts | {"total": sum(found.values())}


class LabelingItem(models.Model):
    """What became of one image in a run.

    pending ──► done | skipped | refused | failed; a failed one is tried again when its run is.
    """

    class Outcome(models.TextChoices):
        PENDING = "pending", "Waiting"
        DONE = "done", "Labelled"
        SKIPPED = "skipped", "Labelled before"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    OPEN = (Outcome.PENDING, Outcome.FAILED)

    run = models.ForeignKey(LabelingRun, on_delete=models.CASCADE, related_name="items")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="labeling_items")
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.PENDING)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("run", "image"), name="labeling_item_once"),)
        indexes = (models.Index(fields=("run", "outcome"), name="labeling_item_outcome"),)

    def __str__(self) -> str:
        return f"{self.image}: {self.outcome}"

    def settle(self, outcome: str, error: str = "") -> bool:
        """Compare-and-set out of an open outcome. False: another attempt has settled it."""
        changed = LabelingItem.objects.filter(pk=self.pk, outcome__in=self.OPEN).update(
            outcome=outcome, error=error
        )
        return bool(changed)
