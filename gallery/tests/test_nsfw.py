from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from gallery import nsfw
from gallery.models import AlbumImage, Image
from gallery.tests.factories import make_admin, make_album, make_row
from imagineer.accounts.models import ApiToken, digest_of, new_token

pytestmark = pytest.mark.django_db


def ask(choice: str | None = None, user: Any = None, **headers: str) -> HttpRequest:
    request = RequestFactory().get("/", headers=headers)
    request.user = user or AnonymousUser()
    request.session = SessionStore()
    if choice is not None:
        request.COOKIES["nsfw"] = choice
    return request


@pytest.mark.parametrize(
    ("cookie", "meant"),
    [
        (None, "blur"),
        ("hide", "hide"),
        ("blur", "blur"),
        ("show", "show"),
        ("x", "blur"),
        ("", "blur"),
    ],
)
def test_the_choice_is_blur_unless_another_is_known(cookie: str | None, meant: str) -> None:
    assert nsfw.choice(ask(cookie)) == meant


def test_a_choice_is_remembered() -> None:
    response = HttpResponse()
    nsfw.remember(response, "show")
    cookie = response.cookies["nsfw"]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == ("show", "Lax", True)
    with pytest.raises(ValueError, match="hide, blur, show"):
        nsfw.remember(response, "all")


def test_lists_hold_what_the_visitor_may_see() -> None:
    safe, adult = make_row(), make_row(rating="ADULT")
    hidden = make_row(is_public=False)
    everything = Image.objects.order_by("pk")

    def listed(request: HttpRequest) -> list[Image]:
        return list(nsfw.visible(everything, request))

    admin = make_admin()
    assert listed(ask()) == [safe, adult]
    assert listed(ask("show")) == [safe, adult]
    assert listed(ask("hide")) == [safe]
    assert listed(ask(user=admin)) == [safe, adult, hidden]
    assert listed(ask("hide", user=admin)) == [safe, hidden]


def test_rows_that_lead_to_images_are_filtered_too() -> None:
    adult, closed = make_row(rating="ADULT"), make_row(is_public=False)
    make_album(images=[adult, closed])
    entries = AlbumImage.objects.all()
    assert [entry.image for entry in nsfw.visible(entries, ask(), "image__")] == [adult]
    assert not nsfw.visible(entries, ask("hide"), "image__").exists()


@pytest.mark.parametrize(
    ("rating", "choice", "sharp"),
    [
        ("SAFE", "blur", True), ("UNRATED", "hide", True), ("SUGGESTIVE", "blur", True),
        ("ADULT", "blur", False), ("EXPLICIT", "hide", False), ("ADULT", "show", True),
    ],
)  # fmt: skip
def test_who_sees_sharp(rating: str, choice: str, sharp: bool) -> None:
    image = make_row(rating=rating)
    assert nsfw.may_see_sharp(ask(choice), image) is sharp
    key = image.sharp_key if sharp else image.blurred_key
    assert key in nsfw.thumbnail_for(ask(choice), image, 300)
    assert bool(nsfw.srcset_for(ask(choice), image)) is sharp


def test_private_is_private_whatever_the_choice() -> None:
    image = make_row(is_public=False)
    assert not nsfw.may_see(ask("show"), image)
    assert not nsfw.may_see_sharp(ask("show"), image)
    assert nsfw.may_see_sharp(ask(user=make_admin()), image)


def test_a_token_makes_an_admin_and_is_looked_up_once(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    token = new_token()
    ApiToken.objects.create(user=make_admin(), name="x", digest=digest_of(token))
    request = ask(Authorization=f"Bearer {token}")
    assert nsfw.is_admin(request)
    with django_assert_num_queries(0):
        assert nsfw.is_admin(request)


def test_revealing_is_for_one_picture_and_one_visitor() -> None:
    image, other = make_row(rating="ADULT"), make_row(rating="ADULT")
    request = ask()
    nsfw.reveal(request, image)
    assert nsfw.may_see_sharp(request, image)
    assert not nsfw.may_see_sharp(request, other)
    assert not nsfw.may_see_sharp(ask(), image)


def test_the_oldest_revelations_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nsfw, "_REVEALED_AT_MOST", 2)
    images = [make_row(rating="ADULT") for _ in range(3)]
    request = ask()
    for image in [*images, images[2]]:
        nsfw.reveal(request, image)
    assert [nsfw.is_revealed(request, image) for image in images] == [False, True, True]


def test_a_small_picture_needs_no_srcset() -> None:
    assert nsfw.srcset_for(ask(), make_row(width=64, height=96)) == ""


def test_srcset_lists_what_was_made() -> None:
    image = make_row(width=640)
    listed = nsfw.srcset_for(ask(), image).split(", ")
    assert [entry.split(" ")[1] for entry in listed] == ["300w", "600w", "640w"]
    assert all(image.sharp_key in entry for entry in listed)
