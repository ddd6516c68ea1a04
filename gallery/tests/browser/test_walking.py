"""Using the gallery as people do: with mouse, keyboard, phone, and without JavaScript."""

import re

import pytest
from playwright.sync_api import Route, expect

from gallery.models import Label, Rating
from gallery.tests.browser.whole import assert_whole
from gallery.tests.browser.window import Visit
from gallery.tests.factories import make_admin, make_album, make_image, make_label

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_pictures_follow_as_one_scrolls_and_the_header_makes_room(visit: Visit) -> None:
    for seed in range(60):
        make_image(seed, width=16, height=16)
    page = visit().open("/")
    tiles = page.locator("#list > .tile")
    header = page.locator(".site-header")
    page.mouse.wheel(0, 3000)
    expect(tiles).to_have_count(60)
    expect(header).not_to_be_in_viewport()
    page.mouse.wheel(0, -300)
    expect(header).to_be_in_viewport()
    expect(page.get_by_role("link", name="More pictures")).to_have_count(0)


def test_without_javascript_a_link_leads_on_and_choices_work(visit: Visit) -> None:
    for seed in range(60):
        make_image(seed, width=16, height=16)
    page = visit(java_script_enabled=False).open("/")
    expect(page.locator(".tile")).to_have_count(50)
    page.get_by_role("link", name="More pictures").click()
    expect(page.locator(".tile")).to_have_count(10)
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_role("button", name="Hide")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".tile")).to_have_count(10)
    page.get_by_role("button", name="Theme: automatic").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_arrow_keys_follow_the_album(visit: Visit) -> None:
    images = [make_image(seed) for seed in range(3)]
    make_album("Boats", images)
    page = visit().open(f"/images/{images[1].pk}/?in=boats")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/images/{images[2].pk}/?in=boats")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/images/{images[1].pk}/?in=boats")


def test_one_blurred_picture_can_be_shown(visit: Visit) -> None:
    image = make_image(1, rating=Rating.ADULT)
    page = visit().open(image.get_absolute_url())
    assert image.sharp_key not in page.content()
    page.get_by_role("button", name="Show this one").click()
    picture = page.locator(".mat-picture img")
    expect(picture).to_be_visible()
    assert image.sharp_key in (picture.get_attribute("src") or "")
    assert picture.evaluate("async (shown) => (await shown.decode(), shown.naturalWidth)") == 64


def test_the_theme_changes_in_place_and_is_remembered(visit: Visit) -> None:
    page = visit(theme="light").open("/")
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Theme: automatic").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate("window.stayed")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 20, 20)"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_prompt_can_be_copied(visit: Visit) -> None:
    image = make_image(1, prompt="a quiet lake")
    visitor = visit()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.open(image.get_absolute_url())
    page.get_by_role("button", name="Copy the prompt").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "a quiet lake"


def test_tiles_of_a_row_are_equally_high_and_fill_it(visit: Visit) -> None:
    for seed, (width, height) in enumerate([(300, 200), (200, 300), (200, 200), (400, 100)] * 4):
        make_image(seed, width=width, height=height)
    page = visit().open("/")
    boxes = page.locator(".tile").evaluate_all(
        "tiles => tiles.map(tile => tile.getBoundingClientRect())"
        ".map(box => [box.y, box.height, box.right])"
    )
    rows: dict[int, list[list[float]]] = {}
    for box in boxes:
        rows.setdefault(round(box[0]), []).append(box)
    assert len(rows) > 1
    right = page.locator("#list").evaluate("list => list.getBoundingClientRect().right")
    for row in list(rows.values())[:-1]:
        heights = [height for _, height, _ in row]
        assert max(heights) - min(heights) < 1
        assert abs(row[-1][2] - right) < 1


def test_a_picture_waits_behind_its_placeholder_without_moving(visit: Visit) -> None:
    make_image(1, width=600, height=400)
    visitor = visit()
    held: list[Route] = []
    visitor.page.route("**/i/*.webp", lambda route: held.append(route))
    visitor.page.goto(visitor.address, wait_until="domcontentloaded")
    tile = visitor.page.locator(".tile")
    expect(tile).to_have_css("background-image", re.compile(r'^url\("data:'))
    box = tile.bounding_box()
    assert box
    assert abs(box["width"] / box["height"] - 1.5) < 0.02
    for route in held:
        route.continue_()
    expect(tile).to_have_css("background-image", "none")


def test_an_admin_signs_in_and_out(visit: Visit) -> None:
    make_admin("ada")
    page = visit().open("/accounts/login/?next=/albums/")
    page.get_by_label("Name or e-mail address").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_whole(page, "a refused sign-in")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/albums/")
    expect(page.get_by_role("link", name="Console", exact=True)).to_be_visible()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("signed out")
    assert_whole(page, "after signing out")


def test_the_header_stays_beside_a_picture_whose_facts_are_long(visit: Visit) -> None:
    image = make_image(1, prompt="a fox " * 300)
    for number in range(40):
        make_label(image, f"a tag of some length {number}", kind=Label.Kind.TAG)
    page = visit().open(image.get_absolute_url())
    page.mouse.move(1100, 400)
    page.mouse.wheel(0, 300)
    expect(page.locator(".site-header")).to_have_class(re.compile("is-away"))
    expect(page.locator(".site-header")).to_be_in_viewport(ratio=1)
