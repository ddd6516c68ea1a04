"""Crawls, where every scraped picture came from, and what was not taken and why."""

from django.conf import settings
from django.db import models
from django.urls import reverse

from gallery.models import Album, Image
from imagineer.jobs.models import Job


class ScrapeJob(models.Model):
    """One crawl from an address; its state is its job's.

    The counts are written with the rows they count, so a crawl that is run again after a kill
    counts nothing twice. downloaded = imported + duplicate + those of filtered that were fetched.
    """

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="scrape_job")
    url = models.URLField("address", max_length=2000)
    album_name = models.CharField(max_length=200)
    depth = models.PositiveSmallIntegerField(default=1, help_text="Links followed from the start.")
    max_images = models.PositiveIntegerField(default=200)
    max_pages = models.PositiveIntegerField(default=100)
    min_side = models.PositiveIntegerField(
        default=200, help_text="Pixels; pictures with a shorter side are left out."
    )
    pages = models.PositiveIntegerField(default=0)
    discovered = models.PositiveIntegerField(default=0)
    downloaded = models.PositiveIntegerField(default=0)
    filtered = models.PositiveIntegerField(default=0)
    duplicate = models.PositiveIntegerField(default=0)
    imported = models.PositiveIntegerField(default=0)
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
        return f"Crawl of {self.url}"

    def get_absolute_url(self) -> str:
        return reverse("admin:scraping_scrapejob_change", args=[self.pk])


class ScrapedImage(models.Model):
    """Where an image was found. One image may have been found in several places."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="scraped_from")
    scrape_job = models.ForeignKey(
        ScrapeJob, on_delete=models.CASCADE, related_name="scraped_images"
    )
    page_url = models.URLField(max_length=2000)
    image_url = models.URLField(max_length=2000)
    alt_text = models.TextField(blank=True)
    caption_text = models.TextField(blank=True)
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("scrape_job", "image"), name="scraped_image_once"),
        )

    def __str__(self) -> str:
        return self.image_url


class RefusedImage(models.Model):
    """A picture that a crawl found and did not take."""

    class Reason(models.TextChoices):
        EXACT = "exact", "Already in the gallery"
        NEAR = "near", "Nearly the same as another"
        SMALL = "small", "Too small"
        TOO_LARGE = "too_large", "Too large"
        FORMAT = "format", "Not a picture we take"
        DAMAGED = "damaged", "Damaged"
        ROBOTS = "robots", "Forbidden by robots.txt"
        PRIVATE = "private", "At a private address"
        STATUS = "status", "Not there"
        TIMEOUT = "timeout", "Too slow"
        UNREACHABLE = "unreachable", "Not reachable"

    DUPLICATES = (Reason.EXACT, Reason.NEAR)
    PASSING = (Reason.TIMEOUT, Reason.UNREACHABLE)
    """What another try may mend."""

    scrape_job = models.ForeignKey(
        ScrapeJob, on_delete=models.CASCADE, related_name="refused_images"
    )
    page_url = models.URLField(max_length=2000)
    image_url = models.URLField(max_length=2000)
    address_digest = models.CharField(
        max_length=64, editable=False, help_text="SHA-256 of image_url, short enough for an index."
    )
    reason = models.CharField(max_length=16, choices=Reason.choices)
    detail = models.CharField(max_length=300, blank=True)
    same_as = models.ForeignKey(
        Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="scraped_again"
    )

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("scrape_job", "address_digest"), name="refused_image_once"
            ),
        )
        indexes = (models.Index(fields=("scrape_job", "reason"), name="refused_image_reason"),)

    def __str__(self) -> str:
        return f"{self.image_url}: {self.get_reason_display()}"
