"""The admin's "view on site" link, with what people write into its address."""

from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from gallery.models import Album, Label
from gallery.tests.factories import make_album, make_label, make_row
from generation.models import ModelVersion
from imagineer.jobs.models import Job
from imagineer.jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db


def place(model: type, pk: object) -> str:
    return f"/admin/r/{ContentType.objects.get_for_model(model).pk}/{pk}/"


def test_an_album_s_page_is_found(admin_client: Client) -> None:
    album = make_album("Cards")
    response = admin_client.get(place(Album, album.pk))
    assert response.status_code == 302
    assert response["Location"].endswith(album.get_absolute_url())


def test_what_has_no_page_is_missing(admin_client: Client) -> None:
    label, job, user = make_label(make_row()), make_job(), get_user_model().objects.get()
    for path in (place(Label, label.pk), place(Job, job.pk), place(type(user), user.pk)):
        assert admin_client.get(path).status_code == 404


@pytest.mark.parametrize(
    "pk", ["1", "0", "x", "9" * 30, "9" * 5000, "%00", str(UUID(int=1))], ids=lambda pk: pk[:30]
)
def test_what_is_not_there_is_missing(admin_client: Client, pk: str) -> None:
    for model in (Job, Album, ModelVersion, ContentType):
        if model is not ContentType or pk != "1":
            assert admin_client.get(place(model, pk)).status_code == 404
    assert admin_client.get(f"/admin/r/{pk}/1/").status_code == 404


def test_every_kind_of_row_is_answered(admin_client: Client) -> None:
    for kind in ContentType.objects.all():
        assert admin_client.get(f"/admin/r/{kind.pk}/1/").status_code in (302, 404)
