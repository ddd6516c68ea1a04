"""Who gets which file, and what caches may keep."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo
from pytest_django import DjangoAssertNumQueries

from gallery import private_models, renditions
from gallery.add_image import add_image
from gallery.models import Image
from gallery.private_models import PrivateModels
from gallery.tests.factories import make_admin, make_image, picture_file
from gallery.tests.test_strip_location import exif, gps_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

IMMUTABLE = "public, max-age=31536000, immutable"
PRIVATE = "private, no-store"


@pytest.fixture
def admin_browser() -> Client:
    browser = Client()
    browser.force_login(make_admin())
    return browser


def sharp(image: Image) -> str:
    return image.thumbnail_url(300, sharp=True)


def blurred(image: Image) -> str:
    return image.thumbnail_url(300, sharp=False)


def original(image: Image) -> str:
    return f"/images/{image.pk}/original"


# --- Renditions --------------------------------------------------------------------------------


def test_a_public_rendition_is_sent_and_cached(client: Client) -> None:
    image = make_image(1, width=640, height=480)
    response = client.get(sharp(image))
    assert response.status_code == 200
    assert response["Content-Type"] == "image/webp"
    assert response["Cache-Control"] == IMMUTABLE
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Cookie" not in response.get("Vary", "")
    assert not response.cookies
    assert Picture.open(io.BytesIO(response.content)).size == (300, 225)


def test_a_public_rendition_takes_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    image = make_image(1)
    client.force_login(make_admin())
    with django_assert_num_queries(1):
        client.get(sharp(image))


def test_every_width_has_its_address(client: Client) -> None:
    image = make_image(1, width=700, height=400)
    for width in (300, 600, 700):
        assert client.get(renditions.url(image.sharp_key, width)).status_code == 200
    for width in (1, 299, 1200, 10**30):
        assert client.get(renditions.url(image.sharp_key, width)).status_code == 404


@pytest.mark.parametrize("key", ["0" * 32, "x", "a" * 5000, "%00", "..", "\N{SNOWMAN}"])
def test_unknown_keys_are_404(client: Client, key: str) -> None:
    make_image(1)
    assert client.get(f"/i/{key}-300.webp").status_code == 404


def test_one_address_does_not_open_the_other(client: Client) -> None:
    image = make_image(1, width=700, height=400, rating="ADULT")
    for width in (600, 700):
        assert client.get(renditions.url(image.blurred_key, width)).status_code == 404


def test_nsfw_is_sent_blurred_unless_asked_for(client: Client) -> None:
    image = make_image(1, rating="ADULT")
    assert client.get(sharp(image)).status_code == 404
    response = client.get(blurred(image))
    assert (response.status_code, response["Cache-Control"]) == (200, IMMUTABLE)
    for choice in ("blur", "hide", "SHOW", ""):
        client.cookies["nsfw"] = choice
        assert client.get(sharp(image)).status_code == 404
    client.cookies["nsfw"] = "show"
    response = client.get(sharp(image))
    assert (response.status_code, response["Cache-Control"]) == (200, PRIVATE)
    assert "Cookie" in response["Vary"]


def test_one_nsfw_picture_can_be_revealed(client: Client) -> None:
    image, other = make_image(1, rating="EXPLICIT"), make_image(2, rating="EXPLICIT")
    client.post(f"/images/{image.pk}/reveal")
    assert client.get(sharp(image)).status_code == 200
    assert client.get(original(image)).status_code == 200
    assert client.get(sharp(other)).status_code == 404
    assert Client().get(sharp(image)).status_code == 404


def test_private_pictures_are_the_admins_alone(client: Client, admin_browser: Client) -> None:
    image = make_image(1, is_public=False)
    client.cookies["nsfw"] = "show"
    for address in (sharp(image), blurred(image), original(image)):
        assert client.get(address).status_code == 404
        response = admin_browser.get(address)
        assert (response.status_code, response["Cache-Control"]) == (200, PRIVATE)


def test_an_admin_sees_nsfw_by_the_same_choice(admin_browser: Client) -> None:
    image = make_image(1, rating="ADULT")
    assert admin_browser.get(sharp(image)).status_code == 404
    admin_browser.cookies["nsfw"] = "show"
    assert admin_browser.get(sharp(image)).status_code == 200


def test_a_known_rendition_is_not_sent_again(client: Client) -> None:
    image = make_image(1)
    etag = client.get(sharp(image))["ETag"]
    response = client.get(sharp(image), headers={"If-None-Match": f'"x", W/{etag}'})
    assert (response.status_code, response.content) == (304, b"")
    assert response["Cache-Control"] == IMMUTABLE
    assert client.get(sharp(image), headers={"If-None-Match": '"x"'}).status_code == 200


def test_knowing_an_etag_does_not_open_a_picture(client: Client) -> None:
    image = make_image(1, is_public=False)
    etag = f'"{image.sharp_key}-64"'
    assert client.get(sharp(image), headers={"If-None-Match": etag}).status_code == 404


def test_a_lost_file_is_404(client: Client, media: Path) -> None:
    image = make_image(1)
    for path in media.rglob("*.*"):
        path.unlink()
    assert client.get(sharp(image)).status_code == 404
    assert client.get(original(image)).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_files_are_only_read(client: Client, method: str) -> None:
    image = make_image(1)
    for address in (sharp(image), original(image)):
        assert getattr(client, method)(address).status_code == 405
        assert client.head(address).status_code == 200


def test_a_proxy_sends_renditions_where_one_is_set_up(client: Client, settings: Any) -> None:
    settings.X_ACCEL_PREFIX = "/_media/"
    image = make_image(1, rating="ADULT")
    response = client.get(blurred(image))
    name = renditions.name(image.sha256, image.blurred_key, renditions.blurred_width(image.width))
    assert response["X-Accel-Redirect"] == f"/_media/{name}"
    assert default_storage.exists(name)
    assert response.content == b""
    assert response["Content-Type"] == "image/webp"
    assert response["Cache-Control"] == IMMUTABLE
    # What may not be seen is not handed to the proxy either.
    refused = client.get(image.thumbnail_url(300, sharp=True))
    assert refused.status_code == 404
    assert "X-Accel-Redirect" not in refused
    known = client.get(blurred(image), headers={"If-None-Match": response["ETag"]})
    assert known.status_code == 304
    # An original is rewritten on the way, so it comes from here.
    whole = client.get(f"{original(make_image(2))}")
    assert "X-Accel-Redirect" not in whole
    assert whole.content


def test_files_elsewhere_are_sent_from_here(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.X_ACCEL_PREFIX = "/_media"

    def nowhere(self: Any, name: str) -> str:
        raise NotImplementedError

    image = make_image(1)
    monkeypatch.setattr(type(default_storage._wrapped), "path", nowhere)  # type: ignore[attr-defined]
    monkeypatch.setattr(default_storage, "open", lambda name: io.BytesIO(b"webp"))
    response = client.get(sharp(image))
    assert response.content == b"webp"
    assert "X-Accel-Redirect" not in response


# --- Originals ---------------------------------------------------------------------------------


def test_an_original_keeps_its_bytes(client: Client) -> None:
    data = picture_file(1)
    image = add_image(data, source_type="upload", original_name="My Card.PNG").image
    response = client.get(original(image))
    assert response.content == data
    assert response["Content-Type"] == "image/png"
    assert response["Cache-Control"] == "public, no-cache"
    assert response["Content-Disposition"] == (
        "inline; filename=\"my-card.png\"; filename*=UTF-8''My%20Card.png"
    )
    assert response["X-Content-Type-Options"] == "nosniff"


def test_an_original_is_sent_without_its_place(client: Client) -> None:
    data = picture_file(1, 64, 96, "JPEG", exif=exif())
    image = add_image(data, source_type="upload").image
    response = client.get(original(image))
    assert gps_of(data)
    assert not gps_of(response.content)
    with default_storage.open(str(image.file.name)) as file:
        assert hashlib.sha256(file.read()).hexdigest() == image.sha256


@pytest.mark.parametrize(
    "name", ['a";\r\nX-Evil: 1.png', "../../x.png", "名前.png", "", ".png", "x" * 300]
)
def test_file_names_are_safe_in_headers(client: Client, name: str) -> None:
    image = make_image(1, original_name=name)
    response = client.get(original(image))
    disposition = response["Content-Disposition"]
    assert response.status_code == 200
    assert "X-Evil" not in response
    assert "\n" not in disposition
    assert disposition.split(";")[1].count('"') == 2
    assert "/" not in disposition


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, None),
        ("bytes=-7", -7, None),
        ("bytes=5-99999", 5, None),
        ("Bytes=5-9", 5, 10),
    ],
)
def test_a_range_is_sent(client: Client, asked: str, start: int, stop: int | None) -> None:
    data = picture_file(1)
    image = add_image(data, source_type="upload").image
    response = client.get(original(image), headers={"Range": asked})
    assert response.status_code == 206
    assert response.content == data[start:stop]
    first = start % len(data)
    last = first + len(response.content) - 1
    assert response["Content-Range"] == f"bytes {first}-{last}/{len(data)}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "items=0-1", "bytes=0-1,4-5", "bytes=x-y", "bytes=-1-5"]
)
def test_other_ranges_get_the_whole(client: Client, asked: str) -> None:
    image = make_image(1)
    response = client.get(original(image), headers={"Range": asked})
    assert (response.status_code, len(response.content)) == (200, image.bytes)


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=999999999999999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_416(client: Client, asked: str) -> None:
    image = make_image(1)
    response = client.get(original(image), headers={"Range": asked})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{image.bytes}"


def test_no_cache_keeps_that_a_range_was_too_far(client: Client) -> None:
    image = make_image(1)
    for address in (original(image), sharp(image)):
        response = client.get(address, headers={"Range": "bytes=999999-"})
        assert (response.status_code, response["Cache-Control"]) == (416, PRIVATE)


def test_a_head_tells_the_whole_whatever_range_it_asks_for(client: Client) -> None:
    image = make_image(1)
    for address in (original(image), sharp(image)):
        whole = client.get(address)
        head = client.head(address, headers={"Range": "bytes=0-9"})
        assert (head.status_code, head.content) == (200, b"")
        assert head["Content-Length"] == str(len(whole.content))
        assert head["ETag"] == whole["ETag"]
        assert head["Accept-Ranges"] == "bytes"


def test_renditions_have_ranges_too_and_only_for_who_may_see_them(client: Client) -> None:
    image = make_image(1, width=640, height=480, rating="ADULT")
    asked = {"Range": "bytes=10-19"}
    assert client.get(sharp(image), headers=asked).status_code == 404
    assert client.head(sharp(image)).status_code == 404
    part = client.get(blurred(image), headers=asked)
    assert (part.status_code, len(part.content)) == (206, 10)
    client.cookies["nsfw"] = "show"
    whole = client.get(sharp(image)).content
    part = client.get(sharp(image), headers=asked)
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert part["Cache-Control"] == PRIVATE


def test_a_range_of_another_version_gets_the_whole(client: Client) -> None:
    image = make_image(1)
    headers = {"Range": "bytes=0-9", "If-Range": '"older"'}
    assert client.get(original(image), headers=headers).status_code == 200
    headers["If-Range"] = f'"{image.sha256}"'
    assert client.get(original(image), headers=headers).status_code == 206


def test_a_known_original_is_not_sent_again(client: Client) -> None:
    image = make_image(1)
    response = client.get(original(image), headers={"If-None-Match": f'"{image.sha256}"'})
    assert response.status_code == 304


@pytest.mark.parametrize("pk", [0, 999, 2**63, 10**40])
def test_unknown_originals_are_404(client: Client, pk: int) -> None:
    assert client.get(f"/images/{pk}/original").status_code == 404


def test_an_nsfw_original_needs_consent(client: Client) -> None:
    image = make_image(1, rating="ADULT")
    assert client.get(original(image)).status_code == 404
    client.cookies["nsfw"] = "show"
    response: Any = client.get(original(image))
    assert (response.status_code, response["Cache-Control"]) == (200, PRIVATE)


def test_a_private_model_is_named_to_admins_alone(
    client: Client, admin_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = PngInfo()
    info.add_text("parameters", "a fox <lora:inks:1> <lora:Secret:1>\nSteps: 2")
    data = picture_file(1, pnginfo=info)
    image = add_image(data, source_type="generated").image
    assert client.get(original(image)).content == data
    told = PrivateModels(ids=frozenset({5}), shown=frozenset({"inks"}))
    monkeypatch.setattr(private_models, "_finders", [lambda image: told])
    shown = client.get(original(image))
    assert b"Secret" not in shown.content
    assert b"a fox <lora:inks:1>\nSteps: 2" in shown.content
    whole = admin_browser.get(original(image))
    assert whole.content == data
    assert shown["ETag"] != whole["ETag"]
    for response in (shown, whole):
        assert response["Cache-Control"] == PRIVATE
        assert {"Cookie", "Authorization"} <= set(response["Vary"].split(", "))
    assert b"Secret" not in client.get(original(image), headers={"Range": "bytes=0-400"}).content
    asked = {"If-None-Match": whole["ETag"]}
    assert client.get(original(image), headers=asked).status_code == 200
