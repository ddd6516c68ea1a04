"""The console's pages of labeling in a real browser: whole, open to everyone, and used."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from gallery.tests.browser.whole import assert_whole
from gallery.tests.browser.window import Visit, sign_in
from gallery.tests.factories import make_album, make_image
from labeling.labelers import LOCAL
from labeling.models import LabelingRun, Prompt
from labeling.runs import start_run
from labeling.tests.anthropic_server import GOOD, AnthropicServer, Reply
from labeling.tests.factories import finished

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "a word_that_does_not_end_" + "x" * 100
START = "/admin/labeling/labelingrun/start/"


@pytest.fixture
def furnished(visit: Visit, anthropic: AnthropicServer, settings: Any) -> dict[str, str]:
    """A run with every outcome, and prompts with versions: names and addresses of the pages.

    visit: comes first because it says where files go.
    """
    settings.LABELING_CONCURRENCY = 1
    settings.LABELING_BUDGET_USD = Decimal(20)
    anthropic.script = [
        GOOD, Reply(stop_reason="refusal", explanation=LONG), GOOD, Reply(status=400, message=LONG),
    ]  # fmt: skip
    images = [make_image(seed, width=120, height=90) for seed in range(1, 6)]
    images[4].file.delete(save=False)
    album = make_album(f"Reds {LONG}", images)
    run = start_run(album=album, prompt_kind="cards", trigger_word="zkdeck")
    finished(run)
    old = Prompt.objects.get(kind="cards", version=1)
    text = f"Write {old.text.replace('caption', 'line')} {LONG}"
    new = Prompt(kind="cards", name="Cards and decks", text=text)
    new.save_as_newest()
    return {
        "start": START,
        "start for an album": f"{START}?album={album.pk}",
        "run": run.get_absolute_url(),
        "runs": reverse("admin:labeling_labelingrun_changelist"),
        "prompt": reverse("admin:labeling_prompt_change", args=[new.pk]),
        "prompts": reverse("admin:labeling_prompt_changelist"),
    }


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pages_are_whole_and_open_to_everyone(
    furnished: dict[str, str], visit: Visit, admin_client: Client, size: str
) -> None:
    visitor = sign_in(visit(size), admin_client)
    for name, path in furnished.items():
        assert_whole(visitor.open(path), name)


def test_selected_pictures_are_labelled_after_their_price_is_seen(
    furnished: dict[str, str], visit: Visit, admin_client: Client
) -> None:
    page = sign_in(visit(), admin_client).open(reverse("admin:gallery_image_changelist"))
    page.locator(".pick").nth(0).click()
    page.locator(".pick").nth(2).click(modifiers=["Shift"])
    page.get_by_role("button", name="Label…").click()
    expect(page.get_by_text("3 chosen images")).to_be_visible()
    button = page.get_by_role("button", name="Label 3 images")
    expect(button).to_be_visible()
    cost = page.locator("[data-cost]")
    expect(cost).to_contain_text("is left of this month's budget of $20.00.")
    before = cost.text_content()
    page.get_by_label("Trigger word").fill("zkdeck")
    expect(cost).not_to_have_text(before or "")
    button.click()
    page.wait_for_url("**/jobs/job/*/change/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Label 3 images")
    # Ends the stream of the job's page before the database is emptied.
    page.goto("about:blank")


def labelled() -> LabelingRun:
    images = [
        make_image(1, prompt="a fox in snow, at dawn " * 20, width=300, height=200),
        make_image(2),
        make_image(3, width=200, height=200, rating="ADULT"),
    ]
    run = start_run(album=make_album("Foxes", images), labeler=LOCAL)
    finished(run)
    return run


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pages_of_the_local_labeler_are_whole_and_open_to_everyone(
    visit: Visit, admin_client: Client, size: str
) -> None:
    visitor = sign_in(visit(size), admin_client)
    run = labelled()
    image = run.items.latest("pk").image_id
    for path in (
        reverse("admin:labeling_start"),
        reverse("admin:labeling_labelingrun_changelist"),
        reverse("admin:labeling_labelingrun_change", args=[run.pk]),
        reverse("admin:gallery_image_change", args=[image]),
    ):
        assert_whole(visitor.open(path), path)


def test_the_form_follows_the_labeler(visit: Visit, admin_client: Client, settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = "key"
    album = make_album("Foxes", [make_image(1)])
    visitor = sign_in(visit(), admin_client)
    page = visitor.open(f"{reverse('admin:labeling_start')}?album={album.pk}")
    prompt, cost = page.locator("#id_prompt_kind"), page.locator("[data-cost]")
    expect(prompt).to_be_visible()
    expect(cost).to_contain_text("tokens in")
    expect(page.get_by_role("heading", name="Prompts")).to_be_visible()
    page.get_by_label("Labeler", exact=True).select_option("local")
    expect(prompt).to_be_hidden()
    expect(page.get_by_role("heading", name="Prompts")).to_be_hidden()
    expect(page.get_by_label("Trigger word")).to_be_hidden()
    expect(page.get_by_text("Rates each picture on this machine")).to_be_visible()
    expect(cost).to_have_text("Nothing to pay.")
    page.get_by_role("button", name="Label 1 image").click()
    page.wait_for_url("**/jobs/job/**")
    assert LabelingRun.objects.get().labeler == "local"


def test_an_admin_decides_on_an_images_page(visit: Visit, admin_client: Client) -> None:
    run = labelled()
    image = run.items.order_by("pk")[0].image
    page = sign_in(visit(), admin_client).open(
        reverse("admin:gallery_image_change", args=[image.pk])
    )
    box = page.get_by_label("Decided: labelers change it no more")
    expect(box).not_to_be_checked()
    expect(page.get_by_text("Nobody has decided yet")).to_be_visible()
    box.check()
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("by admin.")).to_be_visible()
    image.refresh_from_db()
    assert image.rating == "SAFE"
    assert image.rating_decided_by is not None
