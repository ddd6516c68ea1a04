"""The public list of LoRAs, a LoRA's page and its file."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery.models import Rating
from gallery.tests.factories import make_row
from generation.models import ImageModel, ModelVersion
from generation.tests.factories import make_admin, make_lora

pytestmark = pytest.mark.django_db


def get(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def draw(lora: ModelVersion, **columns: Any) -> Any:
    image = make_row(**columns)
    ImageModel.objects.create(image=image, model_version=lora, weight=0.8)
    return image


def test_the_list_shows_public_loras_with_trigger_words_and_counts(client: Client) -> None:
    lora = make_lora("Woodcut", trigger_words=["wdct"])
    draw(lora)
    draw(lora, is_public=False)
    make_lora("Secret", is_public=False)
    ModelVersion.objects.create(name="Base", type=ModelVersion.Type.BASE)
    page = get(client, "/loras/")
    for words in ("Woodcut", "wdct", "1 picture"):
        assert words in page
    for words in ("Secret", "Base"):
        assert words not in page


def test_an_empty_list_says_what_will_be_there(client: Client) -> None:
    assert "No LoRAs yet" in get(client, "/loras/")


@pytest.mark.parametrize("count", [2, 20])
def test_the_lists_queries_do_not_grow(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for number in range(count):
        draw(make_lora(f"LoRA {number}"))
    with django_assert_num_queries(2):  # LoRAs, covers
        client.get("/loras/")


def test_a_lora_shows_what_people_want_to_know(client: Client) -> None:
    base = ModelVersion.objects.create(name="Built-in", type=ModelVersion.Type.BASE)
    lora = make_lora(
        "Woodcut", trigger_words=["wdct"], base_model=base, metadata={"rank": 8, "alpha": 4.0}
    )
    other = make_lora("Woodcut", version=2)
    shown, private = draw(lora), draw(lora, is_public=False)
    page = get(client, lora.get_absolute_url())
    for words in ("wdct", "Built-in", "8, alpha 4", "Pictures made with it"):
        assert words in page
    assert shown.sharp_key in page
    assert private.sharp_key not in page
    assert other.get_absolute_url() in page


def test_under_blur_its_pictures_are_blurred(client: Client) -> None:
    lora = make_lora()
    image = draw(lora, rating=Rating.ADULT)
    page = get(client, lora.get_absolute_url())
    assert image.blurred_key in page
    assert image.sharp_key not in page


def test_a_private_lora_is_there_for_admins_alone(client: Client) -> None:
    lora = make_lora("Secret", is_public=False)
    for address in (lora.get_absolute_url(), f"{lora.get_absolute_url()}file"):
        assert client.get(address).status_code == 404
    client.force_login(make_admin())
    assert "Private" in get(client, lora.get_absolute_url())


def test_a_base_model_has_no_lora_page(client: Client) -> None:
    base = ModelVersion.objects.create(name="Built-in", type=ModelVersion.Type.BASE)
    assert client.get(f"/loras/{base.pk}/").status_code == 404


@pytest.mark.parametrize("count", [3, 60])
def test_a_loras_queries_do_not_grow(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    lora = make_lora()
    for _ in range(count):
        draw(lora)
    with django_assert_max_num_queries(6):
        client.get(lora.get_absolute_url())


def test_its_pictures_go_on_without_gaps(client: Client) -> None:
    lora = make_lora()
    keys = {draw(lora).sharp_key for _ in range(55)}
    first = get(client, lora.get_absolute_url())
    start = first.index('rel="next"')
    href = first[first.rindex('href="', 0, start) + 6 :]
    second = get(client, href[: href.index('"')])
    assert sum(key in first for key in keys) == 50
    assert sum(key in second for key in keys) == 5


def test_its_file_can_be_downloaded(client: Client, models_dir: Path) -> None:
    lora = make_lora("inks")
    path = models_dir / lora.file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    assert "Download" in get(client, lora.get_absolute_url())
    response = client.get(f"{lora.get_absolute_url()}file")
    assert b"".join(response.streaming_content) == b"weights"  # type: ignore[attr-defined]
    assert "attachment" in response["Content-Disposition"]
    assert "inks.safetensors" in response["Content-Disposition"]


@pytest.mark.parametrize("file", ["../secret_key", "/etc/passwd", "lora/gone.safetensors", ""])
def test_a_file_that_is_not_a_kept_lora_is_not_sent(
    client: Client, models_dir: Path, file: str
) -> None:
    lora = make_lora("inks", file=file)
    assert "Download" not in get(client, lora.get_absolute_url())
    assert client.get(f"{lora.get_absolute_url()}file").status_code == 404
