"""Tags in the console: how often each is used, its other names, and what it implies."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OrderBy, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from gallery import admin_tag_changes, labels, tag_derivation, tag_names
from gallery.models import LIVE_COUNT, Image, ImageTag, Label, Tag
from gallery.search_query import Query, Term
from gallery.tag_completion import beginning_with
from gallery.tag_models import TagAlias, TagImplication
from gallery.tag_names import Ruled, TagRefused
from gallery.tags import normalised
from imagineer.console_rows import RowAdmin
from imagineer.console_start import ReadOnlyAdmin, StartForm
from imagineer.jobs.templatetags.job_words import ago
from imagineer.problems import Problem
from imagineer.words import number_in, thin

SHOWN_PICTURES = 12
SHOWN_RULES = 200
# A search in the list looks at so many names that begin so.
_FOUND = 500


def settled(request: HttpRequest, change: Callable[[], Ruled], said: str = "") -> Ruled:
    """Make a change of the rules, and tell what became of it. Raises TagRefused."""
    ruled, job = tag_derivation.settle(change, created_by=request.user)
    said = said or f"{ruled.row}."
    if job is None:
        messages.success(request, said)
    else:
        address = reverse("admin:jobs_job_change", args=[job.pk])
        messages.success(
            request,
            format_html('{} A <a href="{}">job</a> lets the pictures follow.', said, address),
        )
    return ruled


def tag_link(tag: Tag) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:gallery_tag_change", args=[tag.pk]), tag.name
    )


@admin.register(Tag)
class TagAdmin(RowAdmin):
    list_display = ("name", "shown_pictures", "shown_open", "shown_aliases", "shown_implied")
    # Other orders would sort all tags first.
    sortable_by = ("name",)
    ordering = (OrderBy(LIVE_COUNT, descending=True), "-pk")
    list_per_page = 100
    list_max_show_all = 0
    search_fields = ("name",)
    search_help_text = "Beginning of a name"
    actions = None
    change_list_template = "admin/gallery/tag/change_list.html"
    change_form_template = "admin/gallery/tag/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ()

    def get_urls(self) -> list[URLPattern]:
        bulk = self.admin_site.admin_view(admin_tag_changes.view(self.admin_site))
        rules = self.admin_site.admin_view(require_POST(change_rules))
        return [
            path("bulk/", bulk, name="gallery_tag_bulk"),
            path("<int:pk>/rules/", rules, name="gallery_tag_rules"),
            *super().get_urls(),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Tag], search_term: str
    ) -> tuple[QuerySet[Tag], bool]:
        """Tags that pictures carry; by name, or by another name."""
        used = queryset.annotate(live=LIVE_COUNT).filter(live__gt=0)
        used = used.prefetch_related("aliases", "implications__implied")
        beginning = normalised(search_term)
        if not beginning:
            return used, False
        named = beginning_with(Tag.objects.all(), beginning).order_by("name")
        other = beginning_with(TagAlias.objects.all(), beginning).order_by("name")
        ids = [
            *named.values_list("pk", flat=True)[:_FOUND],
            *other.values_list("tag_id", flat=True)[:_FOUND],
        ]
        return used.filter(pk__in=ids), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"last_change": admin_tag_changes.offered(request)}
        response: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), **extra}
        )
        return response

    @admin.display(description="Pictures")
    def shown_pictures(self, tag: Tag) -> str:
        return thin(tag.live_count)

    @admin.display(description="For visitors")
    def shown_open(self, tag: Tag) -> str:
        return thin(tag.open_count + tag.veiled_count)

    @admin.display(description="Aliases", empty_value="")
    def shown_aliases(self, tag: Tag) -> str:
        return _several([alias.name for alias in tag.aliases.all()])

    @admin.display(description="Implies", empty_value="")
    def shown_implied(self, tag: Tag) -> str:
        return _several([row.implied.name for row in tag.implications.all()])

    def page_context(self, request: HttpRequest, row: Tag) -> dict[str, Any]:
        newest = ImageTag.objects.filter(tag=row).select_related("image").order_by("-image_id")
        pictures: list[Image] = [use.image for use in newest[:SHOWN_PICTURES]]
        return {
            "tag": row,
            "pictures": pictures,
            "search": str(Query((Term(row.name, "tag"),))),
            "aliases": _first(row.aliases.all(), lambda alias: alias.name),
            "implied": _first(
                row.implications.select_related("implied"), lambda row: row.implied.name
            ),
            "implying": _first(row.implied_by.select_related("tag"), lambda row: row.tag.name),
            "stands_for": TagAlias.objects.filter(name=row.name).select_related("tag").first(),
        }


def _first(rows: QuerySet[Any], name: Callable[[Any], str]) -> list[Any]:
    """A page's worth of rules by their names; the tables have them all."""
    return sorted(rows.order_by()[:SHOWN_RULES], key=name)


