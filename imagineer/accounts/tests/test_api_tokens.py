import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory

from gallery.models import Album
from imagineer.accounts.models import ApiToken, digest_of, new_token
from imagineer.accounts.permissions import token_user

pytestmark = pytest.mark.django_db
User = get_user_model()


def make_token(*, is_staff: bool = False) -> str:
    user = User.objects.create_user("scripts", password="x", is_staff=is_staff)
    token = new_token()
    ApiToken.objects.create(user=user, name="nightly import", digest=digest_of(token))
    return token


def test_a_token_stands_for_its_admin():
    token = make_token(is_staff=True)
    assert token_user(token).username == "scripts"
    assert ApiToken.objects.get().last_used_at is not None


def test_a_token_of_somebody_without_rights_is_worth_nothing():
    assert token_user(make_token()) is None


def test_an_unknown_token_is_nobody():
    make_token(is_staff=True)
    assert token_user(new_token()) is None
    assert token_user("") is None


def test_the_token_itself_is_not_kept():
    token = make_token(is_staff=True)
    assert token not in str(ApiToken.objects.values().get())


def test_a_script_may_write_with_a_token_and_without_csrf(client):
    token = make_token(is_staff=True)
    request = {"name": "From a script"}
    refused = client.post("/api/albums", request, content_type="application/json")
    assert refused.status_code == 401
    allowed = client.post(
        "/api/albums",
        request,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert allowed.status_code in (200, 201)


def test_the_csrf_token_is_asked_of_browsers(rf: RequestFactory):
    from django.test import Client

    user = User.objects.create_superuser("admin", password="x")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    response = client.post("/api/albums", {"name": "Forged"}, content_type="application/json")
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "csrf_failed"
    client.logout()
    response = client.post("/api/albums", {"name": "Forged"}, content_type="application/json")
    assert response.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(client, scheme):
    album = Album.objects.create(name="Private", is_public=False)
    header = {"Authorization": f"{scheme} {make_token(is_staff=True)}"}
    assert client.get(f"/api/albums/{album.pk}", headers=header).status_code == 200
    assert client.delete(f"/api/albums/{album.pk}", headers=header).status_code == 204


@pytest.mark.parametrize("value", ["Basic {}", "{}", "Bearer", "Bearer x", "bearer{}"])
def test_another_header_is_nobody_s(client, value):
    album = Album.objects.create(name="Private", is_public=False)
    header = {"Authorization": value.format(make_token(is_staff=True))}
    assert client.get(f"/api/albums/{album.pk}", headers=header).status_code == 404
    assert client.delete(f"/api/albums/{album.pk}", headers=header).status_code == 401
