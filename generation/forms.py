"""The console's forms of this room."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.forms.boundfield import BoundField

from gallery.models import Album, Rating
from generation import estimates
from generation.base_model import defaults_of, ensure_base_model
from generation.lora_file import LoraFileError, read_lora
from generation.loras import loras_for, on_disk
from generation.models import BatchTemplate, ModelVersion
from generation.parameters import (
    COUNT,
    GUIDANCE,
    LORA_WEIGHT,
    MAX_SEED,
    PROMPT_LENGTH,
    SCHEDULERS,
    SIDE,
    STEPS,
)
from generation.runs import expanded
from imagineer.console_start import StartForm, number_field
from imagineer.problems import Problem
from imagineer.words import bounds

LORA_SLOTS = 3
DRAWING = (
    "seed", "steps", "guidance_scale", "width", "height", "scheduler", "rating", "is_public",
)  # fmt: skip


class DrawingForm(StartForm):
    """What single pictures and batches have in common. Empty fields take the model's defaults."""

    seed = forms.IntegerField(
        required=False, help_text=f"{bounds(0, MAX_SEED)}; random if empty, and always recorded."
    )
    steps = forms.IntegerField(required=False, help_text=f"{bounds(*STEPS)}.")
    guidance_scale = forms.FloatField(
        required=False,
        label="Guidance",
        help_text=f"{bounds(*GUIDANCE)}; higher follows the prompt more closely.",
    )
    width = forms.IntegerField(required=False, help_text=f"{bounds(*SIDE)} pixels, divisible by 8.")
    height = forms.IntegerField(
        required=False, help_text=f"{bounds(*SIDE)} pixels, divisible by 8."
    )
    scheduler = forms.ChoiceField(
        label="Sampler", choices=[(known.name, known.label) for known in SCHEDULERS.values()]
    )
    rating = forms.ChoiceField(choices=Rating.choices, initial=Rating.UNRATED)
    is_public = forms.BooleanField(required=False, initial=True, label="Visitors may see it")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.base_model = ensure_base_model()
        self.defaults = defaults_of(self.base_model)
        for name in ("steps", "guidance_scale", "width", "height"):
            shown = f"{getattr(self.defaults, name):g}"
            self.fields[name].widget.attrs["placeholder"] = shown
        self.fields["seed"].widget.attrs["placeholder"] = "random"
        choices = [("", "No LoRA")] + [
            (str(lora.pk), str(lora)) for lora in loras_for(self.base_model)
        ]
        for slot in range(1, LORA_SLOTS + 1):
            self.fields[f"lora_{slot}"] = forms.ChoiceField(
                choices=choices, required=False, label="LoRA" if slot == 1 else f"LoRA {slot}"
            )
            self.fields[f"lora_{slot}_weight"] = forms.FloatField(
                required=False,
                label=f"Weight ({bounds(*LORA_WEIGHT)})",
                widget=forms.NumberInput(attrs={"step": "0.05", "placeholder": "its own"}),
            )
        self.order_fields([*self.first, *(name for name in self.fields if name not in DRAWING)])

    def lora_slots(self) -> Iterator[tuple[BoundField, BoundField]]:
        """(LoRA, weight) pairs; none while there is no LoRA to choose."""
        if len(self.fields["lora_1"].choices) > 1:  # type: ignore[attr-defined]
            for slot in range(1, LORA_SLOTS + 1):
                yield self[f"lora_{slot}"], self[f"lora_{slot}_weight"]

    def more_fields(self) -> list[BoundField]:
        return [bound for bound in super().more_fields() if not bound.name.startswith("lora_")]

    def chosen_loras(self) -> list[tuple[int, dict[str, Any]]]:
        """(slot, entry) of the slots in which a LoRA is chosen."""
        return [
            (
                slot,
                {
                    "model": int(self.cleaned_data[f"lora_{slot}"]),
                    "weight": self.cleaned_data.get(f"lora_{slot}_weight"),
                },
            )
            for slot in range(1, LORA_SLOTS + 1)
            if self.cleaned_data.get(f"lora_{slot}")
        ]

    def drawing_values(self) -> dict[str, Any]:
        values = {name: self.cleaned_data.get(name) for name in DRAWING}
        values["loras"] = [entry for _, entry in self.chosen_loras()]
        return values

    def at_field(self, problem: Problem) -> Problem:
        """The problem, at the field of this form that it is about."""
        field = problem.field or ""
        parts = field.split(".")
        if parts[0] == "loras" and len(parts) > 1 and parts[1].isdigit():
            slot = self.chosen_loras()[int(parts[1])][0]
            weight = "_weight" if parts[-1] == "weight" else ""
            field = f"lora_{slot}{weight}"
        return Problem(problem.status, problem.code, problem.message, field)

    def cost_of(self, count: int, width: int | None = None, height: int | None = None) -> str:
        seconds = estimates.seconds_a_picture(
            self.base_model,
            self.value("steps") or self.defaults.steps,
            self.value("width") or width or self.defaults.width,
            self.value("height") or height or self.defaults.height,
        )
        return estimates.sentence(seconds, count)


