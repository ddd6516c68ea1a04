import pytest
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views import defaults


@pytest.mark.django_db
def test_a_wrong_address_is_answered_by_a_page_of_the_family(client: Client) -> None:
    response = client.get("/nowhere/")
    assert response.status_code == 404
    page = response.content.decode()
    assert "There is nothing at this address" in page
    assert "tokens" in page


def answers() -> dict[str, HttpResponse]:
    request: HttpRequest = RequestFactory().get("/")
    return {
        "Something broke": defaults.server_error(request),
        "makes no sense": defaults.bad_request(request, ValueError("secret reason")),
    }


def test_a_crash_and_a_bad_request_are_answered_without_a_database() -> None:
    for words, response in answers().items():
        page = response.content.decode()
        assert words in page
        assert "secret reason" not in page


@pytest.mark.django_db
def test_a_refusal_says_how_to_get_in(rf: RequestFactory) -> None:
    assert "Sign in" in render_to_string("403.html", request=rf.get("/"))
