import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gallery.tests.factories import make_admin, make_album, make_row
from imagineer.jobs.models import Job
from labeling import budget, labelers, notices, selection
from labeling.models import LabelingItem, LabelingRun, MonthlyCost
from labeling.prices import parse_prices
from labeling.runs import start_run
from labeling.tests.anthropic_server import GOOD, Reply, good_text
from labeling.tests.factories import album_of, finished, run_of

pytestmark = pytest.mark.django_db
START = "/admin/labeling/labelingrun/start/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def run_page(client: Client, run: LabelingRun, query: str = "") -> str:
    address = reverse("admin:labeling_labelingrun_change", args=[run.pk])
    response = client.get(address + query)
    assert response.status_code == 200
    return response.content.decode()


def estimate(client: Client, **fields: Any) -> dict[str, str]:
    usual = {"prompt_kind": "default", "include_context": "on"}
    response = client.post(START, usual | fields, headers={"X-Estimate": "1"})
    answer: dict[str, str] = response.json()
    return answer


def test_the_form_offers_albums_and_prompts(admin, anthropic):
    make_album("Red squares")
    page = admin.get(START).content.decode()
    assert "Red squares" in page
    assert "Caption for training v1" in page
    assert "ANTHROPIC_API_KEY" not in page


def test_without_a_key_the_form_says_what_to_set(admin, settings):
    settings.ANTHROPIC_API_KEY = ""
    assert "Set ANTHROPIC_API_KEY" in admin.get(START).content.decode()
    asked = {"images": str(make_row().pk), "labeler": "claude", "prompt_kind": "default"}
    response = admin.post(START, asked)
    assert response.status_code == 422
    assert "Set ANTHROPIC_API_KEY" in response.content.decode()
    assert not Job.objects.exists()


def test_an_album_is_labelled(admin, anthropic):
    album = make_album(images=[make_row(), make_row()])
    response = admin.post(START, {"album": album.pk, "prompt_kind": "sd_training"})
    run = LabelingRun.objects.get()
    assert response.headers["Location"].endswith(f"/jobs/job/{run.job_id}/change/")
    assert (run.album, run.items.count(), run.force) == (album, 2, False)


def test_single_images_are_labelled_again(admin, anthropic):
    ids = [make_row().pk, make_row().pk]
    asked = {"images": f"{ids[0]}, {ids[1]} {ids[0]}", "prompt_kind": "detailed", "force": "on"}
    admin.post(START, asked)
    run = LabelingRun.objects.get()
    assert sorted(run.items.values_list("image_id", flat=True)) == ids
    assert (run.prompt.kind, run.force) == ("detailed", True)


def test_the_address_fills_the_form(admin, anthropic):
    page = admin.get(f"{START}?images=3&images=5").content.decode()
    assert 'value="3, 5"' in page


def test_the_estimate_counts_images_not_labelled_before(admin, anthropic):
    album = album_of(3)
    assert estimate(admin, album=album.pk)["verb"] == "Label 3 images"
    assert re.match(
        r"About [\d\u202f]+ tokens in and 1\u202f200 out: \$0\.0\d\.$",
        estimate(admin, album=album.pk)["cost"],
    )
    finished(run_of(album.images.first()))
    assert estimate(admin, album=album.pk)["verb"] == "Label 2 images"
    assert estimate(admin, album=album.pk, force="on")["verb"] == "Label 3 images"
    assert estimate(admin, album=album.pk, trigger_word="zk")["verb"] == "Label 3 images"
    assert estimate(admin, images=album.images.first().pk)["cost"].startswith("This prompt has")
    assert estimate(admin)["cost"] == ""


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"images": "one, two"},
        {"images": "99999999999999999999999"},
        {"images": "999999"},
        {"album": "999999"},
        {"album": "x"},
        {"images": "1", "prompt_kind": "sonnet"},
        {"images": "1-99999"},
        {"chosen": "x"},
        {"images": "{image}", "trigger_word": "a, b"},
        {"images": "{image}", "trigger_word": "a\u202eb"},
        {"images": "{image}", "trigger_word": "x" * 101},
    ],
)
def test_a_wrong_form_comes_back_with_what_is_wrong(admin, anthropic, fields):
    image = make_row()
    fields = {name: text.replace("{image}", str(image.pk)) for name, text in fields.items()}
    response = admin.post(START, {"prompt_kind": "default"} | fields)
    assert response.status_code == 422
    assert "error" in response.content.decode()
    assert not Job.objects.exists()


