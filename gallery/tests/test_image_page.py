import html
import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery import infotext
from gallery.models import Image, Label, Rating
from gallery.tests.factories import make_admin, make_album, make_label, make_row

pytestmark = pytest.mark.django_db


def get(client: Client, image: Image, **query: str) -> str:
    response = client.get(image.get_absolute_url(), query)
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_prompt_parameters_and_labels(client: Client) -> None:
    image = make_row(
        prompt="a quiet lake",
        negative_prompt="noise",
        generation_params={"seed": 7, "steps": 20, "guidance_scale": 4.0, "loras": []},
    )
    make_label(image, "Lake before sunrise")
    make_label(image, "mist", kind=Label.Kind.TAG)
    page = get(client, image)
    for words in ("a quiet lake", "noise", "Lake before sunrise", "mist", "Seed", ">7<", ">20<"):
        assert words in page
    assert "640 × 480" in page


def test_its_badge_says_labelled_where_its_card_does(client: Client) -> None:
    tagged, captioned = make_row(), make_row()
    make_label(tagged, "fox", kind=Label.Kind.TAG)
    make_label(captioned, "a fox")
    cards = client.get("/").content.decode()
    assert cards.count(">Labelled<") == 1
    assert ">Labelled<" not in client.get(tagged.get_absolute_url()).content.decode()
    assert ">Labelled<" in client.get(captioned.get_absolute_url()).content.decode()


def test_prompt_and_parameters_can_be_copied_as_other_tools_read_them(client: Client) -> None:
    image = make_row(
        prompt="a quiet lake",
        negative_prompt="noise",
        generation_params={
            "seed": 7, "steps": 20, "guidance_scale": 4.5, "sampler": "Euler a", "width": 512,
            "height": 768, "model": "ink", "loras": [{"name": "fine:lines", "weight": 0.8}],
        },
    )  # fmt: skip
    page = get(client, image)
    (text,) = re.findall('data-copy-text="([^"]*)" aria-label="Copy the parameters"', page)
    told = html.unescape(text)
    assert told == (
        "a quiet lake <lora:fine-lines:0.8>\n"
        "Negative prompt: noise\n"
        "Steps: 20, Sampler: Euler a, CFG scale: 4.5, Seed: 7, Size: 512x768, Model: ink"
    )
    assert infotext.parse(told).loras == {"fine-lines": 0.8}


def test_odd_parameters_are_copied_as_far_as_they_make_sense(client: Client) -> None:
    odd = {"seed": True, "steps": "many", "guidance_scale": "seven", "width": 5, "x": "y"}
    assert "Copy the parameters" in get(client, make_row(prompt="p", generation_params=odd))
    assert "Copy the parameters" not in get(client, make_row(prompt="p"))


def test_it_escapes_what_people_and_web_pages_wrote(client: Client) -> None:
    evil = "<script>alert(1)</script>"
    image = make_row(
        prompt=evil, negative_prompt=evil, original_name=evil, generation_params={evil: evil}
    )
    make_label(image, evil)
    make_label(image, evil, kind=Label.Kind.TAG)
    make_album(evil, [image])
    assert "<script>alert" not in get(client, image)


def test_odd_parameters_do_not_break_it(client: Client) -> None:
    odd = {"a": None, "b": [1], "c": {"d": 1}, "": "x", "width": "wide", "e": True, "f": "y" * 999}
    assert "Details" in get(client, make_row(generation_params=odd))


def test_a_private_image_does_not_exist_for_visitors(client: Client) -> None:
    image = make_row(is_public=False)
    assert client.get(image.get_absolute_url()).status_code == 404
    client.force_login(make_admin())
    assert "Private" in get(client, image)


def test_private_albums_are_not_named_to_visitors(client: Client) -> None:
    image = make_row()
    make_album("Boats", [image])
    make_album("Drafts", [image], is_public=False)
    page = get(client, image, **{"in": "drafts"})
    assert "Boats" in page
    assert "Drafts" not in page


