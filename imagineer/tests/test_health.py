import pytest

pytestmark = pytest.mark.django_db


def test_it_answers_whatever_the_host_name(client):
    response = client.get("/healthz", headers={"host": "10.1.2.3"})
    assert (response.status_code, response.content) == (200, b"ok")


def test_it_answers_over_plain_http_in_production(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
