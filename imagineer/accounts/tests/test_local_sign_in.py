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
