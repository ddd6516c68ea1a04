"""The form of a labeling run and a run's page, in a real browser."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from gallery.tests.browser.window import Visit
from gallery.tests.factories import make_album, make_image
from imagineer.tests.browser.test_console import RULES, sign_in
from labeling.labelers import LOCAL
from labeling.models import LabelingRun
from labeling.runs import start_run
from labeling.tests.factories import finished

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def labelled() -> LabelingRun:
    images = [
        make_image(1, prompt="a fox in snow, at dawn " * 20, width=300, height=200),
        make_image(2),
        make_image(3, width=200, height=200, rating="ADULT"),
    ]
    run = start_run(album=make_album("Foxes", images), labeler=LOCAL)
    finished(run)
    return run


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pages_are_whole_and_open_to_everyone(
    visit: Visit, admin_client: Client, size: str, theme: str
) -> None:
    visitor = sign_in(visit(size, theme), admin_client)
    run = labelled()
    image = run.items.latest("pk").image_id
    for path in (
        reverse("admin:labeling_start"),
        reverse("admin:labeling_labelingrun_changelist"),
        reverse("admin:labeling_labelingrun_change", args=[run.pk]),
        reverse("admin:gallery_image_change", args=[image]),
    ):
        page = visitor.open(path)
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], f"{path} is wider than the window"


def test_the_form_follows_the_labeler(visit: Visit, admin_client: Client, settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = "key"
    album = make_album("Foxes", [make_image(1)])
    visitor = sign_in(visit(), admin_client)
    page = visitor.open(f"{reverse('admin:labeling_start')}?album={album.pk}")
    prompt, cost = page.locator("#id_prompt_kind"), page.locator("[data-cost]")
    expect(prompt).to_be_visible()
    expect(cost).to_contain_text("tokens in")
    expect(page.get_by_role("heading", name="Prompts")).to_be_visible()
    page.get_by_label("Labeler").select_option("local")
    expect(prompt).to_be_hidden()
    expect(page.get_by_role("heading", name="Prompts")).to_be_hidden()
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
