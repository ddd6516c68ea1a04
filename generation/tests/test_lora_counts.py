"""How many pictures a LoRA drew, by who may see them: kept by the database."""

import pytest
from django.test import Client

from gallery import trash
from gallery.models import Image
from gallery.tests.factories import make_row
from generation.models import ImageModel, ModelVersion
from generation.tests.factories import make_lora

pytestmark = pytest.mark.django_db


def counts(lora: ModelVersion) -> tuple[int, int, int]:
    lora.refresh_from_db()
    return lora.open_count, lora.veiled_count, lora.private_count


def test_counts_follow_the_pictures() -> None:
    lora = make_lora()
    images = [make_row(), make_row(rating="ADULT"), make_row(is_public=False)]
    ImageModel.objects.bulk_create(ImageModel(model_version=lora, image=row) for row in images)
    assert counts(lora) == (1, 1, 1)
    trash.move_to_trash([images[0].pk])
    assert counts(lora) == (0, 1, 1)
    assert ImageModel.objects.count() == 2
    Image.objects.filter(pk=images[2].pk).update(is_public=True)
    assert counts(lora) == (1, 1, 0)
    Image.objects.filter(pk=images[1].pk).delete()
    assert counts(lora) == (1, 0, 0)


def test_the_lists_of_loras_tell_what_the_visitor_may_list(client: Client) -> None:
    lora = make_lora()
    for rating in ("SAFE", "ADULT"):
        ImageModel.objects.create(model_version=lora, image=make_row(rating=rating))
    assert client.get(f"/api/loras/{lora.pk}").json()["pictures"] == 2
    client.cookies["nsfw"] = "hide"
    assert client.get(f"/api/loras/{lora.pk}").json()["pictures"] == 1


def test_from_one_picture_of_a_lora_to_the_next(client: Client) -> None:
    lora = make_lora()
    first, other, last = make_row(), make_row(), make_row()
    for image in (first, last):
        ImageModel.objects.create(model_version=lora, image=image)
    walk = client.get(f"/images/{first.pk}/?lora={lora.pk}").context["walk"]
    assert (walk.previous, walk.next, walk.title) == (last.pk, None, lora.name)
    assert client.get(f"/images/{other.pk}/?lora={lora.pk}").context["walk"].title == ""
    for value in ("x", "0", str(2**70), "-1"):
        assert client.get(f"/images/{first.pk}/?lora={value}").status_code == 200
