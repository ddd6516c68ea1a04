"""The API of datasets and trainings."""

import json
from typing import Any

import pytest
from django.test import Client

from gallery.tests.factories import make_admin, make_album, make_label, make_row
from imagineer.jobs.models import Status
from training.models import DatasetVersion, TrainingRun
from training.tests.factories import end

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


@pytest.fixture
def album() -> Any:
    images = [make_row(), make_row()]
    make_label(images[0], "an ace")
    return make_album("Cards", images)


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def started(admin: Client, album: Any, **more: Any) -> TrainingRun:
    body = {"name": "Night", "albums": [album.pk], **more}
    response = post(admin, "/api/training/start", body)
    assert response.status_code == 201, response.content
    return TrainingRun.objects.get(pk=response.json()["id"])


def test_a_dataset_is_frozen_once(admin: Any, album: Any) -> None:
    body = {"name": " Cards  of night ", "albums": [album.pk]}
    first = post(admin, "/api/datasets", body)
    assert first.status_code == 201
    told = first.json()
    assert (told["name"], told["number"]) == ("Cards of night", 1)
    assert (told["stats"]["pictures"], told["stats"]["left_out"]) == (1, 1)
    assert told["albums"] == [{"id": album.pk, "name": "Cards", "slug": "cards"}]
    assert post(admin, "/api/datasets", body).json()["id"] == told["id"]
    assert admin.get(f"/api/datasets/{told['id']}").json() == told
    assert admin.get("/api/datasets").json()["items"] == [told]


def test_a_datasets_items_tell_captions_and_images(admin: Any, album: Any) -> None:
    pk = post(admin, "/api/datasets", {"name": "Cards", "albums": [album.pk]}).json()["id"]
    image = album.images.get(labels__text="an ace")
    (item,) = admin.get(f"/api/datasets/{pk}/items").json()["items"]
    assert item == {
        "index": 1, "image": image.pk, "sha256": image.sha256, "caption": "an ace",
        "caption_source": "manual", "label": image.labels.get().pk, "repeats": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "albums": []}, "name"),
        ({"name": "x" * 101, "albums": []}, "name"),
        ({"name": "x", "albums": [987654]}, "albums.0"),
        ({"name": "x", "albums": ["many"]}, "albums.0"),
        ({"name": "x", "albums": []}, "albums"),
        ({"name": "x"}, "albums"),
        ({"name": "x", "albums": [], "colour": 1}, "colour"),
    ],
)
def test_a_dataset_that_cannot_be_frozen_is_refused_by_field(
    admin: Any, body: Any, field: Any
) -> None:
    response = post(admin, "/api/datasets", body)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field
    assert not DatasetVersion.objects.exists()


def test_visitors_do_not_see_datasets(client: Any, album: Any) -> None:
    assert client.get("/api/datasets").status_code == 401
    assert post(client, "/api/datasets", {"name": "x", "albums": [album.pk]}).status_code == 401


def test_a_training_starts_with_the_presets_settings(admin: Any, album: Any) -> None:
    run = started(admin, album, trigger_word="night style", config={"rank": 4})
    assert run.job.status == Status.QUEUED
    assert run.job.kind == "training.run"
    assert run.base_model.repository == "builtin"
    assert (run.steps, run.config["rank"], run.config["targets"]) == (800, 4, "all")
    assert list(run.albums.all()) == [album]
    assert run.dataset is None


def test_a_training_starts_on_a_frozen_dataset(admin: Any, album: Any) -> None:
    pk = post(admin, "/api/datasets", {"name": "Cards", "albums": [album.pk]}).json()["id"]
    response = post(admin, "/api/training/start", {"name": "Night", "dataset": pk})
    assert response.json()["dataset"] == pk


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"albums": []}, "albums"),
        ({"albums": [987654]}, "albums.0"),
        ({"dataset": 987654}, "dataset"),
        ({"base_model": 987654}, "base_model"),
        ({"preset": "extreme"}, "preset"),
        ({"trigger_word": "x" * 101}, "trigger_word"),
        ({"trigger_word": "two, words"}, "trigger_word"),
        ({"config": {"rank": 0}}, "rank"),
        ({"config": {"rank": "8"}}, "config.rank"),
        ({"config": {"learning_rate": 1}}, "learning_rate"),
        ({"config": {"width": 100}}, "width"),
        ({"config": {"optimizer": "sgd"}}, "config.optimizer"),
        ({"is_public": "perhaps"}, "is_public"),
    ],
)
def test_a_training_that_cannot_run_is_refused_by_field(
    admin: Any, album: Any, change: Any, field: Any
) -> None:
    body = {"name": "Night", "albums": [album.pk], **change}
    response = post(admin, "/api/training/start", body)
    assert response.status_code == 422, response.content
    assert response.json()["error"]["field"] == field
    assert not TrainingRun.objects.exists()


def test_albums_and_a_dataset_together_are_refused(admin: Any, album: Any) -> None:
    pk = post(admin, "/api/datasets", {"name": "Cards", "albums": [album.pk]}).json()["id"]
    body = {"name": "Night", "albums": [album.pk], "dataset": pk}
    assert post(admin, "/api/training/start", body).status_code == 422


def test_visitors_see_losses_and_steps_but_no_albums_and_errors(
    client: Any, admin: Any, album: Any
) -> None:
    run = started(admin, album)
    TrainingRun.objects.filter(pk=run.pk).update(loss_history=[[1, 0.5], [2, 0.25]])
    told = client.get(f"/api/training/runs/{run.pk}").json()
    assert told["loss_history"] == [[1, 0.5], [2, 0.25]]
    assert (told["loss"], told["steps"], told["job"]["status"]) == (0.25, 800, "queued")
    assert told["albums"] is None
    assert told["error"] is None
    full = admin.get(f"/api/training/runs/{run.pk}").json()
    assert full["albums"][0]["name"] == "Cards"
    assert [one["id"] for one in client.get("/api/training/runs").json()["items"]] == [run.pk]


def test_a_private_training_is_not_there_for_visitors(client: Any, admin: Any, album: Any) -> None:
    run = started(admin, album, is_public=False)
    assert client.get(f"/api/training/runs/{run.pk}").status_code == 404
    assert client.get("/api/training/runs").json()["items"] == []
    assert admin.get(f"/api/training/runs/{run.pk}").status_code == 200


def test_visitors_cannot_train(client: Any, album: Any) -> None:
    body = {"name": "Night", "albums": [album.pk]}
    assert post(client, "/api/training/start", body).status_code == 401


def test_a_training_that_waits_is_cancelled_by_its_job(admin: Any, album: Any) -> None:
    run = started(admin, album)
    assert admin.delete(f"/api/jobs/{run.job_id}").status_code in (200, 202, 204)
    run.job.refresh_from_db()
    assert run.job.status == Status.CANCELLED


def test_the_list_costs_the_same_for_many_runs(
    admin: Any, album: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        end(started(admin, album, name=f"Night {number}").job, Status.FAILED)
    with django_assert_max_num_queries(8):
        assert len(admin.get("/api/training/runs").json()["items"]) == 6


@pytest.mark.parametrize("field", ["name", "trigger_word"])
def test_a_name_that_turns_the_words_around_it_is_refused(admin: Client, field: str) -> None:
    body = {"name": "Night", "albums": [], field: "a\u202eb"}
    response = admin.post("/api/training/start", body, content_type="application/json")
    assert (response.status_code, response.json()["error"]["field"]) == (422, field)
