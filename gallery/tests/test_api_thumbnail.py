"""GET /api/images/{id}/thumbnail."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from PIL import Image as Picture

from gallery.tests.factories import make_image

pytestmark = pytest.mark.django_db


def size(response: Any) -> tuple[int, int]:
    assert response["Content-Type"] == "image/webp"
    return Picture.open(io.BytesIO(response.content)).size


def test_it_is_the_smallest_file_that_fills_the_width(client: Client, media: Path) -> None:
    image = make_image(width=900, height=600)
    address = f"/api/images/{image.pk}/thumbnail"
    assert size(client.get(address)) == (300, 200)
    assert size(client.get(address, {"width": 301})) == (600, 400)
    assert size(client.get(address, {"width": 5000})) == (900, 600)


def test_it_is_sharp_with_consent_alone(client: Client, media: Path) -> None:
    image = make_image(width=900, height=600, rating="ADULT")
    address = f"/api/images/{image.pk}/thumbnail"
    blurred = client.get(address, {"width": 900})
    assert size(blurred) == (300, 200)
    assert size(client.get(f"{address}?width=900&nsfw=show")) == (900, 600)
    assert client.get(address, {"nsfw": "hide"}).status_code == 404
    for response in (blurred, client.get(f"{address}?width=900&nsfw=show")):
        assert response["Cache-Control"] == "private, no-store"


def test_caches_ask_again_whether_an_open_picture_still_is(client: Client, media: Path) -> None:
    image = make_image()
    address = f"/api/images/{image.pk}/thumbnail"
    first = client.get(address)
    assert first["Cache-Control"] == "public, no-cache"
    again = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("columns", [{"is_public": False}])
def test_there_is_none_of_a_private_picture(
    client: Client, admin_client: Client, media: Path, columns: dict[str, Any]
) -> None:
    image = make_image(**columns)
    assert client.get(f"/api/images/{image.pk}/thumbnail").status_code == 404
    assert admin_client.get(f"/api/images/{image.pk}/thumbnail").status_code == 200


@pytest.mark.parametrize("width", ["0", "-1", "x", "10001", ""])
def test_a_width_that_is_none_is_a_422(client: Client, media: Path, width: str) -> None:
    image = make_image()
    response = client.get(f"/api/images/{image.pk}/thumbnail", {"width": width})
    assert (response.status_code, response.json()["error"]["field"]) == (422, "width")
