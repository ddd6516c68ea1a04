"""What the page of an album tells of the run that drew it."""

import pytest
from django.test import Client

from gallery.tests.factories import make_album, make_row
from generation.models import GenerationRun
from generation.tests.factories import make_template
from imagineer.jobs.models import Job

pytestmark = pytest.mark.django_db


def test_a_private_run_is_told_to_admins_alone(client: Client, admin_client: Client) -> None:
    album = make_album("Boats", [make_row()], source_type="batch_generation")
    run = GenerationRun.objects.create(
        job=Job.objects.create(kind="generation.run", queue="gpu"),
        template=make_template(),
        album=album,
        is_public=False,
        user_theme="gold ink",
    )
    address = f"/albums/{album.slug}/"
    assert client.get(f"{address}source")["Location"] == address
    assert "gold ink" not in client.get(address).content.decode()
    assert "gold ink" in admin_client.get(address).content.decode()
    GenerationRun.objects.filter(pk=run.pk).update(is_public=True)
    assert client.get(f"{address}source")["Location"] == "/templates/suits/"
    assert "gold ink" in client.get(address).content.decode()
