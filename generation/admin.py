"""Models, LoRAs and batch templates in the console; runs are in admin_runs."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from generation import admin_runs
from generation.forms import LoraForm, LoraUploadForm, preview
from generation.loras import delete_lora, on_disk, register_lora
from generation.models import BatchTemplate, ModelVersion
from imagineer import words
from imagineer.console_rows import CappedPaginator
from imagineer.console_start import folded
from imagineer.jobs.templatetags.job_words import ago

if TYPE_CHECKING:
    ModelVersionModelAdmin = admin.ModelAdmin[ModelVersion]
    BatchTemplateModelAdmin = admin.ModelAdmin[BatchTemplate]
else:  # The class is generic in its type stubs alone.
    ModelVersionModelAdmin = BatchTemplateModelAdmin = admin.ModelAdmin

__all__ = ["BatchTemplateAdmin", "ModelVersionAdmin", "admin_runs"]


@admin.register(ModelVersion)
class ModelVersionAdmin(ModelVersionModelAdmin):
    list_display = (
        "title", "type", "architecture", "trigger", "default_weight", "pictures", "is_active",
        "is_public", "added",
    )  # fmt: skip
    list_filter = ("type", "is_active")
    search_fields = ("name", "description")
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions = ("switch_on", "switch_off")
    change_form_template = "admin/generation/model.html"

    @admin.display(description="model", ordering="name")
    def title(self, version: ModelVersion) -> str:
        return str(version) if version.type == ModelVersion.Type.LORA else version.name

    @admin.display(description="trigger words")
    def trigger(self, version: ModelVersion) -> str:
        return ", ".join(version.trigger_words)

    @admin.display(description="pictures")
    def pictures(self, version: ModelVersion) -> str:
        return words.thin(version.live_count)

    @admin.display(description="added", ordering="created_at")
    def added(self, version: ModelVersion) -> str:
        return ago(version.created_at)

    @admin.action(description="Offer the chosen ones again", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        self.message_user(request, f"{queryset.update(is_active=True)} are offered.")

    @admin.action(description="Offer the chosen ones no more", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        self.message_user(request, f"{queryset.update(is_active=False)} are offered no more.")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = LoraForm if change else LoraUploadForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first = ("name", "trigger_words", "default_weight", "is_active")
        if obj is None:
            return ((None, {"fields": ("file", *first[:3])}), folded(["description", "is_public"]))
        if obj.type != ModelVersion.Type.LORA:
            return ((None, {"fields": ("name", "description", "is_active")}),)
        return ((None, {"fields": first}), folded(["description", "is_public"]))

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        labels = {
            "is_active": "Offer it when pictures are drawn",
            "is_public": "Visitors may see it",
        }
        if db_field.name in labels:
            kwargs["label"] = labels[db_field.name]
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        data = form.cleaned_data
        with on_disk(data["file"]) as path:
            row = register_lora(
                path,
                name=data["name"],
                trigger_words=data["trigger_words"],
                default_weight=data["default_weight"],
                description=data["description"],
                is_public=data["is_public"],
            )
        obj.pk = row.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: ModelVersion) -> None:
        delete_lora(obj)

    def get_actions(self, request: HttpRequest) -> Any:
        # One by one, so that the file goes with its row.
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        version = context.get("original")
        if isinstance(version, ModelVersion):
            context["facts"] = _facts(version)
        return super().render_change_form(request, context, *args, **kwargs)


def _facts(version: ModelVersion) -> list[tuple[str, Any]]:
    """What the file says of itself, as people read it."""
    about = version.metadata
    tags = ", ".join(str(tag) for tag, _ in about.get("tag_counts", [])[:20])
    facts = [
        ("Kind", f"{version.get_type_display()}, for {version.architecture or 'any model'}"),
        ("Rank", about.get("rank")),
        ("Alpha", about.get("alpha")),
        ("Layers", about.get("layers")),
        ("Targets", ", ".join(about.get("targets", []))),
        *((label.capitalize(), value) for label, value in about.get("trained_with", {}).items()),
        ("Captions said", tags),
        ("File", version.file or version.repository),
        ("SHA-256", version.sha256),
    ]
    return [(label, value) for label, value in facts if value not in (None, "")]


class BatchTemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = BatchTemplate
        fields = (
            "name", "slug", "description", "csv", "base_prompt", "prompt_template",
            "style_suffix", "example_theme", "width", "height", "negative_prompt", "loras",
        )  # fmt: skip
        labels = {"csv": "CSV", "loras": "LoRAs"}
        widgets = {
            "csv": forms.Textarea(attrs={"rows": 14, "class": "mono", "spellcheck": "false"}),
            "description": forms.Textarea(attrs={"rows": 2}),
        }


@admin.register(BatchTemplate)
class BatchTemplateAdmin(BatchTemplateModelAdmin):
    form = BatchTemplateForm
    list_display = ("name", "row_count", "example_theme", "size_text", "draw")
    search_fields = ("name",)
    change_form_template = "admin/generation/template.html"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first = (
            "name", "csv", "prompt_template", "base_prompt", "example_theme", "style_suffix",
            "negative_prompt",
        )  # fmt: skip
        return (
            (None, {"fields": first}),
            folded(["description", "width", "height", "loras", "slug"]),
        )

    @admin.display(description="rows")
    def row_count(self, template: BatchTemplate) -> int:
        return len(template.rows)

    @admin.display(description="size")
    def size_text(self, template: BatchTemplate) -> str:
        return template.size_text

    @admin.display(description="")
    def draw(self, template: BatchTemplate) -> SafeString:
        address = f"{reverse('admin:generation_batch')}?template={template.pk}"
        return format_html('<a href="{}">Draw a batch</a>', address)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        template = context.get("original")
        if isinstance(template, BatchTemplate):
            context["preview"] = preview(template, template.example_theme)
            context["runs"] = template.runs.with_counts().select_related("job", "album")[:10]
        return super().render_change_form(request, context, *args, **kwargs)
