"""Console pages that start a run (one form, its price, one button with the verb) and show it.

Any room's ``admin.py`` may use this module; it knows no room. See docs/console.md.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.forms.boundfield import BoundField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from imagineer import words
from imagineer.console_rows import ModelAdmin, RowAdmin, newest
from imagineer.jobs.models import Job, Status
from imagineer.jobs.templatetags.job_words import ago, state
from imagineer.problems import Problem

if TYPE_CHECKING:
    ManyRows = forms.ModelMultipleChoiceField[Any]
else:  # The class is generic in its type stubs alone.
    ManyRows = forms.ModelMultipleChoiceField


def number_field(low: int, high: int, told: str = ".", **options: Any) -> forms.IntegerField:
    """A whole number within bounds, which its help names first; told: how the help goes on."""
    help_text = f"{words.bounds(low, high)}{told}"
    return forms.IntegerField(min_value=low, max_value=high, help_text=help_text, **options)


class RowsField(ManyRows):
    """Some of a table's rows, by their numbers."""

    def clean(self, value: Any) -> Any:
        for one in value or ():
            # A database stumbles over numbers that are too large for its columns.
            if words.number_in(str(one)) is None:
                wrong = self.error_messages["invalid_pk_value"]
                raise forms.ValidationError(wrong, "invalid_pk_value", {"pk": str(one)[:50]})
        return super().clean(value)


class StartForm(forms.Form):
    """What a run needs to know. Fields not named in ``first`` are folded under "More"."""

    required_css_class = "required"
    first: tuple[str, ...] = ()
    intro = ""

    @property
    def cost(self) -> str:
        """What the run will take (time, tokens, disk), shown before the button.

        Called bound or unbound, valid or not: read values through :meth:`value`.
        """
        return ""

    @property
    def verb(self) -> str:
        """What the button says, e.g. "Train 1 500 steps"."""
        return "Start"

    def value(self, name: str) -> Any:
        """The field's cleaned value as it is now: typed, told by the page's address, or initial.

        None while it is not valid: anybody may write anything into an address.
        """
        field = self.fields[name]
        if not self.is_bound and name not in self.initial:
            return self.get_initial_for_field(field, name)
        try:
            return field.clean(self[name].data if self.is_bound else self.initial[name])
        except forms.ValidationError:
            return None

    def first_fields(self) -> list[BoundField]:
        names = self.first or tuple(self.fields)
        return [self[name] for name in names if not self[name].is_hidden]

    def more_fields(self) -> list[BoundField]:
        first = set(self.first or self.fields)
        return [bound for bound in self.visible_fields() if bound.name not in first]

    def more_has_errors(self) -> bool:
        return any(bound.errors for bound in self.more_fields())


class StartAdmin(ModelAdmin):
    """A ModelAdmin of runs: its add page is a :class:`StartForm` that submits a job.

    start_name: the page's URL name inside the admin, e.g. ``training_start``.
    """

    start_form: type[StartForm] = StartForm
    start_name = ""
    start_title = "Start"
    start_template = "admin/start_form.html"

    def start(self, request: HttpRequest, form: StartForm) -> Any:
        """Write the run and its job in one transaction and return the job.

        The form is valid. Raise Problem: its message is shown at the field it names.
        """
        raise NotImplementedError

    def start_context(self, request: HttpRequest, form: StartForm) -> dict[str, Any]:
        """What a room's own template needs beside the form."""
        return {}

    def start_initial(self, request: HttpRequest) -> dict[str, Any]:
        """Values that the form starts with; by default those named in the address."""
        known = self.start_form.base_fields
        initial: dict[str, Any] = {}
        for name in request.GET:
            if name in known:
                many = isinstance(
                    known[name], forms.MultipleChoiceField | forms.ModelMultipleChoiceField
                )
                initial[name] = request.GET.getlist(name) if many else request.GET[name]
        return initial

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.start_view)
        return [path("start/", page, name=self.start_name), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        address = reverse(f"admin:{self.start_name}")
        return HttpResponseRedirect(f"{address}?{query}" if query else address)

    def start_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            return HttpResponse("Only admins may do this.", status=403)
        if request.method != "POST":
            form = self.start_form(initial=self.start_initial(request))
            return self._start_page(request, form)
        form = self.start_form(request.POST, request.FILES)
        if request.headers.get("X-Estimate"):
            return JsonResponse({"cost": form.cost, "verb": form.verb})
        if form.is_valid():
            try:
                job = self.start(request, form)
            except Problem as problem:
                field = problem.field if problem.field in form.fields else None
                form.add_error(field, problem.message)
            else:
                return self.started(request, job)
        return self._start_page(request, form, status=422)

    def started(self, request: HttpRequest, job: Any) -> HttpResponse:
        """Where the browser goes after :meth:`start`, with what that returned."""
        messages.success(request, f"{job} is on its way.")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))

    def _start_page(
        self, request: HttpRequest, form: StartForm, status: int = 200
    ) -> TemplateResponse:
        names = self.model._meta
        context = {
            **self.admin_site.each_context(request),
            "title": self.start_title,
            "form": form,
            "list_url": reverse(f"admin:{names.app_label}_{names.model_name}_changelist"),
            "list_label": str(names.verbose_name_plural).capitalize(),
            "opts": names,
            **self.start_context(request, form),
        }
        return TemplateResponse(request, self.start_template, context, status=status)


class ReadOnlyAdmin(RowAdmin, StartAdmin):
    """Rows that are made by their start page and never edited: a page of facts."""

    list_per_page = 50
    ordering = ("-created_at", "-id")
    actions = None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ()


class StateFilter(admin.SimpleListFilter):
    """The newest runs whose job is in a state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Status.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        # Not by a join: the database would begin with the jobs, and then sort their runs.
        job = Job.objects.filter(pk=OuterRef("job_id"), status=value)
        return newest(queryset).filter(Exists(job))


class RunAdmin(ReadOnlyAdmin):
    """Runs: rows that have a job, with the columns that tell its state."""

    list_filter: ClassVar[tuple[Any, ...]] = (StateFilter,)

    @admin.display(description="State", ordering="job__status")
    def shown_state(self, run: Any) -> SafeString:
        return state(run.job)

    @admin.display(description="Asked for", ordering="created_at")
    def shown_age(self, run: Any) -> str | SafeString:
        return ago(run.created_at)


def folded(fields: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """The "More" fieldset of a ModelAdmin: ``fieldsets = ((None, …), folded(["seed"]))``."""
    return ("More", {"fields": tuple(fields), "classes": ("collapse",)})
