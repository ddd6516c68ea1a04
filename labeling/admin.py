"""Labeling in the console: what to ask for, and what became of it; prompts are in admin_prompts."""

from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from gallery import admin_filters, bulk
from gallery.caption_words import LONGEST_TRIGGER
from gallery.models import Album, Image, Label
from imagineer import words
from imagineer.console_rows import COUNTED_AT_MOST
from imagineer.console_start import RunAdmin, StartForm, StateFilter
from imagineer.counted import counted
from imagineer.jobs.models import Job
from imagineer.problems import Problem
from labeling import admin_captions, admin_prompts, budget, selection
from labeling.estimates import Estimate
from labeling.found_captions import COPIED
from labeling.labelers import LabelerKind, default_labeler, known
from labeling.models import LabelingItem, LabelingRun, Prompt
from labeling.prices import dollars
from labeling.prompts import SD_TRAINING
from labeling.runs import current_prompt, estimate_of, retry_run, start_run

__all__ = ["LabelingRunAdmin", "admin_prompts"]

ITEMS_A_PAGE = 60
REASONS_SHOWN = 5
CHOSEN_SHOWN = 12


class ImageIdsField(forms.CharField):
    """Image numbers separated by commas or spaces, "20-24" for several; a list of int."""

    def clean(self, value: Any) -> Any:
        try:
            return selection.ids_in(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class ChosenField(forms.ChoiceField):
    """A choice that is always made: by default the field's initial one."""

    def clean(self, value: Any) -> Any:
        return super().clean(value or self.initial)


def _titled(kind: LabelerKind) -> str:
    return f"{kind.title} (cannot be used yet)" if kind.missing() else kind.title


class LabelForm(StartForm):
    intro = "Every image gets a rating, a caption and tags; what was said before stays."

    album = forms.ModelChoiceField(
        Album.objects.order_by("name"), required=False, empty_label="No album"
    )
    images = ImageIdsField(
        required=False,
        max_length=20_000,
        help_text="Or the numbers of single images, for example: 12, 15, 20-24.",
    )
    # Those that were selected among the images stand in for both of the above.
    chosen = ImageIdsField(required=False, max_length=200_000, widget=forms.HiddenInput)
    labeler = ChosenField()
    prompt_kind = ChosenField(label="Prompt", initial=SD_TRAINING)
    trigger_word = forms.CharField(
        required=False,
        max_length=LONGEST_TRIGGER,
        help_text="Put before every caption that does not say it. It stands for what all the "
        "pictures share, so that is left out of the captions.",
    )
    include_context = forms.BooleanField(
        required=False,
        initial=True,
        label="Tell the labeler of the album and of the words on the web page",
        help_text="They are marked as the words of strangers.",
    )
    force = forms.BooleanField(
        required=False,
        label="Also label images that were labelled so before",
        help_text="Earlier captions stay; the new ones are added.",
    )
    use_batches = forms.BooleanField(
        required=False,
        label="In batches, at half the price",
        help_text="Most answers come within an hour, all of them within a day.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds, labeler = known().values(), self.fields["labeler"]
        labeler.choices = [(kind.name, _titled(kind)) for kind in kinds]  # type: ignore[attr-defined]
        labeler.initial = default_labeler()
        readers = (kind.name for kind in kinds if kind.reads_prompts)
        labeler.widget.attrs["data-reads-prompts"] = " ".join(readers)
        batchers = [kind.name for kind in kinds if kind.batches is not None]
        labeler.widget.attrs["data-takes-batches"] = " ".join(batchers)
        prompts = Prompt.objects.current().order_by("id")
        self.fields["prompt_kind"].choices = [(p.kind, str(p)) for p in prompts]  # type: ignore[attr-defined]
        self.first = ("album", "images", "labeler", "prompt_kind", "trigger_word")
        if not batchers:
            del self.fields["use_batches"]
        if self._named("chosen"):
            del self.fields["album"], self.fields["images"]
            self.first = ("labeler", "prompt_kind", "trigger_word")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for error in self.errors.get("chosen", ()):
            # The field is hidden, so what is wrong with it is said above all others.
            self.add_error(None, error)
        given = [name for name in ("album", "images", "chosen") if data.get(name)]
        if not self.errors and len(given) != 1:
            raise forms.ValidationError("Choose an album, or write the numbers of images.")
        return data

    @property
    def kind(self) -> LabelerKind:
        """The chosen labeler; the default one while none is."""
        return known().get(self.value("labeler") or "") or known()[default_labeler()]

    def ids(self) -> list[int]:
        """The images that were chosen one by one, here or among the images."""
        return self._named("chosen") or self._named("images")

    def _named(self, name: str) -> list[int]:
        """The images of one of the fields; none while it is not valid."""
        return list(self.value(name) or ()) if name in self.fields else []

    def chosen_album(self) -> Album | None:
        album: Album | None = self.value("album") if "album" in self.fields else None
        return album

    def batched(self) -> bool:
        """Whether to ask in batches; the box is out of sight for a labeler that takes none."""
        wanted = "use_batches" in self.fields and bool(self.value("use_batches"))
        return wanted and self.kind.batches is not None

    @cached_property
    def estimate(self) -> Estimate | None:
        """What it would take; None while nothing valid is chosen."""
        album, ids = self.chosen_album(), self.ids()
        if bool(album) == bool(ids):
            return None
        try:
            prompt = current_prompt(self.value("prompt_kind") or SD_TRAINING)
        except Problem:
            return None
        kind = self.kind
        asked = LabelingRun(
            album=album,
            labeler=kind.name,
            prompt=prompt,
            trigger_word=(self.value("trigger_word") or "") if kind.reads_prompts else "",
            include_context=bool(self.value("include_context")) or not kind.reads_prompts,
            force=bool(self.value("force")),
            use_batches=self.batched(),
        )
        images = Image.objects.filter(entries__album=album)
        return estimate_of(images if album else Image.objects.filter(pk__in=ids), kind, asked)

    @property
    def cost(self) -> str:
        asked = self.estimate
        if asked is None:
            return ""
        if not asked.images:
            said = "This prompt" if self.kind.reads_prompts else f"{self.kind.title} labeling"
            return f"{said} has labelled all of these before."
        if not self.kind.is_paid:
            return "Nothing to pay."
        tokens = (words.thin(n) for n in (asked.usage.input_tokens, asked.usage.output_tokens))
        told = ["About {} tokens in and {} out".format(*tokens) + f": {dollars(asked.cost)}."]
        now = budget.standing()
        if now.limit is not None:
            told.append(str(now))
        if not now.allows(asked.cost):
            told.append("That is not enough.")
        told.append(budget.price_warning(self.kind.model()))
        return " ".join(filter(None, told))

    @property
    def verb(self) -> str:
        count = self.estimate.images if self.estimate else 0
        return f"Label {words.thin(count)} image{'' if count == 1 else 's'}" if count else "Label"


class LabelerFilter(admin.SimpleListFilter):
    title = "labeler"
    parameter_name = "labeler"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.name, kind.title) for kind in known().values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(labeler=value) if value else queryset


@admin.register(LabelingRun)
class LabelingRunAdmin(RunAdmin):
    start_form = LabelForm
    start_name = "labeling_start"
    start_title = "Label images"
    start_template = "admin/labeling/start.html"
    change_form_template = "admin/labeling/labelingrun/change_form.html"
    change_list_template = "admin/labeling/labelingrun/change_list.html"
    list_display = (
        "shown_what", "shown_labeler", "shown_state", "shown_counts", "shown_cost", "shown_age",
    )  # fmt: skip
    list_filter: ClassVar[tuple[Any, ...]] = (StateFilter, LabelerFilter, "prompt__kind")
    list_select_related = ("job", "prompt", "album", "image")

    def get_urls(self) -> list[URLPattern]:
        captions = self.admin_site.admin_view(admin_captions.view(self.admin_site))
        retry = self.admin_site.admin_view(require_POST(self.retry_view))
        return [
            path("album/<int:album_id>/captions/", captions, name="labeling_album_captions"),
            path("<int:run_id>/retry/", retry, name="labeling_retry"),
            *super().get_urls(),
        ]

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        asked = form.cleaned_data
        return start_run(
            asked.get("chosen") or asked.get("images") or (),
            album=asked.get("album"),
            labeler=asked["labeler"],
            prompt_kind=asked["prompt_kind"],
            trigger_word=asked["trigger_word"],
            include_context=asked["include_context"],
            force=asked["force"],
            use_batches=isinstance(form, LabelForm) and form.batched(),
            created_by=request.user,
        ).job

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Also the target of the images' list, which posts what is selected there."""
        if request.method == "POST" and "choose" in request.POST:
            return self._form_for_chosen(request)
        return super().start_view(request)

    def _form_for_chosen(self, request: HttpRequest) -> HttpResponse:
        try:
            chosen = _selected(request)
        except ValueError as error:
            messages.error(request, str(error))
            address = reverse("admin:gallery_image_changelist")
            return HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")
        return self._start_page(request, LabelForm(initial={"chosen": bulk.to_ranges(chosen)}))

    def start_context(self, request: HttpRequest, form: StartForm) -> dict[str, Any]:
        ids = form.ids() if isinstance(form, LabelForm) and "images" not in form.fields else []
        shown = Image.objects.in_bulk(ids[:CHOSEN_SHOWN])
        return {
            "labelers": [(kind, kind.missing()) for kind in known().values()],
            "prompts": Prompt.objects.current(),
            "chosen_count": len(ids),
            "pictures": [shown[pk] for pk in ids[:CHOSEN_SHOWN] if pk in shown],
        }

    def start_initial(self, request: HttpRequest) -> dict[str, Any]:
        """?images=1,2 or ?images=1&images=2, as links and the images' list give them."""
        initial = super().start_initial(request)
        if "images" in request.GET:
            initial["images"] = ", ".join(request.GET.getlist("images"))
        return initial

    def retry_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """With ``refused`` in the form also the images that were refused."""
        if not self.has_add_permission(request):
            return HttpResponse("Only admins may do this.", status=403)
        run = get_object_or_404(LabelingRun.objects.select_related("job", "prompt"), pk=run_id)
        try:
            retry_run(run, with_refused="refused" in request.POST)
        except Problem as problem:
            messages.error(request, problem.message)
        else:
            messages.success(request, f"{run.job} goes on.")
        return HttpResponseRedirect(run.get_absolute_url())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {**(extra_context or {}), "this_month": str(budget.standing())}
        response: HttpResponse = super().changelist_view(request, extra)
        return response

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
    def shown_what(self, run: LabelingRun) -> str | SafeString:
        if run.search:
            return format_html("Search <q>{}</q>", run.search)
        return str(run.album or run.image or "Chosen images")

    @admin.display(description="By")
    def shown_labeler(self, run: LabelingRun) -> str:
        prompt = run.told_prompt
        return f"{run.labeler_title}, {prompt}" if prompt else run.labeler_title

    @admin.display(description="Labelled")
    def shown_counts(self, run: Any) -> str:
        text = f"{words.thin(run.done_count)} of {words.thin(run.item_count)}"
        return f"{text}, {words.thin(run.failed_count)} not" if run.failed_count else text

    @admin.display(description="Cost")
    def shown_cost(self, run: LabelingRun) -> str:
        return dollars(run.cost_usd) if run.cost_usd else ""

    def page_context(self, request: HttpRequest, row: LabelingRun) -> dict[str, Any]:
        return run_context(request, row)


def _selected(request: HttpRequest) -> list[int]:
    """What is selected in the images' list, in its order. Raises ValueError with a sentence."""
    if not request.POST.get("select_across"):
        ids = selection.ids_in(",".join(request.POST.getlist("_selected_action")))
    else:
        images = Image.objects.order_by("-id")
        found, wrong = admin_filters.matching(request, images, request.GET.get("q", ""))
        if wrong:
            raise ValueError(wrong)
        ids = list(found.values_list("pk", flat=True)[: selection.AT_MOST + 1])
        # The list itself looks no further than COUNTED_AT_MOST matches.
        if len(ids) > selection.AT_MOST or len(ids) == COUNTED_AT_MOST:
            raise ValueError(selection.TOO_MANY)
    if not ids:
        raise ValueError("Select the images to label first.")
    return ids


def run_context(request: HttpRequest, run: LabelingRun) -> dict[str, Any]:
    """What a run's page shows: counts and cost, why some failed, one page of items with labels."""
    counts = run.counts()
    chosen = request.GET.get("outcome", "")
    items = run.items.select_related("image")
    if chosen in LabelingItem.Outcome.values:
        items = items.filter(outcome=chosen)
    page = Paginator(items, ITEMS_A_PAGE).get_page(request.GET.get("p"))
    give_labels(list(page.object_list), run)
    outcomes = LabelingItem.Outcome
    left = counts[outcomes.FAILED] + counts[outcomes.PENDING]
    ended = run.job.has_ended
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
        "cost": dollars(run.cost_usd) if run.cost_usd else "",
        "reasons": run.reasons(REASONS_SHOWN) if counts[outcomes.FAILED] else [],
        "can_retry": ended and left > 0,
        "can_ask_refused": ended and counts[outcomes.REFUSED] > 0,
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