class GenerateForm(DrawingForm):
    first = ("prompt", "negative_prompt", "count", "album")

    prompt = forms.CharField(
        max_length=PROMPT_LENGTH[1],
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text="LoRAs may also stand here, as <lora:name:0.8>.",
    )
    negative_prompt = forms.CharField(
        max_length=PROMPT_LENGTH[1],
        required=False,
        widget=forms.TextInput(),
        help_text="What should not be in the picture.",
    )
    count = number_field(*COUNT, ", each with its own seed.", label="Pictures", initial=4)
    album = forms.ModelChoiceField(
        Album.objects.order_by("name"), required=False, empty_label="No album", label="Into album"
    )

    @property
    def cost(self) -> str:
        count = self.value("count")
        return self.cost_of(count) if count else ""

    @property
    def verb(self) -> str:
        count = self.value("count")
        return f"Draw {count} picture{'' if count == 1 else 's'}" if count else "Draw"

    def values(self) -> dict[str, Any]:
        album = self.cleaned_data["album"]
        return {
            **self.drawing_values(),
            "prompt": self.cleaned_data["prompt"],
            "negative_prompt": self.cleaned_data["negative_prompt"],
            "count": self.cleaned_data["count"],
            "album": album.pk if album else None,
        }


class BatchForm(DrawingForm):
    first = ("template", "album_name", "theme")
    intro = "Every row of the template becomes one picture of a new album."

    template = forms.ModelChoiceField(BatchTemplate.objects.order_by("name"))
    album_name = forms.CharField(max_length=200)
    theme = forms.CharField(
        max_length=300, required=False, help_text="Added to every prompt of the batch."
    )
    negative_prompt = forms.CharField(
        max_length=PROMPT_LENGTH[1], required=False, help_text="The template’s own if empty."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chosen_template: BatchTemplate | None = self.value("template")
        template = self.chosen_template
        if template is not None:
            self.fields["theme"].widget.attrs["placeholder"] = template.example_theme
            for name in ("width", "height"):
                if getattr(template, name):
                    self.fields[name].widget.attrs["placeholder"] = str(getattr(template, name))

    @property
    def cost(self) -> str:
        template = self.chosen_template
        if template is None or not template.rows:
            return ""
        return self.cost_of(len(template.rows), template.width, template.height)

    @property
    def verb(self) -> str:
        rows = len(self.chosen_template.rows) if self.chosen_template else 0
        return f"Draw {rows} pictures" if rows else "Draw"

    def preview(self) -> list[tuple[str, str]]:
        """(name, prompt) of the first, the middle and the last row."""
        if self.chosen_template is None:
            return []
        return preview(self.chosen_template, self.value("theme") or "")

    def values(self) -> dict[str, Any]:
        values = self.drawing_values()
        # No LoRA chosen means the template's own.
        values["loras"] = values["loras"] or None
        return {
            **values,
            "album_name": self.cleaned_data["album_name"],
            "theme": self.cleaned_data["theme"],
            "negative_prompt": self.cleaned_data["negative_prompt"] or None,
        }


def preview(template: BatchTemplate, theme: str) -> list[tuple[str, str]]:
    """The prompts of the first, the middle and the last row; none while the template is wrong."""
    try:
        prompts = expanded(template, theme)
    except Problem:
        return []
    places = sorted({0, len(prompts) // 2, len(prompts) - 1})
    return [prompts[place] for place in places]


class WordsField(forms.CharField):
    """Words separated by commas, kept as a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        words = (word.strip() for word in super().clean(value).split(","))
        return list(dict.fromkeys(word for word in words if word))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class LoraForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an admin may change about a LoRA."""

    trigger_words = WordsField(
        required=False, help_text="Separated by commas; they call the LoRA's style in a prompt."
    )
    default_weight = forms.FloatField(
        required=False, min_value=LORA_WEIGHT[0], max_value=LORA_WEIGHT[1], help_text="−2 to 2."
    )

    class Meta:
        model = ModelVersion
        fields = (
            "name", "trigger_words", "default_weight", "description", "is_active", "is_public",
        )  # fmt: skip

    def clean_default_weight(self) -> float:
        weight = self.cleaned_data["default_weight"]
        return float(self.instance.default_weight if weight is None else weight)


class LoraUploadForm(LoraForm):
    """A new LoRA: its file, read before anything is kept."""

    file = forms.FileField(
        label="File",
        help_text="A LoRA as .safetensors, of kohya’s scripts, diffusers or peft.",
        widget=forms.FileInput(attrs={"accept": ".safetensors"}),
    )
    name = forms.CharField(
        max_length=100, required=False, help_text="The file’s own title or name if empty."
    )
    field_order = ("file",)

    class Meta(LoraForm.Meta):
        fields = LoraForm.Meta.fields

    def clean_file(self) -> "UploadedFile[bytes]":
        uploaded: UploadedFile[bytes] = self.cleaned_data["file"]
        if Path(uploaded.name or "").suffix.lower() != ".safetensors":
            raise forms.ValidationError("Choose a .safetensors file; other formats can run code.")
        if (uploaded.size or 0) > settings.MAX_LORA_BYTES:
            raise forms.ValidationError(
                f"The file is larger than {settings.MAX_LORA_BYTES // 1_000_000} MB."
            )
        try:
            with on_disk(uploaded) as path:
                self.info = read_lora(path)
        except LoraFileError as error:
            raise forms.ValidationError(str(error)) from None
        return uploaded

    def clean_default_weight(self) -> float | None:  # type: ignore[override]
        return self.cleaned_data["default_weight"]  # type: ignore[no-any-return]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("name") and "file" in cleaned:
            stem = Path(cleaned["file"].name).stem
            cleaned["name"] = (self.info.title or stem)[:100]
        return cleaned
