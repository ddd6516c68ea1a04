"""Images, albums and labels in the console."""

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from gallery import (
    admin_albums,
    admin_bulk,
    admin_captions,
    admin_duplicates,
    admin_filters,
    admin_rating,
    admin_tag_changes,
    admin_tags,
    admin_trash,
    admin_upload,
    bulk,
    image_index,
    labels,
    parameters,
    search,
    trash,
)
from gallery.label_history import provenance
from gallery.models import Album, AlbumImage, Image, Label
from imagineer.console_rows import COUNTED_AT_MOST, EitherFilter, GrowingAdmin, RowAdmin
from imagineer.jobs.templatetags.job_words import ago

if TYPE_CHECKING:
    LabelTabularInline = admin.TabularInline[Label, Image]
else:  # The classes are generic in their type stubs alone.
    LabelTabularInline = admin.TabularInline

# Albums that a search of the console finds by parts of words.
NAMES_AT_MOST = 1000
# Of one picture that crawls come upon time and again.
FOUND_AGAIN_AT_MOST = 10
PICTURES_STAY = (
    "A private album hides the album alone. Its pictures stay public on their own, in the latest "
    "and in the API; to hide them too, select them among the images and make them private."
)


class SourceFilter(admin.ChoicesFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "source"


class PublicFilter(EitherFilter):
    title = "visitors"
    parameter_name = "public"
    column = "is_public"
    is_indexed = True
    if_true = ("yes", "May see it")
    if_false = ("no", "Private")


SWITCHES = {"is_public": "Visitors may see it", "is_pinned": "Pinned"}


def plain_label(db_field: Any, kwargs: dict[str, Any]) -> None:
    """Say what a switch does rather than its column's name."""
    if db_field.name in SWITCHES:
        kwargs["label"] = SWITCHES[db_field.name]


class LabelInline(LabelTabularInline):
    model = Label

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        plain_label(db_field, kwargs)
        if db_field.name == "text":
            kwargs["widget"] = forms.Textarea(attrs={"rows": 2, "cols": 60})
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class ManualLabels(LabelInline):
    verbose_name = "label"
    verbose_name_plural = "Labels by hand"
    fields = ("kind", "text", "is_pinned")
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Label]:
        return super().get_queryset(request).filter(source=Label.Source.MANUAL)


class OtherLabels(LabelInline):
    """What machines and web pages said: not edited, but it can be pinned or removed."""

    verbose_name_plural = "Labels from elsewhere"
    fields = ("kind", "text", "provenance", "is_pinned")
    readonly_fields = ("kind", "text", "provenance")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Label]:
        return super().get_queryset(request).exclude(source=Label.Source.MANUAL)

    @admin.display(description="Said by")
    def provenance(self, label: Label) -> str:
        return provenance(label)


@admin.register(Image)
class ImageAdmin(RowAdmin):
    list_display = ("__str__", "source_type", "rating", "is_public", "created_at")
    list_filter = admin_filters.FILTERS
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 96
    list_max_show_all = 0
    # What is searched says admin_filters; without a name here there would be no field.
    search_fields = ("prompt",)
    search_help_text = "Words, tag:fox, -owl, a number"
    ordering = ("-id",)
    inlines = (ManualLabels, OtherLabels)
    form = admin_rating.RatingForm
    fields = (*admin_rating.FIELDS, "is_public", "original_name", "prompt", "negative_prompt")
    actions = (*admin_bulk.ACTIONS, admin_tag_changes.change_tags)
    change_list_template = "admin/gallery/image/change_list.html"
    change_form_template = "admin/gallery/image/change_form.html"

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        plain_label(db_field, kwargs)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(admin_upload.view(self.admin_site))
        trash_page = self.admin_site.admin_view(admin_trash.view(self.admin_site))
        twins = self.admin_site.admin_view(admin_duplicates.view(self.admin_site))
        captions = self.admin_site.admin_view(admin_captions.view)
        tags = self.admin_site.admin_view(require_POST(admin_tags.change_image_tags))
        return [
            path("duplicates/", twins, name="gallery_image_duplicates"),
            path("upload/", page, name="gallery_image_upload"),
            path("trash/", trash_page, name="gallery_image_trash"),
            path("<int:pk>/captions/", captions, name="gallery_image_captions"),
            path("<int:pk>/tags/", tags, name="gallery_image_tags"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:gallery_image_upload"))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        # Ours deletes files too, and does not list every label of every picture first.
        actions.pop("delete_selected", None)
        return actions

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Image], search_term: str
    ) -> tuple[QuerySet[Image], bool]:
        # "All that match" are more than the list shows, pages or counts.
        across = request.method == "POST" and request.POST.get("select_across") == "1"
        at_most = bulk.AT_MOST + 1 if across else None
        found, wrong = admin_filters.matching(request, queryset, search_term, at_most)
        if wrong:
            messages.error(request, wrong)
        return found, False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not admin_bulk.add_what_was_picked_elsewhere(request):
            return HttpResponseRedirect(request.get_full_path())
        album = admin_bulk.album_numbered(request.GET.get("album", ""))
        extra = {
            "bar": admin_bulk.bar(),
            "chosen_album": album,
            "counted": COUNTED_AT_MOST,
            "undo": admin_trash.offered(request),
        }
        response: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), **extra}
        )
        return response

    def page_context(self, request: HttpRequest, row: Image) -> dict[str, Any]:
        return image_context(row) | {"show_save_and_add_another": False}

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        """Texts are written as they are; who may see the picture changes in one place only."""
        told = form.cleaned_data
        apart = (*admin_rating.FIELDS, "is_public")
        texts = [name for name in form.changed_data if name not in apart]
        if texts:
            Image.objects.filter(pk=obj.pk).update(**{name: told[name] for name in texts})
            image_index.refresh([obj.pk])
        admin_rating.save(form, request.user)
        if "is_public" in form.changed_data:
            transaction.on_commit(partial(bulk.publish, [obj.pk], told["is_public"]))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        saved = formset.save(commit=False)
        said = [row for row, changed in formset.changed_objects if {"kind", "text"} & set(changed)]
        said += formset.new_objects
        for row in saved:
            if row._state.adding:
                row.created_by_id = request.user.pk
            labels.save_label(row, is_new_word=row in said, saved_by=request.user)
        for row in formset.deleted_objects:
            labels.delete_label(row, request.user)
        formset.save_m2m()

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """The image alone: in the trash it keeps its albums, labels and everything else."""
        names: list[Any] = [format_html("Image: {}", image) for image in objs]
        return names, {"images": len(names)}, set(), []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"days": settings.TRASH_DAYS}
        response: HttpResponse = super().delete_view(
            request, object_id, {**(extra_context or {}), **extra}
        )
        return response

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        trash.move_to_trash([obj.pk], deleted_by=request.user)
        admin_trash.remember(request, [obj.pk])