def test_options_are_written_to_the_run(admin, anthropic):
    asked = {"images": str(make_row().pk), "prompt_kind": "cards", "trigger_word": " zk deck "}
    admin.post(START, asked)
    run = LabelingRun.objects.get()
    assert (run.trigger_word, run.include_context) == ("zk deck", False)
    page = run_page(admin, run)
    assert "trigger word zk deck, without context" in page


def test_context_is_told_unless_it_is_unchecked(admin, anthropic):
    assert re.search(r'name="include_context"[^>]*checked', admin.get(START).content.decode())


def test_batches_are_asked_for_at_half_the_price(admin, anthropic, settings):
    settings.CLAUDE_PRICES = parse_prices(["claude-sonnet-5-5=2000/10000"])
    image = make_row()
    whole, half = (
        Decimal(re.search(r": \$([\d.]+)\.", told["cost"])[1])
        for told in (
            estimate(admin, images=image.pk),
            estimate(admin, images=image.pk, use_batches="on"),
        )
    )
    assert half == pytest.approx(whole / 2, abs=Decimal("0.01"))
    asked = {"images": str(image.pk), "prompt_kind": "default", "use_batches": "on"}
    admin.post(START, asked)
    run = LabelingRun.objects.get()
    assert run.use_batches
    assert "Asked in batches, at half the price" in run_page(admin, run)


def test_batches_are_not_offered_by_a_labeler_that_takes_none(admin, anthropic, monkeypatch):
    assert 'name="use_batches"' in admin.get(START).content.decode()
    without = replace(labelers.known()["claude"], batches=None)
    monkeypatch.setitem(labelers.known(), "claude", without)
    assert 'name="use_batches"' not in admin.get(START).content.decode()
    image = make_row()
    assert estimate(admin, images=image.pk)["verb"] == "Label 1 image"
    admin.post(START, {"images": str(image.pk), "prompt_kind": "default", "use_batches": "on"})
    assert not LabelingRun.objects.get().use_batches


# --- Money ---------------------------------------------------------------------------------------


def test_the_form_says_what_is_left_and_whether_it_is_enough(admin, anthropic, settings):
    image = make_row()
    settings.LABELING_BUDGET_USD = Decimal(20)
    told = estimate(admin, images=image.pk)["cost"]
    assert told.endswith("$20.00 is left of this month's budget of $20.00.")
    settings.LABELING_BUDGET_USD = Decimal("0.0001")
    told = estimate(admin, images=image.pk)["cost"]
    assert told.endswith("budget of $0.0001. That is not enough.")


def test_a_model_without_a_price_is_told_in_the_form(admin, anthropic, settings):
    settings.CLAUDE_MODEL = "claude-sonnet-9"
    assert "say it in CLAUDE_PRICES" in estimate(admin, images=make_row().pk)["cost"]


def test_what_would_pass_the_budget_is_not_started(admin, anthropic, settings):
    settings.LABELING_BUDGET_USD = Decimal("0.0001")
    response = admin.post(START, {"images": str(make_row().pk), "prompt_kind": "default"})
    assert response.status_code == 422
    assert "raise LABELING_BUDGET_USD" in response.content.decode()
    assert not Job.objects.exists()


def test_the_runs_and_their_list_tell_what_they_cost(admin, anthropic, settings):
    settings.LABELING_BUDGET_USD = Decimal(5)
    run = start_run(album=album_of(2))
    finished(run)
    page = run_page(admin, run)
    assert re.search(r"<dt>Cost</dt><dd>\$0\.0\d", page)
    assert "of them cached)" in page
    listed = admin.get(reverse("admin:labeling_labelingrun_changelist")).content.decode()
    assert re.search(r'class="field-shown_cost">\$0\.0\d', listed)
    assert re.search(r"\$4\.9\d is left of this month&#x27;s budget of \$5\.00\.", listed)


