import pytest
from django.contrib.auth import get_user_model

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_a_local_admin_signs_in_with_a_password(client):
    User.objects.create_superuser("admin", password="generated once")
    response = client.post("/accounts/login/", {"login": "admin", "password": "generated once"})
    assert response["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_wrong_password_is_refused(client):
    User.objects.create_superuser("admin", password="generated once")
    response = client.post("/accounts/login/", {"login": "admin", "password": "guess"})
    assert response.status_code == 200
    assert client.get("/admin/").status_code == 302


def test_nobody_signs_up(client):
    form = {
        "email": "x@example.org",
        "username": "x",
        "password1": "qwpo1290!",
        "password2": "qwpo1290!",
    }
    client.post("/accounts/signup/", form)
    assert not User.objects.exists()


def test_an_account_without_rights_does_not_enter_the_console(client):
    user = User.objects.create_user("plain", password="x")
    client.force_login(user)
    assert client.get("/admin/").status_code == 302


def test_an_account_that_was_closed_is_told_so(client):
    User.objects.create_superuser("admin", password="generated once", is_active=False)
    form = {"login": "admin", "password": "generated once"}
    response = client.post("/accounts/login/", form, follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/inactive/"


@pytest.mark.parametrize("path", ["reset/", "set/", "change/"])
def test_passwords_are_set_in_the_console_alone(client, path):
    user = User.objects.create_user("plain", "plain@example.org", password="x")
    form = {"email": "plain@example.org", "password1": "qwpo1290!", "password2": "qwpo1290!"}
    assert client.post(f"/accounts/password/{path}", form).status_code == 404
    client.force_login(user)
    assert client.post(f"/accounts/password/{path}", form).status_code == 404
