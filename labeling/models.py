"""The words put before a labeler, what was asked of it, and what became of every image."""

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Count, Max
from django.urls import reverse
from django.utils import timezone

from gallery.models import Album, Image
from imagineer.jobs.models import Job
from labeling import prompts
from labeling.labelers import known

VERSION_ATTEMPTS = 5


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

    def save_as_newest(self) -> None:
        """Write it as the next version of its kind, also while others do the same."""
        for attempt in range(VERSION_ATTEMPTS):
            newest = Prompt.objects.filter(kind=self.kind).aggregate(newest=Max("version"))
            self.version = (newest["newest"] or 0) + 1
            try:
                with transaction.atomic():
                    self.save(force_insert=True)
            except IntegrityError:
                if attempt == VERSION_ATTEMPTS - 1:
                    raise
            else:
                return


class LabelingRun(models.Model):
    """One request to label an image, an album, a search's result or chosen images.

    Its state is its job's. Tokens are counted as they are paid for: input_tokens those that no
    cache had, cache_read_tokens and cache_write_tokens the others. reserved_usd: what the requests
    that are on their way one by one may cost at most (labeling.budget).
    """

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="labeling_run")
    image = models.ForeignKey(
        Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="labeling_runs"
    )
    album = models.ForeignKey(
        Album, null=True, blank=True, on_delete=models.SET_NULL, related_name="labeling_runs"
    )
    search = models.CharField(max_length=300, blank=True, help_text="What found the images.")
    labeler = models.CharField(max_length=50, default="claude")
    model = models.CharField(max_length=100, blank=True)
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="runs")
    trigger_word = models.CharField(max_length=100, blank=True)
    include_context = models.BooleanField(default=True)
    force = models.BooleanField(default=False, help_text="Label images that were labelled before.")
    use_batches = models.BooleanField(
        default=False, help_text="Asked in batches: all of its tokens cost half the price."
    )
    is_under_way = models.BooleanField(
        default=False,
        editable=False,
        help_text="Between its job's start and end: images that failed since then are not retried.",
    )
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    reserved_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
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
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="labeling_run_newest"),
            models.Index(fields=("labeler", "-created_at", "-id"), name="labeling_run_of_labeler"),
        )

    def __str__(self) -> str:
        return f"Labeling of {self.album or self.image or self.search or 'chosen images'}"

    def get_absolute_url(self) -> str:
        return reverse("admin:labeling_labelingrun_change", args=[self.pk])

    @property
    def options(self) -> str:
        """What was asked beside the prompt, in words, as its labels say it."""
        return prompts.options_in_words(self.trigger_word, self.include_context)

    @property
    def all_input_tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

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

    def reasons(self, most: int) -> list[tuple[str, int]]:
        """Why images failed, the most frequent reason first: (sentence, how many images)."""
        rows = self.items.filter(outcome=LabelingItem.Outcome.FAILED).order_by()
        counted = rows.values_list("error").annotate(number=Count("id"))
        return list(counted.order_by("-number", "error")[:most])

    def counts(self) -> dict[str, int]:
        """How many items have which outcome, all outcomes named, and their ``total``."""
        rows = self.items.order_by().values_list("outcome").annotate(number=Count("id"))
        found: dict[str, int] = dict(rows)
        counts = {outcome: found.get(outcome, 0) for outcome in LabelingItem.Outcome.values}
        return counts | {"total": sum(found.values())}


class LabelingItem(models.Model):
    """What became of one image in a run.

    pending ──► done | skipped | refused | failed; a failed one is tried again when its run is.
    A pending one that is in a batch has been sent; one with an error was sent, gave nothing of use,
    and is sent once more.
    """

    class Outcome(models.TextChoices):
        PENDING = "pending", "Waiting"
        DONE = "done", "Labelled"
        SKIPPED = "skipped", "Skipped"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    OPEN = (Outcome.PENDING, Outcome.FAILED)

    run = models.ForeignKey(LabelingRun, on_delete=models.CASCADE, related_name="items")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="labeling_items")
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.PENDING)
    error = models.TextField(blank=True)
    batch = models.ForeignKey(
        "LabelingBatch", null=True, blank=True, on_delete=models.SET_NULL, related_name="items"
    )

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("run", "image"), name="labeling_item_once"),)
        indexes = (models.Index(fields=("run", "outcome"), name="labeling_item_outcome"),)

    def __str__(self) -> str:
        return f"{self.image}: {self.outcome}"

    def settle(self, outcome: str, error: str = "") -> bool:
        """Compare-and-set out of an open outcome, and out of the batch that the item was read in.

        False: another attempt has settled it.
        """
        mine = LabelingItem.objects.filter(pk=self.pk, batch=self.batch_id)
        return bool(
            mine.filter(outcome__in=self.OPEN).update(outcome=outcome, error=error, batch=None)
        )


class LabelingBatch(models.Model):
    """Requests of a run that were, or may have been, handed over together.

    sending ──► sent ──► read     sending: whether it was taken is not known yet; if it turns out
       └──► (deleted)             that it was not, the row goes and its items wait again
    """

    class State(models.TextChoices):
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        READ = "read", "Read"

    OPEN = (State.SENDING, State.SENT)

    run = models.ForeignKey(LabelingRun, on_delete=models.CASCADE, related_name="batches")
    state = models.CharField(max_length=8, choices=State.choices, default=State.SENDING)
    token = models.CharField(
        max_length=32, unique=True, help_text="What the names of its requests begin with."
    )
    batch_id = models.CharField(max_length=100, blank=True, help_text="As the labeler names it.")
    model = models.CharField(max_length=100, blank=True, help_text="Which was asked, and is paid.")
    requests = models.PositiveIntegerField()
    finished = models.PositiveIntegerField(default=0, help_text="Requests that were dealt with.")
    cancel_requested = models.BooleanField(default=False)
    reserved_usd = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        default=0,
        help_text="Of what it may cost at most, what has not been spent; counts until it is read.",
    )
    created_at = models.DateTimeField(default=timezone.now, help_text="Before it was sent.")

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("batch_id",), condition=~models.Q(batch_id=""), name="labeling_batch_once"
            ),
        )
        indexes = (models.Index(fields=("state", "run"), name="labeling_batch_state"),)

    def __str__(self) -> str:
        return self.batch_id or f"Batch {self.token}"


class MonthlyCost(models.Model):
    """What labeling has cost in a calendar month; its row is the lock of the month's budget."""

    month = models.DateField(unique=True, help_text="Its first day, in TIME_ZONE.")
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)

    class Meta:
        ordering = ("-month",)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.cost_usd}"
