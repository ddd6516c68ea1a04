"""Tags and captions of many pictures in the console: asked for, previewed, made, undone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from gallery import admin_bulk, bulk, label_changes, label_steps, nsfw, tag_counts
from gallery.caption_words import LONGEST_TRIGGER
from gallery.label_changes import TAKES, Action, Change, UndoRefused
from gallery.label_preview import Preview, Sample, preview
from gallery.models import Album, Image
from gallery.selections import Selection, SelectionRefused
from gallery.tag_models import LabelChange
from gallery.tag_names import TagRefused
from imagineer.console_rows import RowAdmin
from imagineer.jobs.templatetags.job_words import ago, state
from imagineer.problems import Problem
from imagineer.words import bounds, thin

# So long after it was made, pages about tags offer to undo a change.
OFFERED_FOR = timedelta(minutes=30)
TAGS_SHOWN = 200
FEWER_THAN = 3
WAYS = (
    ("album", "An album"),
    ("q", "What a search finds"),
    ("everything", "The whole gallery"),
    ("images", "The chosen pictures"),
)
# Where a refusal is shown that names another field than the form has.
_FIELDS = {
    "selection": "where",
    "selection.album_id": "album",
    "selection.q": "q",
    "selection.image_ids": "where",
}


class ChangeForm(forms.Form):
    """cleaned: ``change`` and ``selection``. Fields that the action does not take are not read."""

    action = forms.ChoiceField(choices=Action.choices, widget=forms.RadioSelect)
    tags = forms.CharField(
        required=False, max_length=3000, help_text="Several with commas between them."
    )
    to = forms.CharField(label="Becomes", required=False, max_length=100)
    fewer_than = forms.IntegerField(
        label="On fewer pictures than",
        required=False,
        min_value=2,
        max_value=label_changes.MOST_FEWER_THAN,
        help_text=f"{bounds(2, label_changes.MOST_FEWER_THAN)}: rarer tags go.",
    )
    trigger_word = forms.CharField(
        required=False, max_length=LONGEST_TRIGGER,
        help_text="Put before each picture's chosen caption that does not say it yet.",
    )  # fmt: skip
    where = forms.ChoiceField(label="Of which pictures", choices=WAYS, widget=forms.RadioSelect)
    album = admin_bulk.AlbumNameField(required=False)
    q = forms.CharField(
        label="Search", required=False, max_length=300, help_text="Words, tag:fox, album:deck, -owl"
    )
    images = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tags"].widget.attrs.update(
            {"autocomplete": "off", "data-complete-tag": "many"}
        )
        self.fields["to"].widget.attrs.update({"autocomplete": "off", "data-complete-tag": ""})
        if not self["images"].value():
            self.fields["where"].choices = WAYS[:-1]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                told["change"] = label_changes.checked(_change(told))
                told["selection"] = _selection(told)
                told["selection"].check()
            except (TagRefused, SelectionRefused) as refused:
                self.refuse(refused)
        return told

    def refuse(self, refused: TagRefused | SelectionRefused) -> None:
        """Say it at the field that it is about."""
        self.add_error(_FIELDS.get(refused.field, refused.field), str(refused))

    def chosen_count(self) -> int:
        try:
            return bulk.number_in_ranges(self["images"].value() or "")
        except ValueError:
            return 0

    def clean_images(self) -> str:
        text: str = self.cleaned_data["images"]
        try:
            number = bulk.number_in_ranges(text)
        except ValueError:
            raise forms.ValidationError("Choose the pictures again.") from None
        if number > bulk.AT_MOST:
            raise forms.ValidationError(f"At most {thin(bulk.AT_MOST)} pictures at once.")
        if any(not 0 < pk < 2**63 for pk in bulk.from_ranges(text)):
            raise forms.ValidationError("Choose the pictures again.")
        return text


def _change(told: dict[str, Any]) -> Change:
    takes = TAKES[told["action"]]
    given = {name: told[name] for name in takes if told.get(name)}
    if "tags" in given:
        given["tags"] = tuple(tag for tag in told["tags"].split(",") if tag.strip())
    return Change(told["action"], **given)


def _selection(told: dict[str, Any]) -> Selection:
    if told["where"] == "images":
        return Selection(images=tuple(bulk.from_ranges(told["images"])))
    if told["where"] == "q":
        if not told["q"].strip():
            raise SelectionRefused("Name at least one word to search for.", "selection.q")
        return Selection(q=told["q"].strip())
    if told["where"] == "everything":
        return Selection(everything=True)
    album = Album.objects.filter(name=told["album"]).first()
    if album is None:
        raise SelectionRefused("There is no album of this name.", "selection.album_id")
    return Selection(album=album.pk)


# --- The page ------------------------------------------------------------------------------------


def view(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def page(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return _page(site, request, ChangeForm(initial=_initial(request)))
        if not request.user.has_perm("gallery.change_tag"):
            raise PermissionDenied
        form = ChangeForm(_told(request))
        if not form.is_valid():
            return _page(site, request, form, status=422)
        if request.POST.get("step") == "make":
            return _make(request, form)
        try:
            shown = preview(form.cleaned_data["change"], form.cleaned_data["selection"])
        except (TagRefused, SelectionRefused) as refused:
            form.refuse(refused)
            return _page(site, request, form, status=422)
        return _page(site, request, form, preview=shown, samples=_samples(shown))

    return page


def _told(request: HttpRequest) -> QueryDict:
    """What was sent; tags that were ticked in a list stand as if they were typed."""
    told = request.POST.copy()
    ticked = told.getlist("tag")
    if ticked:
        told["tags"] = ", ".join(ticked)
    return told


def _samples(shown: Preview) -> list[dict[str, Any]]:
    """Each picture with its words, which of them go and which come."""
    return [{"image": sample.image, "words": _marked(sample)} for sample in shown.samples]


def _marked(sample: Sample) -> list[tuple[str, str]]:
    before, after = sample.before, sample.after
    if len(before) == len(after) == 1 and after[0].endswith(before[0]):
        # A caption with a word before it.
        return [(after[0].removesuffix(before[0]), "comes"), (before[0], "")]
    return [
        *((word, "" if word in after else "goes") for word in before),
        *((word, "comes") for word in after if word not in before),
    ]


def _initial(request: HttpRequest) -> dict[str, Any]:
    """As the address says: ?action=rename&tags=fox&album=3."""
    told: dict[str, Any] = {
        "action": Action.RENAME,
        "where": "everything",
        "fewer_than": FEWER_THAN,
    }
    told |= {
        name: request.GET[name] for name in ("action", "tags", "to", "q") if name in request.GET
    }
    album = admin_bulk.album_numbered(request.GET.get("album", ""))
    if album is not None:
        told |= {"album": album.name, "where": "album"}
    elif told.get("q"):
        told["where"] = "q"
    return told


def _page(
    site: AdminSite, request: HttpRequest, form: ChangeForm, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        **site.each_context(request),
        "title": "Change tags of many pictures",
        "opts": LabelChange._meta,
        "form": form,
        "album_names": admin_bulk.album_names(),
        "given": _given(form) if "preview" in more else [],
        "last_change": offered(request),
        **more,
    }
    return TemplateResponse(request, "admin/gallery/tag/bulk.html", context, status=status)


def _given(form: ChangeForm) -> list[tuple[str, str]]:
    """What was previewed, to be asked for again by the button that makes it."""
    return [
        (name, str(form[name].value()))
        for name in form.fields
        if form[name].value() not in (None, "")
    ]


def _make(request: HttpRequest, form: ChangeForm) -> HttpResponse:
    told = form.cleaned_data
    row = label_changes.start(told["change"], told["selection"], created_by=request.user)
    if row is None:
        messages.info(request, "Nothing was to be changed.")
    elif row.job is not None:
        address = reverse("admin:jobs_job_change", args=[row.job.pk])
        messages.success(
            request, format_html('{}: a <a href="{}">job</a> does it.', row.title, address)
        )
    else:
        messages.success(request, f"{row.title}: {bulk.counted(row.images)} changed.")
    selection: Selection = told["selection"]
    if selection.album is not None:
        target = reverse("admin:gallery_album_tags", args=[selection.album])
    else:
        target = reverse("admin:gallery_tag_changelist")
    return HttpResponseRedirect(target)


@admin.action(description="Change tags")
def change_tags(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Image]
) -> HttpResponse | None:
    """Of the pictures chosen in the list: the page on which one says how."""
    chosen = list(queryset.values_list("pk", flat=True)[: bulk.AT_MOST + 1])
    if len(chosen) > bulk.AT_MOST:
        messages.error(
            request,
            f"These are more than {thin(bulk.AT_MOST)} pictures; narrow the filter and repeat.",
        )
        return None
    initial = {
        "action": Action.ADD,
        "where": "images",
        "images": bulk.to_ranges(chosen),
        "fewer_than": FEWER_THAN,
    }
    return _page(model_admin.admin_site, request, ChangeForm(initial=initial))


# --- The tags of an album ------------------------------------------------------------------------


def album_view(site: AdminSite) -> Callable[..., HttpResponse]:
    def page(request: HttpRequest, pk: int) -> HttpResponse:
        album = get_object_or_404(Album, pk=pk)
        # What is changed are all its pictures, whatever this admin likes to see.
        nsfw.choose_for(request, "show")
        try:
            uses = tag_counts.of_album(request, album, request.GET.get("after"), TAGS_SHOWN)
        except Problem:
            uses = tag_counts.of_album(request, album, None, TAGS_SHOWN)
        context = {
            **site.each_context(request),
            "title": f"Tags of {album}",
            "opts": Album._meta,
            "album": album,
            "uses": uses,
            "fewer_than": FEWER_THAN,
            "last_change": offered(request),
        }
        return TemplateResponse(request, "admin/gallery/album/tags.html", context)

    return page


# --- What was changed ----------------------------------------------------------------------------


def offered(request: HttpRequest) -> LabelChange | None:
    """The change that can be undone by a click, while it is fresh; GET alone offers it."""
    last = label_changes.last_undoable() if request.method == "GET" else None
    fresh = last is not None and timezone.now() - last.created_at < OFFERED_FOR
    return last if fresh else None


@admin.register(LabelChange)
class LabelChangeAdmin(RowAdmin):
    list_display = ("title", "shown_images", "shown_state", "created_by", "shown_age")
    list_select_related = ("job", "created_by")
    sortable_by = ()
    ordering = ("-id",)
    list_per_page = 50
    list_max_show_all = 0
    actions = None
    change_list_template = "admin/gallery/labelchange/change_list.html"
    change_form_template = "admin/gallery/labelchange/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ()

    def get_urls(self) -> list[URLPattern]:
        undo = self.admin_site.admin_view(require_POST(undo_change))
        return [path("<int:pk>/undo/", undo, name="gallery_labelchange_undo"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"last_change": label_changes.last_undoable()}
        response: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), **extra}
        )
        return response

    def page_context(self, request: HttpRequest, row: LabelChange) -> dict[str, Any]:
        return {
            "row": row,
            "can_undo": row == label_changes.last_undoable(),
            "days": label_steps.KEPT.days,
            "shown_state": self.shown_state(row),
        }

    @admin.display(description="Pictures")
    def shown_images(self, row: LabelChange) -> str:
        return thin(row.images)

    @admin.display(description="State")
    def shown_state(self, row: LabelChange) -> str | SafeString:
        if row.undone_at is not None:
            return "Being undone" if row.has_steps else "Undone"
        return "Done" if row.job is None else state(row.job)

    @admin.display(description="When")
    def shown_age(self, row: LabelChange) -> str | SafeString:
        return ago(row.created_at)


def undo_change(request: HttpRequest, pk: int) -> HttpResponse:
    if not request.user.has_perm("gallery.change_tag"):
        raise PermissionDenied
    row = get_object_or_404(LabelChange, pk=pk)
    try:
        job = label_changes.undo(row, asked_by=request.user)
    except UndoRefused as refused:
        messages.error(request, str(refused))
    else:
        if job is None:
            messages.success(request, f"Undone: {row.title}.")
        else:
            address = reverse("admin:jobs_job_change", args=[job.pk])
            messages.success(
                request, format_html('{}: a <a href="{}">job</a> does it.', job.title, address)
            )
    return HttpResponseRedirect(reverse("admin:gallery_labelchange_changelist"))
