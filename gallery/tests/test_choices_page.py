"""What visitors choose on every page: the NSFW switch and the theme."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
ADDRESSES = ("/preferences/nsfw", "/preferences/theme")


@pytest.mark.parametrize("choice", ["hide", "blur", "show"])
def test_the_nsfw_choice_is_remembered_and_leads_back(client: Client, choice: str) -> None:
    response = client.post("/preferences/nsfw", {"choice": choice, "next": "/albums/?after=x"})
    assert response["Location"] == "/albums/?after=x"
    assert client.cookies["nsfw"].value == choice
    assert f'value="{choice}" aria-pressed="true"' in client.get("/").content.decode()


def test_an_unknown_choice_changes_nothing(client: Client) -> None:
    client.post("/preferences/nsfw", {"choice": "everything"})
    assert "nsfw" not in client.cookies
    client.cookies["nsfw"] = "everything"
    assert 'value="blur" aria-pressed="true"' in client.get("/").content.decode()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_stands_in_the_page_from_the_first_byte(client: Client, theme: str) -> None:
    client.post("/preferences/theme", {"theme": theme})
    assert f'<html lang="en" data-theme="{theme}">' in client.get("/").content.decode()


def test_the_theme_can_follow_the_system_again(client: Client) -> None:
    client.post("/preferences/theme", {"theme": "dark"})
    client.post("/preferences/theme", {"theme": "auto"})
    assert '<html lang="en">' in client.get("/").content.decode()


def test_a_theme_nobody_offers_is_not_written_into_the_page(client: Client) -> None:
    client.cookies["theme"] = '"><script>'
    assert '<html lang="en">' in client.get("/").content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", ""]
)
def test_they_never_lead_to_another_site(client: Client, address: str, target: str) -> None:
    response = client.post(address, {"choice": "show", "theme": "dark", "next": target})
    assert response["Location"] == "/"


@pytest.mark.parametrize("address", ADDRESSES)
def test_they_take_no_get(client: Client, address: str) -> None:
    assert client.get(address).status_code == 405


@pytest.mark.parametrize("address", ADDRESSES)
def test_they_want_the_csrf_token_and_say_what_to_do_without(address: str) -> None:
    response = Client(enforce_csrf_checks=True).post(address, {"choice": "show"})
    assert response.status_code == 403
    assert "This form was too old" in response.content.decode()


@pytest.mark.parametrize("path", ["/", "/albums/", "/loras/", "/templates/", "/accounts/login/"])
def test_every_page_has_both_switches(client: Client, path: str) -> None:
    page = client.get(path).content.decode()
    assert 'action="/preferences/nsfw"' in page
    assert 'action="/preferences/theme"' in page
