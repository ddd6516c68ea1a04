import json
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.test import Client

from gallery import trash
from gallery.tests.factories import make_admin, make_album, make_image, make_row
from imagineer.keyset import paginate
from labeling import labelers, selection
from labeling.models import LabelingRun
from labeling.runs import start_run
from labeling.tests.anthropic_server import GOOD, Reply
from labeling.tests.factories import album_of, finished, run_of

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def post(client: Client, path: str, body: Any = None) -> Any:
    data = "" if body is None else json.dumps(body)
    return client.post(path, data, content_type="application/json")


def test_an_image_is_labelled_and_its_task_followed(admin, anthropic):
    image = make_image()
    response = post(admin, f"/api/labeling/image/{image.pk}")
    assert response.status_code == 202
    task = response.json()
    assert (task["status"], task["total"], task["pending"]) == ("queued", 1, 1)
    assert (task["image_id"], task["album_id"]) == (image.pk, None)
    assert task["prompt_kind"] == "default"
    finished(LabelingRun.objects.get())
    task = admin.get(f"/api/labeling/task/{task['id']}").json()
    assert (task["status"], task["done"], task["input_tokens"]) == ("completed", 1, 1500)


def test_an_album_is_labelled_with_what_was_asked(admin, anthropic):
    album = album_of(2)
    asked = {"prompt_kind": "detailed", "force": True}
    task = post(admin, f"/api/labeling/album/{album.pk}", asked).json()
    assert (task["album_id"], task["total"]) == (album.pk, 2)
    assert (task["prompt_kind"], task["force"]) == ("detailed", True)


def test_an_album_is_captioned_for_training_by_default(admin, anthropic):
    album = album_of(1)
    assert post(admin, f"/api/labeling/album/{album.pk}", {}).json()["prompt_kind"] == "sd_training"


@pytest.mark.parametrize("use_batches", [True, False])
def test_batches_are_asked_for(admin, anthropic, use_batches):
    album = album_of(2)
    asked = {"use_batches": use_batches}
    task = post(admin, f"/api/labeling/album/{album.pk}", asked).json()
    assert task["use_batches"] is use_batches
    finished(LabelingRun.objects.get())
    assert len(anthropic.batches.made) == use_batches
    (row,) = admin.get("/api/labeling/tasks").json()["items"]
    assert (row["use_batches"], row["done"]) == (use_batches, 2)


def test_batches_of_a_labeler_that_takes_none_name_their_field(admin, anthropic, monkeypatch):
    without = replace(labelers.known()["claude"], batches=None)
    monkeypatch.setitem(labelers.known(), "claude", without)
    response = post(admin, f"/api/labeling/image/{make_row().pk}", {"use_batches": True})
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "use_batches"
    assert not LabelingRun.objects.exists()


@pytest.mark.parametrize("kind", ["image", "album"])
def test_it_is_also_asked_for_at_what_is_labelled(admin, anthropic, kind):
    image = make_row()
    number = image.pk if kind == "image" else make_album(images=[image]).pk
    asked = {"trigger_word": " zk  deck ", "include_context": False}
    task = post(admin, f"/api/{kind}s/{number}/label", asked).json()
    assert (task[f"{kind}_id"], task["total"]) == (number, 1)
    assert (task["trigger_word"], task["include_context"]) == ("zk deck", False)


def test_what_a_search_finds_is_labelled(admin, anthropic):
    cat, _, gone = (make_row(prompt=f"a {word}") for word in ("cat", "dog", "cat"))
    trash.move_to_trash([gone.pk])
    task = post(admin, "/api/labeling/search", {"q": "cat", "prompt_kind": "cards"}).json()
    assert (task["search"], task["total"], task["prompt_kind"]) == ("cat", 1, "cards")
    assert (task["image_id"], task["album_id"]) == (None, None)
    assert LabelingRun.objects.get().items.get().image == cat


@pytest.mark.parametrize("q", ["", "  ", "zebra", "rating:fine", "x" * 301, "a\x00b", None])
def test_a_search_that_cannot_be_labelled_names_its_field(admin, anthropic, q):
    make_row(prompt="a cat")
    response = post(admin, "/api/labeling/search", {"q": q})
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "q"
    assert not LabelingRun.objects.exists()


def test_a_search_that_finds_too_much_is_refused(admin, anthropic, monkeypatch):
    monkeypatch.setattr(selection, "AT_MOST", 1)
    make_row(prompt="a cat")
    make_row(prompt="another cat")
    response = post(admin, "/api/labeling/search", {"q": "cat"})
    assert response.status_code == 422
    assert "narrow the search" in response.json()["error"]["message"]


def test_tasks_are_listed_newest_first_with_their_cost(
    admin, anthropic, django_assert_max_num_queries, monkeypatch
):
    first = finished(start_run(album=album_of(2)))
    runs = [run_of(make_row()) for _ in range(3)]
    with django_assert_max_num_queries(8):
        told = admin.get("/api/labeling/tasks").json()
    assert [task["id"] for task in told["items"]] == [
        *(str(run.job_id) for run in reversed(runs)), str(first.pk),
    ]  # fmt: skip
    assert told["next"] is None
    oldest = told["items"][-1]
    assert (oldest["total"], oldest["done"], oldest["pending"]) == (2, 2, 0)
    assert (oldest["input_tokens"], oldest["output_tokens"]) == (3000, 240)
    assert oldest["cache_read_tokens"] == oldest["cache_write_tokens"] > 512
    assert oldest["cost_usd"] == pytest.approx(
        (3000 * 2 + 240 * 10 + oldest["cache_read_tokens"] * (0.10 + 2.50)) / 1e6, abs=2e-6
    )
    monkeypatch.setattr("labeling.api.paginate", partial(paginate, size=3))
    page = admin.get("/api/labeling/tasks").json()
    rest = admin.get("/api/labeling/tasks", {"cursor": page["next"]}).json()
    assert [task["id"] for task in rest["items"]] == [str(first.pk)]
    assert admin.get("/api/labeling/tasks", {"cursor": "nonsense"}).status_code == 422


