"""/api/trash."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from gallery import trash
from gallery.models import Image
from gallery.tests.factories import make_album, make_image, make_row
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = pytest.mark.django_db


def test_it_lists_what_was_deleted_last_first(
    admin_client: Client, admin_user: Any, settings: Any
) -> None:
    settings.TRASH_DAYS = 30
    first, second = make_row(), make_row()
    make_row()
    trash.move_to_trash([second.pk], deleted_by=admin_user)
    trash.move_to_trash([first.pk])
    told = admin_client.get("/api/trash").json()
    assert [item["id"] for item in told["items"]] == [first.pk, second.pk]
    assert [item["deleted_by"] for item in told["items"]] == [None, admin_user.username]
    assert told["items"][0]["deleted_at"][:10] == f"{timezone.now():%Y-%m-%d}"
    until = timezone.now() + timedelta(days=30)
    assert told["items"][0]["kept_until"][:10] == f"{until:%Y-%m-%d}"
    assert told["next"] is None


def test_its_pages_follow_each_other(admin_client: Client) -> None:
    ids = [make_row().pk for _ in range(60)]
    trash.move_to_trash(ids)
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        told = admin_client.get("/api/trash", {"cursor": cursor}).json()
        seen += [item["id"] for item in told["items"]]
        cursor = told["next"]
    assert seen == ids[::-1]
    assert admin_client.get("/api/trash?cursor=x").status_code == 422


def test_one_comes_back_whole(admin_client: Client) -> None:
    image = make_row()
    album = make_album("Deck", [image])
    trash.move_to_trash([image.pk])
    response = admin_client.post(f"/api/trash/{image.pk}/restore")
    assert (response.status_code, response.json()["id"]) == (200, image.pk)
    assert list(album.images.all()) == [image]
    assert admin_client.post(f"/api/trash/{image.pk}/restore").status_code == 404


def test_one_is_deleted_for_good_from_there_alone(
    admin_client: Client, media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    image = make_image(1)
    assert admin_client.delete(f"/api/trash/{image.pk}").status_code == 404
    trash.move_to_trash([image.pk])
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.delete(f"/api/trash/{image.pk}").status_code == 204
    assert not Image.everything.exists()
    assert not default_storage.exists(str(image.file.name))


def test_all_are_deleted_for_good_by_a_job_but_what_comes_later(admin_client: Client) -> None:
    old, live, restored, later = (make_row() for _ in range(4))
    trash.move_to_trash([old.pk, restored.pk])
    response = admin_client.delete("/api/trash")
    assert response.status_code == 202
    trash.restore([restored.pk])
    trash.move_to_trash([later.pk])
    job = Job.objects.get(pk=response.json()["id"])
    assert job.title == "Emptying the trash"
    execute(job.pk)
    job.refresh_from_db()
    assert (job.status, job.result) == (Status.COMPLETED, {"deleted": 1})
    assert set(Image.everything.all()) == {live, restored, later}


@pytest.mark.parametrize("path", ["", "/1", "/1/restore"])
def test_it_is_for_admins(client: Client, path: str) -> None:
    trash.move_to_trash([make_row().pk])
    for method in (client.get, client.post, client.delete):
        assert method(f"/api/trash{path}").status_code in (401, 405)
    assert trash.inside().exists()


@pytest.mark.parametrize("pk", ["0", "-1", "x", str(2**63)])
def test_no_id_of_a_picture_is_a_4xx(admin_client: Client, pk: str) -> None:
    assert 400 <= admin_client.delete(f"/api/trash/{pk}").status_code < 500
