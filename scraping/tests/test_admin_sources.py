import json
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from gallery.tests.factories import make_admin
from imagineer.jobs import states
from imagineer.jobs.models import Job, Status
from imagineer.words import THIN_SPACE, thin
from scraping.admin_sources import CRAWLS_SHOWN
from scraping.forms import SourceForm
from scraping.models import Source
from scraping.runs import Asked, start_crawl
from scraping.sealed import unseal
from scraping.source_presets import SOURCE_PRESETS
from scraping.tests.factories import make_source

pytestmark = pytest.mark.django_db
LIST = "/admin/scraping/source/"
ADD = f"{LIST}add/"
FORM = {
    "name": "Boats", "base_url": "https://boats.example/all/", "kind": "pages", "enabled": "on",
    "rate_limit": "30", "max_images": "500", "trust_level": "high", "render_javascript": "off",
    "lookup_url": "", "api_key": "", "mapping": "", "options": "",
}  # fmt: skip
KEY = "sesame-and-lilies"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def page_of(source: Source) -> str:
    return reverse("admin:scraping_source_change", args=[source.pk])


def test_a_source_is_made_and_changed(admin: Client) -> None:
    sent = FORM | {"options": '{"depth": 1}', "mapping": '{"items": "data"}'}
    assert admin.post(ADD, sent).status_code == 302
    source = Source.objects.get()
    assert (source.name, source.rate_limit, source.trust_level) == ("Boats", 30, "high")
    assert (source.options, source.mapping) == ({"depth": 1}, {"items": "data"})
    assert source.created_by is not None
    page = admin.get(page_of(source)).content.decode()
    assert "&quot;depth&quot;: 1" in page
    changed = FORM | {"name": "Ships", "enabled": "", "options": ""}
    assert admin.post(page_of(source), changed).status_code == 302
    source.refresh_from_db()
    assert (source.name, source.enabled, source.options) == ("Ships", False, {})


def test_its_crawls_tell_how_it_fared_in_them(admin: Client) -> None:
    source = make_source()
    scrape = start_crawl([Asked(source=source), Asked("https://elsewhere.example/")], "x")
    assert "Queued" in admin.get(page_of(source)).content.decode()
    failed = {"state": "failed", "ended_because": "boats.example answers with status 404."}
    scrape.targets.filter(source=source).update(**failed)
    Job.objects.update(status=Status.COMPLETED)
    page = admin.get(page_of(source)).content.decode()
    assert 'state-failed">Failed</span><span class="why">boats.example answers' in page


