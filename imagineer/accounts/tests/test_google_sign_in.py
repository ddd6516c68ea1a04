from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.contrib.auth import get_user_model
from django.test import Client

from imagineer.accounts.tests.google_server import CLIENT_ID, GoogleAccount, google_server

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def account(settings, monkeypatch) -> Iterator[GoogleAccount]:
    settings.ADMIN_EMAILS = frozenset({"friend@example.org"})
    app = {"client_id": CLIENT_ID, "secret": "s", "key": ""}
    google = settings.SOCIALACCOUNT_PROVIDERS["google"] | {"APPS": [app]}
    settings.SOCIALACCOUNT_PROVIDERS = {"google": google}
    account = GoogleAccount()
    with google_server(account) as address:
        monkeypatch.setattr(GoogleOAuth2Adapter, "access_token_url", address)
        yield account


def sign_in(client: Client):
    """The whole round: our button, Google's consent (taken as given), our callback."""
    start = client.post("/accounts/google/login/")
    state = parse_qs(urlsplit(start["Location"]).query)["state"][0]
    return client.get("/accounts/google/login/callback/", {"code": "c", "state": state})


def test_an_address_on_the_list_becomes_an_admin(account, client):
    response = sign_in(client)
    assert response["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    user = User.objects.get()
    assert (user.email, user.is_staff, user.is_superuser) == ("friend@example.org", True, True)
    assert account.seen[0]["code_verifier"], "PKCE is on"


def test_the_case_of_the_address_does_not_matter(account, client):
    account.email = "Friend@Example.ORG"
    sign_in(client)
    assert client.get("/admin/").status_code == 200


def test_a_stranger_is_refused_with_a_sentence_and_gets_no_account(account, client):
    account.email = "stranger@example.org"
    response = sign_in(client)
    assert response.status_code == 403
    assert "list of admins" in response.content.decode()
    assert not User.objects.exists()
    assert client.get("/admin/").status_code == 302


def test_an_unverified_address_on_the_list_is_refused(account, client):
    account.email_verified = False
    assert sign_in(client).status_code == 403
    assert not User.objects.exists()


def test_a_second_sign_in_is_the_same_user(account, client):
    sign_in(client)
    client.post("/accounts/logout/")
    sign_in(client)
    assert User.objects.count() == 1


def test_leaving_the_list_ends_a_session_at_once(account, client, settings):
    sign_in(client)
    settings.ADMIN_EMAILS = frozenset()
    assert client.get("/admin/").status_code == 302
    assert sign_in(client).status_code == 403


def test_a_local_account_with_the_address_is_joined(account, client):
    User.objects.create_user("me", "friend@example.org", "long and local", is_staff=True)
    sign_in(client)
    assert User.objects.count() == 1
    assert client.get("/admin/").status_code == 200


def test_a_forged_state_is_refused(account, client):
    client.post("/accounts/google/login/")
    response = client.get("/accounts/google/login/callback/", {"code": "c", "state": "forged"})
    assert response.status_code == 401
    assert not User.objects.exists()
    assert client.get("/admin/").status_code == 302
