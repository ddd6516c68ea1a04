"""/api/jobs: what visitors may read, what admins may do."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from imagineer.jobs.models import Job, Queue, Status
from imagineer.jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db

PUBLIC = {
    "id", "kind", "label", "queue", "status", "progress_done", "progress_total",
    "created_at", "started_at", "finished_at",
}  # fmt: skip


@pytest.fixture
def admin(client: Client) -> Client:
    user = get_user_model().objects.create_superuser("boss", "boss@example.org", "pass")
    other = Client()
    other.force_login(user)
    return other


@pytest.fixture
def job() -> Job:
    return make_job(
        Status.FAILED,
        params={"prompt": "secret"},
        message="secret",
        result={"secret": 1},
        error="secret",
        worker="secret",
    )


def test_a_visitor_sees_kind_state_and_counts_only(client: Client, job: Job) -> None:
    for path in (f"/api/jobs/{job.pk}", "/api/jobs"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "secret" not in answer.content.decode().lower()
    assert set(client.get(f"/api/jobs/{job.pk}").json()) == PUBLIC


def test_an_admin_sees_everything(admin: Client, job: Job) -> None:
    told = admin.get(f"/api/jobs/{job.pk}").json()
    assert told["title"] == "A secret title"
    assert told["params"] == {"prompt": "secret"}
    assert told["created_by"] is None
    assert admin.get("/api/jobs").json()["items"] == [told]


def test_the_list_filters(client: Client) -> None:
    make_job(Status.FAILED, queue=Queue.GPU, kind="a.run")
    make_job(Status.FAILED, kind="a.run")
    make_job(Status.COMPLETED, kind="b.run")

    def count(query: str) -> int:
        return len(client.get(f"/api/jobs?{query}").json()["items"])

    assert [count(q) for q in ("", "status=failed", "queue=gpu", "kind=b.run")] == [3, 2, 1, 1]


@pytest.mark.parametrize("query", ["status=odd", "queue=odd", "cursor=odd"])
def test_the_list_refuses_what_it_does_not_know(client: Client, query: str) -> None:
    assert client.get(f"/api/jobs?{query}").status_code == 422


def test_the_list_pages_to_its_end(client: Client, django_assert_max_num_queries: Any) -> None:
    made = {str(make_job().pk) for _ in range(60)}
    with django_assert_max_num_queries(3):
        first = client.get("/api/jobs").json()
    second = client.get("/api/jobs", {"cursor": first["next"]}).json()
    assert len(first["items"]) == 50
    assert second["next"] is None
    assert {item["id"] for item in first["items"] + second["items"]} == made


def test_an_unknown_job_is_404(admin: Client) -> None:
    missing = "/api/jobs/00000000-0000-4000-8000-000000000000"
    answers = [
        admin.get(missing), admin.delete(missing), admin.post(f"{missing}/retry"),
        admin.get(f"{missing}/events"), admin.get(f"{missing}/log"),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404] * 5


def test_only_admins_cancel_retry_and_read_logs(client: Client, job: Job) -> None:
    answers = [
        client.delete(f"/api/jobs/{job.pk}"), client.post(f"/api/jobs/{job.pk}/retry"),
        client.get(f"/api/jobs/{job.pk}/log"),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [401] * 3


def test_cancel(admin: Client) -> None:
    job = make_job()
    assert admin.delete(f"/api/jobs/{job.pk}").json()["status"] == "cancelled"
    assert admin.delete(f"/api/jobs/{job.pk}").status_code == 200


def test_cancel_refuses_what_has_ended(admin: Client) -> None:
    answer = admin.delete(f"/api/jobs/{make_job(Status.COMPLETED).pk}")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "ended"


def test_retry(admin: Client, job: Job) -> None:
    assert admin.post(f"/api/jobs/{job.pk}/retry").json()["status"] == "queued"
    again = admin.post(f"/api/jobs/{job.pk}/retry")
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "not_retriable"


def test_the_log_goes_on_where_it_was(admin: Client, job: Job) -> None:
    for seq in range(1, 4):
        job.log_lines.create(seq=seq, text=f"line {seq}")
    told = admin.get(f"/api/jobs/{job.pk}/log?after=1").json()
    assert [line["text"] for line in told["items"]] == ["line 2", "line 3"]
    assert told["next"] is None
