"""What this room knows of a picture when it is merged with its near-duplicate."""

import pytest

from gallery.near_duplicates import merge
from gallery.tests.factories import make_row
from generation.models import GenerationItem, GenerationRun, ImageModel
from generation.tests.factories import make_lora
from imagineer.jobs.models import Job

pytestmark = pytest.mark.django_db


def test_items_and_loras_follow_and_counts_stay_right() -> None:
    kept, other = make_row(), make_row()
    one, two = make_lora(), make_lora("Second")
    for image, lora in ((kept, one), (other, one), (other, two)):
        ImageModel.objects.create(image=image, model_version=lora, weight=0.5)
    run = GenerationRun.objects.create(job=Job.objects.create(kind="x", queue="gpu"))
    item = GenerationItem.objects.create(
        run=run, index=0, prompt="x", seed=1, status="done", image=other
    )
    merge(kept, other)
    item.refresh_from_db()
    assert item.image == kept
    assert set(kept.models_used.values_list("model_version", flat=True)) == {one.pk, two.pk}
    for lora in (one, two):
        lora.refresh_from_db()
        assert lora.open_count == 1
