"""Labeling in the console: what to ask for, what became of it, and the words of the prompts."""

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Max, OuterRef, QuerySet
from django.http import HttpRequest

from gallery.models import Album, Image, Label
from imagineer import words
from imagineer.console_start import RunAdmin, StartForm
from imagineer.counted import counted
from imagineer.jobs import states
from imagineer.jobs.models import Job
from imagineer.problems import Problem
from labeling.found_captions import COPIED
from labeling.labelers import LabelerKind, default_labeler, known
from labeling.models import LabelingItem, LabelingRun, Prompt
from labeling.prompts import SD_TRAINING
from labeling.runs import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    current_prompt,
    labelled_before,
    start_run,
)

if TYPE_CHECKING:
    PromptModelAdmin = admin.ModelAdmin[Prompt]
else:
    PromptModelAdmin = admin.ModelAdmin

ITEMS_A_PAGE = 60
_ID_SEPARATORS = re.compile(r"[\s,;]+")


class ImageIdsField(forms.CharField):
    """Image numbers separated by commas or spaces; a list of int."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        parts = [part for part in _ID_SEPARATORS.split(text) if part]
        if not all(part.isdecimal() and len(part) < 19 for part in parts):
            raise forms.ValidationError("Write the images' numbers, for example: 12, 15, 21.")
        return list(dict.fromkeys(int(part) for part in parts))


class ChosenField(forms.ChoiceField):
    """A choice that is always made: by default the field's initial one."""

    def clean(self, value: Any) -> Any:
        return super().clean(value or self.initial)


def _titled(kind: LabelerKind) -> str:
    return f"{kind.title} (cannot be used yet)" if kind.missing() else kind.title