def test_a_name_that_another_admin_takes_meanwhile_is_said_at_its_field(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_source("Boats")
    reads = iter((False, True))
    validate = SourceForm.validate_unique
    monkeypatch.setattr(SourceForm, "validate_unique", lambda form: next(reads) and validate(form))
    response = admin.post(ADD, FORM)
    assert response.status_code == 200
    assert "There is a source of this name already" in response.content.decode()
    assert Source.objects.count() == 1


def test_a_key_is_kept_until_another_comes_or_it_is_forgotten_and_never_shown(
    admin: Client,
) -> None:
    admin.post(ADD, FORM | {"api_key": f" {KEY} "})
    source = Source.objects.get()
    assert unseal(source.sealed_api_key) == KEY
    page = admin.get(page_of(source)).content.decode()
    assert "It has one." in page
    assert KEY not in page
    assert source.sealed_api_key not in page
    admin.post(page_of(source), FORM)
    source.refresh_from_db()
    assert unseal(source.sealed_api_key) == KEY
    # Nor where the form comes back.
    again = admin.post(page_of(source), FORM | {"api_key": "another-one", "name": ""})
    assert "another-one" not in again.content.decode()
    admin.post(page_of(source), FORM | {"forget_api_key": "on"})
    source.refresh_from_db()
    assert source.sealed_api_key == ""
    history = admin.get(reverse("admin:scraping_source_history", args=[source.pk]))
    assert KEY not in history.content.decode()


def test_a_key_under_another_secret_key_is_told_of(admin: Client, settings: Any) -> None:
    source = make_source(api_key=KEY)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [], "another"
    admin.force_login(make_admin("another"))
    page = admin.get(page_of(source))
    assert page.status_code == 200
    assert "sealed under another SECRET_KEY. Enter it anew" in page.content.decode()
    assert admin.post(page_of(source), FORM | {"api_key": "new"}).status_code == 302
    source.refresh_from_db()
    assert unseal(source.sealed_api_key) == "new"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": ""}, "required"),
        ({"name": "Taken"}, "of this name already"),
        ({"name": "a\x00"}, "ull characters"),
        ({"name": "a\u202eb"}, "single line"),
        ({"name": "x" * 101}, "at most 100"),
        ({"base_url": "http://127.0.0.1/"}, "private address"),
        ({"base_url": "boats"}, "begin with http"),
        ({"base_url": f"https://boats.example/{'x' * 3000}"}, "longer than 2000"),
        ({"kind": "zip"}, "not one of the available"),
        ({"rate_limit": "0"}, "from 1 to 6"),
        ({"rate_limit": "fast"}, "whole number"),
        ({"max_images": "-1"}, "greater than or equal to 0"),
        ({"max_images": "99999999999999999999"}, "from 1 to 100 000"),
        ({"lookup_url": "https://boats.example/"}, "Write {name} where"),
        ({"api_key": "two words"}, "no spaces"),
        ({"api_key": "x" * 3000}, "at most 2000"),
        ({"mapping": "{"}, "This is not JSON: "),
        ({"mapping": '{"a": 1,}'}, "line 1, column"),
        ({"mapping": "[1]"}, "Write a JSON object"),
        ({"mapping": '"text"'}, "Write a JSON object"),
        ({"mapping": "5"}, "Write a JSON object"),
        ({"mapping": "[" * 100_000}, "This JSON cannot be read"),
        ({"mapping": '{"a": NaN}'}, "no NaN"),
        ({"mapping": '{"a": 1e999}'}, "no NaN"),
        ({"mapping": '{"a": "\\u0000"}'}, "control characters"),
        ({"mapping": '{"a": "\\ud800"}'}, "control characters"),
        ({"mapping": '{"a": "' + "x" * 20_000 + '"}'}, "Write at most"),
        ({"kind": "api", "mapping": '{"items": "a", "item": {}}'}, "“images” is missing"),
        ({"kind": "api", "mapping": ""}, "Write a JSON object"),
        ({"options": '{"depth": 99}'}, "depth: Enter a number from 0 to 10."),
        ({"options": '{"colour": 1}'}, "There is no option “colour”"),
        ({"options": '{"max_images": 1}'}, "has a field of its own"),
        ({"options": '{"include": ["\\u0007"]}'}, "control characters"),
    ],
)
def test_a_wrong_form_comes_back_with_what_is_wrong(
    admin: Client, change: dict[str, str], told: str
) -> None:
    make_source("Taken")
    response = admin.post(ADD, FORM | change)
    assert response.status_code == 200
    assert told in response.content.decode().replace("&#x27;", "'").replace(THIN_SPACE, " ")
    assert Source.objects.count() == 1


@pytest.mark.parametrize("name", SOURCE_PRESETS)
def test_every_known_site_is_added_with_what_its_form_holds(admin: Client, name: str) -> None:
    preset = SOURCE_PRESETS[name]
    page = admin.get(f"{ADD}?preset={name}").content.decode()
    assert escape(preset.about) in page
    sent = FORM | preset.columns
    sent |= {part: json.dumps(sent[part]) for part in ("mapping", "options")}
    assert admin.post(ADD, sent).status_code == 302
    source = Source.objects.get()
    assert (source.name, source.mapping) == (preset.name, preset.mapping)
    assert admin.get(f"{ADD}?preset=nowhere").status_code == 200


