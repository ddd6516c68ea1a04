"""Reviewing in a real browser: a hundred pictures by keys, without a page load for each."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, Request, expect

from gallery import labels
from gallery.captions import choose
from gallery.models import FormerLabel, Image, Label
from gallery.tests.browser.whole import RULES
from gallery.tests.browser.window import Visit, Visitor, sign_in
from gallery.tests.factories import make_admin, make_album, make_image, make_label
from labeling import review_actions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/admin/labeling/review/"
WORDS = "a red fox crosses a frozen river at dusk, snow on the reeds, low winter light, wide view"

SWIPE = """mat => {
  const at = (x) => [new Touch({identifier: 1, target: mat, clientX: x, clientY: 200})];
  mat.dispatchEvent(new TouchEvent("touchstart", {touches: at(300), bubbles: true}));
  mat.dispatchEvent(new TouchEvent("touchend", {changedTouches: at(100), bubbles: true}));
}"""


def furnish() -> Image:
    """One picture with something of everything."""
    anna = make_admin("anna")
    image = make_image(3, width=900, height=1200, prompt="fox, river")
    make_label(image, WORDS, source="claude", model="claude-sonnet-5-5", prompt_kind="sd_training",
               prompt_version="2", confidence=0.62, created_by=anna)  # fmt: skip
    make_label(image, "fox, river", source="local", model="embedded")
    own = make_label(image, "a fox", source="manual", created_by=anna)
    labels.reword(own, "a fox on ice", anna)
    labels.delete_label(own, anna)
    for tag in ("red fox", "river", "snow", "dusk", "winter light", "wide view"):
        make_label(image, tag, kind="tag", source="claude")
    make_label(image, "SAFE", kind="rating", source="claude", model="claude-sonnet-5-5")
    make_label(image, "SUGGESTIVE", kind="rating", source="local", model="opennsfw")
    return image


def captioned(number: int) -> list[Image]:
    """Pictures in the order in which an album is gone through, each with a caption of its own."""
    images = [make_image(seed, width=40, height=30) for seed in range(1, number + 1)]
    for place, image in enumerate(images):
        make_label(image, f"caption {place}", source="claude", confidence=0.9)
    return images


def caption_of(image: Image) -> tuple[str, bool]:
    """What counts, and whether somebody decided so."""
    best = choose(image.labels.filter(kind="caption"))
    return (best.text, best.is_pinned) if best else ("", False)


def eventually(page: Page, happens: Callable[[], bool]) -> None:
    """Decisions are sent behind the keys."""
    for _ in range(200):
        if happens():
            return
        page.wait_for_timeout(50)
    raise AssertionError("It did not happen.")


@pytest.fixture
def visitor(visit: Visit, admin_client: Client) -> Visitor:
    return sign_in(visit(), admin_client)


@pytest.fixture
def page(visitor: Visitor) -> Page:
    return visitor.page


def opened(page: Page, live_server: Any, query: str = "") -> Page:
    page.goto(f"{live_server.url}{PAGE}{query}")
    return page


def text(page: Page) -> Any:
    return page.locator("[data-text]")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_page_is_whole_and_open_to_everyone(
    visit: Visit, admin_client: Client, size: str, theme: str
) -> None:
    image = furnish()
    visitor = sign_in(visit(size, theme), admin_client)
    page = visitor.open(f"{PAGE}?image={image.pk}")
    looked_at(page, f"{size} {theme}")
    page.keyboard.press("e")
    expect(page.locator("[data-field]")).to_be_focused()
    looked_at(page, f"{size} {theme} editing")
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    looked_at(page, f"{size} {theme} keys")
    page.keyboard.press("Escape")
    looked_at(page, f"{size} {theme} history")
    page = visitor.open(f"{PAGE}?filter=reviewed")
    looked_at(page, f"{size} {theme} nothing")


def looked_at(page: Page, name: str) -> None:
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, f"{name}\n{found.generate_report()}"
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], f"{name} is wider than the window"


def test_a_hundred_pictures_are_one_page_load(page: Page, live_server: Any) -> None:
    """Accepted, reworded, rated, tagged or left, each by its key."""
    images = captioned(100)
    album = make_album("Hundred", images)
    loads: list[str] = []
    page.on("request", lambda request: _note(request, loads))
    opened(page, live_server, f"?album={album.pk}")
    for place in range(100):
        expect(text(page)).to_have_text(f"caption {place}")
        expect(page.locator("[data-place]")).to_have_text(f"{place + 1} of 100")
        if place % 10 == 3:
            page.keyboard.press("e")
            page.keyboard.type(", better")
            page.keyboard.press("Enter")
        elif place % 10 == 5:
            page.keyboard.press("1")
            page.keyboard.press("n")
        elif place % 10 == 7:
            page.keyboard.press("t")
            page.keyboard.type("card")
            page.keyboard.press("Enter")
            page.keyboard.press("Escape")
            page.keyboard.press("a")
        else:
            page.keyboard.press("a")
    expect(page.get_by_role("heading", name="That was the last one")).to_be_visible()
    eventually(page, lambda: Label.objects.filter(is_pinned=True).count() == 90)
    assert loads == [f"{PAGE}?album={album.pk}"]
    for place, image in enumerate(images):
        better = ", better" if place % 10 == 3 else ""
        assert caption_of(image) == (f"caption {place}{better}", place % 10 != 5)
        image.refresh_from_db()
        assert (image.rating == "SAFE") == (place % 10 == 5)
        assert image.tags.filter(name="card").exists() == (place % 10 == 7)
    page.get_by_role("link", name="Go through what is left").click()
    expect(page.locator("[data-place]")).to_have_text("1 of 10")


def _note(request: Request, loads: list[str]) -> None:
    if request.is_navigation_request():
        loads.append(re.sub(r"^https?://[^/]+", "", request.url))


def test_the_next_pictures_are_there_before_one_comes_to_them(page: Page, live_server: Any) -> None:
    captioned(6)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    opened(page, live_server)
    page.wait_for_load_state("networkidle")
    assert len({url for url in fetched if url.endswith(".webp")}) == 4
    fetched.clear()
    page.keyboard.press("n")
    expect(text(page)).to_have_text("caption 4")
    page.wait_for_load_state("networkidle")
    # One more file ahead, and nothing for the picture that is shown.
    assert len({url for url in fetched if url.endswith(".webp")}) == 1
    assert not [url for url in fetched if PAGE in url]


def test_a_reload_comes_back_to_the_same_picture(page: Page, live_server: Any) -> None:
    captioned(5)
    opened(page, live_server)
    for _ in range(2):
        page.keyboard.press("a")
    expect(text(page)).to_have_text("caption 2")
    eventually(page, lambda: Label.objects.filter(is_pinned=True).count() == 2)
    page.reload()
    expect(text(page)).to_have_text("caption 2")
    expect(page.locator("[data-place]")).to_have_text("1 of 3")
    page.keyboard.press("a")
    expect(text(page)).to_have_text("caption 1")
    page.keyboard.press("p")
    expect(text(page)).to_have_text("caption 2")
    expect(page.locator(".is-decided")).to_be_visible()


def test_going_back_leads_before_where_one_began(page: Page, live_server: Any) -> None:
    images = captioned(25)
    opened(page, live_server, f"?image={images[1].pk}")
    expect(page.locator("[data-place]")).to_have_text("24 of 25")
    for place in range(2, 25):
        page.keyboard.press("ArrowLeft")
        expect(text(page)).to_have_text(f"caption {place}")
    expect(page.locator("[data-place]")).to_have_text("1 of 25")
    page.keyboard.press("ArrowLeft")
    expect(text(page)).to_have_text("caption 24")


def test_the_last_decisions_are_taken_back_one_by_one(page: Page, live_server: Any) -> None:
    images = captioned(3)[::-1]
    make_label(images[0], "fox", kind="tag", source="claude")
    opened(page, live_server)
    page.keyboard.press("r")
    page.keyboard.press("Delete")
    expect(page.locator("[data-tag]")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    eventually(page, lambda: Image.objects.get(pk=images[0].pk).rating == "ADULT")
    page.keyboard.press("e")
    page.keyboard.type("!")
    page.keyboard.press("Enter")
    expect(text(page)).to_have_text("caption 1")
    eventually(page, lambda: caption_of(images[0]) == ("caption 2!", True))
    page.keyboard.press("z")
    expect(text(page)).to_have_text("caption 2")
    assert caption_of(images[0]) == ("caption 2", False)
    page.keyboard.press("z")
    eventually(page, lambda: Image.objects.get(pk=images[0].pk).rating == "UNRATED")
    page.keyboard.press("z")
    expect(page.locator("[data-tag]")).to_have_text(re.compile("fox"))
    page.keyboard.press("z")
    expect(page.locator("[data-said]")).to_have_text("There is nothing to take back.")
    assert FormerLabel.objects.filter(text="caption 2!").exists(), "no word is lost"


def test_tags_are_completed_from_those_most_used(page: Page, live_server: Any) -> None:
    for number, name in enumerate(["red fox", "red hair", "red hair", "river"]):
        make_label(make_image(), name, kind="tag", created_by=None, model=str(number))
    image = make_image(9)
    opened(page, live_server, f"?image={image.pk}")
    page.keyboard.press("t")
    page.keyboard.type("Re")
    options = page.get_by_role("option")
    expect(options).to_have_count(2)
    expect(options.first).to_have_text("red hair2")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("[data-tag]")).to_have_text(re.compile("red fox"))
    expect(page.locator("[data-tag-field]")).to_be_focused()
    page.keyboard.type("r")
    options.filter(has_text="river").click()
    expect(page.locator("[data-tag]")).to_have_count(2)
    assert set(image.tags.values_list("name", flat=True)) == {"red fox", "river"}


def test_tokens_are_counted_while_one_types_and_what_is_not_read_is_said(
    page: Page, live_server: Any
) -> None:
    image = make_image(2)
    make_label(image, "ace of hearts " * 26, source="claude")
    opened(page, live_server, f"?image={image.pk}")
    tokens = page.locator("[data-tokens]")
    expect(tokens).to_have_text("80 of 77 tokens")
    expect(page.locator(".unread")).to_have_text("ace of hearts")
    page.keyboard.press("e")
    page.locator("[data-field]").fill("ace of hearts")
    expect(tokens).to_have_text("5 of 77 tokens")
    page.locator("[data-field]").fill("ace of hearts " * 30)
    expect(tokens).to_contain_text(
        "92 of 77 tokens: nothing is read behind “…hearts ace of hearts”"
    )
    page.keyboard.press("Escape")
    expect(tokens).to_contain_text("80 of 77 tokens")


def test_what_another_admin_wrote_meanwhile_is_said_and_nothing_is_lost(
    page: Page, visitor: Visitor, live_server: Any
) -> None:
    image = captioned(2)[-1]
    opened(page, live_server)
    expect(text(page)).to_have_text("caption 1")
    review_actions.accept(image.pk, "hers", None, make_admin("anna"))
    page.keyboard.press("e")
    page.locator("[data-field]").fill("mine")
    page.keyboard.press("Enter")
    expect(text(page)).to_have_text("caption 0")
    trouble = page.get_by_role("alert").filter(has_text="changed meanwhile by anna: “hers”")
    expect(trouble).to_be_visible()
    trouble.get_by_role("button", name="Go there").click()
    expect(page.locator("[data-field]")).to_have_value("mine")
    assert caption_of(image) == ("hers", True)
    page.keyboard.press("a")
    eventually(page, lambda: caption_of(image) == ("mine", True))
    assert set(image.labels.values_list("text", flat=True)) == {"caption 1", "hers", "mine"}
    assert len(visitor.errors) == 1
    assert "409" in visitor.errors.pop()


def test_words_that_were_not_saved_wait_where_they_were_written(
    page: Page, live_server: Any
) -> None:
    captioned(2)
    opened(page, live_server)
    page.keyboard.press("e")
    page.locator("[data-field]").fill("half a sent")
    page.locator("[data-go=next]").click()
    expect(text(page)).to_have_text("caption 0")
    page.reload()
    page.keyboard.press("p")
    expect(page.locator("[data-field]")).to_have_value("half a sent")
    page.get_by_role("button", name="Put back").click()
    expect(text(page)).to_have_text("caption 1")
    assert not Label.objects.filter(source="manual").exists()


def test_a_lost_connection_is_said_and_the_decision_is_sent_again(
    page: Page, visitor: Visitor, live_server: Any
) -> None:
    image = captioned(2)[-1]
    opened(page, live_server)
    page.wait_for_load_state("networkidle")
    page.route(f"**{PAGE}{image.pk}/**", lambda route: route.abort())
    page.keyboard.press("a")
    trouble = page.get_by_role("alert").filter(has_text="the connection is lost")
    expect(trouble).to_be_visible()
    assert caption_of(image) == ("caption 1", False)
    page.unroute(f"**{PAGE}{image.pk}/**")
    trouble.get_by_role("button", name="Try again").click()
    eventually(page, lambda: caption_of(image) == ("caption 1", True))
    expect(page.locator("[data-trouble] p")).to_have_count(0)
    assert len(visitor.errors) == 1
    assert "ERR_FAILED" in visitor.errors.pop()


def test_another_caption_is_looked_at_and_accepted(page: Page, live_server: Any) -> None:
    image = furnish()
    opened(page, live_server, f"?image={image.pk}")
    page.keyboard.press("o")
    expect(text(page)).to_have_text("fox, river")
    page.keyboard.press("a")
    eventually(page, lambda: caption_of(image) == ("fox, river", True))
    page.keyboard.press("p")
    page.get_by_text("2 former captions").click()
    page.locator("[data-history] li").filter(has_text="a fox on ice").get_by_role("button").click()
    expect(text(page)).to_have_text("a fox on ice")
    assert caption_of(image) == ("a fox on ice", True)


def test_a_veiled_picture_is_shown_by_a_key(page: Page, live_server: Any) -> None:
    image = make_image(4, rating="ADULT")
    opened(page, live_server, f"?image={image.pk}")
    shown = page.locator(".review-mat img")
    expect(shown).to_have_attribute("alt", re.compile("Blurred"))
    page.keyboard.press("v")
    expect(shown).to_have_attribute("src", re.compile(image.sharp_key))


def test_single_keys_can_be_turned_off(page: Page, live_server: Any) -> None:
    captioned(2)
    opened(page, live_server)
    page.keyboard.press("?")
    page.get_by_label("Single keys do something").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.reload()
    page.keyboard.press("n")
    page.wait_for_timeout(300)
    expect(text(page)).to_have_text("caption 1")
    assert not Label.objects.filter(is_pinned=True).exists()


def test_a_phone_swipes_and_presses(visit: Visit, admin_client: Client) -> None:
    captioned(3)
    page = sign_in(visit("phone"), admin_client).open(PAGE)
    for name in ("Accept", "Edit", "Next", "Previous", "Safe"):
        box = page.get_by_role("button", name=name, exact=True).first.bounding_box()
        assert box is not None
        assert box["height"] >= 40, name
    page.locator(".review-mat").evaluate(SWIPE)
    expect(text(page)).to_have_text("caption 1")
    page.get_by_role("button", name="Accept").tap()
    expect(text(page)).to_have_text("caption 0")


def test_it_works_without_javascript(visit: Visit, admin_client: Client) -> None:
    images = captioned(3)
    visitor = sign_in(visit(java_script_enabled=False), admin_client)
    page = visitor.open(PAGE)
    page.get_by_role("button", name="Accept").click()
    expect(text(page)).to_have_text("caption 1")
    assert caption_of(images[2]) == ("caption 2", True)
    page.locator("summary", has_text="Edit").click()
    page.locator("[data-field]").fill("better")
    page.get_by_role("button", name="Save").click()
    expect(text(page)).to_have_text("caption 0")
    page.get_by_label("Add a tag").fill("fox, owl")
    page.get_by_role("button", name="Add", exact=False).click()
    expect(page.locator("[data-tag]")).to_have_count(2)
    assert caption_of(images[1]) == ("better", True)
    page.goto(f"{visitor.address}{PAGE}?filter=all")
    page.get_by_role("link", name="Next").click()
    expect(text(page)).to_have_text("better")
    page.get_by_role("link", name="Previous").click()
    expect(text(page)).to_have_text("caption 2")
