import json
from typing import Any

import pytest
from django.test import Client

from gallery.tests.factories import make_admin
from imagineer.jobs import states
from scraping.models import Source
from scraping.runs import Asked, start_crawl
from scraping.sealed import unseal
from scraping.source_presets import SOURCE_PRESETS
from scraping.tests.factories import make_source

pytestmark = pytest.mark.django_db
PATH = "/api/scraping/sources"
BOATS = {"name": "Boats", "base_url": "https://boats.example/all/"}
KEY = "sesame-and-lilies"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    text = body if isinstance(body, str) else json.dumps(body or {})
    return client.generic(method, path, text, content_type="application/json")


def error_of(response: Any) -> dict[str, str]:
    error: dict[str, str] = response.json()["error"]
    return error


def test_a_source_is_made_read_changed_and_deleted(admin: Client) -> None:
    made = send(admin, "POST", PATH, BOATS)
    assert made.status_code == 201
    told = made.json()
    assert (told["name"], told["kind"], told["enabled"], told["rate_limit"]) == (
        "Boats", "pages", True, 60,
    )  # fmt: skip
    path = f"{PATH}/{told['id']}"
    wishes = {"options": {"depth": 1, "min_width": 64}, "enabled": False, "trust_level": "high"}
    changed = send(admin, "PATCH", path, wishes).json()
    assert changed == told | wishes
    assert admin.get(path).json() == changed
    assert admin.get(PATH).json() == {"items": [changed], "next": None}
    assert send(admin, "DELETE", path).status_code == 204
    assert admin.get(path).status_code == 404
    assert not Source.objects.exists()


def test_a_source_whose_crawl_has_not_ended_is_kept(admin: Client) -> None:
    source = make_source()
    scrape = start_crawl([Asked(source.base_url, source)])
    refused = send(admin, "DELETE", f"{PATH}/{source.pk}")
    assert (refused.status_code, error_of(refused)["code"]) == (409, "in_use")
    assert f"Crawl {scrape.pk} " in error_of(refused)["message"]
    assert Source.objects.exists()


def test_a_key_goes_in_and_never_comes_out(admin: Client) -> None:
    answers = [send(admin, "POST", PATH, BOATS | {"api_key": f" {KEY} "})]
    source = Source.objects.get()
    path = f"{PATH}/{source.pk}"
    answers += [admin.get(PATH), admin.get(path), send(admin, "PATCH", path, {"enabled": False})]
    for answer in answers:
        assert KEY not in answer.content.decode()
        assert source.sealed_api_key not in answer.content.decode()
    assert answers[-1].json()["has_api_key"] is True
    source.refresh_from_db()
    assert unseal(source.sealed_api_key) == KEY
    assert send(admin, "PATCH", path, {"api_key": ""}).json()["has_api_key"] is False


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"base_url": ""}, "base_url"),
        ({"base_url": "ftp://a.example/"}, "base_url"),
        ({"base_url": "http://127.0.0.1/"}, "base_url"),
        ({"kind": "zip"}, "kind"),
        ({"enabled": 1}, "enabled"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"rate_limit": 6001}, "rate_limit"),
        ({"trust_level": "blind"}, "trust_level"),
        ({"max_images": 100_001}, "max_images"),
        ({"render_javascript": "yes"}, "render_javascript"),
        ({"lookup_url": "https://a.example/"}, "lookup_url"),
        ({"lookup_url": "http://10.0.0.1/{name}"}, "lookup_url"),
        ({"lookup_url": "https://a.example/{name}/" + "x" * 2000}, "lookup_url"),
        ({"api_key": "two words"}, "api_key"),
        ({"api_key": "two\nlines"}, "api_key"),
        ({"api_key": "x" * 2001}, "api_key"),
        ({"mapping": []}, "mapping"),
        ({"mapping": {"a": "\u0000"}}, "mapping"),
        ({"mapping": {"a": "x" * 20_001}}, "mapping"),
        ({"options": {"depth": 11}}, "options"),
        ({"options": {"colour": 1}}, "options"),
        ({"options": {"max_images": 1}}, "options"),
        ({"options": {"include": ["\u0000"]}}, "options"),
        ({"sealed_api_key": "x"}, "sealed_api_key"),
        ({"imported": 5}, "imported"),
    ],
)
def test_what_is_not_possible_names_its_field_and_changes_nothing(
    admin: Client, values: dict[str, Any], field: str
) -> None:
    response = send(admin, "POST", PATH, BOATS | values)
    assert (response.status_code, error_of(response)["field"]) == (422, field)
    assert not Source.objects.exists()
    source = make_source()
    before = admin.get(f"{PATH}/{source.pk}").json()
    response = send(admin, "PATCH", f"{PATH}/{source.pk}", {"max_images": 7} | values)
    assert (response.status_code, error_of(response)["field"]) == (422, field)
    assert admin.get(f"{PATH}/{source.pk}").json() == before


