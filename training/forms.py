"""The console's forms of this room: freezing a dataset, starting a training."""

from typing import Any

from django import forms
from django.db.models import Count

from gallery.captions import PROMPT
from gallery.models import Album
from gallery.token_count import LIMIT
from generation.base_model import ensure_base_model
from generation.models import ModelVersion
from imagineer import words
from imagineer.console_start import RowsField, StartForm
from imagineer.problems import Problem
from training.config import PRECISIONS, RANGES, TARGET_LABELS, TrainingConfig
from training.datasets import select
from training.models import DatasetVersion
from training.start import checked_config, estimated_seconds

SOURCE_LABELS = {
    "manual": "by hand",
    "claude": "by Claude",
    "imported": "imported",
    "scraper": "from web pages",
    "local": "by a local model",
    PROMPT: "generation prompts",
}


class AlbumsField(RowsField):
    """Albums with their number of pictures, by name."""

    def __init__(self, **options: Any) -> None:
        albums = Album.objects.annotate(pictures=Count("entries")).order_by("name")
        super().__init__(albums, **options)

    def label_from_instance(self, album: Any) -> str:
        return f"{album.name} ({words.thin(album.pictures)})"


def readiness(stats: dict[str, Any]) -> str:
    """What a dataset would hold, in sentences."""
    if not stats["pictures"]:
        if stats["left_out"]:
            return "None of the pictures has a caption; label the albums first."
        return "There are no pictures in this choice of albums."
    sources = ", ".join(
        f"{words.thin(count)} {SOURCE_LABELS.get(source, source)}"
        for source, count in stats["sources"].items()
    )
    parts = [f"{_pictures(stats['pictures'])} with captions: {sources}."]
    if stats["left_out"]:
        verb = "is" if stats["left_out"] == 1 else "are"
        parts.append(f"{_pictures(stats['left_out'])} without a caption {verb} left out.")
    if stats["tokens"]["too_long"]:
        parts.append(
            f"{words.thin(stats['tokens']['too_long'])} captions are longer than the "
            f"{LIMIT} tokens that are read."
        )
    return " ".join(parts)


def _pictures(count: int) -> str:
    return f"{words.thin(count)} picture{'' if count == 1 else 's'}"


class FreezeForm(StartForm):
    first = ("name", "albums")
    intro = (
        "A frozen version never changes: what was trained on stays known, even when captions are "
        "rewritten or pictures deleted."
    )

    name = forms.CharField(max_length=100, help_text="Versions count up for each name.")
    albums = AlbumsField(help_text="A picture in two of them is taken once.")

    def stats(self) -> dict[str, Any] | None:
        albums = self.value("albums")
        return select(albums).stats if albums else None

    @property
    def cost(self) -> str:
        stats = self.stats()
        return readiness(stats) if stats else ""

    @property
    def verb(self) -> str:
        stats = self.stats()
        return f"Freeze {_pictures(stats['pictures'])}" if stats else "Freeze"


PRESET_LABELS = {
    "quick": "Quick: a first look",
    "standard": "Standard",
    "thorough": "Thorough: long, for large albums",
}


class TrainForm(StartForm):
    first = ("name", "albums", "trigger_word", "preset")
    intro = "A LoRA learns a style, a person or a thing from captioned pictures."

    name = forms.CharField(max_length=100, label="Name of the LoRA")
    albums = AlbumsField(
        required=False, help_text="Frozen when the training starts. Pictures need captions."
    )
    trigger_word = forms.CharField(
        max_length=100,
        required=False,
        help_text="Put before every caption that does not say it; say it in prompts, for example "
        "“night style”.",
    )
    preset = forms.ChoiceField(choices=list(PRESET_LABELS.items()), initial="standard")
    dataset = forms.ModelChoiceField(
        DatasetVersion.objects.order_by("name", "-number"),
        required=False,
        empty_label="None: freeze the albums",
        label="Frozen dataset",
        help_text="Instead of albums.",
    )
    base_model = forms.ModelChoiceField(
        ModelVersion.objects.filter(type=ModelVersion.Type.BASE, is_active=True),
        required=False,
        empty_label="The one that is set",
    )
    steps = forms.IntegerField(required=False)
    learning_rate = forms.FloatField(required=False)
    rank = forms.IntegerField(required=False)
    alpha = forms.FloatField(required=False, help_text="The LoRA is scaled by alpha ÷ rank.")
    targets = forms.ChoiceField(
        required=False, choices=[("", "As the preset"), *TARGET_LABELS.items()], label="Layers"
    )
    batch_size = forms.IntegerField(required=False)
    gradient_accumulation = forms.IntegerField(
        required=False, help_text="Batches that make one step; a larger batch in less memory."
    )
    warmup_steps = forms.IntegerField(required=False, label="Warm-up steps")
    width = forms.IntegerField(required=False)
    height = forms.IntegerField(required=False)
    random_flip = forms.BooleanField(
        required=False, label="Mirror pictures at random", help_text="Not where letters matter."
    )
    caption_dropout = forms.FloatField(required=False)
    min_snr_gamma = forms.FloatField(required=False, label="Min-SNR γ", help_text="0 is off.")
    mixed_precision = forms.ChoiceField(
        required=False, choices=[("", "As the preset"), *((name, name) for name in PRECISIONS)]
    )
    checkpoint_every = forms.IntegerField(required=False, label="Steps between checkpoints")
    seed = forms.IntegerField(required=False)
    is_public = forms.BooleanField(
        required=False, initial=True, label="Visitors may see the LoRA and its training"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        config = self.config()
        standard = config.as_dict() if config else {}
        for name, (low, high) in RANGES.items():
            field = self.fields[name]
            field.widget.attrs["placeholder"] = f"{standard.get(name, ''):g}" if standard else ""
            told = f"{words.bounds(low, high)}."
            field.help_text = f"{told} {field.help_text}" if field.help_text else told

    def values(self) -> dict[str, Any]:
        """The settings that differ from the preset's, as far as they are valid now."""
        names = (*RANGES, "targets", "mixed_precision", "random_flip")
        told = {name: self.value(name) for name in names}
        # By identity: 0 equals False and is a value.
        return {
            name: value
            for name, value in told.items()
            if value is not None and value is not False and value != ""
        }

    def base(self) -> ModelVersion:
        return self.value("base_model") or ensure_base_model()

    def config(self) -> TrainingConfig | None:
        """What would be trained with; None while it is not valid."""
        try:
            return checked_config(self.base(), self.value("preset") or "standard", self.values())
        except Problem:
            return None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and bool(data.get("albums")) == bool(data.get("dataset")):
            raise forms.ValidationError("Choose albums to train on, or a frozen dataset.")
        return data

    def stats(self) -> dict[str, Any] | None:
        dataset, albums = self.value("dataset"), self.value("albums")
        if dataset:
            stats: dict[str, Any] = dataset.stats
            return stats
        return select(albums).stats if albums else None

    @property
    def cost(self) -> str:
        stats, config = self.stats(), self.config()
        parts = [readiness(stats)] if stats else []
        if config:
            seconds = estimated_seconds(self.base(), config)
            if seconds is not None:
                parts.append(f"About {max(1, round(seconds / 60))} min on this machine.")
        return " ".join(parts)

    @property
    def verb(self) -> str:
        config = self.config()
        return f"Train {words.thin(config.steps)} steps" if config else "Train"
