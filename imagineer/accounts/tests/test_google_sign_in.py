from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
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


def sign_in(client: Client, query: str = ""):
    """The whole round: our button, Google's consent (taken as given), our callback."""
    start = client.post(f"/accounts/google/login/{query}")
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


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/accounts/password/set/", {"password1": "qwpo1290!", "password2": "qwpo1290!"}),
        ("/accounts/email/", {"action_add": "", "email": "listed@example.org"}),
        ("/accounts/email/", {"action_primary": "", "email": "listed@example.org"}),
        ("/accounts/google/login/token/", {"credential": "x"}),
        ("/accounts/3rdparty/", {"account": "1"}),
    ],
)
def test_an_open_session_does_not_win_the_rights_back(account, client, settings, path, form):
    sign_in(client)
    settings.ADMIN_EMAILS = frozenset({"listed@example.org"})
    assert client.post(path, form).status_code == 404
    assert client.get("/admin/").status_code == 302


def test_a_password_does_not_stand_for_the_list(account, client, settings):
    sign_in(client)
    user = User.objects.get()
    user.set_password("set while still listed")
    user.save()
    settings.ADMIN_EMAILS = frozenset()
    client.force_login(user)
    assert client.get("/admin/").status_code == 302


def test_an_address_that_google_did_not_verify_gives_no_rights(account, client, settings):
    sign_in(client)
    settings.ADMIN_EMAILS = frozenset({"listed@example.org"})
    user = User.objects.get()
    user.email = "listed@example.org"
    user.save()
    EmailAddress.objects.create(user=user, email="listed@example.org", primary=False)
    assert client.get("/admin/").status_code == 302


def test_without_its_google_account_nothing_is_left(account, client):
    sign_in(client)
    SocialAccount.objects.all().delete()
    assert client.get("/admin/").status_code == 302


def test_an_address_that_changed_at_google_is_the_new_one(account, client, settings):
    sign_in(client)
    settings.ADMIN_EMAILS = frozenset({"new@example.org"})
    assert client.get("/admin/").status_code == 302
    account.email = "new@example.org"
    sign_in(client)
    assert client.get("/admin/").status_code == 200
    assert User.objects.count() == 1


def test_a_google_account_is_never_tied_to_whoever_is_signed_in(account, client):
    client.force_login(User.objects.create_user("plain", password="x"))
    sign_in(client, "?process=connect")
    assert SocialAccount.objects.get().user.username != "plain"


def test_cancelling_at_google_is_no_mistake(account, client):
    start = client.post("/accounts/google/login/")
    state = parse_qs(urlsplit(start["Location"]).query)["state"][0]
    back = {"error": "access_denied", "state": state}
    response = client.get("/accounts/google/login/callback/", back, follow=True)
    assert response.status_code == 200
    assert "Sign-in cancelled" in response.content.decode()


def test_an_account_that_was_closed_is_told_so(account, client):
    sign_in(client)
    client.post("/accounts/logout/")
    User.objects.update(is_active=False)
    start = client.post("/accounts/google/login/")
    state = parse_qs(urlsplit(start["Location"]).query)["state"][0]
    back = {"code": "c", "state": state}
    response = client.get("/accounts/google/login/callback/", back, follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/inactive/"
    assert client.get("/admin/").status_code == 302


def test_a_user_name_that_is_taken_is_no_hindrance(account, client):
    User.objects.create_user("friend", password="x")
    sign_in(client)
    assert client.get("/admin/").status_code == 200