def test_failed_images_are_retried_alone(admin, anthropic):
    good, bad = make_image(), make_image()
    anthropic.script = [GOOD, Reply(status=400)]
    run = run_of(good, bad)
    job = finished(run)
    response = post(admin, f"/api/labeling/task/{job.pk}/retry")
    assert response.status_code == 202
    assert response.json()["status"] == "queued"
    assert finished(run).result["labelled"] == 2
    assert len(anthropic.requests) == 3
    again = post(admin, f"/api/labeling/task/{job.pk}/retry")
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "not_retriable"


def test_refused_images_are_asked_about_again_if_it_is_said(admin, anthropic):
    anthropic.script = [Reply(stop_reason="refusal")]
    run = run_of(make_image())
    path = f"/api/labeling/task/{finished(run).pk}/retry"
    assert post(admin, path, {"refused": False}).status_code == 409
    assert post(admin, path, {"refused": True}).json()["pending"] == 1
    assert post(admin, path, {"refused": True}).status_code == 409
    job = finished(run)
    assert (job.status, job.result["labelled"], job.result["refused"]) == ("completed", 1, 0)


def test_a_run_that_would_pass_the_budget_is_not_started(admin, anthropic, settings):
    settings.LABELING_BUDGET_USD = Decimal("0.001")
    image = make_row()
    response = post(admin, f"/api/images/{image.pk}/label")
    assert response.status_code == 409
    error = response.json()["error"]
    assert (error["code"], error["field"]) == ("over_budget", "budget")
    assert "$0.0010 is left of this month's budget of $0.0010." in error["message"]
    assert not LabelingRun.objects.exists()
    settings.LABELING_BUDGET_USD = Decimal("1")
    assert post(admin, f"/api/images/{image.pk}/label").status_code == 202


def test_a_task_tells_which_images_failed_and_why(admin, anthropic):
    row = make_row()
    task = post(admin, f"/api/labeling/image/{row.pk}").json()
    finished(LabelingRun.objects.get())
    (failure,) = admin.get(f"/api/labeling/task/{task['id']}").json()["failures"]
    assert failure["image_id"] == row.pk
    assert failure["outcome"] == "failed"
    assert "cannot be read" in failure["error"]


def test_without_a_key_it_says_what_to_set_and_starts_nothing(admin, settings):
    settings.ANTHROPIC_API_KEY = ""
    response = post(admin, f"/api/labeling/image/{make_row().pk}")
    assert response.status_code == 409
    error = response.json()["error"]
    assert error["code"] == "labeler_unusable"
    assert "Set ANTHROPIC_API_KEY" in error["message"]
    assert not LabelingRun.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt_kind": "sonnet"}, "prompt_kind"),
        ({"prompt_kind": "x" * 60}, "prompt_kind"),
        ({"force": "perhaps"}, "force"),
        ({"trigger_word": "a, b"}, "trigger_word"),
        ({"trigger_word": "x" * 101}, "trigger_word"),
        ({"trigger_word": "a\nb"}, "trigger_word"),
        ({"include_context": 1}, "include_context"),
        ({"forced": True}, "forced"),
    ],
)
def test_a_wrong_request_names_its_field(admin, anthropic, body, field):
    response = post(admin, f"/api/labeling/image/{make_row().pk}", body)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field
    assert not LabelingRun.objects.exists()


def test_an_empty_album_is_refused(admin, anthropic):
    response = post(admin, f"/api/labeling/album/{make_album().pk}")
    assert response.status_code == 422
    assert "no images" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/labeling/image/999999",
        "/api/labeling/album/999999",
        "/api/images/999999/label",
        "/api/albums/999999/label",
        f"/api/labeling/task/{NOBODY}/retry",
    ],
)
def test_what_is_not_there_is_not_found(admin, anthropic, path):
    assert post(admin, path).status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "x"])
def test_a_number_that_no_row_can_have_is_named(admin, anthropic, number):
    for path, field in (("images", "image_id"), ("albums", "album_id")):
        response = post(admin, f"/api/{path}/{number}/label")
        assert response.status_code == 422
        assert response.json()["error"]["field"] == field


def test_an_unknown_task_is_not_found(admin):
    assert admin.get(f"/api/labeling/task/{NOBODY}").status_code == 404


def test_visitors_may_neither_ask_nor_look(client, anthropic):
    image = make_row()
    assert post(client, f"/api/labeling/image/{image.pk}").status_code == 401
    assert post(client, "/api/labeling/album/1").status_code == 401
    assert post(client, "/api/labeling/search", {"q": "x"}).status_code == 401
    assert client.get(f"/api/labeling/task/{NOBODY}").status_code == 401
    assert client.get("/api/labeling/tasks").status_code == 401
    assert not LabelingRun.objects.exists()
