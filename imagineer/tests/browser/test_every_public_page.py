"""Every public page on phone and desktop, light and dark: no error, no barrier, no overflow.

assert_whole looks at both themes.
"""

import pytest
from playwright.sync_api import Page

from gallery.models import Album, Image, Label, Rating
from gallery.tests.browser.whole import PICTOGRAMS, RIGHT_TO_LEFT, UNBROKEN, assert_whole
from gallery.tests.browser.window import Visit, Visitor
from gallery.tests.factories import make_album, make_image, make_label
from generation.models import GenerationItem, GenerationRun, ImageModel
from generation.tests.factories import make_lora, make_template
from imagineer.jobs.models import Job

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOTH_SIZES = pytest.mark.parametrize("size", ["phone", "desktop"])


def make_pictures() -> list[Image]:
    """A picture with everything said of it, one of no words with a long name, one rated 18+."""
    prompt = "a quiet lake before sunrise " * 30
    told = {"seed": 7, "sampler": UNBROKEN, "loras": [{"name": UNBROKEN, "weight": 0.6}]}
    lake = make_image(1, width=900, height=600, prompt=prompt, generation_params=told)
    card = make_image(2, prompt="ace", negative_prompt="noise", original_name=f"{UNBROKEN}.png")
    adult = make_image(3, rating=Rating.ADULT, prompt="a secret")
    make_image(1, width=450, height=300, prompt=RIGHT_TO_LEFT)
    make_label(lake, "Lake")
    for text in ("lake", UNBROKEN, RIGHT_TO_LEFT, PICTOGRAMS):
        make_label(lake, text, kind=Label.Kind.TAG)
    return [lake, card, adult]


def furnish() -> list[str]:
    """A small gallery with something of everything; the addresses of its pages."""
    lake, card, adult = pictures = make_pictures()
    deck = make_album(
        UNBROKEN, pictures, source_type=Album.Source.BATCH_GENERATION, description=UNBROKEN
    )
    others = [make_album(title, [lake, card]) for title in (RIGHT_TO_LEFT, PICTOGRAMS)]
    nothing = make_album("Nothing yet")
    lora = make_lora("Woodcut", trigger_words=["wdct style", UNBROKEN], description=UNBROKEN)
    long_lora = make_lora(UNBROKEN[:100])
    template = make_template(
        csv=f"name,suit\nAce,{UNBROKEN}\n{UNBROKEN},spades\n", description=RIGHT_TO_LEFT
    )
    job = Job.objects.create(kind="generation.run", title="x", queue="gpu", status="completed")
    run = GenerationRun.objects.create(
        job=job, template=template, album=deck, user_theme=RIGHT_TO_LEFT, is_batch=True
    )
    GenerationItem.objects.create(
        run=run, index=0, name=UNBROKEN, prompt="ace", seed=1, status="done", image=card
    )
    for image in (lake, card):
        for version in (lora, long_lora):
            ImageModel.objects.create(image=image, model_version=version, weight=0.8)
    return [
        "/",
        "/albums/",
        *(album.get_absolute_url() for album in (deck, *others, nothing)),
        f"{deck.get_absolute_url()}?view=spread",
        *(f"{image.get_absolute_url()}?in={deck.slug}" for image in pictures),
        *(f"{image.get_absolute_url()}similar/" for image in (lake, adult)),
        "/tags/",
        *(tag.get_absolute_url() for tag in lake.tags.all()),
        "/search/",
        "/search/?q=ace",
        f"/search/?q=lake+tag:lake+{'nothing' * 30}",
        "/loras/",
        lora.get_absolute_url(),
        long_lora.get_absolute_url(),
        "/templates/",
        template.get_absolute_url(),
        "/accounts/login/",
        "/accounts/signup/",
    ]


@BOTH_SIZES
def test_pages_are_whole_and_open_to_everyone(visit: Visit, size: str) -> None:
    visitor = visit(size)
    for path in furnish():
        page = visitor.open(path)
        assert_whole(page, path)
        assert size != "phone" or small_targets(page) == [], path


def small_targets(page: Page) -> list[str]:
    """Links and buttons outside of running text that are lower than a fingertip is broad."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("a.button, button, a.chip, .site-nav a, .brand,"
             + " .tag-list a, .site-footer a, .facets a")]
             .map((target) => [target.textContent.trim(), target.getBoundingClientRect()])
             .filter(([, box]) => box.width && box.height < 40)
             .map(([words, box]) => `${words}: ${box.height}`)"""
    )
    return found


@pytest.mark.parametrize("choice", ["hide", "show"])
@BOTH_SIZES
def test_pages_are_whole_whatever_is_chosen(visit: Visit, size: str, choice: str) -> None:
    pictures = make_pictures()
    album = make_album("Boats", pictures)
    closed = make_album("Only adults", pictures[2:])
    visitor = choose(visit(size), choice)
    for path in (
        "/",
        album.get_absolute_url(),
        closed.get_absolute_url(),
        pictures[2].get_absolute_url(),
        "/search/?q=secret",
    ):
        assert_whole(visitor.open(path), f"{path} under {choice}")


def choose(visitor: Visitor, choice: str) -> Visitor:
    visitor.context.add_cookies([{"name": "nsfw", "value": choice, "url": visitor.address}])
    return visitor


@BOTH_SIZES
def test_pages_that_say_no_are_whole(visit: Visit, size: str) -> None:
    visitor = visit(size)
    for path, status in (("/albums/none/", 404), ("/search/?q=rating:none", 400)):
        assert_whole(visitor.open(path), path)
        assert f"status of {status}" in visitor.errors.pop()


@BOTH_SIZES
def test_empty_pages_are_whole(visit: Visit, size: str) -> None:
    visitor = visit(size)
    for path in ("/", "/albums/", "/tags/", "/search/?q=fox", "/loras/", "/templates/"):
        assert_whole(visitor.open(path), path)


def test_the_phones_menu_is_open_to_everyone(visit: Visit) -> None:
    page = visit("phone").open("/")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Albums").wait_for()
    assert_whole(page, "the menu")
    page.get_by_role("link", name="Albums").click()
    page.wait_for_url("**/albums/")


def test_a_phone_narrows_a_search_down(visit: Visit) -> None:
    make_pictures()
    page = visit("phone").open("/search/?q=lake")
    page.get_by_text("Narrow down").click()
    page.locator(".facets").get_by_role("link", name="lake").first.wait_for()
    assert_whole(page, "the facets")
