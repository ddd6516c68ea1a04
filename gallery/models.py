"""Images, albums, tags and labels."""

import secrets
from typing import Any, TypeVar
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, F, OrderBy, Q, Value, When
from django.urls import reverse
from django.utils.text import slugify

from gallery import renditions, tag_models  # noqa: F401 - tables of this room as well


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


class Exposure(models.IntegerChoices):
    """Who may see a picture at all, the most open first: lists ask for "at most"."""

    OPEN = 0, "Anyone, sharp"
    VEILED = 1, "Anyone, blurred until they consent"
    PRIVATE = 2, "Admins"
    TRASHED = 3, "In the trash"


LIVE = Q(exposure__lte=Exposure.PRIVATE)
# Albums and tags that hold something for visitors, and for those who hide what is veiled.
OPEN_ALBUM = Q(is_public=True, open_count__gt=0)
# Not "more than 0": SQLite would take the index of counts for it, and then sort.
OPEN_TAG = ~Q(open_count=0)
LISTED_TAG = Q(open_count__gt=0) | Q(veiled_count__gt=0)
LISTED_ALBUM = Q(is_public=True) & LISTED_TAG
Row = TypeVar("Row", bound=models.Model)


class LiveManager(models.Manager[Row]):
    """Leaves out what is in the trash."""

    def get_queryset(self) -> models.QuerySet[Row]:
        return super().get_queryset().filter(LIVE)


def is_veiled(rating: str, source_type: str) -> bool:
    """Whether a picture is blurred without consent: rated so, or unrated from where that counts."""
    if rating == Rating.UNRATED:
        return source_type in settings.VEIL_UNRATED
    return rating in NSFW_RATINGS


class Image(models.Model):
    """One picture. Rows are made by ``gallery.add_image`` alone.

    Lists are in the order of ids, the newest first: an index for each exposure holds no more.
    """

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
    is_veiled = models.BooleanField(default=False, editable=False)
    is_public = models.BooleanField(default=True)
    deleted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it went into the trash."
    )
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    exposure = models.GeneratedField(
        expression=Case(
            When(deleted_at__isnull=False, then=Value(Exposure.TRASHED.value)),
            When(is_public=False, then=Value(Exposure.PRIVATE.value)),
            When(is_veiled=True, then=Value(Exposure.VEILED.value)),
            default=Value(Exposure.OPEN.value),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
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

    everything = models.Manager()
    objects = LiveManager()

    class Meta:
        ordering = ("-id",)
        # Related rows (a dataset's, a pair's) find their image in the trash as well.
        base_manager_name = "everything"
        default_manager_name = "objects"
        indexes = (
            *(
                models.Index(fields=("id",), condition=Q(exposure__lte=exposure), name=name)
                for exposure, name in (
                    (Exposure.PRIVATE.value, "image_live"),
                    (Exposure.VEILED.value, "image_listed"),
                    (Exposure.OPEN.value, "image_open"),
                )
            ),
            models.Index(
                fields=("deleted_at", "id"),
                condition=Q(deleted_at__isnull=False),
                name="image_trash",
            ),
        )
        constraints = (
            # So that no bulk update of ratings can leave a picture on the wrong side.
            models.CheckConstraint(
                condition=Q(is_nsfw=True, rating__in=["ADULT", "EXPLICIT"])
                | Q(is_nsfw=False) & ~Q(rating__in=["ADULT", "EXPLICIT"]),
                name="image_nsfw_follows_rating",
            ),
            models.CheckConstraint(
                condition=Q(is_nsfw=False) | Q(is_veiled=True), name="image_nsfw_is_veiled"
            ),
        )

    def __str__(self) -> str:
        return self.original_name or f"Image {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.is_nsfw = self.rating in NSFW_RATINGS
        self.is_veiled = is_veiled(self.rating, self.source_type)
        if kwargs.get("update_fields") and "rating" in kwargs["update_fields"]:
            kwargs["update_fields"] = {*kwargs["update_fields"], "is_nsfw", "is_veiled"}
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


class Counted(models.Model):
    """Counts of the pictures in a row, by exposure, kept by triggers (gallery.triggers)."""

    open_count = models.PositiveIntegerField(default=0, editable=False)
    veiled_count = models.PositiveIntegerField(default=0, editable=False)
    private_count = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    @property
    def live_count(self) -> int:
        """All pictures that are not in the trash."""
        return self.open_count + self.veiled_count + self.private_count


# For lists of admins, as the index on it says it.
LIVE_COUNT = F("open_count") + F("veiled_count") + F("private_count")


class Exposed(models.Model):
    """A row that puts an image somewhere, with the image's exposure, kept by triggers."""

    exposure = models.SmallIntegerField(default=Exposure.TRASHED, editable=False)

    class Meta:
        abstract = True


class Album(Counted):
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
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="album_newest"),
            models.Index(fields=("source_type", "-created_at", "-id"), name="album_source_newest"),
            models.Index(fields=("is_public", "-created_at", "-id"), name="album_public_newest"),
            *(
                models.Index(fields=fields, condition=condition, name=name)
                for condition, names in (
                    (LISTED_ALBUM, ("album_listed_newest", "album_listed_source")),
                    (OPEN_ALBUM, ("album_open_newest", "album_open_source")),
                )
                for fields, name in zip(
                    (("-created_at", "-id"), ("source_type", "-created_at", "-id")),
                    names,
                    strict=True,
                )
            ),
            models.Index(fields=("id",), condition=OPEN_ALBUM, name="album_open_id"),
        )

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