def test_the_front_page_warns_before_the_budget_is_spent(admin, settings):
    settings.ANTHROPIC_API_KEY = "key"
    settings.LABELING_BUDGET_USD = Decimal(10)
    assert list(notices.budget_notices()) == []
    month = MonthlyCost.objects.create(month=budget.this_month(), cost_usd=Decimal("8.5"))
    (low,) = notices.budget_notices()
    assert low.text == "$1.50 is left of this month's budget of $10.00 for labeling."
    assert not low.is_serious
    MonthlyCost.objects.filter(pk=month.pk).update(cost_usd=10)
    (spent,) = notices.budget_notices()
    assert (spent.text, spent.is_serious) == (
        "This month's budget of $10.00 for labeling is spent.", True,
    )  # fmt: skip
    settings.LABELING_BUDGET_USD = Decimal(0)
    assert list(notices.budget_notices()) == []


def test_the_front_page_tells_of_a_model_without_a_price(admin, settings):
    settings.CLAUDE_MODEL = "claude-sonnet-9"
    assert list(notices.price_notices()) == []
    settings.ANTHROPIC_API_KEY = "key"
    (notice,) = notices.price_notices()
    assert notice.text == "What claude-sonnet-9 costs is not known here."


# --- Chosen among the images ---------------------------------------------------------------------


IMAGES = "/admin/gallery/image/"


def choose(client: Client, query: str = "", **posted: Any) -> Any:
    return client.post(f"{START}{query}", {"choose": "label"} | posted)


def test_what_is_selected_among_the_images_is_labelled(admin, anthropic):
    first, _, third = (make_row() for _ in range(3))
    page = choose(admin, _selected_action=[third.pk, first.pk]).content.decode()
    assert "2 chosen images" in page
    assert "Label 2 images" in page
    chosen = re.search(r'name="chosen" value="([^"]+)"', page)
    assert chosen
    assert 'name="album"' not in page
    asked = {"chosen": chosen[1], "prompt_kind": "default"}
    assert admin.post(START, asked).status_code == 302
    items = LabelingRun.objects.get().items.order_by("id")
    assert list(items.values_list("image_id", flat=True)) == [third.pk, first.pk]


def test_all_that_match_the_list_s_filters_are_labelled(admin, anthropic):
    cats = [make_row(prompt="a cat", rating=rating) for rating in ("SAFE", "ADULT", "SAFE")]
    make_row(prompt="a dog", rating="SAFE")
    across = {"select_across": "1", "_selected_action": [cats[0].pk]}
    page = choose(admin, "?q=cat&rating=SAFE", **across).content.decode()
    assert f'name="chosen" value="{cats[2].pk},{cats[0].pk}"' in page
    assert "4 chosen images" in choose(admin, **across).content.decode()


