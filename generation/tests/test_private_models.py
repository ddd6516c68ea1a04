"""A private LoRA's name, hash and id reach no visitor of a picture that it drew."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from gallery import infotext
from gallery.models import Image
from gallery.private_models import PrivateModels
from gallery.tests.factories import make_row, picture
from generation.kept import Plan, keep
from generation.models import ImageModel, ModelVersion
from generation.parameters import SCHEDULERS, Settings
from generation.private_models import private_models
from generation.tests.factories import make_admin, make_lora, make_single

pytestmark = pytest.mark.django_db


@pytest.fixture
def drawn(settings: Any, tmp_path: Path) -> Image:
    """Drawn with a public LoRA and a private one."""
    settings.MEDIA_ROOT = tmp_path / "media"
    run = make_single()
    assert run.base_model is not None
    shown = make_lora("inks", sha256="a" * 64)
    secret = make_lora("Secret: Lora", sha256="b" * 64, is_public=False)
    plan = Plan(
        run,
        run.base_model,
        Settings(2, 2.0, 64, 96, next(iter(SCHEDULERS))),
        ((shown, 0.5), (secret, 1.0)),
    )
    item = run.items.get()
    keep(plan, item, picture(1), 1.0)
    item.refresh_from_db()
    assert item.image is not None
    return item.image


def test_visitors_read_no_private_lora_anywhere(client: Client, drawn: Image) -> None:
    secret = ModelVersion.objects.get(is_public=False)
    data = client.get(f"/images/{drawn.pk}/original").content
    read = infotext.parse(infotext.read_png(data))
    assert (dict(read.loras), dict(read.lora_hashes)) == ({"inks": 0.5}, {"inks": "a" * 10})
    assert (read.prompt, read.seed, read.version) == ("red card", 7, "Imagineer")
    assert b"Secret" not in data
    assert b"bbbb" not in data
    told = client.get(f"/api/images/{drawn.pk}").json()
    assert [lora["model"] for lora in told["parameters"]["loras"]] == [secret.pk - 1]
    assert "Secret" not in str(told)
    assert "Secret" not in client.get(drawn.get_absolute_url()).content.decode()


def test_admins_get_the_file_as_it_is(client: Client, drawn: Image) -> None:
    client.force_login(make_admin())
    data = client.get(f"/images/{drawn.pk}/original").content
    assert data == drawn.file.read()
    assert set(infotext.parse(infotext.read_png(data)).loras) == {"inks", "Secret- Lora"}
    assert len(client.get(f"/api/images/{drawn.pk}").json()["parameters"]["loras"]) == 2


def test_a_renamed_private_lora_stays_unnamed(client: Client, drawn: Image) -> None:
    ModelVersion.objects.filter(is_public=False).update(name="Other")
    assert b"Secret" not in client.get(f"/images/{drawn.pk}/original").content


def test_a_picture_of_public_models_is_sent_as_it_is(client: Client, drawn: Image) -> None:
    ModelVersion.objects.update(is_public=True)
    response = client.get(f"/images/{drawn.pk}/original")
    assert response.content == drawn.file.read()
    assert "public" in response["Cache-Control"]


def test_what_is_private_of_a_pictures_models() -> None:
    image = make_row()
    assert private_models(image) is None
    base = ModelVersion.objects.create(name="Base", type=ModelVersion.Type.BASE, is_public=False)
    for version in (base, make_lora("a, b")):
        ImageModel.objects.create(image=image, model_version=version)
    told = private_models(Image.objects.get())
    assert told is not None
    assert told == PrivateModels(frozenset({base.pk}), frozenset({"a- b"}), hides_base=True)
