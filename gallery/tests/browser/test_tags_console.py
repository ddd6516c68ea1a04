"""Tags in the console in a real browser: whole on every window, completed, changed, undone."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from gallery import image_index, label_changes, tag_names
from gallery.label_changes import Action, Change
from gallery.models import Album, Image, Label, Tag
from gallery.selections import Selection
from gallery.tests.browser.whole import RULES
from gallery.tests.browser.window import Visit, sign_in
from gallery.tests.factories import make_album, make_image

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "a_word_that_does_not_end_" + "x" * 70


def foxes(*names: str) -> Album:
    """An album of four pictures that Claude has labelled."""
    images = [make_image(seed) for seed in range(1, 5)]
    for number, image in enumerate(images):
        for name in ("fox", "night", f"rare {number}", *names):
            Label.objects.create(image=image, kind="tag", text=name, source="claude")
        Label.objects.create(
            image=image, kind="caption", text=f"a red fox {number}", source="claude"
        )
    image_index.refresh([image.pk for image in images])
    return make_album("Foxes at night", images)


def whole(page: Page, name: str) -> None:
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, f"{name}\n{found.generate_report()}"
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], f"{name} is wider than the window"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_its_pages_are_whole_and_open_to_everyone(
    visit: Visit, admin_client: Client, size: str, theme: str
) -> None:
    album = foxes(LONG)
    tag_names.add_alias(f"other {LONG}", LONG)
    tag_names.add_implication(LONG, "fox")
    row = label_changes.start(Change(Action.ADD, (f"new {LONG}",)), Selection(everything=True))
    assert row is not None
    visitor = sign_in(visit(size, theme), admin_client)
    tag = Tag.objects.get(name__startswith="a word that")
    for name, path in {
        "tags": reverse("admin:gallery_tag_changelist"),
        "tag": reverse("admin:gallery_tag_change", args=[tag.pk]),
        "aliases": reverse("admin:gallery_tagalias_changelist"),
        "an alias": reverse("admin:gallery_tagalias_start"),
        "implications": reverse("admin:gallery_tagimplication_changelist"),
        "an implication": reverse("admin:gallery_tagimplication_start"),
        "change many": reverse("admin:gallery_tag_bulk"),
        "album": reverse("admin:gallery_album_tags", args=[album.pk]),
        "changes": reverse("admin:gallery_labelchange_changelist"),
        "a change": reverse("admin:gallery_labelchange_change", args=[row.pk]),
    }.items():
        whole(visitor.open(path), name)
    page = visitor.open(f"{reverse('admin:gallery_tag_bulk')}?action=remove&tags={tag.name}")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator("#preview-title")).to_have_text("4 pictures would change")
    whole(page, "what changes")


def test_tags_of_an_album_are_merged_and_it_is_undone(visit: Visit, admin_client: Client) -> None:
    album = foxes()
    page = sign_in(visit(), admin_client).open(reverse("admin:gallery_album_tags", args=[album.pk]))
    page.get_by_label("fox", exact=True).check()
    page.get_by_label("night", exact=True).check()
    page.get_by_label("Becomes").fill("nocturnal fox")
    page.get_by_role("button", name="Rename or merge").click()
    expect(page.locator("#preview-title")).to_have_text("4 pictures would change")
    expect(page.locator("#preview-title")).to_be_in_viewport()
    expect(page.locator(".samples li").first.locator("del")).to_have_text(["fox", "night"])
    page.get_by_role("button", name="Change 4 pictures").click()
    expect(page.locator(".messagelist")).to_contain_text("4 pictures changed")
    expect(page.locator(".use-rows")).to_contain_text("nocturnal fox")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".messagelist")).to_contain_text("Undone: Merge “fox”, “night”")
    assert set(Image.objects.all()[0].tags.values_list("name", flat=True)) >= {"fox", "night"}


def test_only_the_fields_that_an_action_takes_are_shown(visit: Visit, admin_client: Client) -> None:
    page = sign_in(visit(), admin_client).open(reverse("admin:gallery_tag_bulk"))
    fields = {name: page.locator(f"[name={name}]") for name in ("tags", "to", "fewer_than")}
    fields |= {name: page.locator(f"[name={name}]") for name in ("trigger_word", "album", "q")}

    def shown() -> set[str]:
        return {name for name, field in fields.items() if field.is_visible()}

    assert shown() == {"tags", "to"}
    for action, expected in (
        ("Add", {"tags"}), ("Prune", {"fewer_than"}), ("Prefix captions", {"trigger_word"}),
        ("Merge", {"tags", "to"}),
    ):  # fmt: skip
        page.get_by_label(action, exact=True).check()
        assert shown() == expected, action
    page.get_by_label("An album").check()
    assert shown() == {"tags", "to", "album"}
    page.get_by_label("What a search finds").check()
    assert shown() == {"tags", "to", "q"}


def offered(page: Page, field: Any) -> list[str]:
    name = field.get_attribute("list")
    expect(page.locator(f"#{name} option")).not_to_have_count(0)
    values = page.locator(f"#{name} option").evaluate_all("rows => rows.map((row) => row.value)")
    return list(values)


def test_what_is_typed_is_completed(visit: Visit, admin_client: Client) -> None:
    foxes("foxglove")
    tag_names.add_alias("vixen", "fox")
    page = sign_in(visit(), admin_client).open(reverse("admin:gallery_tag_bulk"))
    field = page.locator("[name=tags]")
    field.press_sequentially("fox")
    assert offered(page, field) == ["fox", "foxglove"]
    field.fill("")
    field.press_sequentially("night, vix")
    first = page.locator(f"#{field.get_attribute('list')} option").first
    expect(first).to_have_attribute("value", "night, fox")
    page.get_by_label("Becomes").press_sequentially("nig")
    assert offered(page, page.get_by_label("Becomes")) == ["night"]


def test_pictures_chosen_in_the_list_get_a_tag_without_javascript(
    visit: Visit, admin_client: Client
) -> None:
    foxes()
    image = Image.objects.all()[0]
    visitor = sign_in(visit(java_script_enabled=False), admin_client)
    page = visitor.open(reverse("admin:gallery_image_changelist"))
    page.locator(f'[name="_selected_action"][value="{image.pk}"]').check()
    page.get_by_role("button", name="Tags…").click()
    expect(page.get_by_label("The chosen pictures (1)")).to_be_checked()
    page.locator("[name=tags]").fill("chosen")
    page.get_by_role("button", name="Show what changes").click()
    page.get_by_role("button", name="Change 1 picture").click()
    expect(page.locator(".messagelist")).to_contain_text("1 picture changed")
    assert [row.pk for row in Image.objects.filter(tags__name="chosen")] == [image.pk]
