"""The words of the prompts in the console: versions, and what changed from one to the next."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.safestring import SafeString

from imagineer import texts, words
from imagineer.console_rows import RowAdmin
from imagineer.jobs.templatetags.job_words import ago
from labeling.models import Prompt
from labeling.prompt_diff import changes

LONGEST = 10_000


class PromptForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new prompt, or a new version of one whose kind exists."""

    text = forms.CharField(
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="What the labeler is told about the caption you want.",
    )

    class Meta:
        model = Prompt
        fields = ("kind", "name", "text")

    def clean_text(self) -> str:
        text = texts.unified(str(self.cleaned_data["text"]))
        if texts.has_control(text):
            raise forms.ValidationError(texts.CONTROL)
        return text


@admin.register(Prompt)
class PromptAdmin(RowAdmin):
    """Texts are never edited, because labels name them: a change is a new version."""

    form = PromptForm
    change_form_template = "admin/labeling/prompt/change_form.html"
    list_display = ("name", "kind", "version", "shown_age")
    list_filter = ("kind",)
    ordering = ("kind", "-version")
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

    def save_model(self, request: HttpRequest, obj: Prompt, form: Any, change: bool) -> None:
        obj.save_as_newest()

    @admin.display(description="Written")
    def shown_age(self, prompt: Prompt) -> str | SafeString:
        return ago(prompt.created_at)

    def page_context(self, request: HttpRequest, row: Prompt) -> dict[str, Any]:
        """All versions of the kind, and what this one changed of the one before."""
        kind = Prompt.objects.filter(kind=row.kind)
        before = kind.filter(version__lt=row.version).order_by("-version").first()
        return {
            "versions": kind.annotate(run_count=Count("runs")).order_by("-version"),
            "before": before,
            "parts": changes(before.text, row.text) if before else [],
        }
