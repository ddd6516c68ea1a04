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
from labeling.labelers import CLAUDE, labeler_kind
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


class LabelForm(StartForm):
    first = ("album", "images", "prompt_kind")
    intro = "Claude writes a caption, tags and a rating for every image; nothing is overwritten."

    album = forms.ModelChoiceField(
        Album.objects.order_by("name"), required=False, empty_label="No album"
    )
    images = ImageIdsField(
        required=False,
        max_length=20_000,
        help_text="Or the numbers of single images, for example: 12, 15, 21.",
    )
    prompt_kind = forms.ChoiceField(label="Prompt", initial=SD_TRAINING)
    force = forms.BooleanField(
        required=False,
        label="Also label images that this prompt has labelled before",
        help_text="Earlier captions stay; the new ones are added.",
    )
    use_batches = forms.BooleanField(
        required=False,
        label="In batches, at half the price",
        help_text="Most answers come within an hour, all of them within a day.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        prompts = Prompt.objects.current().order_by("id")
        self.fields["prompt_kind"].choices = [(p.kind, str(p)) for p in prompts]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and bool(data.get("album")) == bool(data.get("images")):
            raise forms.ValidationError("Choose an album, or write the numbers of images.")
        return data

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
        return found.exclude(pk__in=labelled_before(CLAUDE, prompt).values("image_id"))

    @property
    def cost(self) -> str:
        wanted = self.wanted()
        if wanted is None:
            return ""
        count = wanted.count()
        if not count:
            return "This prompt has labelled all of these before."
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
    start_title = "Label with Claude"
    start_template = "admin/labeling/start.html"
    change_form_template = "admin/labeling/labelingrun/change_form.html"
    list_display = ("shown_what", "prompt", "shown_state", "shown_counts", "shown_age")
    list_filter = ("job__status", "prompt__kind")
    list_select_related = ("job", "prompt", "album", "image")

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        asked = form.cleaned_data
        return start_run(
            asked["images"],
            album=asked["album"],
            prompt_kind=asked["prompt_kind"],
            force=asked["force"],
            use_batches=asked["use_batches"],
            created_by=request.user,
        ).job

    def start_context(self, request: HttpRequest, form: StartForm) -> dict[str, Any]:
        return {"no_key": labeler_kind(CLAUDE).missing(), "prompts": Prompt.objects.current()}

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
    give_labels(list(page.object_list), run.prompt)
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


def give_labels(items: list[LabelingItem], prompt: Prompt) -> None:
    """Give each item its image's newest ``caption``, ``rating`` and all ``tags`` of the prompt."""
    labels = Label.objects.filter(
        image_id__in=[item.image_id for item in items],
        source=Label.Source.CLAUDE,
        prompt_kind=prompt.kind,
        prompt_version=str(prompt.version),
    ).order_by("id")
    found: dict[int, dict[str, list[Label]]] = {}
    for label in labels:
        found.setdefault(label.image_id, {}).setdefault(label.kind, []).append(label)
    for item in items:
        kinds = found.get(item.image_id, {})
        item.caption = kinds.get(Label.Kind.CAPTION, [None])[-1]  # type: ignore[attr-defined]
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
