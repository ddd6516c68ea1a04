"""Who gets in: allauth asks these adapters at every sign-up and sign-in.

Nobody signs up with a password; a Google account gets in only with a verified e-mail address
that stands in ADMIN_EMAILS, and is then an admin.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.http import Http404, HttpRequest
from django.shortcuts import render


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise Http404("Google sign-in is not set up: GOOGLE_CLIENT_ID is empty.") from None

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return admin_email(sociallogin) is not None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        # ?process=connect would tie a Google account to whoever is signed in.
        sociallogin.state["process"] = AuthProcess.LOGIN
        address = admin_email(sociallogin)
        if address is None:
            raise ImmediateHttpResponse(render(request, "account/refused.html", status=403))
        if sociallogin.is_existing:
            make_admin(sociallogin.user, address)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> Any:
        user = super().save_user(request, sociallogin, form)
        make_admin(user, admin_email(sociallogin) or "")
        return user


def admin_email(sociallogin: SocialLogin) -> str | None:
    """The verified address of this sign-in that stands in ADMIN_EMAILS, if any."""
    for address in sociallogin.email_addresses:
        if address.verified and address.email.lower() in settings.ADMIN_EMAILS:
            return str(address.email).lower()
    return None


def make_admin(user: Any, address: str) -> None:
    """Give the rights, and show the address that earned them."""
    user.is_staff = True
    user.is_superuser = True
    user.email = address
    user.save(update_fields=["is_staff", "is_superuser", "email"])
