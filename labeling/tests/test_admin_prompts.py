import re

import pytest
from django.test import Client
from django.urls import reverse

from gallery.tests.factories import make_admin, make_row
from labeling.models import Prompt
from labeling.tests.factories import run_of

pytestmark = pytest.mark.django_db
ADD = "/admin/labeling/prompt/add/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def page_of(client: Client, prompt: Prompt) -> str:
    return client.get(reverse("admin:labeling_prompt_change", args=[prompt.pk])).content.decode()


def test_a_prompt_s_new_text_is_a_new_version(admin):
    old = Prompt.objects.get(kind="detailed")
    add = reverse("admin:labeling_prompt_add")
    assert old.text[:40] in admin.get(f"{add}?like={old.pk}").content.decode()
    admin.post(add, {"kind": "detailed", "name": "In French", "text": "Décrivez."})
    new = Prompt.objects.current().get(kind="detailed")
    assert (new.version, new.text) == (2, "Décrivez.")
    old.refresh_from_db()
    assert old.version == 1


def test_a_prompt_is_shown_and_not_edited(admin):
    prompt = Prompt.objects.get(kind="default")
    address = reverse("admin:labeling_prompt_change", args=[prompt.pk])
    page = admin.get(address).content.decode()
    assert prompt.text[:40] in re.sub(r"\s+", " ", page)
    assert admin.post(address, {"text": "x"}).status_code == 403


def test_a_version_shows_what_it_changed_and_all_versions(admin, anthropic):
    first = Prompt.objects.create(kind="mine", name="Mine", text="Say what you <see>.")
    run_of(make_row(), prompt_kind="mine")
    admin.post(ADD, {"kind": "mine", "name": "Mine", "text": "Say briefly what you <see>."})
    second = Prompt.objects.get(kind="mine", version=2)
    page = page_of(admin, second)
    assert "Changed since version 1" in page
    assert "Say <ins>briefly </ins>what you &lt;see&gt;." in page
    assert f'href="/admin/labeling/prompt/{first.pk}/change/">1</a>' in page
    assert re.search(r">1</a></th><td>Mine</td><td>.*</td><td>1</td>", page)
    assert "Changed since" not in page_of(admin, first)


def test_two_who_write_a_version_at_once_get_two(monkeypatch):
    first = Prompt(kind="mine", name="Mine", text="One.")
    second = Prompt(kind="mine", name="Mine", text="Two.")
    aggregate = type(Prompt.objects.all()).aggregate
    asked = []

    def slow(self, *args, **kwargs):
        told = aggregate(self, *args, **kwargs)
        if not asked:
            asked.append(True)
            second.save_as_newest()
        return told

    monkeypatch.setattr(type(Prompt.objects.all()), "aggregate", slow)
    first.save_as_newest()
    assert (second.version, first.version) == (1, 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""}, {"text": "a\x00b"}, {"text": "a\x1bb"}, {"text": "x" * 10_001},
        {"kind": "two words"}, {"kind": ""}, {"kind": "x" * 51}, {"name": "x" * 101},
    ],
    ids=lambda fields: ascii(fields)[:30],
)  # fmt: skip
def test_a_wrong_prompt_comes_back_with_what_is_wrong(admin, fields):
    before = Prompt.objects.count()
    response = admin.post(ADD, {"kind": "mine", "name": "Mine", "text": "Say it."} | fields)
    assert response.status_code == 200
    assert "error" in response.content.decode()
    assert Prompt.objects.count() == before


CRAFTED = ["9" * 5000, "9" * 19, "0", "-1", "x", "²", "%00", "٣"]


@pytest.mark.parametrize("number", CRAFTED, ids=lambda text: ascii(text[:3]) + str(len(text)))
def test_a_crafted_number_in_the_address_is_never_a_crash(admin, number):
    assert admin.get(f"{ADD}?like={number}").status_code == 200
