"""What is asked of crawlers."""

import urllib.robotparser
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def rules(client: Client) -> urllib.robotparser.RobotFileParser:
    response = client.get("/robots.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    parser = urllib.robotparser.RobotFileParser()
    parser.parse(response.content.decode().splitlines())
    return parser


def test_search_engines_see_pages_and_no_machinery(client: Client) -> None:
    found = rules(client)
    for path in ("/", "/images/1/", "/albums/deck/", "/tags/fox/", "/i/abc-300.webp"):
        assert found.can_fetch("Googlebot", path)
    for path in ("/admin/", "/api/images", "/accounts/login/", "/search/?q=fox"):
        assert not found.can_fetch("Googlebot", path)
    assert found.site_maps() == ["http://testserver/sitemap.xml"]


@pytest.mark.parametrize("agent", ["GPTBot", "CCBot", "ClaudeBot", "Google-Extended"])
def test_collectors_are_asked_to_stay_away_if_so_chosen(
    client: Client, settings: Any, agent: str
) -> None:
    settings.NOAI = True
    assert not rules(client).can_fetch(agent, "/images/1/")
    page = client.get("/")
    assert page["X-Robots-Tag"] == "noai, noimageai"
    assert '<meta name="robots" content="noai, noimageai">' in page.content.decode()
    settings.NOAI = False
    assert rules(client).can_fetch(agent, "/images/1/")
    page = client.get("/")
    assert not page.has_header("X-Robots-Tag")
    assert "noimageai" not in page.content.decode()
