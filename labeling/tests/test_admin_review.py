"""The review page and what it is made of, without a browser."""

from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gallery import labels
from gallery.captions import best_caption
from gallery.models import Image, Label
from gallery.tests.factories import make_admin, make_album, make_image, make_label, make_row
from imagineer.tests.rows import make_row as make_any
from labeling.models import LabelingRun
from labeling.review_filters import registered

pytestmark = pytest.mark.django_db
PAGE = "/admin/labeling/review/"
MORE = f"{PAGE}items/"
JSON = {"Accept": "application/json"}


@pytest.fixture
def anna() -> Any:
    return make_admin("anna")


@pytest.fixture
def admin(anna: Any) -> Client:
    client = Client()
    client.force_login(anna)
    return client


def captioned(text: str = "a card", **columns: Any) -> Image:
    image = make_row()
    make_label(image, text, **{"source": "claude", **columns})
    return image


def shown(admin: Client, query: str = "", status: int = 200) -> str:
    response = admin.get(PAGE + query)
    assert response.status_code == status
    return unescape(response.content.decode())


def decided(admin: Client, image: Image, query: str = "", **told: Any) -> Any:
    return admin.post(f"{PAGE}{image.pk}/{query}", told, headers=JSON)


# --- The page ------------------------------------------------------------------------------------


def test_it_opens_with_the_first_to_review_and_says_how_many_there_are(admin: Client) -> None:
    captioned("the older")
    captioned("the newer", confidence=0.4, model="m", prompt_kind="default", prompt_version="2")
    page = shown(admin)
    assert 'aria-current="page"' in page
    assert "the newer" in page
    assert "the older" not in page
    assert "Claude, m, prompt default 2, 40% sure" in page
    assert "1 of 2" in page
    assert "of 77 tokens" in page
    assert page.count('name="csrfmiddlewaretoken"') == 4  # the item’s, theme’s, 18+’s, signing out


def test_of_no_words_no_tokens_are_told(admin: Client) -> None:
    make_row()
    assert "of 77 tokens" not in shown(admin)


def test_it_opens_with_the_picture_that_the_address_names(admin: Client) -> None:
    image = captioned("this one", is_pinned=True)
    captioned("another")
    page = shown(admin, f"?image={image.pk}")
    assert "this one" in page
    assert "Decided" in page
    assert "another" in shown(admin, "?image=99999")
    assert "another" in shown(admin, f"?image={'9' * 40}")
    assert "another" in shown(admin, "?image=x")


@pytest.mark.parametrize("each", [each.key for each in registered()])
def test_where_nothing_is_left_it_says_so(admin: Client, each: str) -> None:
    page = shown(admin, f"?filter={each}")
    assert "Nothing is left here" in page
    assert next(one.nothing for one in registered() if one.key == each) in page


def test_what_there_is_to_choose_leads_on(admin: Client) -> None:
    album = make_album("Deck", [captioned("in the deck")])
    captioned("elsewhere")
    page = shown(admin, "?filter=all&q=deck")
    assert f"?filter=all&album={album.pk}&q=deck" in page
    assert "?filter=disputed&q=deck&order=newest" in page
    page = shown(admin, f"?album={album.pk}")
    assert "in the deck" in page
    assert "1 of 1" in page


def test_an_album_beyond_the_newest_is_named_all_the_same(admin: Client) -> None:
    old = make_album("The old one", [captioned()])
    for _ in range(31):
        make_album()
    assert "The old one" not in shown(admin)
    assert "The old one" in shown(admin, f"?album={old.pk}")


@pytest.mark.parametrize(
    "query",
    ["?filter=best", "?album=x", "?album=999", "?order=random", "?q=source:moon", "?q=%00",
     "?q=" + "x" * 400, "?filter=%ed%a0%80"],
)  # fmt: skip
def test_what_there_is_not_is_said_in_a_sentence(admin: Client, query: str) -> None:
    captioned()
    page = shown(admin, query, status=422)
    assert 'class="errornote"' in page
    assert "Nothing is left here" not in page


