import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gallery.tests.factories import make_admin, make_album, make_row
from imagineer.jobs.models import Job
from labeling.models import LabelingItem, LabelingRun, Prompt
from labeling.runs import start_run
from labeling.tests.anthropic_server import Reply, good_text
from labeling.tests.factories import album_of, finished, run_of

pytestmark = pytest.mark.django_db
START = "/admin/labeling/labelingrun/start/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def run_page(client: Client, run: LabelingRun, query: str = "") -> str:
    address = reverse("admin:labeling_labelingrun_change", args=[run.pk])
    response = client.get(address + query)
    assert response.status_code == 200
    return response.content.decode()


def estimate(client: Client, **fields: Any) -> dict[str, str]:
    response = client.post(START, {"prompt_kind": "default"} | fields, headers={"X-Estimate": "1"})
    answer: dict[str, str] = response.json()
    return answer


def test_the_form_offers_albums_and_prompts(admin, anthropic):
    make_album("Red squares")
    page = admin.get(START).content.decode()
    assert "Red squares" in page
    assert "Caption for training v1" in page
    assert "ANTHROPIC_API_KEY" not in page


def test_without_a_key_the_form_says_what_to_set(admin, settings):
    settings.ANTHROPIC_API_KEY = ""
    assert "Set ANTHROPIC_API_KEY" in admin.get(START).content.decode()
    asked = {"images": str(make_row().pk), "labeler": "claude", "prompt_kind": "default"}
    response = admin.post(START, asked)
    assert response.status_code == 422
    assert "Set ANTHROPIC_API_KEY" in response.content.decode()
    assert not Job.objects.exists()


def test_an_album_is_labelled(admin, anthropic):
    album = make_album(images=[make_row(), make_row()])
    response = admin.post(START, {"album": album.pk, "prompt_kind": "sd_training"})
    run = LabelingRun.objects.get()
    assert response.headers["Location"].endswith(f"/jobs/job/{run.job_id}/change/")
    assert (run.album, run.items.count(), run.force) == (album, 2, False)


def test_single_images_are_labelled_again(admin, anthropic):
    ids = [make_row().pk, make_row().pk]
    asked = {"images": f"{ids[0]}, {ids[1]} {ids[0]}", "prompt_kind": "detailed", "force": "on"}
    admin.post(START, asked)
    run = LabelingRun.objects.get()
    assert sorted(run.items.values_list("image_id", flat=True)) == ids
    assert (run.prompt.kind, run.force) == ("detailed", True)


def test_the_address_fills_the_form(admin, anthropic):
    page = admin.get(f"{START}?images=3&images=5").content.decode()
    assert 'value="3, 5"' in page


def test_the_estimate_counts_images_not_labelled_before(admin, anthropic):
    album = album_of(3)
    assert estimate(admin, album=album.pk)["verb"] == "Label 3 images"
    assert "6\u2009000 tokens in" in estimate(admin, album=album.pk)["cost"]
    finished(run_of(album.images.first()))
    assert estimate(admin, album=album.pk)["verb"] == "Label 2 images"
    assert estimate(admin, album=album.pk, force="on")["verb"] == "Label 3 images"
    assert estimate(admin, images=album.images.first().pk)["cost"].startswith("This prompt has")
    assert estimate(admin)["cost"] == ""


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"images": "one, two"},
        {"images": "99999999999999999999999"},
        {"images": "999999"},
        {"album": "999999"},
        {"album": "x"},
        {"images": "1", "prompt_kind": "sonnet"},
    ],
)
def test_a_wrong_form_comes_back_with_what_is_wrong(admin, anthropic, fields):
    response = admin.post(START, {"prompt_kind": "default"} | fields)
    assert response.status_code == 422
    assert "error" in response.content.decode()
    assert not Job.objects.exists()


def test_a_run_shows_outcomes_errors_and_labels(admin, anthropic):
    caption = "a <b>red</b> square"
    anthropic.default = Reply(text=good_text(caption=caption))
    album = album_of(1)
    album.images.add(make_row(), through_defaults={"position": 9})
    run = start_run(album=album)
    finished(run)
    page = run_page(admin, run)
    assert "a &lt;b&gt;red&lt;/b&gt; square" in page
    assert "white background" in page
    assert "90 % sure" in page
    assert "cannot be read" in page
    assert "Retry 1 failed" in page
    only_failed = run_page(admin, run, "?outcome=failed")
    assert "white background" not in only_failed
    assert run_page(admin, run, "?outcome=nonsense&p=99")


def test_a_run_s_page_asks_the_database_equally_often_for_many_items(
    admin, anthropic, django_assert_max_num_queries
):
    run = run_of(*[make_row() for _ in range(40)])
    LabelingItem.objects.update(outcome="failed", error="Broken.")
    with django_assert_max_num_queries(16):
        run_page(admin, run)


def test_the_list_of_runs_tells_how_each_went(admin, anthropic):
    finished(start_run(album=album_of(2, name="Red squares")))
    page = admin.get(reverse("admin:labeling_labelingrun_changelist")).content.decode()
    assert "Red squares" in page
    assert "2 of 2" in page


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


@pytest.mark.parametrize(
    "name", ["labeling_start", "labeling_labelingrun_changelist", "labeling_prompt_changelist"]
)
def test_visitors_are_sent_to_sign_in(client, name):
    response = client.get(reverse(f"admin:{name}"))
    assert response.status_code == 302
    assert "/login/" in response.headers["Location"]


def test_an_image_and_an_album_link_to_the_form(admin):
    image = make_row()
    album = make_album(images=[image])
    page = admin.get(reverse("admin:gallery_image_change", args=[image.pk])).content.decode()
    assert f"{START}?images={image.pk}" in page
    page = admin.get(reverse("admin:gallery_album_change", args=[album.pk])).content.decode()
    assert f"{START}?album={album.pk}" in page


CRAFTED = ["9" * 5000, "9" * 19, "0", "-1", "x", "²", "%00", "٣"]


@pytest.mark.parametrize("number", CRAFTED, ids=lambda text: ascii(text[:3]) + str(len(text)))
def test_a_crafted_number_in_the_address_is_never_a_crash(admin, anthropic, number):
    assert admin.get(f"{START}?album={number}").status_code == 200
    assert admin.get(f"{START}?images={number}").status_code == 200
    assert admin.get(f"/admin/labeling/prompt/add/?like={number}").status_code == 200
