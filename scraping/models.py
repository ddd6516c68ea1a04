"""Sources, crawls, where every scraped picture came from, and what was not taken and why."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from gallery.models import Album, Image
from imagineer.jobs.models import Job
from scraping import options, schedule
from scraping.addresses import site_of
from scraping.options import CrawlOptions


class Source(models.Model):
    """A site that is crawled time and again, and how it wants to be treated."""

    class Kind(models.TextChoices):
        PAGES = "pages", "Pages"
        SITEMAP = "sitemap", "Sitemap"
        API = "api", "JSON or GraphQL API"

    class Trust(models.TextChoices):
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"
        LOW = "low", "Low"

    class Rendering(models.TextChoices):
        OFF = "off", "Off"
        AUTO = "auto", "Where a page shows no picture without"
        ON = "on", "Every page"

    name = models.CharField(max_length=100, unique=True)
    base_url = models.URLField(
        "address", max_length=2000, help_text="Where a crawl of it begins, unless one is asked for."
    )
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.PAGES)
    enabled = models.BooleanField(default=True)
    rate_limit = models.PositiveIntegerField(default=60, help_text="Requests a minute, at most.")
    trust_level = models.CharField(
        "trust", max_length=8, choices=Trust.choices, default=Trust.MEDIUM,
        help_text="Of two sources that have the same picture, whose words and file are preferred.",
    )  # fmt: skip
    max_images = models.PositiveIntegerField(
        default=1000, help_text="Pictures that one crawl takes from it, at most."
    )
    render_javascript = models.CharField(
        max_length=8, choices=Rendering.choices, default=Rendering.OFF
    )
    lookup_url = models.CharField(
        max_length=2000, blank=True, default="",
        help_text="Where it is searched by name; {name} stands for that.",
    )  # fmt: skip
    sealed_api_key = models.TextField(
        blank=True, default="", editable=False, help_text="Encrypted."
    )
    mapping = models.JSONField(
        default=dict, blank=True,
        help_text="For an API: where in its answers pictures, captions and the next page are.",
    )  # fmt: skip
    options = models.JSONField(
        default=dict, blank=True, help_text="What its crawls do otherwise than by default."
    )
    schedule = models.CharField(
        max_length=100, blank=True, help_text="When it is crawled anew, as a cron expression."
    )
    next_crawl_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    imported = models.PositiveIntegerField(
        default=0, editable=False, help_text="Pictures taken from it by all its crawls."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False,
        on_delete=models.SET_NULL, related_name="scrape_sources",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new schedule plans the next crawl; a time that is due already stays due otherwise."""
        if self._plan() != getattr(self, "_planned", None):
            self.next_crawl_at = self.time_after(timezone.now())
            if (names := kwargs.get("update_fields")) is not None:
                kwargs["update_fields"] = {*names, "next_crawl_at"}
        super().save(*args, **kwargs)
        self._planned = self._plan()

    def get_absolute_url(self) -> str:
        return reverse("admin:scraping_source_change", args=[self.pk])

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any
    ) -> Self:
        row = super().from_db(db, field_names, values, **more)
        row._planned = row._plan()
        return row

    def _plan(self) -> tuple[Any, Any]:
        """What the next crawl's time depends on, as far as it was read."""
        return self.__dict__.get("schedule"), self.__dict__.get("enabled")

    def time_after(self, moment: datetime) -> datetime | None:
        """When it is crawled next after a moment, if it is; in the installation's time zone."""
        if not (self.enabled and self.schedule):
            return None
        return schedule.next_time(self.schedule, timezone.localtime(moment))

    @property
    def schedule_in_words(self) -> str:
        return schedule.in_words(self.schedule) if self.schedule else ""


class Counts(models.Model):
    """What a crawl has found so far. errors: pages that could not be read.

    The counts are written with the rows they count, so a crawl that is run again after a kill
    counts nothing twice. downloaded = imported + those of duplicate and filtered that were fetched.
    """

    pages = models.PositiveIntegerField(default=0)
    discovered = models.PositiveIntegerField(default=0)
    downloaded = models.PositiveIntegerField(default=0)
    filtered = models.PositiveIntegerField(default=0)
    duplicate = models.PositiveIntegerField(default=0)
    imported = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def unsettled(self) -> int:
        """Pictures that were found and of which nothing has become yet, or ever will."""
        return max(0, self.discovered - self.imported - self.duplicate - self.filtered)


COUNTS = ("pages", "discovered", "downloaded", "filtered", "duplicate", "imported", "errors")


