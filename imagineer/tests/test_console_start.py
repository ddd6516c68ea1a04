"""The pattern of forms that start a run, on a table of its own making."""

import json
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpRequest

from generation.models import BatchTemplate
from imagineer.console_start import StartAdmin, StartForm, number_field
from imagineer.jobs.models import Job
from imagineer.problems import invalid

pytestmark = pytest.mark.django_db


class PlantForm(StartForm):
    first = ("seeds",)
    intro = "Plants some trees."
    seeds = number_field(1, 9, ", in a row.", initial=3)
    soil = forms.CharField(required=False)

    @property
    def cost(self) -> str:
        seeds = self.value("seeds")
        return f"{seeds * 2} minutes." if seeds else ""

    @property
    def verb(self) -> str:
        return f"Plant {self.value('seeds') or ''}".strip()


class PlantAdmin(StartAdmin):
    start_form = PlantForm
    start_name = "generation_batchtemplate_changelist"
    start_title = "Plant"

    def start(self, request: HttpRequest, form: StartForm) -> Job:
        if form.cleaned_data["soil"] == "sand":
            raise invalid("soil", "Nothing grows in sand.")
        if form.cleaned_data["soil"] == "sea":
            raise invalid("boat", "There is no land.")
        return Job.objects.create(kind="test.plant", title="Planting", queue="default")


@pytest.fixture
def ask(rf: Any, admin_user: Any) -> Any:
    page = PlantAdmin(BatchTemplate, admin.site)

    def send(method: str, data: dict[str, Any], **headers: str) -> Any:
        request = getattr(rf, method)("/plant/", data, headers=headers)
        request.user = admin_user
        request.session = {}
        request._messages = FallbackStorage(request)
        response = page.start_view(request)
        return response.render() if hasattr(response, "render") else response

    return send


def test_it_shows_price_and_verb_and_folds_the_rest(ask: Any) -> None:
    page = ask("get", {}).content.decode()
    assert "Plants some trees." in page
    assert "6 minutes." in page
    assert "Plant 3</button>" in page
    assert "1 to 9, in a row." in page
    assert page.index('name="seeds"') < page.index("<summary>More") < page.index('name="soil"')


def test_it_takes_values_from_the_address(ask: Any) -> None:
    page = ask("get", {"seeds": "5", "strange": "x"}).content.decode()
    assert 'value="5"' in page


def test_it_starts_and_goes_to_the_job(ask: Any) -> None:
    response = ask("post", {"seeds": "4"})
    job = Job.objects.get()
    assert response.status_code == 302
    assert str(job.pk) in response["Location"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"seeds": "4", "soil": "sand"}, "Nothing grows in sand."),
        ({"seeds": "4", "soil": "sea"}, "There is no land."),
        ({"seeds": "99"}, "less than or equal to 9"),
        ({}, "This field is required."),
    ],
)
def test_it_says_what_is_wrong_and_starts_nothing(
    ask: Any, data: dict[str, str], sentence: str
) -> None:
    response = ask("post", data)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Job.objects.exists()


def test_an_error_under_more_opens_it(ask: Any) -> None:
    page = ask("post", {"seeds": "4", "soil": "sand"}).content.decode()
    assert '<details class="more" open>' in page


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ("7", {"cost": "14 minutes.", "verb": "Plant 7"}),
        ("x", {"cost": "", "verb": "Plant"}),
    ],
)
def test_an_estimate_starts_nothing(ask: Any, seeds: str, told: dict[str, str]) -> None:
    response = ask("post", {"seeds": seeds}, **{"X-Estimate": "1"})
    assert json.loads(response.content) == told
    assert not Job.objects.exists()