def _several(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def change_rules(request: HttpRequest, pk: int) -> HttpResponse:
    """Aliases and implications as a tag's own page asks for them."""
    if not request.user.has_perm("gallery.change_tag"):
        raise PermissionDenied
    tag = get_object_or_404(Tag, pk=pk)
    action, name = request.POST.get("action", ""), request.POST.get("name", "")[:300]
    made = {
        "add_alias": partial(tag_names.add_alias, name, tag.name, request.user),
        "add_implied": partial(tag_names.add_implication, tag.name, name, request.user),
        "add_implying": partial(tag_names.add_implication, name, tag.name, request.user),
    }.get(action)
    try:
        if made is not None:
            settled(request, made)
        elif not _taken_away(request, action, tag):
            messages.error(request, "That rule is gone already.")
    except TagRefused as refused:
        messages.error(request, str(refused))
    return HttpResponseRedirect(reverse("admin:gallery_tag_change", args=[tag.pk]))


def _taken_away(request: HttpRequest, action: str, tag: Tag) -> bool:
    number = number_in(request.POST.get("row", "")) or 0
    if action == "remove_alias":
        alias = tag.aliases.filter(pk=number).first()
        if alias is not None:
            said = f"“{alias.name}” stands for itself again."
            settled(request, partial(tag_names.remove_alias, alias), said)
            return True
    if action == "remove_implication":
        row = TagImplication.objects.filter(pk=number).select_related("tag", "implied").first()
        if row is not None and tag in (row.tag, row.implied):
            said = f"“{row.tag}” does not imply “{row.implied}” any more."
            settled(request, partial(tag_names.remove_implication, row), said)
            return True
    return False


def change_image_tags(request: HttpRequest, pk: int) -> HttpResponse:
    """Tags of one picture as its page asks for them: taken off, put back, said by hand."""
    if not request.user.has_perm("gallery.change_image"):
        raise PermissionDenied
    image = get_object_or_404(Image, pk=pk)
    action, name = request.POST.get("action", ""), normalised(request.POST.get("name", "")[:300])
    if not name:
        messages.error(request, "Write a word; signs alone are no tag.")
    elif action == "add":
        labels.write_label(image, Label.Kind.TAG, name, created_by=request.user)
        messages.success(request, f"It carries “{name}”.")
    elif action == "take_off":
        labels.take_tag_off(image, name, request.user)
        messages.success(request, f"“{name}” is off this picture, whoever says it again.")
    elif action == "put_back":
        labels.put_tag_back(image, name)
        messages.success(request, f"“{name}” stands again where labels say it.")
    else:
        messages.error(request, "Choose what to do with the tag.")
    return HttpResponseRedirect(reverse("admin:gallery_image_change", args=[pk]))


# --- The tables of rules -------------------------------------------------------------------------


def _word_field(label: str, help_text: str = "") -> forms.CharField:
    field = forms.CharField(label=label, max_length=100, help_text=help_text)
    field.widget.attrs.update({"autocomplete": "off", "data-complete-tag": ""})
    return field


class AliasForm(StartForm):
    intro = "Labels that say the alias keep their words; the pictures carry the tag instead."
    name = _word_field("Alias")
    to = _word_field("Stands for")

    @property
    def verb(self) -> str:
        return "Add the alias"


class ImplicationForm(StartForm):
    intro = "Every picture that carries the first tag carries the second too."
    tag = _word_field("Tag")
    implied = _word_field("Implies")

    @property
    def verb(self) -> str:
        return "Add the implication"


class RuleAdmin(ReadOnlyAdmin):
    """Rules are made on a page of their own, and taken away; none is edited."""

    start_template = "admin/gallery/tag/rule.html"
    change_list_template = "admin/gallery/tag/rules.html"
    sortable_by = ()
    list_per_page = 100
    list_max_show_all = 0

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(f"gallery.delete_{self.opts.model_name}"))

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {}

    @admin.display(description="Made")
    def shown_age(self, row: Any) -> str | SafeString:
        return ago(row.created_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    def started(self, request: HttpRequest, job: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:gallery_{self.opts.model_name}_changelist"))

    def make(self, request: HttpRequest, change: Callable[[], Ruled]) -> Any:
        try:
            return settled(request, change).row
        except TagRefused as refused:
            raise Problem(422, "invalid", str(refused), refused.field) from None


@admin.register(TagAlias)
class TagAliasAdmin(RuleAdmin):
    start_form = AliasForm
    start_name = "gallery_tagalias_start"
    start_title = "Add an alias"
    list_display = ("name", "stands_for", "created_by", "shown_age")
    list_select_related = ("tag", "created_by")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("name",)

    @admin.display(description="Stands for")
    def stands_for(self, alias: TagAlias) -> SafeString:
        return tag_link(alias.tag)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "stands_for", "created_by", "shown_age")

    def start(self, request: HttpRequest, form: StartForm) -> Any:
        told = form.cleaned_data
        return self.make(
            request, partial(tag_names.add_alias, told["name"], told["to"], request.user)
        )

    def delete_model(self, request: HttpRequest, obj: TagAlias) -> None:
        said = f"“{obj.name}” stands for itself again."
        settled(request, partial(tag_names.remove_alias, obj), said)


@admin.register(TagImplication)
class TagImplicationAdmin(RuleAdmin):
    start_form = ImplicationForm
    start_name = "gallery_tagimplication_start"
    start_title = "Add an implication"
    list_display = ("shown_rule", "first", "second", "created_by", "shown_age")
    list_select_related = ("tag", "implied", "created_by")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-id",)

    @admin.display(description="Rule")
    def shown_rule(self, row: TagImplication) -> str:
        return str(row)

    @admin.display(description="Tag")
    def first(self, row: TagImplication) -> SafeString:
        return tag_link(row.tag)

    @admin.display(description="Implies")
    def second(self, row: TagImplication) -> SafeString:
        return tag_link(row.implied)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("first", "second", "created_by", "shown_age")

    def start(self, request: HttpRequest, form: StartForm) -> Any:
        told = form.cleaned_data
        return self.make(
            request, partial(tag_names.add_implication, told["tag"], told["implied"], request.user)
        )

    def delete_model(self, request: HttpRequest, obj: TagImplication) -> None:
        said = f"“{obj.tag}” does not imply “{obj.implied}” any more."
        settled(request, partial(tag_names.remove_implication, obj), said)