class AlbumImage(Exposed):
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

    everything = models.Manager()
    objects = LiveManager()

    class Meta:
        ordering = ("position", "id")
        base_manager_name = "everything"
        default_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=("album", "image"), name="album_image_once"),)
        indexes = tuple(
            models.Index(
                fields=("album", "position", "id"), condition=Q(exposure__lte=exposure), name=name
            )
            for exposure, name in (
                (Exposure.PRIVATE.value, "album_live"),
                (Exposure.VEILED.value, "album_listed"),
                (Exposure.OPEN.value, "album_open"),
            )
        )

    def __str__(self) -> str:
        return f"{self.album_id}: {self.image_id}"


def tag_url(name: str) -> str:
    """The page of the tag of this (normalised) name, which has no underscore of its own."""
    return reverse("gallery:tag", args=[name.replace(" ", "_")])


class Tag(Counted):
    """A word that labels tag images with, in one spelling (gallery.tags)."""

    name = models.CharField(max_length=100, unique=True)
    images = models.ManyToManyField(Image, through="ImageTag", related_name="tags")

    class Meta:
        ordering = ("name",)
        indexes = (
            models.Index(fields=("-open_count", "id"), name="tag_most_open"),
            models.Index(
                OrderBy(LIVE_COUNT, descending=True), F("id").desc(), name="tag_most_live"
            ),
            models.Index(
                fields=("-open_count", "id"), condition=LISTED_TAG, name="tag_listed_most_open"
            ),
            models.Index(fields=("id",), condition=OPEN_TAG, name="tag_open_id"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return tag_url(self.name)


class ImageTag(Exposed):
    """That an image carries a tag, whoever said so; written by gallery.image_index alone."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="uses", db_index=False)
    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="tag_uses", db_index=False
    )

    everything = models.Manager()
    objects = LiveManager()

    class Meta:
        base_manager_name = "everything"
        default_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=("image", "tag"), name="image_tag_once"),)
        indexes = tuple(
            models.Index(fields=("tag", "image"), condition=Q(exposure__lte=exposure), name=name)
            for exposure, name in (
                (Exposure.PRIVATE.value, "tag_live"),
                (Exposure.VEILED.value, "tag_listed"),
                (Exposure.OPEN.value, "tag_open"),
            )
        )

    def __str__(self) -> str:
        return f"{self.image_id}: {self.tag_id}"


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
    prompt_options = models.CharField(
        max_length=150, blank=True, help_text="What was asked beside the prompt, in words."
    )
    confidence = models.FloatField(null=True, blank=True, help_text="0 to 1.")
    is_pinned = models.BooleanField(
        default=False, help_text="It counts before all others of its kind: a person chose it."
    )
    pinned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    pinned_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="labels",
    )
    created_at = models.DateTimeField(auto_now_add=True, help_text="When these words were said.")

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


class FormerLabel(models.Model):
    """What a label said until it was given other words or taken away (gallery.label_history)."""

    class Ending(models.TextChoices):
        REWORDED = "reworded", "Given other words"
        REMOVED = "removed", "Taken away"

    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="former_labels", db_index=False
    )
    label = models.ForeignKey(
        Label,
        null=True,
        on_delete=models.SET_NULL,
        related_name="former_words",
        help_text="The label that has other words now; empty once it is gone.",
    )
    kind = models.CharField(max_length=16, choices=Label.Kind.choices)
    text = models.TextField()
    source = models.CharField(max_length=16, choices=Label.Source.choices)
    model = models.CharField(max_length=100, blank=True)
    prompt_kind = models.CharField(max_length=50, blank=True)
    prompt_version = models.CharField(max_length=50, blank=True)
    prompt_options = models.CharField(max_length=150, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField(help_text="When these words were said.")
    ending = models.CharField(max_length=16, choices=Ending.choices)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    ended_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("image_id", "-ended_at", "-id")
        indexes = (
            models.Index(fields=("image", "-ended_at", "-id"), name="former_label_of_image"),
        )

    def __str__(self) -> str:
        return self.text[:80]


class NearDuplicate(models.Model):
    """Two images whose perceptual hashes differ little, until an admin merges or parts them."""

    first = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="twins_after")
    second = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="twins_before")
    distance = models.PositiveSmallIntegerField(help_text="Bits of 64 that differ.")
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("first", "second"), name="near_duplicate_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="near_duplicate_in_order"
            ),
        )
        indexes = (
            models.Index(
                fields=("-id",), condition=models.Q(dismissed_at=None), name="near_duplicate_open"
            ),
        )

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"


class ResumableUpload(models.Model):
    """A file that comes in parts (gallery.resumable); how much has come, its size on disk says."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=255)
    bytes = models.PositiveBigIntegerField(help_text="Of the whole file.")
    options = models.JSONField(default=dict)
    answer = models.JSONField(null=True, help_text="What was said when all of it had come.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.name


class SearchDocument(models.Model):
    """The words by which an image is found, as the full-text index takes them (gallery.search)."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True)
    words = models.TextField(blank=True)
    veiled_words = models.TextField(
        blank=True, help_text="The words instead, where the picture is veiled."
    )
    facts = models.TextField(blank=True, help_text="What is told of veiled pictures too.")

    def __str__(self) -> str:
        return f"Words of image {self.image_id}"


class SearchName(models.Model):
    """The name of something that images are found by: an album, a LoRA.

    words: its tokens, and marks for what bears it and whether visitors may know it.
    """

    key = models.CharField(max_length=16)
    owner_id = models.BigIntegerField()
    words = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("key", "owner_id"), name="search_name_once"),
        )

    def __str__(self) -> str:
        return f"{self.key} {self.owner_id}: {self.words}"
