"""How large a request may be, asked before its body is read.

Django writes a whole body to disk before any view or middleware runs, so the questions are asked
one layer further out, of the ASGI messages. A large body costs one look at who sends it; all
others cost a comparison.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from io import BytesIO
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

ANYONE_S_BYTES = 1_000_000
"""What may come from whoever is no admin: forms for choices and for signing in."""


class Refused(Exception):
    """A body that is not read on: the answer's status, code and sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def limit_bodies(application: Application) -> Application:
    """The application, refusing bodies over MAX_REQUEST_MB, and large ones but from admins."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        trusted = False
        count = 0

        async def check(size: int) -> None:
            nonlocal trusted
            if size > settings.MAX_REQUEST_BYTES:
                megabytes = settings.MAX_REQUEST_BYTES // 1_000_000
                message = f"A request may have at most {megabytes} MB (MAX_REQUEST_MB)."
                raise Refused(413, "too_large", f"{message} Send fewer files at once.")
            if size > ANYONE_S_BYTES and not trusted:
                async with ThreadSensitiveContext():
                    trusted = await sync_to_async(_is_from_admin)(scope)
                if not trusted:
                    raise Refused(403, "admins_only", "Only admins may send as much as this.")

        async def receive_some() -> Message:
            # A body without a length in its header is counted as it comes.
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            await check(count)
            return message

        try:
            await check(_told_length(scope))
            await application(scope, receive_some, send)
        except Refused as refused:
            await _answer(scope, send, refused)

    return limited


def _told_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 19:
            return int(value)
    return 0


def _is_from_admin(scope: Scope) -> bool:
    """Whether the headers are an admin's: a session's cookie or a token."""
    # The models are there once Django is set up, which is after this module is imported.
    from importlib import import_module

    from django.contrib.auth import get_user
    from django.core.handlers.asgi import ASGIRequest
    from django.db import connections

    from imagineer.accounts.permissions import is_admin_request

    try:
        request = ASGIRequest(scope, BytesIO())
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        request.user = get_user(request)
        return is_admin_request(request)
    except UnicodeDecodeError:
        return False
    finally:
        connections.close_all()


async def _answer(scope: Scope, send: Send, refused: Refused) -> None:
    sentence = str(refused)
    if scope["path"].startswith("/api/"):
        kind = b"application/json; charset=utf-8"
        error = {"code": refused.code, "message": sentence, "field": None}
        body = json.dumps({"error": error}).encode()
    else:
        kind, body = b"text/plain; charset=utf-8", sentence.encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        # What was not read stays in the line.
        (b"connection", b"close"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
