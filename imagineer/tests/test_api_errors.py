"""What no operation answers is told in the API's own words as well."""

from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

# The same in every process that collects tests.
NO_JOB = UUID(int=1)

pytestmark = pytest.mark.django_db


def told(response) -> tuple[int, str, str | None]:
    assert response["Content-Type"].startswith("application/json")
    error = response.json()["error"]
    assert error["message"]
    return response.status_code, error["code"], error["field"]


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nowhere", "/api/images/1/nowhere/", "/api/images/"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_address_is_missing(path: str, method: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert told(browser.generic(method, path)) == (404, "not_found", None)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/images", "GET"),
        ("GET", "/api/images/upload", "POST"),
        ("DELETE", "/api/albums", "GET, POST"),
        ("POST", f"/api/jobs/{NO_JOB}/events", "GET"),
    ],
)
def test_a_wrong_method_names_those_that_work(
    client: Client, method: str, path: str, allowed: str
) -> None:
    response = client.generic(method, path)
    assert told(response) == (405, "method_not_allowed", None)
    assert response["Allow"] == allowed
    assert allowed in response.json()["error"]["message"]


def test_a_wrong_method_is_told_by_async_servers_too(async_client: AsyncClient) -> None:
    response = async_to_sync(async_client.post)(f"/api/jobs/{NO_JOB}/events")
    assert told(response) == (405, "method_not_allowed", None)
