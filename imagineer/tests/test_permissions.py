"""Every address and every API operation, as a visitor, as an account without rights, as an admin.

New addresses are found by themselves: a write that forgot its ``auth=ADMIN`` fails here, and a
read that visitors are to have must be named in imagineer.tests.addresses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from imagineer.api import api
from imagineer.tests.addresses import API as PUBLIC_READS
from imagineer.tests.addresses import PUBLIC_POSTS

pytestmark = pytest.mark.django_db
User = get_user_model()

# Signing in and out.
PUBLIC_SIGN_IN = {"account_login", "account_logout", "google_login", "google_callback"}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str

    @property
    def url(self) -> str:
        """The path with an id filled in that no row has."""
        path = self.path
        for name in re.findall(r"{(\w+)}", path):
            path = path.replace("{" + name + "}", str(uuid4()) if "job" in name else "987654")
        return path


def operations() -> list[Operation]:
    schema = api.get_openapi_schema()
    return [
        Operation(method.upper(), path)
        for path, methods in schema["paths"].items()
        for method in methods
    ]


def call(client: Client, operation: Operation) -> int:
    response = client.generic(
        operation.method, operation.url, b"{}", content_type="application/json"
    )
    response.close()
    return response.status_code


def test_there_are_operations_to_ask():
    assert len(operations()) > 30
    assert {operation.method for operation in operations()} >= {"GET", "POST", "PUT", "DELETE"}
    reads = {operation.path for operation in operations() if operation.method == "GET"}
    assert set(PUBLIC_READS) - {"/api/openapi.json"} <= reads, "a public read is gone or renamed"


@pytest.mark.parametrize("operation", operations(), ids=lambda o: f"{o.method} {o.path}")
@pytest.mark.parametrize("signed_in", [False, True], ids=["visitor", "account without rights"])
def test_an_operation_is_refused_to_all_but_admins_unless_it_is_a_public_read(
    client, operation, signed_in
):
    if signed_in:
        client.force_login(User.objects.create_user("plain", password="x"))
    status = call(client, operation)
    if operation.method == "GET" and operation.path in PUBLIC_READS:
        assert status in (200, 404, 422)
    else:
        assert status == 401


@pytest.mark.parametrize("operation", operations(), ids=lambda o: f"{o.method} {o.path}")
def test_an_operation_answers_an_admin_without_a_crash(client, operation):
    client.force_login(User.objects.create_superuser("admin", password="x"))
    status = call(client, operation)
    assert status < 500
    assert status not in (401, 403)


def patterns(
    found: list[URLPattern | URLResolver], prefix: str = "", names: str = ""
) -> Iterator[tuple[str, str]]:
    """(address with placeholders filled in, namespaced name) of every page."""
    for pattern in found:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{names}{pattern.namespace}:" if pattern.namespace else names
            yield from patterns(pattern.url_patterns, path, inner)
        else:
            yield filled(path), names + (pattern.name or "")


def filled(path: str) -> str:
    path = re.sub(r"<(?:int|path):\w+>", "987654", path)
    path = re.sub(r"<(?:slug|str):\w+>|<\w+>", "none", path)
    path = re.sub(r"\(\?P<\w+>.*?\)", "none", path)
    return "/" + re.sub(r"[\^$\\]|\.\*", "", path)


PAGES = [page for page in patterns(get_resolver().url_patterns) if not page[1].startswith("api:")]


def test_there_are_pages_to_ask():
    names = {name for _, name in PAGES}
    assert {"gallery:latest", "gallery:image", "generation:loras", "admin:index"} <= names


@pytest.mark.parametrize(("path", "name"), PAGES, ids=[name or path for path, name in PAGES])
@pytest.mark.parametrize("signed_in", [False, True], ids=["visitor", "account without rights"])
def test_a_page_gives_nothing_of_the_console_and_takes_no_write(client, path, name, signed_in):
    if signed_in:
        client.force_login(User.objects.create_user("plain", password="x"))
    response = client.get(path)
    assert response.status_code < 500
    if path.startswith("/admin/"):
        refused = (302, 403, 404) if signed_in else (302, 404)
        assert response.status_code in refused, "the console asks to sign in"
        assert client.post(path).status_code in (*refused, 405)
    elif name not in PUBLIC_POSTS | PUBLIC_SIGN_IN:
        assert client.post(path).status_code in (403, 404, 405)


@pytest.mark.parametrize(("path", "name"), PAGES, ids=[name or path for path, name in PAGES])
def test_a_page_does_not_crash_for_an_admin(client, path, name):
    client.force_login(User.objects.create_superuser("admin", password="x"))
    assert client.get(path).status_code < 500
