"""POST /api/images/bulk: the console's bar for scripts."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client

from gallery import bulk, trash
from gallery.models import Album, Image, Rating
from gallery.tests.factories import make_album, make_image, make_label, make_row
from imagineer.jobs.models import Job, Status
from imagineer.jobs.runner import execute

pytestmark = pytest.mark.django_db


def send(client: Client, **body: Any) -> Any:
    return client.post("/api/images/bulk", body, content_type="application/json")


def pks(images: Sequence[Image]) -> list[int]:
    return [image.pk for image in images]


def in_order(album: Album) -> list[int]:
    return list(album.entries.order_by("position").values_list("image_id", flat=True))


def test_it_rates(admin_client: Client, media: Any) -> None:
    images = [make_image(number, width=8, height=8) for number in range(3)]
    response = send(admin_client, action="set_rating", rating="ADULT", image_ids=pks(images))
    assert response.status_code == 200
    assert response.json() == {
        "images": 3, "changed": 3, "message": "3 pictures rated adult.", "job": None,
    }  # fmt: skip
    assert set(Image.objects.values_list("rating", "is_nsfw")) == {(Rating.ADULT, True)}
    again = send(admin_client, action="set_rating", rating="ADULT", image_ids=pks(images))
    assert again.json()["changed"] == 0


def test_it_opens_and_closes(admin_client: Client, media: Any) -> None:
    image = make_image(1, width=8, height=8)
    for action, public in (("make_private", False), ("make_public", True)):
        assert send(admin_client, action=action, image_ids=[image.pk]).json()["changed"] == 1
        assert Image.objects.get().is_public is public


def test_it_adds_in_the_given_order_to_an_album_by_id_or_by_name(admin_client: Client) -> None:
    images = [make_row() for _ in range(3)]
    wanted = pks(images[::-1])
    send(admin_client, action="add_to_album", album="New", image_ids=wanted)
    album = Album.objects.get(name="New")
    assert in_order(album) == wanted
    assert album.created_by is not None
    extra = make_row()
    told = send(
        admin_client, action="add_to_album", album_id=album.pk, image_ids=[wanted[0], extra.pk]
    )
    assert told.json()["changed"] == 1
    assert "1 picture added to “New”; 1 picture was in it before." in told.json()["message"]
    assert in_order(album) == [*wanted, extra.pk]


def test_it_moves_and_removes(admin_client: Client) -> None:
    images = [make_row() for _ in range(2)]
    here = make_album("Here", images)
    ids = pks(images)
    send(admin_client, action="move_to_album", from_album_id=here.pk, album="There", image_ids=ids)
    there = Album.objects.get(name="There")
    assert (in_order(here), in_order(there)) == ([], ids)
    send(admin_client, action="remove_from_album", from_album_id=there.pk, image_ids=ids[:1])
    assert in_order(there) == ids[1:]


def test_it_deletes_and_restores(admin_client: Client) -> None:
    ids = pks([make_row() for _ in range(2)])
    assert send(admin_client, action="delete", image_ids=ids).json()["changed"] == 2
    assert not Image.objects.exists()
    assert send(admin_client, action="restore", image_ids=ids).json()["changed"] == 2
    assert Image.objects.count() == 2


def test_a_search_names_the_images(admin_client: Client) -> None:
    fox, owl = make_row(), make_row(is_public=False)
    make_label(fox, "red fox")
    make_label(owl, "red owl")
    told = send(admin_client, action="add_to_album", album="Red", q="red -fox").json()
    assert (told["images"], told["changed"]) == (1, 1)
    assert in_order(Album.objects.get()) == [owl.pk]
    nothing = send(admin_client, action="delete", q="wolf").json()
    assert (nothing["images"], nothing["changed"]) == (0, 0)
    assert Image.objects.count() == 2


def test_ten_thousand_are_changed_by_a_job(admin_client: Client) -> None:
    ids = [make_row().pk]
    Image.objects.bulk_create(
        Image(
            file=f"uploads/{number}.png", sha256=f"b{number:063}", width=1, height=1, bytes=1,
            format="png", source_type="upload",
        )
        for number in range(9_999)
    )  # fmt: skip
    ids = list(Image.objects.order_by("pk").values_list("pk", flat=True))
    assert len(ids) == 10_000
    response = send(admin_client, action="add_to_album", album="All", image_ids=ids)
    assert response.status_code == 202
    told = response.json()
    assert (told["images"], told["changed"]) == (10_000, None)
    assert told["message"].replace("\u202f", " ") == "Add to an album: 10 000 pictures."
    job = Job.objects.get(pk=told["job"]["id"])
    assert (job.status, job.created_by) == (Status.QUEUED, job.created_by)
    album = Album.objects.get()
    assert not album.entries.exists()
    execute(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == (Status.COMPLETED, "")
    assert in_order(album) == ids


def test_many_that_a_search_names_are_changed_by_a_job(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    images = [make_row(prompt="fox") for _ in range(3)]
    response = send(admin_client, action="delete", q="fox")
    assert response.status_code == 202
    execute(response.json()["job"]["id"])
    assert set(trash.inside()) == set(images)


INSIDE = {"image_ids": "IMAGES", "from_album_id": "ALBUM"}
BAD: list[tuple[dict[str, Any], str]] = [
    # (what is sent, the field that is named); ALBUM and IMAGES stand for what there is
    ({"action": "explode", "image_ids": "IMAGES"}, "action"),
    ({"image_ids": "IMAGES"}, "action"),
    ({"action": "delete"}, "image_ids"),
    ({"action": "delete", "image_ids": []}, "image_ids"),
    ({"action": "delete", "image_ids": ["1"]}, "image_ids.0"),
    ({"action": "delete", "image_ids": [0]}, "image_ids.0"),
    ({"action": "delete", "image_ids": [2**63]}, "image_ids.0"),
    ({"action": "delete", "image_ids": [True]}, "image_ids.0"),
    ({"action": "delete", "image_ids": "IMAGES", "q": "fox"}, "image_ids"),
    ({"action": "delete", "image_ids": "UNKNOWN"}, "image_ids"),
    ({"action": "delete", "q": " "}, "q"),
    ({"action": "delete", "q": "source:moon"}, "q"),
    ({"action": "delete", "q": "x" * 301}, "q"),
    ({"action": "delete", "q": "\x00"}, "q"),
    ({"action": "delete", "image_ids": "IMAGES", "rating": "SAFE"}, "rating"),
    ({"action": "delete", "image_ids": "IMAGES", "album": "Deck"}, "album"),
    ({"action": "delete", "image_ids": "IMAGES", "who": "me"}, "who"),
    ({"action": "restore", "q": "fox"}, "q"),
    ({"action": "restore", "image_ids": [10**9]}, "image_ids"),
    ({"action": "set_rating", "image_ids": "IMAGES"}, "rating"),
    ({"action": "set_rating", "image_ids": "IMAGES", "rating": "RUDE"}, "rating"),
    ({"action": "add_to_album", "image_ids": "IMAGES"}, "album"),
    ({"action": "add_to_album", "image_ids": "IMAGES", "album": " "}, "album"),
    ({"action": "add_to_album", "image_ids": "IMAGES", "album": "a\nb"}, "album"),
    ({"action": "add_to_album", "image_ids": "IMAGES", "album": "x" * 201}, "album"),
    ({"action": "add_to_album", "image_ids": "IMAGES", "album_id": 10**9}, "album_id"),
    ({"action": "add_to_album", "image_ids": "UNKNOWN", "album": "New"}, "image_ids"),
    ({"action": "add_to_album", "image_ids": "IMAGES", "album": "N", "album_id": "ALBUM"}, "album"),
    ({"action": "move_to_album", "image_ids": "IMAGES", "album": "New"}, "from_album_id"),
    ({"action": "move_to_album", **INSIDE, "album": "Here"}, "album"),
    ({"action": "remove_from_album", **INSIDE, "album": "Here"}, "album"),
    ({"action": "remove_from_album", "image_ids": "IMAGES"}, "from_album_id"),
    ({"action": "remove_from_album", **INSIDE, "from_album_id": 10**9}, "from_album_id"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field"), BAD, ids=str)
def test_what_is_wrong_is_named_and_nothing_is_changed(
    admin_client: Client, body: dict[str, Any], field: str
) -> None:
    images = [make_row(), make_row()]
    album = make_album("Here", images)
    stands_for = {
        "IMAGES": pks(images), "UNKNOWN": [*pks(images), 10**9], "ALBUM": album.pk,
    }  # fmt: skip
    sent = {
        name: stands_for.get(value, value) if isinstance(value, str) else value
        for name, value in body.items()
    }
    response = send(admin_client, **sent)
    assert 400 <= response.status_code < 500
    error = response.json()["error"]
    assert error["field"] == field
    assert error["message"]
    assert Image.objects.count() == 2
    assert list(Album.objects.all()) == [album]
    assert in_order(album) == pks(images)
    assert not Job.objects.exists()


@pytest.mark.parametrize("named", [{"image_ids": list(range(1, 13))}, {"q": "fox"}], ids=str)
def test_more_than_it_takes_are_refused(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, named: dict[str, Any]
) -> None:
    monkeypatch.setattr(bulk, "AT_MOST", 10)
    for _ in range(12):
        make_row(prompt="fox")
    response = send(admin_client, action="delete", **named)
    assert response.status_code == 422
    assert "At most 10 images at once; these are 1" in response.json()["error"]["message"]
    assert Image.objects.count() == 12


def test_a_body_beyond_all_measure_is_a_4xx(admin_client: Client) -> None:
    response = send(admin_client, action="delete", image_ids=list(range(1, 900_000)))
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_it_is_for_admins(client: Client) -> None:
    assert send(client, action="delete", image_ids=[1]).status_code == 401
