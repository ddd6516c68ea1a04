"""Every public page on phone and desktop, light and dark: no error, no barrier, no overflow."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from gallery.models import Album, Label, Rating
from gallery.tests.browser.window import Theme, Visit
from gallery.tests.factories import make_album, make_image, make_label
from generation.models import GenerationItem, GenerationRun, ImageModel
from generation.tests.factories import make_lora, make_template
from imagineer.jobs.models import Job

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "a word_that_does_not_end_" + "x" * 120
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def furnish() -> list[str]:
    """A small gallery with something of everything; the addresses of its pages."""
    prompt = "a quiet lake before sunrise " * 30
    lake = make_image(1, width=900, height=600, prompt=prompt, generation_params={"seed": 7})
    card = make_image(2, prompt="ace", negative_prompt="noise", original_name=f"{LONG}.png")
    adult = make_image(3, rating=Rating.ADULT)
    make_label(lake, "Lake")
    make_label(lake, LONG, kind=Label.Kind.TAG)
    deck = make_album(
        LONG, [lake, card, adult], source_type=Album.Source.BATCH_GENERATION, description=LONG
    )
    lora = make_lora("Woodcut", trigger_words=["wdct style"], description=LONG)
    template = make_template()
    job = Job.objects.create(kind="generation.run", title="x", queue="gpu", status="completed")
    run = GenerationRun.objects.create(job=job, template=template, album=deck, is_batch=True)
    GenerationItem.objects.create(
        run=run, index=0, name="Ace", prompt="ace", seed=1, status="done", image=card
    )
    for image in (lake, card):
        ImageModel.objects.create(image=image, model_version=lora, weight=0.8)
    return [
        "/",
        "/albums/",
        deck.get_absolute_url(),
        f"{deck.get_absolute_url()}?view=spread",
        *(f"{image.get_absolute_url()}?in={deck.slug}" for image in (lake, card, adult)),
        "/loras/",
        lora.get_absolute_url(),
        "/templates/",
        template.get_absolute_url(),
        "/accounts/login/",
        "/accounts/signup/",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pages_are_whole_and_open_to_everyone(visit: Visit, size: str, theme: Theme) -> None:
    visitor = visit(size, theme)
    for path in furnish():
        page = visitor.open(path)
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], f"{path} is wider than the window"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_phones_menu_is_open_to_everyone(visit: Visit, theme: Theme) -> None:
    page = visit("phone", theme).open("/")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Albums").wait_for()
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("link", name="Albums").click()
    page.wait_for_url("**/albums/")


def test_empty_pages_are_whole(visit: Visit) -> None:
    visitor = visit()
    for path in ("/", "/albums/", "/loras/", "/templates/"):
        found = Axe().run(visitor.open(path), options=RULES)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
