import json
from typing import Any

import pytest
from django.test import Client

from gallery.tests.factories import make_admin, make_album, make_image, make_row
from labeling.models import LabelingRun
from labeling.tests.factories import album_of, finished

pytestmark = pytest.mark.django_db


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
    response = post(admin, f"/api/labeling/image/{make_row().pk}", {"labeler": "claude"})
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
        ({"labeler": "gpt"}, "labeler"),
        ({"labeler": 7}, "labeler"),
        ({"labeler": "x" * 60}, "labeler"),
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
        "/api/labeling/image/99999999999999999999",
        "/api/labeling/album/999999",
    ],
)
def test_what_is_not_there_is_not_found(admin, anthropic, path):
    assert post(admin, path).status_code == 404


def test_an_unknown_task_is_not_found(admin):
    path = "/api/labeling/task/00000000-0000-0000-0000-000000000000"
    assert admin.get(path).status_code == 404


def test_visitors_may_neither_ask_nor_look(client, anthropic):
    image = make_row()
    assert post(client, f"/api/labeling/image/{image.pk}").status_code == 401
    assert post(client, "/api/labeling/album/1").status_code == 401
    task = "/api/labeling/task/00000000-0000-0000-0000-000000000000"
    assert client.get(task).status_code == 401
    assert not LabelingRun.objects.exists()