def test_the_list_tells_what_there_is_and_when_it_was_crawled(admin: Client) -> None:
    assert "There are no sources yet" in admin.get(LIST).content.decode()
    source = make_source()
    make_source("Off", enabled=False, base_url="https://off.example/")
    Source.objects.filter(pk=source.pk).update(imported=1234)
    scrape = start_crawl([Asked(source.base_url, source)])
    page = admin.get(LIST).content.decode()
    for told in ("boats.example", "60 a minute", thin(1234), "never", "just now"):
        assert told in page
    assert reverse("admin:scraping_scrapejob_change", args=[scrape.pk]) in page
    assert page.count("?sources=") == 1
    assert "Off" not in admin.get(f"{LIST}?enabled=yes").content.decode().split("<tbody>")[1]


def act(admin: Client, action: str, sources: list[Source]) -> Any:
    chosen = [source.pk for source in sources]
    return admin.post(LIST, {"action": action, ACTION_CHECKBOX_NAME: chosen}, follow=False)


def test_many_are_switched_at_once_and_crawled_together(admin: Client) -> None:
    sources = [make_source(f"Source {number:02}") for number in range(21)]
    act(admin, "switch_off", sources[:2])
    assert Source.objects.filter(enabled=False).count() == 2
    assert "None of them is switched on" in _told(admin, "crawl_selected", sources[:2])
    act(admin, "switch_on", sources[:1])
    response = act(admin, "crawl_selected", sources[:3])
    ids = f"sources={sources[0].pk}&sources={sources[2].pk}"
    assert response.headers["Location"] == f"/admin/scraping/scrapejob/start/?{ids}"
    assert "at most 20 sources" in _told(admin, "crawl_selected", sources)


def _told(admin: Client, action: str, sources: list[Source]) -> str:
    act(admin, action, sources)
    return admin.get(LIST).content.decode()


def test_a_source_s_page_has_its_newest_crawls(
    admin: Client, django_assert_max_num_queries: Any
) -> None:
    source = make_source()
    assert "It was not crawled yet" in admin.get(page_of(source)).content.decode()
    crawls = [start_crawl([Asked(source.base_url, source)]) for _ in range(CRAWLS_SHOWN + 1)]
    with django_assert_max_num_queries(12):
        page = admin.get(page_of(source)).content.decode()
    shown = [
        reverse("admin:scraping_scrapejob_change", args=[crawl.pk]) in page for crawl in crawls
    ]
    assert shown == [False] + [True] * CRAWLS_SHOWN
    assert f"?sources={source.pk}" in page


def test_a_source_is_deleted_and_its_crawls_stay(admin: Client) -> None:
    source = make_source()
    scrape = start_crawl([Asked(source.base_url, source)])
    states.cancel(scrape.job)
    delete = reverse("admin:scraping_source_delete", args=[source.pk])
    assert admin.get(delete).status_code == 200
    assert admin.post(delete, {"post": "yes"}).status_code == 302
    assert scrape.targets.get().source is None


def test_a_source_whose_crawl_has_not_ended_is_kept(admin: Client) -> None:
    source = make_source()
    scrape = start_crawl([Asked(source.base_url, source)])
    delete = reverse("admin:scraping_source_delete", args=[source.pk])
    page = admin.post(delete, {"post": "yes"}).content.decode()
    assert "as long as a crawl of it waits or runs" in page
    assert f"Crawl {scrape.pk}</a>, which has not ended" in page
    chosen = {"action": "delete_selected", "_selected_action": source.pk, "post": "yes"}
    page = admin.post(LIST, chosen).content.decode()
    assert "None was deleted" in page
    assert f"Crawl {scrape.pk}</a>, which has not ended" in page
    assert scrape.targets.get().source == source


def test_visitors_are_sent_to_sign_in(client: Client) -> None:
    source = make_source()
    for address in (LIST, ADD, page_of(source)):
        assert "/login/" in client.get(address).headers["Location"]
        assert "/login/" in client.post(address, FORM).headers["Location"]
    assert Source.objects.get() == source