@pytest.mark.parametrize("text", ["NaN", "1e999", '"\\ud800"', "[" * 300 + "]" * 300])
def test_json_that_no_database_holds_is_refused(admin: Client, text: str) -> None:
    body = json.dumps(BOATS)[:-1] + f', "mapping": {{"a": {text}}}}}'
    response = send(admin, "POST", PATH, body)
    if text.startswith("["):
        assert response.status_code == 201
    else:
        assert (response.status_code, error_of(response)["field"]) == (422, "mapping")


@pytest.mark.parametrize("body", ["[" * 100_000, "{", "", '{"name": ' + "[" * 50_000])
def test_a_broken_body_is_refused(admin: Client, body: str) -> None:
    assert send(admin, "POST", PATH, body).status_code in (400, 422)


def test_names_are_taken_once(admin: Client) -> None:
    make_source()
    other = make_source("Cats")
    assert error_of(send(admin, "POST", PATH, BOATS))["code"] == "name_taken"
    response = send(admin, "PATCH", f"{PATH}/{other.pk}", {"name": "Boats"})
    assert (response.status_code, error_of(response)["field"]) == (409, "name")
    assert send(admin, "PATCH", f"{PATH}/{other.pk}", {"name": "Cats"}).status_code == 200


def test_the_list_has_pages_and_asks_equally_often(
    admin: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(53):
        make_source(f"Source {number:02}")
    with django_assert_max_num_queries(4):
        first = admin.get(PATH).json()
    rest = admin.get(PATH, {"cursor": first["next"]}).json()
    names = [source["name"] for source in first["items"] + rest["items"]]
    assert names == [f"Source {number:02}" for number in range(53)]
    assert admin.get(f"{PATH}?cursor=x").status_code == 422


def test_a_source_tells_of_its_last_crawl_and_a_crawl_outlives_it(admin: Client) -> None:
    source = make_source()
    crawls = [start_crawl([Asked(source.base_url, source)]) for _ in range(2)]
    last = crawls[-1]
    told = admin.get(f"{PATH}/{source.pk}").json()
    assert told["last_crawl_id"] == last.pk
    for crawl in crawls:
        states.cancel(crawl.job)
    assert send(admin, "DELETE", f"{PATH}/{source.pk}").status_code == 204
    target = admin.get(f"/api/scraping/jobs/{last.pk}").json()["targets"][0]
    assert (target["url"], target["source"]) == (source.base_url, None)


def test_visitors_learn_nothing_of_sources(client: Client) -> None:
    source = make_source()
    for method, path in (
        ("GET", PATH), ("POST", PATH), ("GET", f"{PATH}/{source.pk}"),
        ("PATCH", f"{PATH}/{source.pk}"), ("DELETE", f"{PATH}/{source.pk}"),
        ("GET", "/api/scraping/stats"),
    ):  # fmt: skip
        assert send(client, method, path, BOATS).status_code == 401
    assert Source.objects.get() == source


def test_a_known_site_is_added_by_its_name(admin: Client) -> None:
    told = send(admin, "POST", PATH, {"preset": "met", "rate_limit": 30}).json()
    preset = SOURCE_PRESETS["met"]
    assert (told["name"], told["kind"], told["mapping"]) == (preset.name, "api", preset.mapping)
    assert told["rate_limit"] == 30
    response = send(admin, "POST", PATH, {"preset": "nowhere"})
    assert (response.status_code, error_of(response)["field"]) == (422, "preset")


@pytest.mark.parametrize("mapping", [{}, {"items": 5}, {"items": "a", "item": {"images": "]"}}])
def test_an_api_needs_a_mapping_that_is_possible(admin: Client, mapping: dict[str, Any]) -> None:
    response = send(admin, "POST", PATH, BOATS | {"kind": "api", "mapping": mapping})
    assert (response.status_code, error_of(response)["field"]) == (422, "mapping")
    source = make_source(mapping=mapping)
    response = send(admin, "PATCH", f"{PATH}/{source.pk}", {"kind": "api"})
    assert (response.status_code, error_of(response)["field"]) == (422, "mapping")
    source.refresh_from_db()
    assert source.kind == "pages"
