"""Images, albums and labels."""

import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.text import slugify

from gallery import renditions


def random_key() -> str:
    """128 random bits in hex: an address that tells nothing of any other."""
    return secrets.token_hex(16)


class Rating(models.TextChoices):
    UNRATED = "UNRATED", "Unrated"
    SAFE = "SAFE", "Safe"
    SUGGESTIVE = "SUGGESTIVE", "Suggestive"
    ADULT = "ADULT", "Adult"
    EXPLICIT = "EXPLICIT", "Explicit"


NSFW_RATINGS = (Rating.ADULT, Rating.EXPLICIT)
# What may be said of a picture; that nobody has rated it is no rating.
RATING_WORDS = (Rating.SAFE, Rating.SUGGESTIVE, Rating.ADULT, Rating.EXPLICIT)
NO_RATING = f"A rating is one of {', '.join(RATING_WORDS)}."


class Image(models.Model):
    """One picture. Rows are made by ``gallery.add_image`` alone."""

    class Source(models.TextChoices):
        UPLOAD = "upload", "Uploaded"
        GENERATED = "generated", "Generated"
        SCRAPED = "scraped", "Scraped"
        IMPORTED = "imported", "Imported"

    file = models.FileField(max_length=300, db_index=True)
    original_name = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, unique=True)
    phash = models.BigIntegerField(
        null=True,
        blank=True,
        db_index=True,
        help_text="64-bit perceptual hash as a signed number; empty for flat pictures.",
    )
    width = models.PositiveIntegerField(help_text="Pixels, EXIF orientation applied.")
    height = models.PositiveIntegerField(help_text="Pixels, EXIF orientation applied.")
    bytes = models.PositiveBigIntegerField()
    format = models.CharField(max_length=8, help_text="jpeg, png, webp, gif or bmp.")
    source_type = models.CharField(max_length=16, choices=Source.choices)
    prompt = models.TextField(blank=True)
    negative_prompt = models.TextField(blank=True)
    generation_params = models.JSONField(default=dict, blank=True)
    rating = models.CharField(max_length=16, choices=Rating.choices, default=Rating.UNRATED)
    is_nsfw = models.BooleanField(default=False, editable=False)
    is_public = models.BooleanField(default=True)
    placeholder = models.CharField(max_length=64, blank=True, help_text="Thumbhash in base64.")
    sharp_key = models.CharField(max_length=32, unique=True, default=random_key, editable=False)
    blurred_key = models.CharField(max_length=32, unique=True, default=random_key, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="images",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="image_newest"),
            # Partial, because SQLite searches no index for a condition that is a bare column.
            models.Index(
                fields=("-created_at", "-id"),
                condition=models.Q(is_public=True),
                name="image_public_newest",
            ),
            models.Index(
                fields=("-created_at", "-id"),
                condition=models.Q(is_public=True, is_nsfw=False),
                name="image_public_safe_newest",
            ),
            models.Index(fields=("source_type", "-created_at", "-id"), name="image_source_newest"),
            models.Index(fields=("rating", "-created_at", "-id"), name="image_rating_newest"),
        )
        constraints = (
            # So that no bulk update of ratings can leave a picture on the wrong side.
            models.CheckConstraint(
                condition=models.Q(is_nsfw=True, rating__in=["ADULT", "EXPLICIT"])
                | models.Q(is_nsfw=False) & ~models.Q(rating__in=["ADULT", "EXPLICIT"]),
                name="image_nsfw_follows_rating",
            ),
        )

    def __str__(self) -> str:
        return self.original_name or f"Image {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.is_nsfw = self.rating in NSFW_RATINGS
        if kwargs.get("update_fields") and "rating" in kwargs["update_fields"]:
            kwargs["update_fields"] = {*kwargs["update_fields"], "is_nsfw"}
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("gallery:image", args=[self.pk])

    def thumbnail_url(self, width: int, *, sharp: bool) -> str:
        """The address of the smallest rendition that fills ``width`` pixels.

        Whether a request may see it sharp is for gallery.nsfw to say.
        """
        if sharp:
            return renditions.url(self.sharp_key, renditions.best_width(self.width, width))
        return renditions.url(self.blurred_key, renditions.blurred_width(self.width))


class Album(models.Model):
    class Source(models.TextChoices):
        MANUAL = "manual", "Made by hand"
        BATCH_GENERATION = "batch_generation", "Batch"
        SCRAPE = "scrape", "Scraped"
        IMPORT = "import", "Imported"

    name = models.CharField(max_length=200, unique=True)
    slug = models.SlugField(max_length=200, unique=True, blank=True)
    description = models.TextField(blank=True)
    cover = models.ForeignKey(
        Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="covered_albums"
    )
    source_type = models.CharField(max_length=24, choices=Source.choices, default=Source.MANUAL)
    is_public = models.BooleanField(default=True)
    images = models.ManyToManyField(Image, through="AlbumImage", related_name="albums", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="albums",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("-created_at", "-id"), name="album_newest"),)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            self.slug = free_slug(self.name)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("gallery:album", args=[self.slug])


def free_slug(name: str) -> str:
    """A slug for the album that no other album has."""
    stem = slugify(name)[:180] or "album"
    slug = stem
    number = 1
    while Album.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{stem}-{number}"
    return slug


class AlbumImage(models.Model):
    album = models.ForeignKey(Album, on_delete=models.CASCADE, related_name="entries")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveIntegerField(default=0)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("position", "id")
        constraints = (models.UniqueConstraint(fields=("album", "image"), name="album_image_once"),)
        indexes = (models.Index(fields=("album", "position", "id"), name="album_order"),)

    def __str__(self) -> str:
        return f"{self.album_id}: {self.image_id}"


class Label(models.Model):
    """What somebody or something said about an image; never overwritten by another's word."""

    class Kind(models.TextChoices):
        CAPTION = "caption", "Caption"
        TAG = "tag", "Tag"
        CATEGORY = "category", "Category"
        RATING = "rating", "Rating"

    class Source(models.TextChoices):
        MANUAL = "manual", "By hand"
        CLAUDE = "claude", "Claude"
        LOCAL = "local", "Local"
        SCRAPER = "scraper", "Web page"
        IMPORTED = "imported", "Imported"

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="labels")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    text = models.TextField()
    source = models.CharField(max_length=16, choices=Source.choices, default=Source.MANUAL)
    model = models.CharField(max_length=100, blank=True)
    prompt_kind = models.CharField(max_length=50, blank=True)
    prompt_version = models.CharField(max_length=50, blank=True)
    confidence = models.FloatField(null=True, blank=True, help_text="0 to 1.")
    is_pinned = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="labels",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("image_id", "kind", "-created_at", "-id")
        indexes = (
            models.Index(fields=("image", "kind", "-created_at", "-id"), name="label_of_image"),
        )

    def __str__(self) -> str:
        return self.text[:80]

    def clean(self) -> None:
        """Refuse a rating by hand that is none: the picture takes it over."""
        by_hand = self.source == self.Source.MANUAL
        if by_hand and self.kind == self.Kind.RATING and self.text not in RATING_WORDS:
            raise ValidationError({"text": NO_RATING})