def test_words_are_shown_as_they_are(admin: Client) -> None:
    image = make_row()
    make_label(image, "<script>alert(1)</script>", source="scraper")
    make_label(image, 'a "tag" <b>', kind="tag")
    labels.reword(make_label(image, "<i>", source="manual"), "<u>")
    raw = admin.get(PAGE).content.decode()
    for text in ("<script>alert", "<b>", "<i>", "<u>"):
        assert text not in raw


def test_a_veiled_picture_is_blurred_until_it_is_shown(admin: Client, settings: Any) -> None:
    image = make_row(rating="ADULT")
    page = shown(admin)
    assert image.sharp_key not in page
    assert image.blurred_key in page
    admin.cookies["nsfw"] = "show"
    assert image.sharp_key in shown(admin)


def test_the_page_asks_no_more_for_more_pictures(admin: Client) -> None:
    for _ in range(2):
        captioned()
    shown(admin)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            shown(admin)
        return len(asked)

    few = queries()
    for _ in range(6):
        captioned()
    assert queries() == few <= 16


def test_it_is_for_admins(client: Client) -> None:
    image = captioned()
    for answer in (client.get(PAGE), client.get(MORE), client.post(f"{PAGE}{image.pk}/")):
        assert answer.status_code == 302
        assert "/accounts/" in answer["Location"] or "/login" in answer["Location"]


# --- More pictures -------------------------------------------------------------------------------


def test_pictures_come_in_parts(admin: Client) -> None:
    pks = [captioned(f"caption {number}").pk for number in range(25)][::-1]
    told = admin.get(MORE, {"behind": pks[0]}).json()
    assert [item["id"] for item in told["items"]] == pks[1:21]
    assert told["more"] is True
    assert "caption 23" in told["items"][0]["html"]
    told = admin.get(MORE, {"behind": pks[20]}).json()
    assert ([item["id"] for item in told["items"]], told["more"]) == (pks[21:], False)
    told = admin.get(MORE, {"before": pks[2]}).json()
    assert [item["id"] for item in told["items"]] == [pks[1], pks[0]]
    told = admin.get(MORE, {"image": pks[7]}).json()
    assert [item["id"] for item in told["items"]] == [pks[7]]


def test_more_of_them_take_no_more_queries(admin: Client) -> None:
    first = captioned()
    for _ in range(2):
        captioned()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            admin.get(MORE, {"before": first.pk})
        return len(asked)

    queries()
    few = queries()
    for _ in range(8):
        captioned()
    assert queries() == few <= 10


@pytest.mark.parametrize(
    "asked", [{}, {"behind": "x"}, {"behind": "9" * 30}, {"before": "1", "filter": "best"}]
)
def test_what_cannot_be_asked_for_is_said(admin: Client, asked: dict[str, str]) -> None:
    answer = admin.get(MORE, asked)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid"


# --- Decisions -----------------------------------------------------------------------------------


def test_a_decision_is_answered_with_the_picture_as_it_is_now(admin: Client, anna: Any) -> None:
    image = captioned("an ace")
    told = decided(admin, image, action="accept", text="an ace", seen="an ace").json()
    assert told["said"] == "Accepted."
    assert "Decided" in told["html"]
    assert "by anna" in told["html"]
    back = decided(admin, image, action="undo", undo=told["undo"]).json()
    assert "Not reviewed" in back["html"]
    assert not Label.objects.filter(is_pinned=True).exists()


