import re
from typing import Any

import pytest
from django.test import Client

from imagineer.accounts.models import ApiToken, digest_of

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/apitoken/"


def make(client: Client, name: str = "nightly") -> tuple[str, ApiToken]:
    response = client.post(f"{LIST}add/", {"name": name})
    found = re.search(r'value="(img_[^"]+)"', response.content.decode())
    assert found
    assert "no-store" in response["Cache-Control"]
    return found[1], ApiToken.objects.get(name=name)


def test_a_token_is_shown_once_and_works(admin_client: Client, client: Client) -> None:
    token, row = make(admin_client)
    assert row.digest == digest_of(token)
    assert token not in admin_client.get(LIST).content.decode()
    assert token not in admin_client.get(f"{LIST}{row.pk}/change/").content.decode()
    header = {"Authorization": f"Bearer {token}"}
    assert client.delete("/api/images/999", headers=header).status_code == 404
    assert client.delete("/api/images/999").status_code == 401


def test_a_deleted_token_stops_working(admin_client: Client, client: Client) -> None:
    token, row = make(admin_client)
    page = admin_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}, follow=True)
    assert "no longer works" in page.content.decode()
    header = {"Authorization": f"Bearer {token}"}
    assert client.delete("/api/images/999", headers=header).status_code == 401


def test_it_is_renamed_and_nothing_else(admin_client: Client) -> None:
    token, row = make(admin_client)
    admin_client.post(f"{LIST}{row.pk}/change/", {"name": "weekly", "digest": "0" * 64})
    row.refresh_from_db()
    assert (row.name, row.digest) == ("weekly", digest_of(token))


def test_it_needs_a_name(admin_client: Client) -> None:
    response = admin_client.post(f"{LIST}add/", {"name": ""})
    assert response.status_code == 200
    assert not ApiToken.objects.exists()


def person(client: Client, pk: int, **fields: str) -> int:
    return client.post(f"/admin/auth/user/{pk}/change/", fields).status_code


def test_a_person_becomes_an_admin_and_stops_being_one(
    admin_client: Client, django_user_model: Any
) -> None:
    guest = django_user_model.objects.create_user("guest")
    fields = {"username": "guest", "is_active": "on"}
    assert person(admin_client, guest.pk, **fields, is_staff="on") == 302
    guest.refresh_from_db()
    assert (guest.is_staff, guest.is_superuser) == (True, True)
    assert person(admin_client, guest.pk, **fields) == 302
    guest.refresh_from_db()
    assert (guest.is_staff, guest.is_superuser) == (False, False)


def test_nobody_locks_themselves_out(admin_client: Client, admin_user: Any) -> None:
    assert person(admin_client, admin_user.pk, username="admin") == 302
    admin_user.refresh_from_db()
    assert (admin_user.is_staff, admin_user.is_active) == (True, True)
    response = admin_client.post(f"/admin/auth/user/{admin_user.pk}/delete/", {"post": "yes"})
    assert response.status_code == 403
