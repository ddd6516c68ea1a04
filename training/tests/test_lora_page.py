"""What a LoRA's page tells of the training that made it."""

import pytest
from django.test import Client

from gallery.models import Album
from gallery.tests.factories import make_album
from generation.models import ModelVersion
from imagineer.tests.rows import make_row
from training.models import DatasetVersion, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> TrainingRun:
    """Of a public LoRA, on a dataset of two albums."""
    lora = ModelVersion.objects.create(name="Night", type=ModelVersion.Type.LORA)
    dataset = make_row(DatasetVersion, name="Harbour", number=3)
    albums = [make_album("One"), make_album("Two")]
    dataset.albums.set(albums)
    made: TrainingRun = make_row(
        TrainingRun,
        name="Night",
        dataset=dataset,
        output_model=lora,
        steps=1234,
        loss_history=[[step, 0.5 + step / 100] for step in range(1, 20)],
        is_public=True,
    )
    made.albums.set(albums)
    return made


def page_of(client: Client, run: TrainingRun) -> str:
    assert run.output_model is not None
    response = client.get(run.output_model.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def test_a_public_training_is_told(client: Client, run: TrainingRun) -> None:
    page = page_of(client, run)
    for words in ("Harbour v3", "1 234", "chart", "One", "Two"):
        assert words in page.replace("\u202f", " ")


def test_a_dataset_with_a_private_album_is_not_named(
    client: Client, admin_client: Client, run: TrainingRun
) -> None:
    Album.objects.filter(name="Two").update(is_public=False)
    page = page_of(client, run)
    assert "Harbour" not in page
    assert "Two" not in page
    assert "One" in page
    assert "Harbour v3" in page_of(admin_client, run)


def test_a_training_that_the_api_hides_is_hidden(
    client: Client, admin_client: Client, run: TrainingRun
) -> None:
    TrainingRun.objects.update(is_public=False)
    assert client.get(f"/api/training/runs/{run.pk}").status_code == 404
    page = page_of(client, run)
    for words in ("Harbour", "Steps", "has-chart", "One", "Trained on"):
        assert words not in page
    for words in ("Harbour v3", "Steps", "has-chart", "One", "Trained on"):
        assert words in page_of(admin_client, run)