def test_a_choice_that_cannot_be_read_is_told_and_can_be_made_again(admin, anthropic):
    response = admin.post(START, {"chosen": "1-x", "prompt_kind": "default"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Write the images" in page
    assert 'name="album"' in page
    assert 'name="album"' in admin.get(f"{START}?chosen=x").content.decode()


@pytest.mark.parametrize(
    ("query", "posted", "told"),
    [
        ("?q=cat", {}, "Select the images to label first."),
        ("?q=rating:fine", {"select_across": "1"}, "There is no rating"),
        ("?q=zebra", {"select_across": "1"}, "Select the images to label first."),
        ("", {"_selected_action": ["1 or 1=1"]}, "Write the images"),
    ],
)
def test_a_choice_of_nothing_leads_back_to_the_list(admin, anthropic, query, posted, told):
    response = choose(admin, query, **posted)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{IMAGES}?")
    assert told in admin.get(response.headers["Location"]).content.decode()
    assert not Job.objects.exists()


def test_too_many_are_to_be_narrowed_down(admin, anthropic, monkeypatch):
    monkeypatch.setattr(selection, "AT_MOST", 1)
    for _ in range(2):
        make_row()
    response = choose(admin, select_across="1")
    assert "narrow the search" in admin.get(response.headers["Location"]).content.decode()


def test_the_images_list_offers_it_with_its_filters(admin):
    make_row(prompt="a cat")
    page = admin.get(f"{IMAGES}?q=cat&rating=UNRATED").content.decode()
    assert f'formaction="{START}?q=cat&amp;rating=UNRATED"' in page


# --- Runs ----------------------------------------------------------------------------------------


def test_failed_and_refused_images_are_retried_from_the_run_s_page(admin, anthropic, settings):
    settings.LABELING_CONCURRENCY = 1
    anthropic.script = [GOOD, Reply(status=400), Reply(stop_reason="refusal")]
    run = start_run(album=album_of(3))
    finished(run)
    page = run_page(admin, run)
    assert "Retry 1 failed" in page
    assert "Ask again for 1 refused" in page
    retry = reverse("admin:labeling_retry", args=[run.pk])
    response = admin.post(retry, follow=True)
    assert "goes on." in response.content.decode()
    assert finished(run).result["labelled"] == 2
    page = run_page(admin, run)
    assert "Retry" not in page
    admin.post(retry, {"refused": "1"})
    assert finished(run).result["labelled"] == 3
    assert "No image of this run is left" in admin.post(retry, follow=True).content.decode()
    assert admin.get(retry).status_code == 405
    assert admin.post(reverse("admin:labeling_retry", args=[999_999])).status_code == 404


def test_a_run_that_failed_for_several_reasons_counts_them(admin, anthropic, settings):
    settings.LABELING_CONCURRENCY = 1
    said = [Reply(status=400, message=word) for word in ("too red", "too blue", "too red")]
    anthropic.script = [GOOD, *said]
    run = start_run(album=album_of(4))
    finished(run)
    page = run_page(admin, run)
    assert re.search(r"<b>2 ×</b> Anthropic refused the request \(status 400\): too red\.", page)
    assert page.index("<b>2 ×</b>") < page.index("<b>1 ×</b>")


def test_a_run_of_a_search_names_it(admin, anthropic):
    make_row(prompt="a <cat>")
    run = start_run(search='"a cat"')
    page = run_page(admin, run)
    assert f'href="{IMAGES}?q=%22a%20cat%22"' in page
    listed = admin.get(reverse("admin:labeling_labelingrun_changelist")).content.decode()
    assert "Search <q>&quot;a cat&quot;</q>" in listed


def test_a_run_shows_outcomes_errors_and_labels(admin, anthropic):
    caption = "a <b>red</b> square"
    anthropic.default = Reply(text=good_text(caption=caption))
    album = album_of(1)
    album.images.add(make_row(), through_defaults={"position": 9})
    run = start_run(album=album)
    finished(run)
    page = run_page(admin, run)
    assert "a &lt;b&gt;red&lt;/b&gt; square" in page
    assert "white background" in page
    assert "90 % sure" in page
    assert "cannot be read" in page
    assert "Retry 1 failed" in page
    only_failed = run_page(admin, run, "?outcome=failed")
    assert "white background" not in only_failed
    assert run_page(admin, run, "?outcome=nonsense&p=99")


def test_a_run_s_page_asks_the_database_equally_often_for_many_items(
    admin, anthropic, django_assert_max_num_queries
):
    run = run_of(*[make_row() for _ in range(40)])
    LabelingItem.objects.update(outcome="failed", error="Broken.")
    with django_assert_max_num_queries(16):
        run_page(admin, run)


def test_the_list_of_runs_tells_how_each_went(admin, anthropic):
    finished(start_run(album=album_of(2, name="Red squares")))
    page = admin.get(reverse("admin:labeling_labelingrun_changelist")).content.decode()
    assert "Red squares" in page
    assert "2 of 2" in page


@pytest.mark.parametrize(
    "name", ["labeling_start", "labeling_labelingrun_changelist", "labeling_prompt_changelist"]
)
def test_visitors_are_sent_to_sign_in(client, name):
    response = client.get(reverse(f"admin:{name}"))
    assert response.status_code == 302
    assert "/login/" in response.headers["Location"]


def test_an_image_and_an_album_link_to_the_form(admin):
    image = make_row()
    album = make_album(images=[image])
    page = admin.get(reverse("admin:gallery_image_change", args=[image.pk])).content.decode()
    assert f"{START}?images={image.pk}" in page
    page = admin.get(reverse("admin:gallery_album_change", args=[album.pk])).content.decode()
    assert f"{START}?album={album.pk}" in page


CRAFTED = ["9" * 5000, "9" * 19, "0", "-1", "x", "²", "%00", "٣"]


@pytest.mark.parametrize("number", CRAFTED, ids=lambda text: ascii(text[:3]) + str(len(text)))
def test_a_crafted_number_in_the_address_is_never_a_crash(admin, anthropic, number):
    assert admin.get(f"{START}?album={number}").status_code == 200
    assert admin.get(f"{START}?images={number}").status_code == 200