def test_every_button_does_what_it_says(admin: Client, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    image = make_image(1)
    for text in ("one", "two"):
        make_label(image, text, source="claude")
    one = image.labels.get(text="one")
    decided(admin, image, action=f"use {one.pk}")
    assert best_caption(image.labels.filter(kind="caption")) == "one"
    decided(admin, image, action="rule")
    assert best_caption(image.labels.filter(kind="caption")) == "two"
    decided(admin, image, action="rate ADULT", rating="UNRATED")
    assert Image.objects.get().rating == "ADULT"
    decided(admin, image, action="add_tag", tag="Fox, owl")
    decided(admin, image, action="remove_tag fox")
    assert list(image.tags.values_list("name", flat=True)) == ["owl"]
    former = labels.delete_label(one)
    decided(admin, image, action=f"restore {former.pk}")
    assert best_caption(image.labels.filter(kind="caption")) == "one"


def test_a_conflict_is_told_with_what_stands_now(admin: Client) -> None:
    image = captioned("an ace")
    labels.write_label(image, "caption", "hers", created_by=make_admin("bert"))
    answer = decided(admin, image, action="accept", text="mine", seen="an ace")
    assert answer.status_code == 409
    told = answer.json()
    assert told["error"]["code"] == "changed_meanwhile"
    assert "by bert: “hers”" in told["error"]["message"]
    assert 'name="seen" value="hers"' in told["html"]


@pytest.mark.parametrize(
    "told",
    [
        {}, {"action": "burn"}, {"action": "accept"}, {"action": "accept", "text": " "},
        {"action": "accept", "text": "x" * 10_001, "seen": "a card"},
        {"action": "accept", "text": "a\x00b", "seen": "a card"},
        {"action": "rate"}, {"action": "rate SPICY"}, {"action": "use"}, {"action": "use x"},
        {"action": "use 999"}, {"action": "restore -1"}, {"action": "restore 999"},
        {"action": "add_tag"}, {"action": "add_tag", "tag": " , "}, {"action": "remove_tag"},
        {"action": "undo"}, {"action": "undo", "undo": "x"}, {"action": "use " + "9" * 30},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_changes_nothing(admin: Client, told: Any) -> None:
    image = captioned()
    answer = decided(admin, image, **told)
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]["message"].endswith(".")
    assert "a card" in answer.json()["html"]
    assert Label.objects.get().is_pinned is False
    plain = admin.post(f"{PAGE}{image.pk}/", told, follow=True)
    assert plain.status_code == 200
    assert answer.json()["error"]["message"] in unescape(plain.content.decode())


@pytest.mark.parametrize("pk", ["999", "9" * 30, str(2**63)])
def test_of_a_picture_that_is_not_there_nothing_is_decided(admin: Client, pk: str) -> None:
    answer = admin.post(f"{PAGE}{pk}/", {"action": "accept", "text": "x"}, headers=JSON)
    assert answer.status_code == 404


def test_a_queue_that_there_is_not_decides_nothing(admin: Client) -> None:
    image = captioned()
    answer = decided(admin, image, "?filter=best", action="accept", text="a card", seen="a card")
    assert answer.status_code == 422
    assert not Label.objects.get().is_pinned
    assert admin.post(f"{PAGE}{image.pk}/?filter=best", {"action": "rule"}).status_code == 302


def test_without_a_script_one_is_led_to_the_next_picture(admin: Client) -> None:
    older, newer = captioned("older"), captioned("newer")
    told = {"action": "accept", "text": "newer", "seen": "newer"}
    answer = admin.post(f"{PAGE}{newer.pk}/?filter=open&order=newest", told)
    assert answer["Location"] == f"{PAGE}?filter=open&order=newest&image={older.pk}"
    answer = admin.post(f"{PAGE}{older.pk}/", {"action": "add_tag", "tag": "fox"})
    assert answer["Location"].endswith(f"image={older.pk}")
    told = {"action": "accept", "text": "older", "seen": "older"}
    answer = admin.post(f"{PAGE}{older.pk}/", told)
    assert answer["Location"] == f"{PAGE}?filter=open&order=newest"
    assert "Nothing is left here" in shown(admin)


def test_decisions_are_made_by_post(admin: Client) -> None:
    image = captioned()
    assert admin.get(f"{PAGE}{image.pk}/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_admin())
    told = {"action": "accept", "text": "a card"}
    assert strict.post(f"{PAGE}{image.pk}/", told).status_code == 403
    assert not Label.objects.get().is_pinned


def test_the_rail_an_album_a_run_and_an_image_lead_to_it(admin: Client) -> None:
    image = captioned()
    album = make_album("Deck", [image])
    run = make_any(LabelingRun, album=album, image=image)
    for name, leads in (
        (reverse("admin:index"), PAGE),
        (reverse("admin:gallery_album_change", args=[album.pk]), f"{PAGE}?album={album.pk}"),
        (reverse("admin:labeling_labelingrun_change", args=[run.pk]), f"{PAGE}?album={album.pk}"),
        (
            reverse("admin:gallery_image_change", args=[image.pk]),
            f"{PAGE}?filter=all&amp;image={image.pk}",
        ),
    ):
        assert f'href="{leads}"' in admin.get(name).content.decode(), name