class ScrapeJob(Counts):
    """One crawl, of one address or several; its state is its job's, its counts are their sums."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="scrape_job")
    url = models.URLField("address", max_length=2000, help_text="The first of them.")
    album_name = models.CharField(max_length=200, help_text="Empty where none is to be made.")
    options = models.JSONField(default=dict, help_text="As scraping.options has them.")
    album = models.ForeignKey(
        Album, null=True, blank=True, on_delete=models.SET_NULL, related_name="scrape_jobs"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="scrape_jobs",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("-created_at", "-id"), name="crawl_newest"),)
        verbose_name = "crawl"

    def __str__(self) -> str:
        return f"Crawl of {site_of(self.url)}"

    def get_absolute_url(self) -> str:
        return reverse("admin:scraping_scrapejob_change", args=[self.pk])

    @property
    def chosen(self) -> CrawlOptions:
        return options.from_json(self.options)


class CrawlTarget(Counts):
    """One of a crawl's addresses, with what it alone has given."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        STOPPED = "stopped", "Stopped"
        FAILED = "failed", "Failed"

    OPEN = (State.WAITING, State.RUNNING)
    """What has not come to an end."""

    scrape_job = models.ForeignKey(ScrapeJob, on_delete=models.CASCADE, related_name="targets")
    position = models.PositiveSmallIntegerField(default=0)
    source = models.ForeignKey(
        Source, null=True, blank=True, on_delete=models.SET_NULL, related_name="targets"
    )
    url = models.URLField("address", max_length=2000)
    address_digest = models.CharField(
        max_length=64, editable=False, blank=True,
        help_text="SHA-256 of the address, short enough for an index.",
    )  # fmt: skip
    max_images = models.PositiveIntegerField(
        null=True, blank=True, help_text="Taken from here at most, beside the crawl's own limit."
    )
    options = models.JSONField(
        default=dict, blank=True, help_text="What it does otherwise than the rest of the crawl."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    ended_because = models.CharField(max_length=500, blank=True, help_text="A sentence.")
    forgotten = models.PositiveIntegerField(
        default=0, editable=False,
        help_text="Of its duplicates, those that were unchanged and are not listed any more.",
    )  # fmt: skip

    class Meta:
        ordering = ("scrape_job", "position")
        constraints = (
            models.UniqueConstraint(
                fields=("scrape_job", "position"), name="crawl_target_position"
            ),
        )
        indexes = (
            models.Index(fields=("source", "-id"), name="crawl_target_of_source"),
            models.Index(fields=("address_digest", "-id"), name="crawl_target_of_address"),
        )

    def __str__(self) -> str:
        return self.url

    @property
    def chosen(self) -> CrawlOptions:
        return options.from_json(self.scrape_job.options | self.options)


class Finding(models.Model):
    """A picture that a crawl came upon, and where.

    found_by: the rule that led to it (see scraping.extract). position: its place among the
    pictures of its page, from 0. etag, last_modified: what the server said of the file, to ask
    whether it has changed. sha256: of the file that came; empty if none did.
    """

    page_url = models.URLField(max_length=2000)
    image_url = models.URLField(max_length=2000)
    address_digest = models.CharField(
        max_length=64, editable=False, help_text="SHA-256 of image_url, short enough for an index."
    )
    found_by = models.CharField(max_length=32, blank=True)
    position = models.PositiveIntegerField(null=True, blank=True)
    etag = models.CharField(max_length=300, blank=True, editable=False)
    last_modified = models.CharField(max_length=100, blank=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        abstract = True


# Where the texts of a picture stand, for people.
PLACES = {
    "figcaption": "Caption",
    "alt": "Alternative text",
    "title": "Title",
    "json_ld": "JSON-LD",
    "heading": "Heading",
    "page_title": "Page title",
    "tags": "Tags",
    "rating": "Rating",
    "author": "Author",
}


class ScrapedImage(Finding):
    """Where an image was found. One image may have been found in several places.

    image: None once it was deleted for good; what its crawl has seen stays known. texts: every text
    found with it by where it stood: figcaption, alt, title, json_ld, heading, page_title.
    """

    image = models.ForeignKey(
        Image, null=True, on_delete=models.SET_NULL, related_name="scraped_from"
    )
    scrape_job = models.ForeignKey(
        ScrapeJob, on_delete=models.CASCADE, related_name="scraped_images"
    )
    target = models.ForeignKey(
        CrawlTarget, null=True, on_delete=models.CASCADE, related_name="scraped_images"
    )
    alt_text = models.TextField(blank=True)
    caption_text = models.TextField(blank=True)
    texts = models.JSONField(default=dict, blank=True)
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("scrape_job", "image"), name="scraped_image_once"),
        )
        indexes = (models.Index(fields=("target", "address_digest"), name="scraped_image_address"),)

    def __str__(self) -> str:
        return self.image_url

    @property
    def number(self) -> int:
        """Its place among the pictures of its page as people count, from 1."""
        return (self.position or 0) + 1

    @property
    def worded_texts(self) -> list[tuple[str, str]]:
        """(where it stood, in words; the text)."""
        return [(PLACES.get(where, where), str(text)) for where, text in self.texts.items()]


class RefusedImage(Finding):
    """A picture that a crawl found at one of its addresses and did not take."""

    class Reason(models.TextChoices):
        EXACT = "exact", "Already in the gallery"
        NEAR = "near", "Nearly the same as another"
        UNCHANGED = "unchanged", "As it was at the crawl before"
        SMALL = "small", "Too small"
        LIGHT = "light", "Too few bytes"
        LONG = "long", "Too long for its width"
        ICON = "icon", "An icon or a tracker"
        TOO_LARGE = "too_large", "Too large"
        FORMAT = "format", "Not a picture we take"
        DAMAGED = "damaged", "Damaged"
        ROBOTS = "robots", "Forbidden by robots.txt"
        NOAI = "noai", "Not for training, says the site"
        PRIVATE = "private", "At a private address"
        STATUS = "status", "Not there"
        TIMEOUT = "timeout", "Too slow"
        UNREACHABLE = "unreachable", "Not reachable"

    DUPLICATES = (Reason.EXACT, Reason.NEAR, Reason.UNCHANGED)
    PASSING = (Reason.TIMEOUT, Reason.UNREACHABLE)
    """What another try may mend."""

    scrape_job = models.ForeignKey(
        ScrapeJob, on_delete=models.CASCADE, related_name="refused_images"
    )
    target = models.ForeignKey(
        CrawlTarget, null=True, on_delete=models.CASCADE, related_name="refused_images"
    )
    reason = models.CharField(max_length=16, choices=Reason.choices)
    detail = models.CharField(max_length=300, blank=True)
    same_as = models.ForeignKey(
        Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="scraped_again"
    )

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("target", "address_digest"), name="refused_image_once"),
        )
        indexes = (models.Index(fields=("scrape_job", "reason"), name="refused_image_reason"),)

    def __str__(self) -> str:
        return f"{self.image_url}: {self.get_reason_display()}"
