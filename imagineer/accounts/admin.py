"""People and API tokens in the console: a token is made here and shown once."""

from typing import TYPE_CHECKING, Any

from allauth.socialaccount.models import SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from imagineer.accounts.models import ApiToken, digest_of, new_token

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[ApiToken]
    PersonModelAdmin = UserAdmin[User]
else:  # The classes are generic in their type stubs alone.
    ModelAdmin = admin.ModelAdmin
    PersonModelAdmin = UserAdmin

# One is an admin or is not: there are no groups and permissions. Google's keys are settings.
for unused in (Group, SocialApp, SocialToken, User):
    admin.site.unregister(unused)


@admin.register(User)
class PersonAdmin(PersonModelAdmin):
    list_display = ("username", "email", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "email", "first_name", "last_name", "password")}),
        (None, {"fields": ("is_staff", "is_active")}),
        (None, {"fields": ("last_login", "date_joined")}),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "is_staff":
            kwargs |= {"label": "Admin", "help_text": "May use the console and change everything."}
        elif db_field.name == "is_active":
            kwargs |= {"label": "May sign in", "help_text": "Take it away instead of deleting."}
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Nobody locks themselves out."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        own = obj is not None and obj.pk == request.user.pk
        return (*fixed, "is_staff", "is_active") if own else fixed

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = obj is not None and obj.pk == request.user.pk
        return not own and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.is_superuser = obj.is_staff
        super().save_model(request, obj, form, change)


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    list_display = ("name", "user", "created_at", "last_used_at")
    list_select_related = ("user",)
    fields = ("name", "user", "created_at", "last_used_at")
    search_fields = ("name", "user__username")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return super().get_queryset(request).select_related("user")

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return ("name",) if obj is None else ("name", "user", "created_at", "last_used_at")

    def get_readonly_fields(
        self, request: HttpRequest, obj: ApiToken | None = None
    ) -> tuple[str, ...]:
        return () if obj is None else ("user", "created_at", "last_used_at")

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if not change:
            token = new_token()
            obj.user_id = int(request.user.pk or 0)
            obj.digest = digest_of(token)
            # Kept on this object only: it is gone once the answer is written.
            obj.plain = token  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Token “{obj.name}”",
            "opts": self.opts,
            "token": getattr(obj, "plain", ""),
            "list_url": reverse("admin:accounts_apitoken_changelist"),
        }
        return TemplateResponse(request, "admin/accounts/apitoken/made.html", context)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        messages.success(request, f"The token “{obj_display}” no longer works.")
        return HttpResponseRedirect(reverse("admin:accounts_apitoken_changelist"))
