"""The words of the prompts in the console: versions, and what changed from one to the next."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest

from imagineer import words
from labeling.models import Prompt

if TYPE_CHECKING:
    PromptModelAdmin = admin.ModelAdmin[Prompt]
else:  # The class is generic in its type stubs alone.
    PromptModelAdmin = admin.ModelAdmin


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
