"""Who is an admin: the one question that decides about every write."""

from datetime import timedelta
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer
from ninja.security.session import SessionAuth
from ninja.utils import check_csrf

from imagineer.accounts.models import PREFIX, ApiToken, digest_of
from imagineer.problems import Problem


def is_admin(user: Any) -> bool:
    """Whether this user may write: active staff, as :mod:`imagineer.accounts.adapter` made them.

    Whoever has a Google account is asked again at every request, password or not: taking an
    address out of ADMIN_EMAILS ends that admin's sessions and tokens. Local accounts have a
    password and nothing else.
    """
    if not (user and user.is_authenticated and user.is_active and user.is_staff):
        return False
    known = getattr(user, "_is_listed_or_local", None)
    if known is None:
        known = _is_listed_or_local(user)
        # Kept on this object alone: every request loads its own.
        user._is_listed_or_local = known
    return bool(known)


def _is_listed_or_local(user: Any) -> bool:
    accounts = list(SocialAccount.objects.filter(user=user).values_list("extra_data", flat=True))
    if not accounts:
        return bool(user.has_usable_password())
    return any(verified_address(told) in settings.ADMIN_EMAILS for told in accounts)


def verified_address(told: Any) -> str | None:
    """The address that Google vouched for at the last sign-in, in lower case."""
    if not isinstance(told, dict) or not (told.get("email_verified") or told.get("verified_email")):
        return None
    return str(told.get("email", "")).lower() or None


class SessionAdmin(SessionAuth):
    """A signed-in admin's browser; CSRF is checked."""

    def __call__(self, request: HttpRequest) -> Any:
        # Who is no admin hears that, not of a token that would not help.
        user = self.authenticate(request, None)
        if user is not None and check_csrf(request):
            raise Problem(
                403,
                "csrf_failed",
                "The CSRF token is missing or wrong. Send the csrftoken cookie's value in the "
                "header X-CSRFToken, or use an API token.",
            )
        return user

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user if is_admin(request.user) else None


class TokenAdmin(HttpBearer):
    """An admin's script: ``Authorization: Bearer <token>``."""

    def __call__(self, request: HttpRequest) -> Any:
        token = bearer(request)
        return None if token is None else self.authenticate(request, token)

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        user = token_user(token)
        if user is not None:
            request.user = user
        return user


def token_user(token: str) -> Any:
    """The admin whom a bearer token belongs to, or None."""
    if not token.startswith(PREFIX):
        return None
    found = ApiToken.objects.select_related("user").filter(digest=digest_of(token)).first()
    if found is None or not is_admin(found.user):
        return None
    now = timezone.now()
    if found.last_used_at is None or now - found.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found.user


def bearer(request: HttpRequest) -> str | None:
    """The token of ``Authorization: Bearer <token>``; the scheme's case does not matter."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def is_admin_request(request: HttpRequest) -> bool:
    """For operations open to all that tell admins more: session or bearer token."""
    if is_admin(request.user):
        return True
    token = bearer(request)
    return token is not None and token_user(token) is not None


ADMIN = [TokenAdmin(), SessionAdmin()]
"""``auth=ADMIN`` on every operation that writes or tells what only admins may know."""
