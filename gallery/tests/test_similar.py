"""Pictures that look alike: the page, what stands beside a picture, and the API."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery import similar, trash
from gallery.models import Image, Rating
from gallery.tests.factories import make_row

pytestmark = pytest.mark.django_db
BESIDE = {"HX-Request": "true"}


def page(client: Client, image: Image, **headers: str) -> str:
    response = client.get(f"/images/{image.pk}/similar/", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def ids(client: Client, image: Image, query: str = "") -> list[int]:
    response = client.get(f"/api/images/{image.pk}/similar{query}")
    assert response.status_code == 200
    return [item["id"] for item in response.json()["items"]]


def test_the_most_alike_come_first_and_others_not_at_all(client: Client) -> None:
    image = make_row(phash=0)
    far = make_row(phash=(1 << 14) - 1)
    near = make_row(phash=0b111)
    too_far = make_row(phash=(1 << 15) - 1)
    assert ids(client, image) == [near.pk, far.pk]
    answer = client.get(f"/api/images/{image.pk}/similar").json()["items"]
    assert [item["distance"] for item in answer] == [3, 14]
    told = page(client, image)
    assert told.index(near.get_absolute_url()) < told.index(far.get_absolute_url())
    assert too_far.get_absolute_url() not in told


def test_the_picture_beside_which_they_stand_asks_for_a_few(client: Client) -> None:
    image = make_row(phash=0)
    for _ in range(10):
        make_row(phash=0)
    address = f"/images/{image.pk}/similar/"
    assert f'hx-get="{address}"' in client.get(image.get_absolute_url()).content.decode()
    beside = page(client, image, **BESIDE)
    assert beside.count("<li>") == 8
    assert f'<a href="{address}" rel="nofollow">All 10</a>' in beside
    assert "<html" not in beside
    assert "HX-Request" in client.get(address)["Vary"]


def test_what_came_later_is_found_and_what_left_is_not(client: Client) -> None:
    image, first = make_row(phash=5), make_row(phash=5)
    assert ids(client, image) == [first.pk]
    second = make_row(phash=5)
    assert ids(client, image) == [first.pk, second.pk]
    trash.move_to_trash([first.pk])
    assert ids(client, image) == [second.pk]
    assert similar.nearest(5) == image.pk
    trash.move_to_trash([image.pk])
    assert similar.nearest(5) == second.pk
    trash.restore([first.pk])
    assert ids(client, second) == [first.pk]


def test_one_that_became_visible_late_is_found(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it may be on PostgreSQL."""
    monkeypatch.setattr(similar, "_OVERLAP", 200)
    image, late, last = make_row(phash=5), make_row(phash=None), make_row(phash=5)
    assert ids(client, image) == [last.pk]
    Image.objects.filter(pk=late.pk).update(phash=5)
    newest = make_row(phash=5)
    assert ids(client, image) == [late.pk, last.pk, newest.pk]


def test_a_deleted_picture_makes_nothing_be_read_anew(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    image, other, gone = make_row(phash=5), make_row(phash=5), make_row(phash=5)
    assert len(ids(client, image)) == 2
    gone.delete()
    assert ids(client, image) == [other.pk]
    with django_assert_num_queries(1):
        similar.catch_up()


def test_many_parts_are_all_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar, "_CHUNK", 3)
    monkeypatch.setattr(similar, "_OVERLAP", 2)
    rows = [make_row(phash=5) for _ in range(10)]
    assert ids(client, rows[0]) == [row.pk for row in rows[1:]]
    checks: list[int] = []
    similar.forget()
    similar.catch_up(lambda: checks.append(1))
    assert len(checks) > 2


def test_flat_pictures_are_alike_to_nothing(client: Client) -> None:
    image, _ = make_row(phash=None), make_row(phash=None)
    assert ids(client, image) == []
    assert "Nothing looks like it" in page(client, image)
    assert "similar/" not in client.get(image.get_absolute_url()).content.decode()


def test_who_may_not_see_a_picture_does_not_find_it(client: Client, admin_client: Client) -> None:
    image = make_row(phash=0)
    private = make_row(phash=0, is_public=False)
    adult = make_row(phash=0, rating=Rating.ADULT)
    assert ids(client, image) == [adult.pk]
    told = page(client, image)
    assert adult.blurred_key in told
    assert adult.sharp_key not in told
    assert ids(client, image, "?nsfw=hide") == []
    assert set(ids(admin_client, image)) == {private.pk, adult.pk}
    assert client.get(f"/images/{private.pk}/similar/").status_code == 404
    assert client.get(f"/api/images/{private.pk}/similar").status_code == 404
    assert client.get("/images/999999/similar/").status_code == 404


def test_of_a_blurred_picture_nothing_is_told_until_it_is_shown(client: Client) -> None:
    adult, other = make_row(phash=0, rating=Rating.ADULT), make_row(phash=0)
    assert ids(client, adult) == []
    assert "show it first" in page(client, adult)
    assert ids(client, adult, "?nsfw=show") == [other.pk]
    client.post(f"/images/{adult.pk}/reveal")
    assert other.get_absolute_url() in page(client, adult)


@pytest.mark.parametrize("count", [1, 24])
def test_its_queries_do_not_grow_with_the_pictures(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    image = make_row(phash=0)
    for _ in range(count):
        make_row(phash=0)
    ids(client, image)
    # The picture, the newest row, those alike, their captions.
    with django_assert_num_queries(4):
        page(client, image)


@pytest.mark.parametrize("query", ["?nsfw=maybe", "?nsfw="])
def test_the_api_refuses_other_words(client: Client, query: str) -> None:
    answer: Any = client.get(f"/api/images/{make_row().pk}/similar{query}")
    assert answer.status_code == 422
