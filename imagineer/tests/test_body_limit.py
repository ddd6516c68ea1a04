"""What is asked of a request before its body is read, and that it is not read then."""

import asyncio
import json
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.test import Client

from imagineer.accounts.models import ApiToken, digest_of, new_token
from imagineer.body_limit import ANYONE_S_BYTES, limit_bodies

pytestmark = pytest.mark.django_db(transaction=True)
User = get_user_model()
LARGE = 3 * ANYONE_S_BYTES
CHUNK = 100_000


class Exchange:
    """One request sent to the limit, with an application behind it that reads the whole body."""

    def __init__(
        self, size: int, *, path: str = "/api/images/upload", told: bool = True, **headers: Any
    ) -> None:
        self.size, self.asked, self.read = size, 0, 0
        self.sent: list[Any] = []
        pairs = {"content-type": "multipart/form-data; boundary=x", **headers}
        if told:
            pairs["content-length"] = str(size)
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
        }
        asyncio.run(limit_bodies(self.application)(self.scope, self.receive, self.send))

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            self.read += len(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive(self) -> dict[str, Any]:
        part = min(CHUNK, self.size - self.asked)
        self.asked += part
        return {"type": "http.request", "body": b"x" * part, "more_body": self.asked < self.size}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        assert len(self.sent) == 2, "one answer"
        return int(self.sent[0]["status"])

    @property
    def body(self) -> str:
        return str(self.sent[1]["body"].decode())


def cookie(user: Any) -> dict[str, Any]:
    client = Client()
    client.force_login(user)
    name = project.SESSION_COOKIE_NAME
    return {"cookie": f"{name}={client.cookies[name].value}"}


def strangers() -> dict[str, dict[str, Any]]:
    return {
        "a visitor": {},
        "a forged cookie": {"cookie": f"{project.SESSION_COOKIE_NAME}=forged"},
        "an account without rights": cookie(User.objects.create_user("plain", password="x")),
        "an unknown token": {"authorization": f"Bearer {new_token()}"},
    }


def admins() -> dict[str, dict[str, Any]]:
    user = User.objects.create_superuser("admin", password="x")
    token = new_token()
    ApiToken.objects.create(user=user, name="nightly import", digest=digest_of(token))
    return {"a session": cookie(user), "a token": {"authorization": f"bearer {token}"}}


@pytest.mark.parametrize("told", [True, False], ids=["told", "counted"])
def test_a_small_body_is_anyone_s(told: bool) -> None:
    exchange = Exchange(ANYONE_S_BYTES, told=told)
    assert (exchange.status, exchange.read) == (200, ANYONE_S_BYTES)


@pytest.mark.parametrize("told", [True, False], ids=["told", "counted"])
def test_a_large_body_is_an_admin_s(told: bool) -> None:
    for who, headers in admins().items():
        exchange = Exchange(LARGE, told=told, **headers)
        assert (exchange.status, exchange.read) == (200, LARGE), who


def test_a_stranger_s_large_body_is_not_read() -> None:
    for who, headers in strangers().items():
        exchange = Exchange(LARGE, **headers)
        assert (exchange.status, exchange.asked) == (403, 0), who
        error = json.loads(exchange.body)["error"]
        assert (error["code"], error["field"]) == ("admins_only", None)


def test_without_a_length_it_is_read_no_further_than_needed() -> None:
    for who, headers in strangers().items():
        exchange = Exchange(LARGE, told=False, **headers)
        assert exchange.status == 403, who
        assert exchange.asked <= ANYONE_S_BYTES + CHUNK


@pytest.mark.parametrize("told", [True, False], ids=["told", "counted"])
def test_a_body_over_the_limit_is_refused_to_admins_too(settings: Any, told: bool) -> None:
    settings.MAX_REQUEST_BYTES = 2_000_000
    for headers in admins().values():
        exchange = Exchange(LARGE, told=told, **headers)
        assert exchange.status == 413
        error = json.loads(exchange.body)["error"]
        assert error["code"] == "too_large"
        assert "at most 2 MB (MAX_REQUEST_MB)" in error["message"]
        assert exchange.asked <= (0 if told else 2_000_000 + CHUNK)


def test_a_form_s_answer_is_a_sentence(settings: Any) -> None:
    exchange = Exchange(5_000_000_000, path="/admin/gallery/image/add/")
    assert exchange.status == 413
    assert exchange.body.startswith("A request may have at most 4000 MB")
    assert (b"connection", b"close") in exchange.sent[0]["headers"]


def test_what_is_no_request_goes_through() -> None:
    seen = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(limit_bodies(application)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
