"""Every page of every table opens, asks no more for more rows, and is for admins only."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth import get_user_model
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from generation.admin_runs import BatchStart
from generation.models import GenerationRun
from imagineer.console_start import StartAdmin
from imagineer.tests.rows import make_row

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)
NAMES = [model._meta.label_lower for model in MODELS]


@pytest.fixture
def client_of_admin(admin_client: Client) -> Client:
    # Warm what is kept for the whole process, so that it does not count.
    admin_client.get(reverse("admin:index"))
    return admin_client


def page(model: type[models.Model], view: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_its_pages_open(client_of_admin: Client, rf: Any, model: type[models.Model]) -> None:
    row = make_row(model)
    own = admin.site._registry[model]
    request = rf.get("/")
    request.user = get_user_model().objects.get(username="admin")
    may_add = own.has_add_permission(request)
    may_delete = own.has_delete_permission(request, row)
    expected = {
        page(model, "changelist"): {200},
        page(model, "changelist") + "?q=e": {200},
        page(model, "add"): {200, 302} if may_add else {403},
        page(model, "change", row.pk): {200},
        page(model, "history", row.pk): {200},
        page(model, "delete", row.pk): {200} if may_delete else {403},
    }
    answers = {url: client_of_admin.get(url).status_code for url in expected}
    assert {url: code for url, code in answers.items() if code not in expected[url]} == {}
    if may_add:
        assert client_of_admin.get(page(model, "add"), follow=True).status_code == 200


# A transaction around it would be at its end with the first value that PostgreSQL refuses.
@pytest.mark.django_db(transaction=True)
def test_a_crafted_filter_of_a_list_is_never_a_crash(client_of_admin: Client) -> None:
    for model in MODELS:
        make_row(model)
        for field in model._meta.concrete_fields:
            for value in (2**63, "a\0b"):
                asked = {field.name: value}
                answer = client_of_admin.get(page(model, "changelist"), asked)
                assert answer.status_code in (200, 302, 400, 404), (model, asked)


def test_a_selection_that_no_list_gave_out_is_no_crash(client_of_admin: Client, rf: Any) -> None:
    request = rf.get("/")
    request.user = get_user_model().objects.get(username="admin")
    for model in MODELS:
        make_row(model)
        for action in admin.site._registry[model].get_actions(request):
            for key in ("9" * 30, "abc", "a\0b"):
                sent = {"action": action, ACTION_CHECKBOX_NAME: key}
                answer = client_of_admin.post(page(model, "changelist"), sent)
                assert answer.status_code == 400, (model, sent)


START_PAGES = [
    *(own for own in admin.site._registry.values() if isinstance(own, StartAdmin)),
    BatchStart(GenerationRun, admin.site),
]


# As above, and several kinds of nonsense: words, numbers too large for a column or for anything.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("own", START_PAGES, ids=lambda own: own.start_name)
@pytest.mark.parametrize("junk", ["abc", "", "-1", "9" * 30, "9" * 400, "nan", "a\0b", "²", "[1]"])
def test_nonsense_in_a_form_or_its_address_is_never_a_crash(
    client_of_admin: Client, own: StartAdmin, junk: str
) -> None:
    address = reverse(f"admin:{own.start_name}")
    names = (*own.start_form().fields, "url", "preview", "run", "chosen")
    asked = dict.fromkeys(names, junk)
    assert client_of_admin.get(address, asked).status_code == 200
    assert client_of_admin.post(address, asked).status_code == 422
    estimate = client_of_admin.post(address, asked, headers={"X-Estimate": "1"})
    assert estimate.status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_its_list_asks_no_more_for_more_rows(
    client_of_admin: Client, model: type[models.Model]
) -> None:
    url = page(model, "changelist")
    for _ in range(2):
        make_row(model)
    with CaptureQueriesContext(connection) as few:
        client_of_admin.get(url)
    for _ in range(4):
        make_row(model)
    with CaptureQueriesContext(connection) as many:
        client_of_admin.get(url)
    assert len(many) == len(few), "\n".join(query["sql"][:200] for query in many)
    assert len(many) < 25


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_row_that_is_not_there_leads_home_with_a_sentence(
    client_of_admin: Client, model: type[models.Model]
) -> None:
    response = client_of_admin.get(page(model, "change", "999999"), follow=True)
    assert response.status_code == 200
    assert "exist" in response.content.decode()


def all_admin_urls() -> list[str]:
    urls = [reverse("admin:index"), reverse("admin:settings"), reverse("admin:live")]
    return urls + [page(model, "changelist") for model in MODELS]


def test_a_visitor_is_sent_to_sign_in(client: Client) -> None:
    for url in all_admin_urls():
        response = client.get(url, follow=True)
        assert response.redirect_chain[-1][0].startswith(reverse("account_login")), url


def test_a_person_who_is_no_admin_reads_a_sentence(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("guest"))
    for url in all_admin_urls():
        response = client.get(url, follow=True)
        assert response.status_code == 403, url
        assert "guest" in response.content.decode()
        assert "not an admin" in response.content.decode()


def test_sign_out_works_by_post_alone(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:logout")).status_code == 405
    assert admin_client.post(reverse("admin:logout")).status_code in (200, 302)
    assert "_auth_user_id" not in admin_client.session