class LabelForm(StartForm):
    first = ("album", "images", "labeler", "prompt_kind")
    intro = "Every image gets a rating, a caption and tags; what was said before stays."

    album = forms.ModelChoiceField(
        Album.objects.order_by("name"), required=False, empty_label="No album"
    )
    images = ImageIdsField(
        required=False,
        max_length=20_000,
        help_text="Or the numbers of single images, for example: 12, 15, 21.",
    )
    labeler = ChosenField()
    prompt_kind = ChosenField(label="Prompt", initial=SD_TRAINING)
    force = forms.BooleanField(
        required=False,
        label="Also label images that were labelled so before",
        help_text="Earlier captions stay; the new ones are added.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds, labeler = known().values(), self.fields["labeler"]
        labeler.choices = [(kind.name, _titled(kind)) for kind in kinds]  # type: ignore[attr-defined]
        labeler.initial = default_labeler()
        readers = (kind.name for kind in kinds if kind.reads_prompts)
        labeler.widget.attrs["data-reads-prompts"] = " ".join(readers)
        prompts = Prompt.objects.current().order_by("id")
        self.fields["prompt_kind"].choices = [(p.kind, str(p)) for p in prompts]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and bool(data.get("album")) == bool(data.get("images")):
            raise forms.ValidationError("Choose an album, or write the numbers of images.")
        return data

    @property
    def kind(self) -> LabelerKind:
        """The chosen labeler; the default one while none is."""
        return known().get(self.value("labeler") or "") or known()[default_labeler()]

    def wanted(self) -> QuerySet[Image] | None:
        """The images that would be labelled; None while nothing valid is chosen."""
        album, ids = self.value("album"), self.value("images")
        if bool(album) == bool(ids):
            return None
        if not isinstance(album, Album) and album:
            album = Album.objects.filter(pk=words.number_in(str(album)) or 0).first()
        found = Image.objects.filter(entries__album=album) if album else None
        if found is None:
            found = Image.objects.filter(pk__in=ids if isinstance(ids, list) else [])
        try:
            prompt = current_prompt(self.value("prompt_kind") or SD_TRAINING)
        except Problem:
            return None
        if self.value("force"):
            return found
        return found.exclude(pk__in=labelled_before(self.kind.name, prompt).values("image_id"))

    @property
    def cost(self) -> str:
        wanted = self.wanted()
        if wanted is None:
            return ""
        count = wanted.count()
        if not count:
            said = "This prompt" if self.kind.reads_prompts else f"{self.kind.title} labeling"
            return f"{said} has labelled all of these before."
        if not self.kind.is_paid:
            return "Nothing to pay."
        tokens_in, tokens_out = words.thin(count * INPUT_TOKENS), words.thin(count * OUTPUT_TOKENS)
        return f"At most about {tokens_in} tokens in and {tokens_out} out."

    @property
    def verb(self) -> str:
        wanted = self.wanted()
        count = wanted.count() if wanted is not None else 0
        return f"Label {words.thin(count)} image{'' if count == 1 else 's'}" if count else "Label"


@admin.register(LabelingRun)
class LabelingRunAdmin(RunAdmin):
    start_form = LabelForm
    start_name = "labeling_start"
    start_title = "Label images"
    start_template = "admin/labeling/start.html"
    change_form_template = "admin/labeling/labelingrun/change_form.html"
    list_display = ("shown_what", "shown_labeler", "shown_state", "shown_counts", "shown_age")
    list_filter = ("job__status", "labeler", "prompt__kind")
    list_select_related = ("job", "prompt", "album", "image")

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        asked = form.cleaned_data
        return start_run(
            asked["images"],
            album=asked["album"],
            labeler=asked["labeler"],
            prompt_kind=asked["prompt_kind"],
            force=asked["force"],
            created_by=request.user,
        ).job

    def start_context(self, request: HttpRequest, form: StartForm) -> dict[str, Any]:
        return {
            "labelers": [(kind, kind.missing()) for kind in known().values()],
            "prompts": Prompt.objects.current(),
        }

    def start_initial(self, request: HttpRequest) -> dict[str, Any]:
        """?images=1,2 or ?images=1&images=2, as links and the images' list give them."""
        initial = super().start_initial(request)
        if "images" in request.GET:
            initial["images"] = ", ".join(request.GET.getlist("images"))
        return initial

    def get_queryset(self, request: HttpRequest) -> QuerySet[LabelingRun]:
        outcomes = LabelingItem.Outcome
        items = LabelingItem.objects.filter(run=OuterRef("pk"))
        failed = items.filter(outcome__in=(outcomes.FAILED, outcomes.REFUSED))
        runs: QuerySet[LabelingRun] = super().get_queryset(request)
        return runs.annotate(
            item_count=counted(items, "run"),
            done_count=counted(items.filter(outcome=outcomes.DONE), "run"),
            failed_count=counted(failed, "run"),
        )

    @admin.display(description="What")
    def shown_what(self, run: LabelingRun) -> str:
        return str(run.album or run.image or "Chosen images")

    @admin.display(description="By")
    def shown_labeler(self, run: LabelingRun) -> str:
        prompt = run.told_prompt
        return f"{run.labeler_title}, {prompt}" if prompt else run.labeler_title

    @admin.display(description="Labelled")
    def shown_counts(self, run: Any) -> str:
        text = f"{words.thin(run.done_count)} of {words.thin(run.item_count)}"
        return f"{text}, {words.thin(run.failed_count)} not" if run.failed_count else text

    def page_context(self, request: HttpRequest, row: LabelingRun) -> dict[str, Any]:
        return run_context(request, row)


def run_context(request: HttpRequest, run: LabelingRun) -> dict[str, Any]:
    """What a run's page shows: its counts, and one page of its items with their labels."""
    counts = run.counts()
    chosen = request.GET.get("outcome", "")
    items = run.items.select_related("image")
    if chosen in LabelingItem.Outcome.values:
        items = items.filter(outcome=chosen)
    page = Paginator(items, ITEMS_A_PAGE).get_page(request.GET.get("p"))
    give_labels(list(page.object_list), run)
    return {
        "run": run,
        "page": page,
        "chosen": chosen,
        "outcomes": [
            (value, label, counts[value])
            for value, label in LabelingItem.Outcome.choices
            if counts[value]
        ],
        "counts": counts,
        "can_retry": run.job.status in states.RETRIABLE,
    }


def give_labels(items: list[LabelingItem], run: LabelingRun) -> None:
    """Give each item its image's newest ``caption``, ``rating`` and all ``tags``, as far as the
    run's labeler said them, on the run's prompt if it reads any.

    ``copied`` says where a caption comes from that did not come from looking at the picture.
    """
    kind, prompt = known().get(run.labeler), run.told_prompt
    labels = Label.objects.filter(
        image_id__in=[item.image_id for item in items],
        source=kind.source if kind else run.labeler,
        prompt_kind=prompt.kind if prompt else "",
        prompt_version=str(prompt.version) if prompt else "",
    ).order_by("id")
    found: dict[int, dict[str, list[Label]]] = {}
    for label in labels:
        found.setdefault(label.image_id, {}).setdefault(label.kind, []).append(label)
    for item in items:
        kinds = found.get(item.image_id, {})
        caption = kinds.get(Label.Kind.CAPTION, [None])[-1]
        item.caption = caption  # type: ignore[attr-defined]
        copied = caption is not None and caption.model in COPIED.values()
        item.copied = caption.model if caption and copied else ""  # type: ignore[attr-defined]
        item.rating = kinds.get(Label.Kind.RATING, [None])[-1]  # type: ignore[attr-defined]
        item.tags = kinds.get(Label.Kind.TAG, [])  # type: ignore[attr-defined]


class PromptForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new prompt, or a new version of one whose kind exists."""

    class Meta:
        model = Prompt
        fields = ("kind", "name", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 8})}

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\x00", "")

    def save(self, commit: bool = True) -> Any:
        newest = Prompt.objects.filter(kind=self.instance.kind).aggregate(Max("version"))
        self.instance.version = (newest["version__max"] or 0) + 1
        return super().save(commit)


@admin.register(Prompt)
class PromptAdmin(PromptModelAdmin):
    """Texts are never edited, because labels name them: a change is a new version."""

    form = PromptForm
    change_form_template = "admin/labeling/prompt/change_form.html"
    list_display = ("name", "kind", "version", "created_at")
    list_filter = ("kind",)
    fields = ("kind", "name", "text")
    readonly_fields = ()
    actions = None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """?like=<id>: start from the words of another version."""
        like = request.GET.get("like", "")
        old = Prompt.objects.filter(pk=words.number_in(like) or 0).first()
        return {"kind": old.kind, "name": old.name, "text": old.text} if old else {}
