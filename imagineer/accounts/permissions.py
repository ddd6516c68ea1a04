"""Who is an admin: the one question that decides about every write."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer
from ninja.security.session import SessionAuth

from imagineer.accounts.models import PREFIX, ApiToken, digest_of


def is_admin(user: Any) -> bool:
    """Whether this user may write: active staff, as :mod:`imagineer.accounts.adapter` made them.

    Whoever came through Google is asked again at every request: taking an address out of
    ADMIN_EMAILS ends that admin's sessions and tokens. Local accounts have a password.
    """
    if not (user and user.is_authenticated and user.is_active and user.is_staff):
        return False
    return user.has_usable_password() or user.email.lower() in settings.ADMIN_EMAILS


class SessionAdmin(SessionAuth):
    """A signed-in admin's browser; CSRF is checked."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user if is_admin(request.user) else None


class TokenAdmin(HttpBearer):
    """An admin's script: ``Authorization: Bearer <token>``."""

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


def is_admin_request(request: HttpRequest) -> bool:
    """For operations open to all that tell admins more: session or bearer token."""
    if is_admin(request.user):
        return True
    header = request.headers.get("Authorization", "")
    return header.startswith("Bearer ") and token_user(header.removeprefix("Bearer ")) is not None


ADMIN = [TokenAdmin(), SessionAdmin()]
"""``auth=ADMIN`` on every operation that writes or tells what only admins may know."""
