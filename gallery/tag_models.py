"""What tags mean besides themselves, what was taken off images, and changes that can be undone.

Tables of this room that :mod:`gallery.models` has no room for; tags themselves stand there.
"""

from django.conf import settings
from django.db import models


class TagAlias(models.Model):
    """Another name of a tag: what labels say by it counts for the tag (gallery.tag_names)."""

    name = models.CharField(max_length=100, unique=True)
    tag = models.ForeignKey("gallery.Tag", on_delete=models.CASCADE, related_name="aliases")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "alias"
        verbose_name_plural = "aliases"

    def __str__(self) -> str:
        return f"{self.name} → {self.tag}"


class TagImplication(models.Model):
    """An image that carries the one tag carries the other too; never in a circle."""

    tag = models.ForeignKey(
        "gallery.Tag", on_delete=models.CASCADE, related_name="implications", db_index=False
    )
    implied = models.ForeignKey("gallery.Tag", on_delete=models.CASCADE, related_name="implied_by")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "implication"
        constraints = (
            models.UniqueConstraint(fields=("tag", "implied"), name="tag_implication_once"),
            models.CheckConstraint(
                condition=~models.Q(tag=models.F("implied")), name="tag_implies_another"
            ),
        )

    def __str__(self) -> str:
        return f"{self.tag} → {self.implied}"


class RejectedTag(models.Model):
    """An admin's word that an image does not carry a tag, whatever its labels say."""

    image = models.ForeignKey(
        "gallery.Image", on_delete=models.CASCADE, related_name="rejected_tags", db_index=False
    )
    tag = models.ForeignKey(
        "gallery.Tag", on_delete=models.PROTECT, related_name="rejections", db_index=False
    )
    rejected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    rejected_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("image", "tag"), name="rejected_tag_once"),)
        indexes = (models.Index(fields=("tag", "image"), name="rejected_tag"),)

    def __str__(self) -> str:
        return f"{self.image_id}: not {self.tag}"


class LabelChange(models.Model):
    """One change of the tags or captions of many images (gallery.label_changes)."""

    class Action(models.TextChoices):
        ADD = "add", "Add"
        REMOVE = "remove", "Remove"
        RENAME = "rename", "Rename"
        MERGE = "merge", "Merge"
        PRUNE = "prune", "Prune"
        PREFIX = "prefix", "Prefix captions"

    action = models.CharField(max_length=16, choices=Action.choices)
    asked = models.JSONField(default=dict, help_text="What was asked for, and of which images.")
    title = models.CharField(max_length=200)
    job = models.ForeignKey(
        "jobs.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="label_changes"
    )
    images = models.PositiveIntegerField(default=0, help_text="How many were changed.")
    has_steps = models.BooleanField(default=False, help_text="Whether something can be undone.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "change of labels"
        verbose_name_plural = "changes of labels"
        indexes = (
            models.Index(
                fields=("-id",),
                condition=models.Q(undone_at=None, has_steps=True),
                name="label_change_standing",
            ),
        )

    def __str__(self) -> str:
        return self.title


class LabelChangeStep(models.Model):
    """What a change did to one image, so that it can be undone."""

    class Kind(models.TextChoices):
        WROTE = "wrote", "Wrote a label"
        UNPINNED = "unpinned", "Unpinned a label"
        REJECTED = "rejected", "Took a tag off"
        ACCEPTED = "accepted", "Let a tag back on"

    change = models.ForeignKey(
        LabelChange, on_delete=models.CASCADE, related_name="steps", db_index=False
    )
    image = models.ForeignKey("gallery.Image", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    label = models.ForeignKey(
        "gallery.Label", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    tag = models.ForeignKey(
        "gallery.Tag", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    words = models.TextField(blank=True, help_text="What was written, to know it unedited.")

    class Meta:
        indexes = (models.Index(fields=("change", "id"), name="label_change_steps"),)

    def __str__(self) -> str:
        return f"{self.image_id}: {self.get_kind_display()}"
