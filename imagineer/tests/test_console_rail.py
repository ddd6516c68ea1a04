import pytest
from django.test import Client
from django.urls import reverse


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["index", "settings", "password_change"])
def test_it_opens_for_an_admin(admin_client: Client, name: str) -> None:
    response = admin_client.get(reverse(f"admin:{name}"))
    assert response.status_code == 200
    assert 'aria-current="page"' in response.content.decode() or name == "password_change"