def test_under_blur_it_holds_neither_sharp_file_nor_original_nor_words(client: Client) -> None:
    image = make_row(rating=Rating.ADULT, prompt="something bare")
    make_label(image, "a bare caption")
    make_label(image, "bare", kind=Label.Kind.TAG)
    page = get(client, image)
    assert image.blurred_key in page
    assert image.sharp_key not in page
    assert "/original" not in page
    assert "bare" not in page
    assert "Show this one" in page


def test_under_hide_it_holds_no_file_at_all(client: Client) -> None:
    image = make_row(rating=Rating.ADULT)
    client.cookies["nsfw"] = "hide"
    page = get(client, image)
    assert image.blurred_key not in page
    assert image.sharp_key not in page
    assert "Show this one" in page


def test_one_picture_can_be_shown_while_the_others_stay_blurred(client: Client) -> None:
    image, other = make_row(rating=Rating.ADULT), make_row(rating=Rating.ADULT)
    address = image.get_absolute_url()
    response = client.post(f"{address}reveal", {"next": address})
    assert response["Location"] == address
    assert image.sharp_key in get(client, image)
    assert other.sharp_key not in get(client, other)


def test_a_private_picture_cannot_be_revealed(client: Client) -> None:
    image = make_row(rating=Rating.ADULT, is_public=False)
    assert client.post(f"{image.get_absolute_url()}reveal").status_code == 404


def test_neighbours_follow_the_latest(client: Client) -> None:
    old, middle, new = make_row(), make_row(), make_row()
    page = get(client, middle)
    assert f'rel="prev" data-walk="ArrowLeft" href="/images/{new.pk}/"' in page
    assert f'rel="next" data-walk="ArrowRight" href="/images/{old.pk}/"' in page


def test_neighbours_follow_the_album_one_came_from(client: Client) -> None:
    first, between, second, third = (make_row() for _ in range(4))
    make_album("Boats", [first, second, third])
    page = get(client, second, **{"in": "boats"})
    assert f'rel="prev" data-walk="ArrowLeft" href="/images/{first.pk}/?in=boats"' in page
    assert f'rel="next" data-walk="ArrowRight" href="/images/{third.pk}/?in=boats"' in page
    assert f"/images/{between.pk}/" not in page


def test_neighbours_are_never_private_nor_hidden(client: Client) -> None:
    make_row(is_public=False)
    image = make_row()
    make_row(rating=Rating.ADULT)
    client.cookies["nsfw"] = "hide"
    assert "data-walk" not in get(client, image)


@pytest.mark.parametrize("inside", ["boats", "drafts", "none", "\x00", "x" * 300])
def test_an_album_that_does_not_hold_it_is_not_spoken_of(client: Client, inside: str) -> None:
    image, other = make_row(), make_row()
    make_album("Boats", [other])
    make_album("Drafts", [image], is_public=False)
    page = get(client, image, **{"in": inside})
    assert "Boats" not in page
    assert "Drafts" not in page
    assert "?in=" not in page.partition('<div class="facts">')[0].partition('<div class="mat">')[2]
    assert f'data-walk="ArrowLeft" href="/images/{other.pk}/"' in page


def test_admins_get_a_way_into_the_console(client: Client) -> None:
    image = make_row()
    assert "/admin/" not in get(client, image)
    client.force_login(make_admin())
    assert f"/admin/gallery/image/{image.pk}/change/" in get(client, image)


def test_a_long_prompt_folds(client: Client) -> None:
    assert "Show all" in get(client, make_row(prompt="long " * 300))
    assert "Show all" not in get(client, make_row(prompt="short"))


def test_a_tiny_picture_is_enlarged_by_whole_steps(client: Client) -> None:
    page = get(client, make_row(width=64, height=96))
    assert 'width="256" height="384"' in page


@pytest.mark.parametrize("count", [1, 30])
def test_its_queries_do_not_grow_with_labels_and_albums(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    image = make_row()
    for number in range(count):
        make_label(image, f"tag {number}", kind=Label.Kind.TAG)
        make_album(images=[image])
    with django_assert_max_num_queries(8):
        client.get(image.get_absolute_url())
