"""What an admin should see to, with what to do about it.

A room adds its own with :func:`register`; a check is called about every ten seconds while the
front page is open, so it must be cheap and may not raise for what it looks for.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings

from imagineer import words
from imagineer.jobs import overview

logger = logging.getLogger(__name__)

KEEP_SECONDS = 10.0
LITTLE_DISK = 2 * 10**9
LITTLE_DISK_SHARE = 0.05


@dataclass(frozen=True)
class Notice:
    """text: what is the matter; remedy: what to do. is_serious: something does not work now."""

    text: str
    remedy: str
    is_serious: bool = False
    url: str = ""


Check = Callable[[], Iterable[Notice]]

_checks: list[Check] = []
_kept: tuple[float, list[Notice]] | None = None


def register(check: Check) -> Check:
    """Also usable as a decorator."""
    if check not in _checks:
        _checks.append(check)
    return check


def warnings() -> list[Notice]:
    """What all checks say, serious ones first; at most some seconds old."""
    global _kept
    now = time.monotonic()
    if _kept is None or now - _kept[0] > KEEP_SECONDS:
        found = [notice for check in list(_checks) for notice in _run(check)]
        _kept = (now, sorted(found, key=lambda notice: not notice.is_serious))
    return _kept[1]


def forget() -> None:
    """Look again at the next call."""
    global _kept
    _kept = None


def _run(check: Check) -> list[Notice]:
    try:
        return list(check())
    except Exception:
        # A broken check must not take the front page down with it.
        logger.exception("The console check %s failed", getattr(check, "__name__", check))
        return []


@register
def workers() -> Iterator[Notice]:
    seen = overview.look()
    if not seen.reachable:
        where = (
            "Check REDIS_URL and that the server runs."
            if settings.REDIS_URL
            else ("Start Imagineer with “make run”, which starts it too.")
        )
        yield Notice(
            "The queue server does not answer, so no job starts.",
            f"{where} Nothing is lost: waiting jobs start once it is back.",
            is_serious=True,
        )
        return
    for name in seen.unattended:
        yield Notice(
            f"No worker works on the {name} queue; its jobs wait.",
            f"Start one: manage.py worker {name}",
            is_serious=True,
        )


@register
def sign_in() -> Iterator[Notice]:
    if settings.GOOGLE_CLIENT_ID and not settings.ADMIN_EMAILS:
        yield Notice(
            "Google sign-in is on, but nobody is on the list of admins.",
            "Set ADMIN_EMAILS to the addresses that may sign in.",
            is_serious=True,
        )
    if bool(settings.GOOGLE_CLIENT_ID) != bool(settings.GOOGLE_CLIENT_SECRET):
        missing = "GOOGLE_CLIENT_SECRET" if settings.GOOGLE_CLIENT_ID else "GOOGLE_CLIENT_ID"
        yield Notice("Google sign-in is set up by half.", f"Set {missing} as well.")


@register
def claude_key() -> Iterator[Notice]:
    if not settings.ANTHROPIC_API_KEY:
        yield Notice(
            "Claude cannot label pictures: no API key is set.",
            "Set ANTHROPIC_API_KEY and restart the workers. Everything else works without it.",
        )


@register
def disk() -> Iterator[Notice]:
    try:
        usage = shutil.disk_usage(settings.DATA_DIR)
    except OSError:
        return
    if usage.free < max(LITTLE_DISK, usage.total * LITTLE_DISK_SHARE):
        yield Notice(
            f"The disk is almost full: {words.size(usage.free)} of {words.size(usage.total)} left.",
            "Delete pictures or models not needed, or move IMAGINEER_DATA to a larger disk.",
            is_serious=usage.free < LITTLE_DISK // 4,
        )


@register
def debug() -> Iterator[Notice]:
    if settings.PRODUCTION and settings.DEBUG:
        yield Notice(
            "DEBUG is on, so visitors see the inside of every error.",
            "Set DEBUG=0 and restart the web server.",
            is_serious=True,
        )