def image_context(image: Image) -> dict[str, Any]:
    """What the page of one image shows beside its form, the higher rooms' relations included."""
    prefetch_related_objects(
        [image], "generation_items__run", "models_used__model_version", "scraped_from"
    )
    return {
        "picture": image,
        # A source that is crawled every night says every night that it has not changed.
        "found_again": list(
            image.scraped_again.exclude(reason="unchanged").order_by("-pk")[:FOUND_AGAIN_AT_MOST]
        ),
        "parameters": parameters.rows(image.generation_params, image.width, image.height),
        "albums": list(image.albums.order_by("name")),
        "tags": list(image.tags.order_by("name")),
        "tags_off": list(image.rejected_tags.select_related("tag").order_by("tag__name")),
        "album_names": admin_bulk.album_names(),
        **admin_captions.context(image),
    }


@admin.register(Album)
class AlbumAdmin(RowAdmin):
    list_display = ("name", "source_type", "is_public", "created_at")
    list_filter = (("source_type", SourceFilter), PublicFilter)
    list_select_related = ("cover",)
    list_per_page = 60
    list_max_show_all = 0
    search_fields = ("name", "description")
    ordering = ("-created_at", "-id")
    fieldsets = (
        (None, {"fields": ("name", "description", "is_public")}),
        ("More", {"fields": ("slug",), "classes": ("collapse",)}),
    )
    change_list_template = "admin/gallery/album/change_list.html"
    change_form_template = "admin/gallery/album/change_form.html"

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        plain_label(db_field, kwargs)
        if db_field.name == "is_public":
            kwargs["help_text"] = PICTURES_STAY
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Album], search_term: str
    ) -> tuple[QuerySet[Album], bool]:
        """Words of any name, and parts of words in names and descriptions of the newest albums."""
        if not search_term:
            return queryset, False
        found, _ = super().get_search_results(request, Album.objects.all(), search_term)
        pks = set(found.values_list("pk", flat=True)[:NAMES_AT_MOST])
        return queryset.filter(pk__in=pks | set(search.names_like(search_term, "album"))), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Album]:
        entries = AlbumImage.objects.filter(album=OuterRef("pk")).order_by("position", "id")
        first = Subquery(entries.values("image_id")[:1])
        found: QuerySet[Album] = super().get_queryset(request)
        return found.annotate(first_image=first)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        listing = (getattr(response, "context_data", None) or {}).get("cl")
        if listing is not None:
            admin_albums.give_covers(listing.result_list)
        return response

    def get_urls(self) -> list[URLPattern]:
        tags = self.admin_site.admin_view(admin_tag_changes.album_view(self.admin_site))
        return [path("<int:pk>/tags/", tags, name="gallery_album_tags"), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Album) -> dict[str, Any]:
        return admin_albums.context(request, row) | {"show_save_and_add_another": False}

    def save_model(self, request: HttpRequest, obj: Album, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)
        if change:
            admin_albums.arrange(obj, request.POST)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Albums without the thousands of entries that go with them: the pictures stay."""
        names: list[Any] = [format_html("Album: {}", album) for album in objs]
        return names, {"albums": len(names)}, set(), []


@admin.register(Label)
class LabelAdmin(GrowingAdmin):
    list_display = ("text", "kind", "said_by", "image", "pinned", "said")
    list_select_related = ("image",)
    # Pictures are found by what is said of them among the images; no index says it of labels.
    ordering = ("-id",)
    raw_id_fields = ("image",)
    fields = ("image", "kind", "text", "is_pinned")

    @admin.display(description="Said by")
    def said_by(self, label: Label) -> str:
        return provenance(label)

    @admin.display(description="Pinned", empty_value="")
    def pinned(self, label: Label) -> str:
        return "Pinned" if label.is_pinned else ""

    @admin.display(description="Said")
    def said(self, label: Label) -> str:
        return ago(label.created_at)

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        plain_label(db_field, kwargs)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Label | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        manual = obj.source == Label.Source.MANUAL
        return ("image",) if manual else ("image", "kind", "text")

    def save_model(self, request: HttpRequest, obj: Label, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        is_new_word = bool({"kind", "text"} & set(form.changed_data))
        labels.save_label(obj, is_new_word=is_new_word, saved_by=request.user)

    def delete_model(self, request: HttpRequest, obj: Label) -> None:
        labels.delete_label(obj, request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        for label in queryset:
            labels.delete_label(label, request.user)
