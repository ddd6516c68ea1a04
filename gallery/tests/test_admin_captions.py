"""An image's captions on its page in the console: which one counts, and what was said before."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gallery import labels
from gallery.captions import best_caption
from gallery.models import FormerLabel, Image, Label
from gallery.tests.factories import make_admin, make_label, make_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> Any:
    return make_admin("anna")


@pytest.fixture
def admin(anna: Any) -> Client:
    client = Client()
    client.force_login(anna)
    return client


@pytest.fixture
def image(anna: Any) -> Image:
    made = make_row()
    make_label(
        made, "an <ace>", source="claude", model="m", prompt_kind="default", prompt_version="2",
        confidence=0.5, created_by=anna,
    )  # fmt: skip
    make_label(made, "local words", source="local")
    return made


def page(admin: Client, image: Image) -> str:
    return admin.get(reverse("admin:gallery_image_change", args=[image.pk])).content.decode()


def act(admin: Client, image: Image, action: str) -> str:
    response = admin.post(
        reverse("admin:gallery_image_captions", args=[image.pk]), {"action": action}, follow=True
    )
    assert response.status_code == 200
    assert response.redirect_chain == [(f"/admin/gallery/image/{image.pk}/change/", 302)]
    return str(response.content.decode())


def counting(image: Image) -> str:
    return best_caption(image.labels.filter(kind="caption"))


def test_each_caption_says_where_it_is_from(admin: Client, image: Image) -> None:
    told = page(admin, image)
    assert "an &lt;ace&gt;" in told
    assert "Claude, m, prompt default 2, 50% sure, asked for by anna" in told
    assert told.index("Counts by the rule.") < told.index("local words")
    assert f"/admin/labeling/review/?filter=all&amp;image={image.pk}" in told


def test_a_caption_is_chosen_and_the_rule_chooses_again(admin: Client, image: Image) -> None:
    local = image.labels.get(source="local")
    told = act(admin, image, f"use {local.pk}")
    assert counting(image) == "local words"
    assert "Counts: chosen by anna" in told
    told = act(admin, image, "rule")
    assert counting(image) == "an <ace>"
    assert "Counts by the rule." in told


def test_former_captions_are_told_and_brought_back(admin: Client, image: Image, anna: Any) -> None:
    mine = labels.write_label(image, "caption", "one", created_by=anna)
    labels.reword(mine, "two", anna)
    labels.delete_label(image.labels.get(source="local"), anna)
    told = page(admin, image)
    assert "2 former captions" in told
    assert "Given other words by anna" in told
    assert "Taken away by anna" in told
    act(admin, image, f"restore {FormerLabel.objects.get(text='one').pk}")
    assert counting(image) == "one"
    act(admin, image, f"restore {FormerLabel.objects.get(text='local words').pk}")
    assert counting(image) == "local words"
    assert FormerLabel.objects.get().text == "two"


@pytest.mark.parametrize("action", ["", "use", "use 999", "use x", "restore 999", "burn 1"])
def test_what_is_not_there_changes_nothing(admin: Client, image: Image, action: str) -> None:
    assert "This caption is gone by now." in act(admin, image, action)
    assert not Label.objects.filter(is_pinned=True).exists()


def test_labels_of_other_kinds_and_images_are_no_captions_of_this_one(
    admin: Client, image: Image
) -> None:
    tag, foreign = make_label(image, "fox", kind="tag"), make_label(make_row(), "foreign")
    for label in (tag, foreign):
        assert "gone by now" in act(admin, image, f"use {label.pk}")
        former = labels.delete_label(label)
        assert "gone by now" in act(admin, image, f"restore {former.pk}")
    assert not Label.objects.filter(is_pinned=True).exists()


def test_it_is_done_by_post_and_by_admins_alone(
    client: Client, admin: Client, image: Image
) -> None:
    address = reverse("admin:gallery_image_captions", args=[image.pk])
    assert admin.get(address).status_code == 405
    assert client.post(address, {"action": "rule"}).status_code == 302
    assert admin.post(reverse("admin:gallery_image_captions", args=[999])).status_code == 404
    assert admin.post(f"/admin/gallery/image/{'9' * 30}/captions/").status_code == 404


def test_words_in_the_form_are_kept_when_they_are_given_up(
    admin: Client, image: Image, anna: Any
) -> None:
    label = labels.write_label(image, "caption", "one")
    path = reverse("admin:gallery_image_change", args=[image.pk])
    form = {
        "rating": "UNRATED", "is_public": "on", "original_name": "x.png", "prompt": "",
        "negative_prompt": "", "labels-TOTAL_FORMS": 1, "labels-INITIAL_FORMS": 1,
        "labels-0-id": label.pk, "labels-0-image": image.pk, "labels-0-kind": "caption",
        "labels-0-text": "two", "labels-2-TOTAL_FORMS": 0, "labels-2-INITIAL_FORMS": 0,
    }  # fmt: skip
    assert admin.post(path, form).status_code == 302
    former = FormerLabel.objects.get()
    assert (former.text, former.ended_by, former.label) == ("one", anna, label)
